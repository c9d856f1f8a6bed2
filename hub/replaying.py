"""Replay: judge what the ledger holds again, by the same rules, and compare."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from hub.attempt import Attempt
from hub.errors import CommandRefused
from hub.ledger import LedgerReader
from hub.ledger.canonical import canonical
from hub.orders import from_record
from hub.procedures import Verdict
from hub.rebuilding import rebuild
from hub.registry import Registry


class Decided(NamedTuple):
    """An attempt as it was when it was decided, fed again from the ledger.

    record  body of the verdict's entry, which is number `entry`
    """

    attempt: Attempt
    record: Mapping[str, Any]
    entry: int


def decided(reader: LedgerReader, registry: Registry, wanted: str = "") -> Iterator[Decided]:
    """The decided attempts that answer to *wanted*, in the order of their verdicts.

    wanted  attempt id, verdict id or order number; "" for all
    raises  CommandRefused when nothing answers to *wanted*
    """
    rows = reader.sql.execute(
        "SELECT id, number, test, pack, opened_us, opened_entry, verdict_entry"
        " FROM attempts WHERE state='decided'"
        " AND (?1='' OR id=?1 OR verdict_id=?1 OR number=?1) ORDER BY verdict_entry",
        (wanted,),
    ).fetchall()
    if wanted and not rows:
        raise CommandRefused(f"no decided attempt answers to {wanted!r}; see `order list`")
    for id, number, test, pack, opened_us, opened_entry, entry in rows:
        record = reader.sql.execute(
            "SELECT record FROM orders WHERE number=?", (number,)
        ).fetchone()
        order = from_record(orjson.loads(record[0]))
        attempt = rebuild(
            reader, registry, id, order.find(test), pack, opened_us, opened_entry, entry
        )
        yield Decided(attempt, reader.read(entry).record(), entry)


def replay_verdicts(state_dir: Path, registry: Registry, wanted: str = "") -> list[dict[str, Any]]:
    """Judge decided attempts again, from nothing but the record.

    Each result names the verdict, what replay came to, and whether the two are the same in
    canonical form, the sentence left out: its wording may be mended, what it says may not change.
    So must the rows be those that were judged then.
    raises  as `decided`
    """
    with LedgerReader(state_dir) as reader:
        return [_replayed(one) for one in decided(reader, registry, wanted)]


def _replayed(one: Decided) -> dict[str, Any]:
    told, again = one.record["verdict"], one.attempt.judge()
    same_rows = one.record.get("rows_sha256") in (None, one.attempt.digest())
    return {
        "order": one.attempt.number,
        "attempt": one.attempt.id,
        "verdict_id": one.record["id"],
        "recorded": told["verdict"],
        "replayed": again.verdict,
        "same": same_rows and judged(told) == judged(plain(again)),
    }


def plain(verdict: Verdict) -> dict[str, Any]:
    """A verdict as it stands in the record, in JSON's types."""
    found: dict[str, Any] = orjson.loads(canonical(verdict.to_dict()))
    return found


def judged(verdict: Mapping[str, Any]) -> bytes:
    """Canonical form of all that a verdict says but for its sentence."""
    return canonical({key: value for key, value in verdict.items() if key != "sentence"})
