"""An attempt as it was, fed again from the ledger: after a start, and for a replay."""

from collections.abc import Iterable
from typing import Final

from hub.attempt import Attempt
from hub.ledger import Entry, LedgerReader
from hub.orders import Test
from hub.packs import kept_pack
from hub.registry import Registry
from hub.rulepack import lean_pack

EVIDENCE: Final = ("readings", "event")
"""Kinds of entry that an attempt is fed from."""


def rebuild(
    reader: LedgerReader,
    registry: Registry,
    id: str,
    test: Test,
    pack_sha256: str,
    opened_us: int,
    opened_entry: int,
    until_entry: int | None = None,
) -> Attempt:
    """Feed an attempt again from the ledger, up to but not including *until_entry*."""
    pack = lean_pack(kept_pack(reader.sql, pack_sha256))
    attempt = Attempt(
        id,
        str(test.spec["number"]),
        test,
        registry.procedures[test.procedure],
        pack,
        opened_us,
        opened_entry,
    )
    return refill(attempt, reader.entries(opened_entry + 1, until_entry, kinds=EVIDENCE))


def refill(attempt: Attempt, entries: Iterable[Entry]) -> Attempt:
    """Feed *attempt* from entries of the log, in their order, whoever keeps them.

    entries  of kinds `readings` and `event`, from its opening on; those that are not its own, and
             bodies that were erased, are passed over
    """
    names = set(attempt.instruments)
    for entry in entries:
        if entry.kind == "readings":
            block = entry.block()
            for reading, link in zip(block.readings, block.links, strict=True):
                if reading.instrument in names:
                    attempt.feed(reading, block.frames[link].source)
            for letter in block.dead:
                attempt.dead_letter(letter.source, letter.at_us)
        elif entry.body is not None:
            event = entry.record()
            if event.get("attempt") == attempt.id:
                attempt.event(event["at_us"], event["word"], event["instrument"], event["point"])
    return attempt
