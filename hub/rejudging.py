"""Re-judging: what would another rule pack say of a recorded attempt?

The first verdict is never touched, and what is said here releases nothing. A pack need not have
been in force on the day of the test: the question is what it says of the same readings.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from hub.attempt import Attempt
from hub.clock import iso, local_day
from hub.errors import CommandRefused
from hub.ledger import LedgerReader, Transaction
from hub.packs import keep_pack
from hub.registry import Registry
from hub.replaying import Decided, decided, plain
from hub.rulepack import RulePack

Difference = Mapping[str, Any]
"""`at` (dotted place in the verdict), `was`, `is`; null where there is nothing."""
_NO_PLACE: Final = frozenset({"sentence"})


class Second(NamedTuple):
    """What *pack* says of an attempt that was decided before.

    in_force  whether the pack was in force when the attempt was opened
    """

    first: Decided
    verdict: Mapping[str, Any]
    in_force: bool
    differences: Sequence[Difference]

    def as_row(self, pack: RulePack) -> dict[str, Any]:
        """For a screen or a program."""
        return {
            "order": self.first.attempt.number,
            "attempt": self.first.attempt.id,
            "verdict_id": self.first.record["id"],
            "first": self.first.record["verdict"]["verdict"],
            "second": self.verdict["verdict"],
            "rule_pack": f"{pack.id} {pack.version}",
            "in_force": self.in_force,
            "differences": list(self.differences),
        }


def judged_by(attempt: Attempt, pack: RulePack) -> dict[str, Any]:
    """The verdict of *pack* on what an attempt has seen, its days of validity left aside."""
    timeless = pack.model_copy(update={"valid_from": date.min, "valid_until": None})
    return plain(attempt.judge(timeless))


def seconds(
    reader: LedgerReader, registry: Registry, pack: RulePack, wanted: str = ""
) -> Iterator[Second]:
    """Judge decided attempts by *pack*, from the ledger alone.

    wanted  attempt id, verdict id or order number; "" for all
    raises  CommandRefused when nothing answers to *wanted*
    """
    for first in decided(reader, registry, wanted):
        verdict = judged_by(first.attempt, pack)
        in_force = pack.in_force(local_day(first.attempt.opened_us))
        yield Second(first, verdict, in_force, differences(first.record["verdict"], verdict))


def rejudge(
    state_dir: Path, registry: Registry, pack: RulePack, wanted: str = ""
) -> list[dict[str, Any]]:
    """`seconds`, as rows; nothing is written."""
    with LedgerReader(state_dir) as reader:
        return [second.as_row(pack) for second in seconds(reader, registry, pack, wanted)]


def record(tx: Transaction, second: Second, pack: RulePack, by: str, now_us: int) -> int:
    """Set a second verdict beside the first, once for each attempt and pack; returns its entry.

    raises  CommandRefused when *by* is not in the register of staff
    """
    id = second.first.attempt.id
    row = tx.sql.execute(
        "SELECT entry FROM second_verdicts WHERE attempt=? AND pack=?", (id, pack.sha256)
    ).fetchone()
    if row is not None:
        return int(row[0])
    if tx.sql.execute("SELECT 1 FROM staff WHERE id=?", (by,)).fetchone() is None:
        raise CommandRefused(
            f"nobody {by!r} is in the register of staff; a second verdict is answered for by "
            "somebody: `gashub staff put ID`, or see `gashub staff list`"
        )
    first = second.first
    number = first.attempt.number
    body = {
        "attempt": id,
        "order": number,
        "first": first.record["id"],
        "first_entry": first.entry,
        "pack_sha256": keep_pack(tx, pack, now_us),
        "in_force": second.in_force,
        "by": by,
        "at": iso(now_us),
        "verdict": second.verdict,
        "differences": list(second.differences),
    }
    entry = tx.append("second_verdict", body, now_us, {"order": number, "attempt": id})
    tx.sql.execute("INSERT INTO second_verdicts VALUES (?,?,?)", (id, pack.sha256, entry))
    return entry


def differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Where two verdicts say different things; their sentences are left out."""
    before, after = dict(_places(was)), dict(_places(now))
    return [
        {"at": at, "was": before.get(at), "is": after.get(at)}
        for at in sorted(before.keys() | after.keys())
        if before.get(at) != after.get(at)
    ]


def _places(value: Mapping[str, Any], below: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if not below and key in _NO_PLACE:
            continue
        if isinstance(inner, Mapping):
            yield from _places(inner, f"{below}{key}.")
        else:
            yield f"{below}{key}", inner
