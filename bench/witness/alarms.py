"""Notes when each reading at or over the work limit has become durable.

`readings_recorded` is told on the judging thread right after the commit that also held the alarm.
This costs the hub a look at the readings and one `write` per alarm; polling the ledger from
outside would cost more on a small box and know less. Lines of "SEQ NANOSECONDS" go to the file
named by GASHUB_BENCH_STAMPS; the time is CLOCK_MONOTONIC, which all processes share.
"""

import os
import time
from collections.abc import Sequence
from decimal import Decimal

from hub import Intake, hookimpl

LIMIT = Decimal(20)

_out = os.open(os.environ["GASHUB_BENCH_STAMPS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


@hookimpl
def readings_recorded(intakes: Sequence[Intake]) -> None:
    now_ns = time.monotonic_ns()
    for intake in intakes:
        for reading in intake.readings:
            if reading.canonical is not None and reading.canonical >= LIMIT:
                os.write(_out, f"{reading.seq} {now_ns}\n".encode())
