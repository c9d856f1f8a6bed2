"""A process that writes a ledger and takes orders on its standard input, for the store's tests.

append N   N readings, one commit each: "ACK <index>", or "FAULT <state> <text>" and no more
verdict    one verdict: "ACK <index>" or "FAULT …"
recover    "RECOVERED <yes|no> <state> landed=<bool>"
fill       fill the disk to the last byte; drain takes it back; each answers "DONE"
ro, rw     mount the folder read-only, or writable again: "DONE"
reopen     close and open again: "OPEN <state>"
verify     "VERIFY <True|False> <size>"
"""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from hub.clock import HubClock
from hub.errors import Fault
from hub.ledger import Ledger, encode_block, verify
from hub.model import Intake, Reading


def say(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


class Writer:
    def __init__(self, folder: Path, reserve_mib: int) -> None:
        self.folder, self.reserve_mib = folder, reserve_mib
        self.clock = HubClock()
        self.filler = folder / "filler"
        self.ledger = self.opened()

    def opened(self) -> Ledger:
        ledger = Ledger.open(self.folder, self.clock, "writer", reserve_mib=self.reserve_mib)
        say("OPEN", ledger.state)
        return ledger

    def append(self, count: str = "1") -> None:
        for n in range(int(count)):
            at_us = self.clock.now_us()
            reading = Reading("g", "S", "point_gas", str(n), "%LEL", Decimal(n), "%LEL", at_us)
            if not self.put("readings", encode_block([Intake("m", b"%d" % n, at_us, (reading,))])):
                return

    def verdict(self) -> None:
        self.put("verdict", b'{"verdict":"PASS"}')

    def put(self, kind: str, body: bytes) -> bool:
        try:
            with self.ledger.transaction() as tx:
                index = tx.append(kind, body, self.clock.now_us())
        except Fault as e:
            say("FAULT", self.ledger.state, type(e).__name__, e)
            return False
        say("ACK", index)
        return True

    def recover(self) -> None:
        taken = "yes" if self.ledger.try_recover() else "no"
        say("RECOVERED", taken, self.ledger.state, f"landed={self.ledger.landed}")

    def fill(self) -> None:
        with self.filler.open("wb", buffering=0) as file:
            for step in (65536, 4096, 1):
                try:
                    while file.write(b"x" * step) == step:
                        pass
                except OSError:
                    continue  # full for this step; a smaller one may still fit
        say("DONE")

    def drain(self) -> None:
        self.filler.unlink()
        say("DONE")

    def remount(self, how: str) -> None:
        self.ledger.close()
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.folder)], check=True)
        self.ledger = self.opened()

    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = self.opened()

    def verify(self) -> None:
        report = verify(self.folder)
        say("VERIFY", report.ok, report.head.size, report.first_bad or "")


def main() -> None:
    writer = Writer(Path(sys.argv[1]), int(sys.argv[2]))
    for line in sys.stdin:
        word, *rest = line.split()
        if word in {"ro", "rw"}:
            writer.remount(word)
        else:
            getattr(writer, word)(*rest)
    writer.ledger.close()


if __name__ == "__main__":
    main()
