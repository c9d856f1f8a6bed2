"""Every recorded message read again by the driver that read it, where that very driver is here.

A driver is the same when its digest is. A message that cannot be read again is counted with the
reason, and is no fault: its bytes and its readings are proved all the same, only not that the one
is the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from hub.again import difference
from hub.bundle.container import ENTRIES, MANIFEST
from hub.bundle.contents import Contents, body_of
from hub.bundle.finding import NotGood, Report
from hub.bundle.manifest import DriverNote
from hub.errors import BadFrame, ConfigError, NeedsEarlier
from hub.inventory import driver, rebuilt
from hub.ledger import Entry
from hub.ledger.block import Block
from hub.model import Kept, LineDriverKind, Reading, ReadsAgain
from hub.registry import Registry


class Reader(NamedTuple):
    """What reads the messages of one source again; without `driver`, `why_not` says why."""

    driver: ReadsAgain | None
    whole: bool = False
    why_not: str = ""


def check_frames(
    contents: Contents, registry: Registry, named: Sequence[DriverNote], report: Report
) -> None:
    """Raises NotGood naming the first message that means something else than is recorded; or when
    the manifest has *named* other drivers than those that the record names.
    """
    read_by = ReadBy()
    readers: dict[str, Reader] = {}
    for entry in contents.of("parts", "readings"):
        if entry.kind == "parts":
            read_by.see(entry)
            readers = {}
            continue
        if entry.body is None:
            report.not_shown["blocks of readings: erased"] += 1
            continue
        block = block_of(entry)
        read_by.see_block(block)
        report.counts["readings"] += len(block.readings)
        for at, recorded in by_frame(block):
            source = block.frames[at].source
            name = _part(read_by.told, source)[0]
            if name not in readers:
                readers[name] = _reader(read_by.told, source, registry)
            if why := _read_again(block, at, recorded, readers[name], entry):
                report.not_shown[f"messages not read again: {why}"] += 1
            else:
                report.counts["messages read again"] += 1
    if read_by.notes() != list(named):
        raise NotGood("manifest", "drivers: are not those of the messages in it", MANIFEST)


class ReadBy:
    """The drivers by which messages with readings were read; show it the entries in order.

    told  what instruments are read with now: body of the newest `parts` entry
    """

    def __init__(self) -> None:
        self.told: Mapping[str, Any] = {}
        self._found: dict[tuple[str, ...], DriverNote] = {}

    def see(self, entry: Entry) -> None:
        """Take note of a `parts` entry or a block; others do not matter."""
        if entry.kind == "parts":
            self.told = body_of(entry) if entry.body is not None else {}
        elif entry.kind == "readings" and entry.body is not None and self.told:
            self.see_block(block_of(entry))

    def see_block(self, block: Block) -> None:
        for source in {block.frames[link].source for link in block.links}:
            _, part = _part(self.told, source)
            if part is not None:
                driver = self.told["drivers"][part["kind"]]
                note = DriverNote(kind=part["kind"], **driver)
                self._found[note.kind, note.plugin, note.version, note.sha256] = note

    def notes(self) -> list[DriverNote]:
        return [self._found[key] for key in sorted(self._found)]


def block_of(entry: Entry) -> Block:
    """Raises NotGood for a body that is no block"""
    try:
        return entry.block()
    except ValueError as wrong:
        raise NotGood("entry", str(wrong), ENTRIES, entry.index) from None


def by_frame(block: Block) -> Iterator[tuple[int, list[Reading]]]:
    """(position of a message in its block, its readings), of every message that has some."""
    found: dict[int, list[Reading]] = {}
    for reading, link in zip(block.readings, block.links, strict=True):
        found.setdefault(link, []).append(reading)
    yield from sorted(found.items())


def _part(told: Mapping[str, Any], source: str) -> tuple[str, Mapping[str, Any] | None]:
    """Name and description of the instrument or link that a source is of; None: nobody knows."""
    instruments, links = told.get("instruments", {}), told.get("links", {})
    if source in instruments:
        return source, instruments[source]
    name = source.partition(" ")[0]
    return name, links.get(name)


def _reader(told: Mapping[str, Any], source: str, registry: Registry) -> Reader:
    name, part = _part(told, source)
    if not told:
        return Reader(None, why_not="recorded before drivers and settings were")
    if part is None:
        return Reader(None, why_not="the record knows no driver of their source")
    kind = part["kind"]
    then = told["drivers"][kind]
    known = registry.drivers.get(kind)
    if known is None or driver(registry, kind)["sha256"] != then["sha256"]:
        called = f"{then['plugin']} {then['version'] or '(no version)'} {then['sha256'][:12]}"
        return Reader(None, why_not=f"driver {called} is not here")
    try:
        made = rebuilt(known, name, part["settings"])
    except ConfigError as wrong:
        return Reader(None, why_not=f"the driver cannot be built again: {wrong}")
    if not isinstance(made, ReadsAgain):
        return Reader(None, why_not=f"driver {then['plugin']} does not read recorded messages")
    return Reader(made, isinstance(known, LineDriverKind))


def _read_again(
    block: Block, at: int, recorded: Sequence[Reading], reader: Reader, entry: Entry
) -> str:
    """Why a message cannot be read again; "" when it was, and came out as recorded."""
    if reader.driver is None:
        return reader.why_not
    frame = block.frames[at]
    kept = Kept(frame.source, frame.raw, frame.at_us, recorded[0].serial)
    try:
        differs = difference(reader.driver, kept, recorded, whole=reader.whole)
    except NeedsEarlier:
        return "they mean nothing without those before them"
    except BadFrame as wrong:
        differs = f"it is no message of its driver: {wrong}"
    if differs:
        what = f"message {at} of {frame.source}, read again: {differs}"
        raise NotGood("frame", what, ENTRIES, entry.index)
    return ""
