"""Records: registers as queries over the one ledger. Reads, and nothing else.

Nothing of a running hub imports this: a gateway that exports nothing stays small.
"""

from typing import Final

from hub.records.export import export, lines
from hub.records.hazards import HAZARDS
from hub.records.inspection import INSPECTION
from hub.records.period import Period, period_of
from hub.records.purge import PURGE
from hub.records.record import Record
from hub.records.refused import REFUSED
from hub.records.register import Register
from hub.records.repair import REPAIR
from hub.records.table import Table
from hub.records.words import Words

__all__ = ["REGISTERS", "Period", "Record", "Register", "Table", "Words", "export", "lines",
           "period_of"]  # fmt: skip

REGISTERS: Final = {one.name: one for one in (PURGE, INSPECTION, REPAIR, HAZARDS, REFUSED)}
