"""Who is told that a message is durable: the driver it came from, by the name of its link."""

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

from hub.model import Driver, Intake


@runtime_checkable
class TellsRefusals(Protocol):
    """A driver whose receipts can say that the hub would not have it. Any thread calls it."""

    def refused(self, receipt: object, why: str) -> object:
        """The receipt to settle instead, which says *why*."""


class Settling:
    """Hands receipts back to drivers, on the judging thread, after the commit."""

    def __init__(self, drivers: Mapping[str, Driver]) -> None:
        self._drivers = drivers

    def settle(self, intakes: Iterable[Intake]) -> None:
        """Give each driver the receipts of its intakes, in their order."""
        receipts: dict[str, list[object]] = {}
        for intake in intakes:
            if intake.receipt is not None:
                # A source is the link's name, and after a space perhaps where on that link.
                link = intake.source.partition(" ")[0]
                receipts.setdefault(link, []).append(intake.receipt)
        for source, settled in receipts.items():
            self._drivers[source].settle(settled)

    def refused(self, intake: Intake, why: str) -> Intake:
        """*intake* as the drop that the hub makes of it, with a receipt that says *why*."""
        driver, receipt = self._drivers[intake.source.partition(" ")[0]], intake.receipt
        if receipt is not None and isinstance(driver, TellsRefusals):
            receipt = driver.refused(receipt, why)
        return intake._replace(readings=(), dropped="refused", receipt=receipt)
