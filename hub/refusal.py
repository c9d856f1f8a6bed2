"""Settings that were refused, in words: place, value, rule and remedy, one line for each mistake.

A key that stands in a list of tables is told with its table ("topics number 2"), and held
against the keys of that table. A value is never shown where the name of a secret belongs:
people paste the secret itself there.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from hub.near import guess, nearest
from hub.settings import names_secret

LONGEST_VALUE = 80
_QUOTED = re.compile(r"'([^']*)'")


class Place(NamedTuple):
    """Where a mistake is: `where` is the table, `key` the key in it ("" for the table itself).

    known   keys that the table may have; field: the setting, if there is one of that name
    """

    where: str
    key: str
    known: tuple[str, ...]
    field: FieldInfo | None


def explain(invalid: ValidationError, model: type[BaseModel], where: str) -> list[str]:
    """One line for each mistake, without the file's name."""
    faults = invalid.errors(include_url=False)
    # A list with a bad entry is said to be too short as well: only the entry is the mistake.
    real = [
        fault
        for fault in faults
        if not any(
            len(other["loc"]) > len(fault["loc"])
            and other["loc"][: len(fault["loc"])] == fault["loc"]
            for other in faults
        )
    ]
    placed = [(locate(model, fault["loc"], where), fault) for fault in real]
    misspelt = {
        (place.where, near)
        for place, fault in placed
        if fault["type"] == "extra_forbidden"
        if (near := nearest(_last(place), place.known))
    }
    return [
        f"{place.where}: {_words(place, fault)}"
        for place, fault in placed
        if not (fault["type"] == "missing" and (place.where, place.key) in misspelt)
    ]


def suggestion(word: str, known: Iterable[str]) -> str:
    """A remedy for a word that is not one of *known*."""
    names = sorted(known)
    near = nearest(word, names)
    return f'did you mean "{near}"?' if near else f"known: {', '.join(names) or 'none'}"


def locate(model: type[BaseModel], loc: Sequence[int | str], where: str) -> Place:
    """Follow pydantic's path through tables in tables to the one that a person must look at."""
    inside: list[type[BaseModel]] = [model]
    key: list[str] = []
    owner, field = model, None
    for part in loc:
        if isinstance(part, int):
            where, key = f"{where} {'.'.join(key)} number {part + 1}", []
        elif (chosen := _tagged(inside, part)) is not None:
            inside, owner = [chosen], chosen
        else:
            key.append(part)
            if inside:
                owner = inside[0]
                field = _field(owner, part)
            inside = [] if field is None else _models(field.annotation)
    return Place(where, ".".join(key), tuple(owner.model_fields), field)


def _last(place: Place) -> str:
    return place.key.rsplit(".", maxsplit=1)[-1]


def _words(place: Place, fault: Any) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    message = str(fault["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f'no setting "{place.key}"; {suggestion(_last(place), place.known)}'
    if kind == "missing":
        return f'"{place.key}" is missing; it is mandatory: {_purpose(place.field)}'
    if kind == "union_tag_not_found":
        (key,) = _QUOTED.findall(context["discriminator"])
        return f'"{key}" is missing; it is mandatory: it says what the other keys are'
    if kind == "union_tag_invalid":
        words = _QUOTED.findall(context["expected_tags"])
        (key,) = _QUOTED.findall(context["discriminator"])
        return f'"{key}" is {context["tag"]!r}; {_one_of(context["tag"], words)}'
    if not place.key:
        return f"{message}; {_purpose(place.field)}" if place.field else message
    value = _shown(fault.get("input"), place.field)
    if kind == "literal_error" and isinstance(fault.get("input"), str):
        words = _QUOTED.findall(context["expected"])
        return f'"{place.key}" is {value}; {_one_of(fault["input"], words)}'
    if kind == "value_error" and value in message:
        return f'"{place.key}": {message}'
    return f'"{place.key}" is {value}: {message}; {_purpose(place.field)}'


def _one_of(word: str, words: Sequence[str]) -> str:
    return f"use one of {', '.join(words)}{guess(word, words)}"


def _shown(value: object, field: FieldInfo | None) -> str:
    if names_secret(field):
        return "no name of a secret (not shown)"
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def _purpose(field: FieldInfo | None) -> str:
    if field is None:
        return "see the sample config"
    example = f", for example {field.examples[0]!r}" if field.examples else ""
    return (field.description or "see the sample config").rstrip(".") + example


def _field(model: type[BaseModel], name: str) -> FieldInfo | None:
    """By its name, or by the alias that the file uses."""
    for known, field in model.model_fields.items():
        if name in (known, field.alias):
            return field
    return None


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The tables that a setting of this type may hold, however it is wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _tagged(models: Sequence[type[BaseModel]], tag: str) -> type[BaseModel] | None:
    """Of several kinds of table the one that calls itself *tag*."""
    for model in models if len(models) > 1 else ():
        if any(tag in get_args(field.annotation) for field in model.model_fields.values()):
            return model
    return None
