"""What a configuration may say, and probably does not mean: warnings of `gashub check`.

Nothing here stops a start. Each doubt names file, table, what was seen and what to do.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hub.clock import HubClock
from hub.config import Config, load_config
from hub.credentials import inline, is_name, misplaced, missing
from hub.errors import ConfigError
from hub.filing.codes import check_digit_fits
from hub.filing.settings import FilingSinkSettings
from hub.model import NamesInstruments
from hub.parts import Parts, nowhere
from hub.settings import names_secret


def look_over(path: Path) -> tuple[str, list[str]]:
    """A line that says what the configuration has, and its warnings. No port is touched.

    raises  ConfigError with a line for every fault
    """
    config = load_config(path)
    parts = Parts(config, HubClock(), nowhere)
    found = doubts(config, parts)
    summary = (
        f"{path}: good{f', with {len(found)} warning(s)' if found else ''}. "
        f"{len(parts.lines)} line(s) with {len(parts.line_instruments)} instrument(s), "
        f"{len(parts.links)} link(s), {len(parts.consignees) + len(parts.followers)} sink(s), "
        f"rule pack {parts.pack.id} {parts.pack.version}"
    )
    return summary, found


def doubts(config: Config, parts: Parts) -> list[str]:
    """The warnings for one checked configuration, in the order of its tables."""
    told = [*of_instruments(config, parts)]
    for where, settings in parts.settings.items():
        told += _secrets(where, settings)
        if isinstance(settings, FilingSinkSettings):
            told += _filing(where, settings)
    return [f"{config.path}: {doubt}" for doubt in told]


def _filing(where: str, settings: FilingSinkSettings) -> Iterator[str]:
    """What keeps a sink from filing, or its filings from being taken."""
    from hub.filing.profile import load_profile  # noqa: PLC0415  only who files

    if not check_digit_fits(settings.credit_code):
        yield (
            f"{where}: the check digit of credit_code does not fit GB 32100; look at it again (a "
            "few true codes do not fit)"
        )
    try:
        profile = load_profile(settings.profile)
    except ConfigError as wrong:
        yield f"{where}: {wrong}"
        return
    way = profile.transport.kind
    if settings.transport not in ("", way):
        yield (
            f"{where}: the transport of {settings.profile} is {way!r}, and this sink's is "
            f"{settings.transport!r}, so that it would pause at the first filing; use kind = "
            f'"filing_{way}", or change [transport] in a copy of the profile'
        )
    kept = [name for name in ("signature", "envelope") if name in profile.model_fields_set]
    if way == "folder" and kept:
        yield (
            f"{where}: {settings.profile} says {' and '.join(kept)}, and what goes into a folder "
            "is neither signed nor sealed; take it out, or file by https or sftp"
        )
    if settings.division_code not in profile.divisions:
        yield (
            f"{where}: division_code {settings.division_code} is not among the divisions of "
            f"{settings.profile}: {', '.join(profile.divisions)}"
        )


def known_names(config: Config, parts: Parts) -> frozenset[str]:
    """Every instrument that the configuration mentions: facts, lines, and what links name."""
    linked = (name for link in parts.links.values() for name in _of_link(link)[0])
    return frozenset((*config.facts(), *parts.line_instruments, *linked))


def _of_link(link: object) -> tuple[frozenset[str], bool]:
    """The names that a link's settings mention, and whether its messages may bring others."""
    return link.instruments() if isinstance(link, NamesInstruments) else (frozenset(), True)


def of_instruments(config: Config, parts: Parts) -> Iterator[str]:
    """Instruments that nothing reads, and instruments that nothing is known of."""
    facts = config.facts()
    links = [_of_link(link) for link in parts.links.values()]
    if not any(others for _, others in links):
        read = {*parts.line_instruments, *(name for names, _ in links for name in names)}
        for name in facts:
            if name not in read:
                yield (
                    f'instrument "{name}": no line reads it and no link brings it, so nothing will '
                    "arrive under this name; correct the name here or there, or remove the table"
                )
    for name, line in parts.line_instruments.items():
        if name not in facts:
            yield (
                f'line "{line}" instrument "{name}": no [[instrument]] says what it is, so each '
                "order must carry its range, resolution and calibration; else its verdict is "
                f'INCONCLUSIVE. Add [[instrument]] with name = "{name}"'
            )


def _secrets(where: str, settings: BaseModel) -> Iterator[str]:
    for key, field in type(settings).model_fields.items():
        value = getattr(settings, key)
        if not names_secret(field):
            if any(inline(text) for text in _texts(value)):
                yield (
                    f'{where}: "{key}" carries a secret (not shown); whoever reads the file reads '
                    "it too. Take it out, and change it where it is in use"
                )
            continue
        for name in _texts(value):
            why = missing(name)
            if why and not is_name(name):
                yield (
                    f'{where}: "{key}" holds {misplaced(name)}; put it into a file that the unit '
                    "loads with LoadCredential, write that file's name here, and change the secret"
                )
            elif why:
                yield f'{where}: "{key}": {why}'


def _texts(value: Any) -> Iterator[str]:
    """Every text in a setting, however deep; "" is none."""
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, BaseModel):
        yield from _texts(dict(value))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _texts(one)
