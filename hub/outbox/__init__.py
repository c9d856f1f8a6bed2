"""The outbox: parcels on their way to sinks, from the ledger's transaction to the receipt.

The hub uses `Outbox`. Commands use `retry` and `replay` inside a transaction, and the functions
of `hub.outbox.listing` on any read-only connection.
"""

from hub.outbox.again import replay, retry
from hub.outbox.outbox import Consignee, Outbox
from hub.outbox.terms import Terms

__all__ = ["Consignee", "Outbox", "Terms", "replay", "retry"]
