"""Who hands in what no wire brings: a gauge read by eye, a logger's file, by the real commands."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from hub.demo.specimens import LinkOf, Specimen

_COMMAND_WITHIN_S = 30.0
_READINGS = 4
_PAUSE_S = 2.0
_RECORDED_S = 1 + _READINGS
"""The logger starts after its order is known: an older recording would be refused."""


class Clerk:
    """One person at a terminal, in a thread of its own. `failed` says what was refused.

    A context: left, the thread has ended, and no command of its is under way.
    """

    def __init__(
        self, folder: Path, config: Path, links: Sequence[LinkOf], stop: threading.Event
    ) -> None:
        self.failed: list[str] = []
        self._folder = folder
        self._config = config
        self._links = links
        self._stop = stop
        self._home = threading.Event()
        self._thread = threading.Thread(target=self._work, name="clerk")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._home.set()
        self._thread.join()

    def _work(self) -> None:
        for link in self._links:
            try:
                if link.enters == "manual":
                    self._read_by_eye(link.specimens[0])
                elif link.enters == "imported":
                    self._import(link.specimens[0], link.name)
            except (OSError, subprocess.SubprocessError) as failed:
                self.failed.append(f"{link.name}: {failed}")

    def _read_by_eye(self, gauge: Specimen) -> None:
        number = self._open("manual", gauge, unit="mmH2O", resolution=1)
        for at in range(_READINGS):
            photo = self._folder / f"photo-{at}.jpg"
            photo.write_bytes(f"scale, look {at}".encode())
            self._command(
                "order", "reading", number, "--instrument", gauge.name, "--unit", "mmH2O",
                "--value", str(306 - at % 2), "--operator", "Li Lei", "--photo", str(photo),
            )  # fmt: skip
            if self._home.wait(_PAUSE_S):
                return

    def _import(self, logger: Specimen, link: str) -> None:
        number = self._open("imported", logger, unit="Pa", resolution=1)
        began = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai"))
        self._home.wait(_RECORDED_S)
        rows = [
            f"{began + timedelta(seconds=at):%Y-%m-%d %H:%M:%S},{3000 - at}"
            for at in range(_READINGS)
        ]
        file = self._folder / "logger.csv"
        file.write_text("\n".join(["time,P", *rows]) + "\n", encoding="utf-8")
        self._command("import", str(file), "--order", number, "--as", link)

    def _open(self, source: str, instrument: Specimen, **facts: object) -> str:
        """Add and open an order for *instrument*, so that its readings belong somewhere."""
        number = f"DEMO-{source.upper()}"
        valid = datetime.now(UTC) + timedelta(days=365)
        gauge = {"name": instrument.name, "quantity": "pressure", "range_pa": 10_000, **facts}
        zeroed = {"zero_before_pa": 0, "zero_after_pa": 0}
        order = {
            "number": number,
            "procedure": "indoor_hold",
            "p_design_pa": 5000,
            "source": source,
            "instruments": [{**gauge, **zeroed, "calibrated_until": valid.date().isoformat()}],
        }
        file = self._folder / f"{number}.json"
        file.write_text(json.dumps(order), encoding="utf-8")
        self._command("order", "add", str(file))
        self._command("order", "open", number)
        return number

    def _command(self, *words: str) -> None:
        """`gashub WORDS`. Raises OSError with what it said when it refuses."""
        if self._home.is_set() or self._stop.is_set():
            raise OSError("the demo has ended")
        done = subprocess.run(
            [sys.executable, "-m", "hub", *words, "--config", str(self._config)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_WITHIN_S,
            start_new_session=True,
            env=os.environ,
        )
        if done.returncode:
            raise OSError(f"gashub {' '.join(words[:2])}: {done.stderr.strip()}")
