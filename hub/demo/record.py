"""What the hub made of every specimen: from its record and its status, never from what was sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from hub.control import call
from hub.demo.specimens import Specimen
from hub.ledger import LedgerReader
from hub.model import Reading

GONE = ("port_lost", "device_offline")
"""What the hub notes when a port is gone, or a device (or the broker for it) says that it is."""


@dataclass(slots=True)
class Sight:
    """One instrument as it stands.

    newest   its newest reading of the quantity that it is here for
    good     when the newest good one came, hub time; 0 before the first
    goods    good readings so far
    state    the hub's word for the instrument, where it has one: ok, lost and so on
    reason   what the hub says of it, in its words
    signs    everything else that was said of it: qualities, notices, names of drops -> the latest
             hub time at which it was
    """

    specimen: Specimen
    newest: Reading | None = None
    readings: int = 0
    good_us: int = 0
    goods: int = 0
    state: str = ""
    reason: str = ""
    signs: dict[str, int] = field(default_factory=dict)
    drops: Mapping[str, int] = field(default_factory=dict)

    def said(self, sign: str, since_us: int) -> bool:
        """Whether *sign* was seen after *since_us*."""
        return self.signs.get(sign, 0) > since_us

    @property
    def word(self) -> str:
        """How it stands, in one word: a state other than ok, else the quality it sends."""
        if self.state not in ("", "ok"):
            return self.state
        newest = self.newest
        if newest is None:
            return "starting"
        return next((sign for sign in GONE if self.said(sign, newest.at_us)), newest.quality)

    @property
    def cause(self) -> str:
        """The sign that came last since its newest reading, and says why none came; may be ""."""
        since_us = self.newest.at_us if self.newest else 0
        later = {sign: at_us for sign, at_us in self.signs.items() if at_us > since_us}
        later.pop("instrument_lost", None)
        return max(later, key=lambda sign: later[sign], default="")

    def hear(self, reading: Reading) -> None:
        """Take one reading from the record."""
        if reading.quantity != self.specimen.quantity:
            return
        self.newest = reading
        self.readings += 1
        if reading.quality == "good":
            self.good_us = reading.at_us
            self.goods += 1
        else:
            self.signs[reading.quality] = reading.at_us


class Record:
    """Follows the ledger of a running hub, and asks for its status. For one thread; a context."""

    def __init__(self, state_dir: Path, socket: Path, specimens: Iterable[Specimen]) -> None:
        self.sights = {one.name: Sight(one) for one in specimens}
        self._socket = socket
        self._folder = f"{state_dir.parent}/"
        self._reader = LedgerReader(state_dir)
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def look(self, now_us: int) -> None:
        """Bring every sight up to date. Raises OSError when the hub does not answer."""
        for entry in self._reader.entries(self._next):
            self._next = entry.index + 1
            if entry.kind == "readings":
                for reading in entry.block().readings:
                    if sight := self.sights.get(reading.instrument):
                        sight.hear(reading)
            elif entry.kind == "notice":
                self._note(entry.record())
        status = call(self._socket, "status")
        for line in status["lines"].values():
            for name, now in line.items():
                if sight := self.sights.get(name):
                    self._stand(sight, now, now_us)
                    # Every port of the demo is in its folder, which says nothing of the port.
                    sight.reason = sight.reason.replace(self._folder, "")

    def _note(self, notice: Mapping[str, Any]) -> None:
        """A notice is of an instrument, of its line, or of a device that its link names."""
        named = notice["detail"].partition(":")[0].split("/")
        for sight in self.sights.values():
            where = sight.specimen.where
            of_line = notice["subject"] == where and notice["what"].startswith("port_")
            of_device = notice["subject"] == where and sight.specimen.name in named
            if notice["subject"] == sight.specimen.name or of_line or of_device:
                sight.signs[notice["what"]] = notice["at_us"]

    @staticmethod
    def _stand(sight: Sight, now: Mapping[str, Any], now_us: int) -> None:
        sight.state, sight.reason = now["state"], now["reason"]
        for name, times in now["drops"].items():
            if times > sight.drops.get(name, 0):
                sight.signs[name] = now_us
        sight.drops = now["drops"]
