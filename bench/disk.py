"""What a disk would hold after a power cut, from the trace of who wrote and synced what.

Worst case by intent: nothing reaches the disk before it was synced, unless the model says so.
A sync covers the writes that had returned before it began. Directory entries are taken to be
durable at once; a disk that lies about syncs is out of scope.
"""

import random
from pathlib import Path

from tracing import Begun, Call, Done, Event

SECTOR = 512


class File:
    """One file: what is surely on the disk, and what is only in the page cache, in order."""

    def __init__(self, durable: bytes = b"") -> None:
        self.durable = bytearray(durable)
        self.cached: list[tuple[int, bytes | None]] = []
        """(offset, bytes) of a write, or (length, None) of a truncation."""

    def sync(self, covered: int) -> None:
        for change in self.cached[:covered]:
            apply(self.durable, *change)
        del self.cached[:covered]


def apply(image: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del image[at:]
        image.extend(bytes(at - len(image)))
        return
    if len(image) < at + len(data):
        image.extend(bytes(at + len(data) - len(image)))
    image[at : at + len(data)] = data


class Disk:
    """The files of one folder as the trace goes by."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.files = {p.name: File(p.read_bytes()) for p in folder.iterdir() if p.is_file()}
        self._names: dict[int, str] = {}
        self._positions: dict[int, int] = {}
        self._covered: dict[int, int] = {}
        self.syncs = 0
        self.writes = 0

    def see(self, event: Event) -> None:
        call = event.call
        if isinstance(event, Begun):
            if call.name in ("fsync", "fdatasync") and call.fd in self._names:
                self._covered[id(call)] = len(self.files[self._names[call.fd]].cached)
            elif call.name == "close":
                self._names.pop(call.fd, None)
            return
        self._done(event)

    def _done(self, event: Done) -> None:
        call = event.call
        if call.result is None or call.result < 0:
            return
        if call.name in ("open", "openat", "creat"):
            self._opened(call)
        elif call.name in ("unlink", "unlinkat"):
            self.files.pop(self._own(call.texts()[0]), None)
        elif call.name.startswith("rename"):
            old, new = (self._own(text) for text in call.texts())
            if old in self.files:
                self.files[new] = self.files.pop(old)
                self._names = {fd: new if n == old else n for fd, n in self._names.items()}
        elif call.name in ("fork", "vfork", "dup", "dup2", "dup3", "pwritev", "writev"):
            if call.name.endswith("fork") or call.fd in self._names:
                raise ValueError(f"{call.name} on a file of the store: this model has no such call")
        elif call.name in ("write", "pwrite64", "ftruncate", "fsync", "fdatasync"):
            self._changed(call)

    def _opened(self, call: Call) -> None:
        name = self._own(call.texts()[0])
        if not name or name.endswith("-shm") or "O_DIRECTORY" in call.args:
            return  # the shared memory index of SQLite is made anew after a crash
        file = self.files.setdefault(name, File())
        if "O_TRUNC" in call.args:
            file.cached.append((0, None))
        self._names[call.result or 0] = name
        self._positions[call.result or 0] = 0

    def _changed(self, call: Call) -> None:
        name = self._names.get(call.fd)
        if name is None:
            return
        file = self.files.setdefault(name, File())
        if call.name == "pwrite64":
            at, data = call.last_number(), call.texts()[0][: call.result]
            file.cached.append((at, data))
            self.writes += 1
        elif call.name == "write":
            at = self._positions[call.fd]
            file.cached.append((at, call.texts()[0][: call.result]))
            self._positions[call.fd] = at + (call.result or 0)
            self.writes += 1
        elif call.name == "ftruncate":
            file.cached.append((call.last_number(), None))
        else:
            file.sync(self._covered.pop(id(call), len(file.cached)))
            self.syncs += 1

    def _own(self, path: bytes) -> str:
        """Name of a file directly in the folder; "" for any other path."""
        folder, _, name = path.decode(errors="replace").rpartition("/")
        return name if folder == self.folder else ""

    def image(self, into: Path, model: str, chance: random.Random) -> None:
        """Write what a power cut at this moment leaves.

        model  "drop": only what was synced. "subset": besides, a random half of what was not,
               the last of it torn at a sector's edge
        """
        for name, file in self.files.items():
            left = bytearray(file.durable)
            if model == "subset":
                kept = [change for change in file.cached if chance.random() < 0.5]
                if kept and (data := kept[-1][1]) is not None and len(data) > SECTOR:
                    sectors = chance.randrange(1, len(data) // SECTOR + 1)
                    kept[-1] = (kept[-1][0], data[: SECTOR * sectors])
                for change in kept:
                    apply(left, *change)
            (into / name).write_bytes(left)
            (into / name).chmod(0o600)
