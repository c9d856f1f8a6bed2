"""A folder that is watched for files with orders.

A file is read when it has not changed for `quiet_s`. Its reply is on the disk, in `replies/`,
before the file is moved to `done/` (or `refused/`, when no row of it was taken). A kill at any
moment leaves either a file that is handed over again, which changes nothing, or one that is done.
"""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Final

import structlog

from hub.clock import Clock
from hub.inbox import csv_rows, json_rows, xlsx_rows
from hub.inbox.desk import Ask, HubAway, hand_over, reply
from hub.inbox.row import Row, Unreadable
from hub.inbox_settings import FolderSettings
from hub.ledger.keys import sync_folder

log = structlog.get_logger()

LOOK_EVERY_S: Final = 0.5
REST_S: Final = 2.0
"""After the hub, or the folder, was not there."""
MOST_FILES: Final = 1000
"""Looked at in one turn; the others have theirs when these are gone."""
MOST_OF_NAME: Final = 200
MOST_OF_KIND: Final = 20
KINDS_READ: Final = (".json", ".csv", ".xlsx")
LEFT_ALONE: Final = (".part", ".tmp", "~")
Stamp = tuple[int, int]


class FolderInbox:
    """One folder; the body of a thread."""

    def __init__(self, name: str, settings: FolderSettings, ask: Ask, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._folder = Path(settings.folder)
        self._ask = ask
        self._clock = clock
        self._steady: dict[str, tuple[Stamp, int]] = {}
        self._trouble = ""

    def run(self, stop: Event) -> None:
        """Take files until *stop* is set."""
        while not stop.is_set():
            try:
                path = self._next()
                if path is not None:
                    self._take(path)
            except HubAway as away:
                self._say(str(away))
                self._clock.wait(stop, REST_S)
                continue
            except OSError as fault:  # without the file's name: it may be somebody's
                self._say(f"{self._folder}: {fault.strerror}")
                self._clock.wait(stop, REST_S)
                continue
            self._say("")
            if path is None:
                self._clock.wait(stop, LOOK_EVERY_S)

    def _say(self, trouble: str) -> None:
        if bool(trouble) != bool(self._trouble):
            word = log.warning if trouble else log.info
            word("inbox_waits" if trouble else "inbox_back", inbox=self._name, why=trouble)
        self._trouble = trouble

    def _next(self) -> Path | None:
        """A file that has not changed for `quiet_s`; the first by name."""
        now_us = self._clock.now_us()
        for name in ("done", "refused", "replies"):
            (self._folder / name).mkdir(exist_ok=True)
        steady: dict[str, tuple[Stamp, int]] = {}
        ready: list[str] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or name.endswith(LEFT_ALONE) or len(steady) >= MOST_FILES:
                    continue
                if not entry.is_file(follow_symlinks=False):
                    continue
                stamp = _stamp(entry.stat(follow_symlinks=False))
                was, since_us = self._steady.get(name, (stamp, now_us))
                steady[name] = (stamp, since_us if was == stamp else now_us)
                if was == stamp and now_us - since_us >= self._settings.quiet_s * 1e6:
                    ready.append(name)
        self._steady = steady
        return self._folder / min(ready) if ready else None

    def _take(self, path: Path) -> None:
        stamp, _ = self._steady.pop(path.name)
        fault, outcomes, data = "", [], b""
        try:
            with path.open("rb") as file:
                data = file.read(self._settings.largest_bytes + 1)
        except PermissionError:
            fault = "this user may not read it; give it to the group of the inbox and send it again"
        if _stamp(path.stat()) != stamp:
            return  # somebody goes on writing it
        try:
            if not fault:
                outcomes = hand_over(self._ask, self._name, self._rows(path, data))
        except Unreadable as wrong:
            fault = str(wrong)
        except HubAway:
            raise
        except Exception as bug:  # of this file alone: the others have their turn
            log.exception("inbox_file_failed", inbox=self._name)
            fault = f"it cannot be read ({type(bug).__name__}); see the log of gashub-inbox"
        mark = sha256(data).hexdigest()[:12]
        self._write(
            f"{_cut(path.name)}.{mark}.json", reply(_shown(path.name), data, outcomes, fault)
        )
        if path.exists() and _stamp(path.stat()) == stamp:
            good = any(one.result == "taken" for one in outcomes)
            place = self._folder / ("done" if good else "refused")
            target = place / path.name
            if target.exists():
                suffix = path.suffix if path.suffix.lower() in KINDS_READ else ""
                target = place / f"{_cut(path.stem)}.{mark}{suffix}"
            path.rename(target)
            sync_folder(place)
            sync_folder(self._folder)
        log.info("inbox_file", inbox=self._name, sha256=mark, rows=len(outcomes),
                 taken=sum(one.result == "taken" for one in outcomes))  # fmt: skip

    def _rows(self, path: Path, data: bytes) -> list[Row]:
        settings = self._settings
        if len(data) > settings.largest_bytes:
            raise Unreadable(f"larger than {settings.largest_bytes} bytes; send several files")
        decoders: dict[str, Callable[[bytes], list[Row]]] = {
            ".json": json_rows.rows,
            ".csv": lambda given: csv_rows.rows(given, settings.encoding, settings.delimiter),
            ".xlsx": xlsx_rows.rows,
        }
        decode = decoders.get(path.suffix.lower())
        if decode is None:
            known, kind = ", ".join(decoders), _shown(path.suffix)[:MOST_OF_KIND] or "(none)"
            raise Unreadable(f"a file of kind {kind}; taken are {known}")
        return decode(data)

    def _write(self, name: str, text: bytes) -> None:
        """The reply, on the disk before the file is moved."""
        target = self._folder / "replies" / name
        part = target.with_name(f".{name}.part")
        with part.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        sync_folder(target.parent)


def _cut(name: str) -> str:
    """*name*, short enough that something can stand after it: a file's name has 255 bytes."""
    return _shown(name).encode()[:MOST_OF_NAME].decode("utf-8", "ignore")


def _shown(name: str) -> str:
    """*name* as text: on a disk a name is bytes, which need not be UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_size, found.st_mtime_ns
