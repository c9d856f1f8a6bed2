"""What a driver is told at start of what is already in the record, so that it takes nothing twice.

A message that was committed but not yet acknowledged when the hub died comes again. A driver
that can recognise it offers `prime`, and gets the newest readings of the record.
"""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from hub.ledger import LedgerReader
from hub.model import Driver, Reading

STRETCH = 256
"""Entries looked at in one step back."""
NEWEST = 5000
"""Readings. More than any link may have in flight (its receive maximum)."""


@runtime_checkable
class Primed(Protocol):
    def prime(self, recent: Iterable[Reading]) -> None: ...


def prime(drivers: Iterable[Driver], reader: LedgerReader) -> None:
    """Show the newest readings, oldest first, to every driver that wants them."""
    wanting = [driver for driver in drivers if isinstance(driver, Primed)]
    if not wanting:
        return
    recent = newest(reader, NEWEST)
    for driver in wanting:
        driver.prime(recent)


def newest(reader: LedgerReader, at_least: int) -> list[Reading]:
    """The newest readings of the record, oldest first: *at_least* so many, if there are."""
    parts: list[tuple[Reading, ...]] = []
    count, until = 0, reader.size()
    while until > 0 and count < at_least:
        first = max(0, until - STRETCH)
        found = [entry.block().readings for entry in reader.entries(first, until, {"readings"})]
        parts[:0] = found
        count += sum(map(len, found))
        until = first
    return [reading for part in parts for reading in part]
