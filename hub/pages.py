"""What is written for people from what the program knows: settings tables and the catalogue.

A plugin's README has its settings between two markers; `docs/instruments.md` lists every model
that a built-in driver reads. `gashub samples --write` writes both, and a test compares.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.model import DriverKind, LineDriverKind
from hub.samples import PLUGINS, chosen, fields_of, folder_of, kinds_of, shown_value

CATALOGUE = PLUGINS.parent / "docs" / "instruments.md"
BEGIN, END = "<!-- settings -->", "<!-- /settings -->"
LEVELS = ("none", "bronze", "silver", "gold")
_BETWEEN = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
_CLAIM = re.compile(r"\blevel: \**(bronze|silver|gold)\b", re.IGNORECASE)
_HEAD = """\
# Instruments

Every model that a built-in driver reads. The level is the plugin's, as `gashub conformance` sees
it: bronze keeps the contract, silver is proved by documented frames, a simulator and its faults,
gold by fuzzing, a soak and a capture from a real device. Written by `gashub samples --write`.
"""


def all_readmes(names: Sequence[str] | None = None) -> Iterator[tuple[Path, str]]:
    """Path and text of each built-in plugin's README, with its settings as they are now.

    names  of these plugins instead, named as in `hub.plugins`
    """
    for module in chosen(names).values():
        path = folder_of(module) / "README.md"
        if path.is_file():
            yield path, with_settings(path.read_text(encoding="utf-8"), module)


def with_settings(readme: str, module: ModuleType) -> str:
    """*readme* with the settings of *module*'s kinds between its markers, if it has them."""
    written = "\n\n".join(settings_table(kind.settings) for kind in kinds_of(module))
    return _BETWEEN.sub(lambda _: f"{BEGIN}\n{written}\n{END}", readme, count=1)


def claimed_level(readme: str) -> str:
    """The level that a README claims as `Level: silver`; "none" when it has no such line."""
    found = _CLAIM.search(readme)
    return found[1].lower() if found else LEVELS[0]


def catalogue() -> str:
    """The page of all models, by quantity and name."""
    rows = []
    for name, module in chosen().items():
        readme = PLUGINS / name / "README.md"
        level = claimed_level(readme.read_text(encoding="utf-8")) if readme.is_file() else "none"
        for kind in kinds_of(module):
            if isinstance(kind, DriverKind | LineDriverKind):
                link = f"[{name}](../plugins/{name}/README.md)"
                rows += [(m.quantity, m.name, m.range, m.link, link, level) for m in kind.models]
    lines = ["| quantity | model | range | link | plugin | level |", "|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in sorted(rows)]
    return f"{_HEAD}\n" + "\n".join(lines) + "\n"


def settings_table(model: type[BaseModel]) -> str:
    """One table for *model*, then one for each model among the values of its settings."""
    lines = ["| setting | default | allowed | meaning |", "|---|---|---|---|"]
    for name, field in fields_of(model):
        default = "**required**" if field.is_required() else _default(field)
        cells = (f"`{field.alias or name}`", default, _allowed(field), field.description or "")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    parts = ["\n".join(lines)]
    for name, field in fields_of(model):
        for inner in models_in(field.annotation):
            first = (inner.__doc__ or inner.__name__).strip().splitlines()[0]
            parts.append(f"In `{name}`: {first}\n\n{settings_table(inner)}")
    return "\n\n".join(parts)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every settings model that *annotation* mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is None or default in ("", (), {}):
        return "none"
    return f"`{shown_value(default)}`"


def _allowed(field: FieldInfo) -> str:
    choices = [
        c for part in (field.annotation, *get_args(field.annotation)) for c in _choices(part)
    ]
    if choices:
        return ", ".join(f"`{shown_value(choice)}`" for choice in choices)
    words = []
    for rule in field.metadata:
        match rule:
            case Ge():
                words.append(f"from {rule.ge}")
            case Gt():
                words.append(f"above {rule.gt}")
            case Le():
                words.append(f"to {rule.le}")
            case Lt():
                words.append(f"below {rule.lt}")
    return ", ".join(words) or _form(field.annotation)


def _choices(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _form(annotation: Any) -> str:
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not type(None)]
    origin = get_origin(annotation)
    if origin in (tuple, list):
        return "list"
    if origin is dict:
        return "table"
    if isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel):
        return "table"
    words = {bool: "`true`, `false`", str: "text", int: "whole number", Path: "path"}
    return words.get(kinds[0], "number")
