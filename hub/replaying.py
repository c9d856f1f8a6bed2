"""Replay: judge what the ledger holds again, by the same rules, and compare."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from hub.errors import CommandRefused
from hub.ledger import LedgerReader
from hub.orders import from_record
from hub.rebuilding import rebuild
from hub.registry import Registry


def replay_verdicts(state_dir: Path, registry: Registry, wanted: str = "") -> list[dict[str, Any]]:
    """Judge decided attempts again, from nothing but the record.

    wanted  attempt id, verdict id or order number; "" for all
    Each result names the verdict, what replay came to, and whether the two are the same in
    canonical form, the sentence left out: its wording may be mended, what it says may not change.
    raises  CommandRefused when nothing answers to *wanted*
    """
    results = []
    with LedgerReader(state_dir) as reader:
        rows = reader.sql.execute(
            "SELECT id, number, test, pack, opened_us, opened_entry, verdict_id, verdict_entry"
            " FROM attempts WHERE state='decided'"
            " AND (?1='' OR id=?1 OR verdict_id=?1 OR number=?1) ORDER BY verdict_entry",
            (wanted,),
        ).fetchall()
        if wanted and not rows:
            raise CommandRefused(f"no decided attempt answers to {wanted!r}; see `order list`")
        for id, number, test, pack, opened_us, opened_entry, verdict_id, entry in rows:
            record = reader.sql.execute(
                "SELECT record FROM orders WHERE number=?", (number,)
            ).fetchone()
            order = from_record(orjson.loads(record[0]))
            attempt = rebuild(
                reader, registry, id, order.find(test), pack, opened_us, opened_entry, entry
            )
            told = reader.read(entry).record()["verdict"]
            again = orjson.loads(
                orjson.dumps(attempt.judge().to_dict(), option=orjson.OPT_SORT_KEYS)
            )
            results.append(
                {
                    "order": number,
                    "attempt": id,
                    "verdict_id": verdict_id,
                    "recorded": told["verdict"],
                    "replayed": again["verdict"],
                    "same": _judged(told) == _judged(again),
                }
            )
    return results


def _judged(verdict: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in verdict.items() if key != "sentence"}
