"""One reading by eye: who read what off which scale, and the hash of the photo that shows it.

The message in the record is the entry itself, as JSON with sorted keys, without the photo's file
name: people name files after customers, and nobody can erase a name from there. The photo's hash
is the reading's `seq` as well: one photo can stand for one reading only.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from threading import Event
from typing import Literal

from hub import BadFrame, Intake, Kept, LinkState, Reading, Site, entered_by, measure
from plugins.manual.settings import ManualSettings

KEYS = ("instrument", "operator", "photo", "photo_sha256", "unit", "value")
LONGEST_TEXT = 200
_SHA256 = re.compile(r"[0-9a-f]{64}")


def decode(entry: bytes, settings: ManualSettings, at_us: int) -> Reading:
    """The reading of one entry, taken at *at_us*.

    entry   JSON object of texts: `instrument`, `value`, `unit`, `operator`, and with a photo its
            file name (`photo`) and SHA-256 (`photo_sha256`, hex)
    raises  BadFrame naming the key, what is wrong and the remedy
    """
    given = _texts(entry)
    name, unit, sha256 = given["instrument"], given["unit"], given["photo_sha256"]
    for key in ("instrument", "value", "unit", "operator"):
        if not given[key].strip():
            raise BadFrame(f'"{key}" is empty; a reading needs it')
    if settings.instruments and name not in settings.instruments:
        raise BadFrame(f"{name!r} is not read by eye here; {', '.join(settings.instruments)} are")
    if unit not in settings.units:
        raise BadFrame(f"unit {unit!r} is not on a scale here; use {', '.join(settings.units)}")
    if sha256 and not _SHA256.fullmatch(sha256):
        raise BadFrame('"photo_sha256" is no SHA-256; give 64 digits of lower case hex')
    if not sha256 and settings.photo == "required":
        raise BadFrame("a photo of the scale is required; give it with --photo FILE")
    reading = measure(
        instrument=name,
        quantity="pressure",
        value=given["value"],
        unit=unit,
        at_us=at_us,
        seq=f"photo-{sha256}" if sha256 else "",
    )
    pa = reading.canonical
    assert pa is not None, "measure gives a good reading its number"
    if not settings.least_pa <= pa <= settings.most_pa:
        raise BadFrame(
            f"{given['value']} {unit} is outside {_plain(settings.least_pa)} to "
            f"{_plain(settings.most_pa)} Pa; look at the scale and the unit again"
        )
    return reading


class ManualDriver:
    """A link at whose other end a person stands. Nothing comes over it by itself."""

    enters: Literal["manual"] = "manual"
    by_memory: frozenset[str] = frozenset()

    def __init__(self, name: str, settings: ManualSettings, site: Site) -> None:
        self._name = name
        self._settings = settings
        self._clock = site.clock
        self._since_us = site.clock.now_us()
        self._never = Event()

    def enter(self, given: Mapping[str, str], at_us: int) -> Intake:
        """The intake of what was typed in. raises BadFrame as `decode`"""
        unknown = sorted(given.keys() - set(KEYS))
        if unknown:
            raise BadFrame(f'unknown key "{unknown[0]}"; known are {", ".join(KEYS)}')
        kept = {key: text for key, text in given.items() if text and key != "photo"}
        entry = json.dumps(kept, ensure_ascii=False, sort_keys=True).encode(errors="replace")
        reading = decode(entry, self._settings, at_us)
        return Intake(entered_by(self._name, "manual"), entry, at_us, (reading,))

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What a recorded entry says."""
        return (decode(kept.frame, self._settings, kept.at_us),)

    def instruments(self) -> tuple[frozenset[str], bool]:
        """The gauges of the settings, and whether there may be others."""
        return frozenset(self._settings.instruments), not self._settings.instruments

    def link_state(self) -> LinkState:
        return LinkState("connected", self._since_us)

    def open(self) -> None:
        return

    def read(self, within_s: float) -> Sequence[Intake]:
        self._clock.wait(self._never, within_s)
        return ()

    def settle(self, receipts: Sequence[object]) -> None:
        return

    def close(self) -> None:
        return


def _texts(entry: bytes) -> dict[str, str]:
    try:
        found = json.loads(entry)
    except (ValueError, RecursionError) as wrong:
        raise BadFrame(f"the entry is not JSON: {wrong}") from wrong
    if not isinstance(found, dict):
        raise BadFrame("the entry is no JSON object")
    given = dict.fromkeys(KEYS, "")
    for key, text in found.items():
        if key not in given:
            raise BadFrame(f'unknown key "{key}"; known are {", ".join(KEYS)}')
        if not isinstance(text, str) or len(text) > LONGEST_TEXT:
            raise BadFrame(f'"{key}" must be text of at most {LONGEST_TEXT} characters')
        given[key] = text
    return given


def _plain(number: Decimal) -> str:
    return format(number, "f")
