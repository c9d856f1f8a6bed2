"""The link for logger files: a folder that is watched, and `gashub import`.

A file of the folder is moved to `done/` or `refused/` only after what became of it is durable.
One that was recorded and not yet moved when the hub died is handed in again, and the hub knows it.
"""

import os
from base64 import b64decode
from collections import deque
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Literal, NamedTuple

from hub import BadFrame, Intake, Kept, LinkDown, LinkState, Reading, Site, entered_by
from plugins.import_file.decode import decode
from plugins.import_file.settings import ImportSettings

LOOK_EVERY_S = 1.0
MOST_FILES = 1000
"""Looked at in one turn; the others have theirs when these are gone."""


class Receipt(NamedTuple):
    """`stamp` is size and time of change when it was read; `refused` is why, or empty."""

    name: str
    stamp: tuple[int, int]
    mark: str
    refused: str


class ImportDriver:
    """`folder` may be empty: then only `enter` is of use."""

    enters: Literal["imported"] = "imported"
    by_memory: frozenset[str] = frozenset()

    def __init__(self, name: str, settings: ImportSettings, site: Site) -> None:
        self._name = name
        self._settings = settings
        self._clock = site.clock
        self._folder = Path(settings.folder) if settings.folder else None
        self._never = Event()
        self._since_us = site.clock.now_us()
        self._look_us = 0
        self._steady: dict[str, tuple[tuple[int, int], int]] = {}
        self._taken: set[str] = set()
        self._settled: deque[Receipt] = deque()

    def enter(self, given: Mapping[str, str], at_us: int) -> Intake:
        """The intake of a file that was handed in: its name (`file`) and bytes (`base64`).

        raises  BadFrame as `decode`
        """
        unknown = sorted(given.keys() - {"file", "base64"})
        if unknown:
            raise BadFrame(f'unknown key "{unknown[0]}"; known are base64, file')
        try:
            data = b64decode(given.get("base64", ""), validate=True)
        except ValueError as wrong:
            raise BadFrame(f'"base64" cannot be read: {wrong}') from None
        readings = decode(data, self._settings, at_us)
        return Intake(self._source(given.get("file", "")), data, at_us, readings)

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What a recorded file says."""
        return decode(kept.frame, self._settings, kept.at_us)

    def settings_to_keep(self) -> ImportSettings:
        """Without the folder, which is no part of what a file says."""
        return self._settings.model_copy(update={"folder": ""})

    def instruments(self) -> tuple[frozenset[str], bool]:
        """Those of the columns, and no others."""
        return frozenset(one.instrument for one in self._settings.columns), False

    def refused(self, receipt: object, why: str) -> object:
        """The receipt of a file that can be read and that the hub will not have."""
        assert isinstance(receipt, Receipt)
        return receipt._replace(refused=why)

    def link_state(self) -> LinkState:
        where = "" if self._folder is None else str(self._folder)
        return LinkState("connected", self._since_us, broker=where)

    def open(self) -> None:
        if self._folder is None:
            return
        try:
            for name in ("done", "refused"):
                (self._folder / name).mkdir(exist_ok=True)
        except OSError as fault:
            raise LinkDown(
                f"{self._folder}: {fault.strerror}; make the folder, writable for the hub's user"
            ) from fault

    def read(self, within_s: float) -> Sequence[Intake]:
        """At most one file, whole. raises OSError when the folder cannot be used"""
        self._put_away()
        path = self._next()
        if path is None:
            self._clock.wait(self._never, within_s)
            return ()
        return [self._take(path)]

    def settle(self, receipts: Sequence[object]) -> None:
        self._settled.extend(one for one in receipts if isinstance(one, Receipt))

    def close(self) -> None:
        self._steady.clear()

    def _source(self, name: str) -> str:
        return entered_by(self._name, "imported", name.encode(errors="replace").decode())

    def _next(self) -> Path | None:
        """A file that has not changed for `quiet_s`; the oldest by name."""
        now_us = self._clock.now_us()
        if self._folder is None or now_us < self._look_us:
            return None
        steady: dict[str, tuple[tuple[int, int], int]] = {}
        ready: list[str] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if len(steady) >= MOST_FILES:
                    break
                name = entry.name
                if name.startswith(".") or name in self._taken:
                    continue
                if not entry.is_file(follow_symlinks=False):
                    continue
                found = entry.stat(follow_symlinks=False)
                stamp = (found.st_size, found.st_mtime_ns)
                was, since_us = self._steady.get(name, (stamp, now_us))
                steady[name] = (stamp, since_us if was == stamp else now_us)
                if was == stamp and now_us - since_us >= self._settings.quiet_s * 1e6:
                    ready.append(name)
        self._steady = steady
        if not ready:
            self._look_us = now_us + round(LOOK_EVERY_S * 1e6)
            return None
        return self._folder / min(ready)

    def _take(self, path: Path) -> Intake:
        name, source, at_us = path.name, self._source(path.name), self._clock.now_us()
        stamp, _ = self._steady.pop(name)
        with path.open("rb") as file:
            data = file.read(self._settings.largest_bytes + 1)
        self._taken.add(name)
        mark = sha256(data).hexdigest()
        try:
            readings = decode(data, self._settings, at_us)
        except BadFrame as wrong:
            refused = Receipt(name, stamp, mark, str(wrong))
            return Intake(source, data, at_us, dead=str(wrong), receipt=refused)
        return Intake(source, data, at_us, readings, receipt=Receipt(name, stamp, mark, ""))

    def _put_away(self) -> None:
        """Move what is durable; a file that was changed meanwhile stays and is read again."""
        while self._settled and self._folder is not None:
            receipt = self._settled[0]
            path = self._folder / receipt.name
            if path.exists():
                found = path.stat()
                if (found.st_size, found.st_mtime_ns) == receipt.stamp:
                    self._move(path, receipt)
            self._taken.discard(receipt.name)
            self._settled.popleft()

    def _move(self, path: Path, receipt: Receipt) -> None:
        place = path.parent / ("refused" if receipt.refused else "done")
        target = place / path.name
        if target.exists():
            target = place / f"{path.stem}.{receipt.mark[:12]}{path.suffix}"
        if receipt.refused:
            target.with_name(f"{target.name}.reason.txt").write_text(
                f"{receipt.refused}\n", encoding="utf-8"
            )
        path.rename(target)
