"""An attempt as it was, fed again from the ledger: after a start, and for a replay."""

from hub.attempt import Attempt
from hub.ledger import LedgerReader
from hub.orders import Test
from hub.registry import Registry
from hub.rulepack import lean_pack


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
    (pack_entry,) = reader.sql.execute(
        "SELECT entry FROM packs WHERE sha256=?", (pack_sha256,)
    ).fetchone()
    pack = lean_pack(reader.read(pack_entry).body or b"")
    attempt = Attempt(
        id,
        str(test.spec["number"]),
        test,
        registry.procedures[test.procedure],
        pack,
        opened_us,
        opened_entry,
    )
    names = set(attempt.instruments)
    for entry in reader.entries(opened_entry + 1, until_entry, kinds=("readings", "event")):
        if entry.kind == "readings":
            block = entry.block()
            for reading, link in zip(block.readings, block.links, strict=True):
                if reading.instrument in names:
                    attempt.feed(reading, block.frames[link].source)
            for letter in block.dead:
                attempt.dead_letter(letter.source, letter.at_us)
        else:
            event = entry.record()
            if event.get("attempt") == id:
                attempt.event(event["at_us"], event["word"], event["instrument"], event["point"])
    return attempt
