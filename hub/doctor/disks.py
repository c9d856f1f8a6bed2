"""The disk under the record: room, writable, lasting, and how long a sync takes."""

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hub.config import HubSettings
from hub.doctor.finding import Finding
from hub.doctor.record import Record
from hub.ledger.store import free_bytes

MIB: Final = 1 << 20
SYNCS: Final = 5
SLOW_MS: Final = 200.0
"""Longer than the shipped commit_linger_ms: readings then wait for the disk and not for others."""
MONTH_S: Final = 30 * 86_400
DAY_US: Final = 86_400_000_000
VOLATILE: Final = frozenset({"tmpfs", "ramfs"})


def look_at_disk(settings: HubSettings, record: Record) -> Iterator[Finding]:
    folder = settings.state_dir
    about, figures = "disk", {"folder": folder}
    try:
        there = folder.is_dir()
    except PermissionError:
        yield Finding(about, "warning", "disk.unseen", figures)
        return
    if not there:
        yield Finding(about, "warning", "disk.absent", figures)
        return
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        yield Finding(about, "broken", "disk.read_only", figures)
        return
    free = free_bytes(folder)
    room = {**figures, "free_mib": free // MIB, "reserve_mib": settings.reserve_mib}
    if free < settings.reserve_mib * MIB:
        yield Finding(about, "broken", "disk.full", room)
    elif (month := month_bytes(record)) and free < settings.reserve_mib * MIB + month:
        yield Finding(about, "warning", "disk.short", {**room, "month_mib": month // MIB})
    else:
        yield Finding(about, "ok", "disk.room", room)
    if (kind := file_system(folder)) in VOLATILE:
        yield Finding(about, "broken", "disk.volatile", {**figures, "kind": kind})
    took_ms = sync_ms(folder)
    if took_ms is None:
        yield Finding(about, "warning", "disk.unmeasured", figures)
    elif took_ms > SLOW_MS:
        yield Finding(about, "warning", "disk.slow", {"ms": f"{took_ms:.0f}"})
    else:
        yield Finding(about, "ok", "disk.sync", {"ms": f"{took_ms:.1f}"})


def month_bytes(record: Record) -> int:
    """How much the record grows in a month, going by what it has grown; 0 when it is too young."""
    if record.first_us is None or record.newest_us is None:
        return 0
    age_us = record.newest_us - record.first_us
    return round(record.size * MONTH_S * 1e6 / age_us) if age_us > DAY_US else 0


def sync_ms(folder: Path) -> float | None:
    """Median time of a write and its sync, into a file that never has a name and leaves none.

    None where the folder takes no such file: not ours to write, or an old file system.
    """
    try:
        file = os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError:
        return None
    took_ms = []
    try:
        for _ in range(SYNCS):
            begun_s = time.perf_counter()
            os.write(file, b"\0" * 4096)
            os.fsync(file)
            took_ms.append((time.perf_counter() - begun_s) * 1000)
    except OSError:
        return None
    finally:
        os.close(file)
    return statistics.median(took_ms)


def file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Type of the file system that *folder* is on; "" where it cannot be told."""
    real = folder.resolve()
    best = ("", "")
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        _, point, kind = line.split()[:3]
        point = point.replace("\\040", " ")
        if real.is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]
