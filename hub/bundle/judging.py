"""Every verdict judged again from the bundle alone: the same rows, the same words."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hub.attempt import Attempt
from hub.bundle.container import ENTRIES
from hub.bundle.contents import Contents, body_of
from hub.bundle.finding import NotGood, Report
from hub.clock import iso
from hub.errors import CommandRefused
from hub.ledger import Entry
from hub.ledger.canonical import canonical
from hub.orders import Test, from_record
from hub.procedures import ProcedureKind
from hub.rebuilding import EVIDENCE, refill
from hub.rejudging import differences, judged_by
from hub.replaying import judged, plain
from hub.rulepack import RulePackError, lean_pack


class Seen(NamedTuple):
    """An attempt as it was when it was decided, fed again from the bundle."""

    attempt: Attempt
    opened: Entry
    record: Mapping[str, Any]


class NotJudged(Exception):
    """It cannot be judged here; the text says why."""


def check_verdicts(
    contents: Contents, procedures: Mapping[str, ProcedureKind], report: Report
) -> None:
    """Raises NotGood naming the first verdict that does not follow from its evidence."""
    for entry in contents.of("verdict"):
        try:
            seen = seen_by(contents, procedures, entry)
        except NotJudged as why:
            report.not_shown[f"verdicts not judged again: {why}"] += 1
            continue
        _check_frame(contents, entry, seen)
        again = plain(seen.attempt.judge())
        if judged(again) != judged(seen.record["verdict"]):
            raise _differs(entry, seen.record["verdict"], again)
        if again["sentence"] != seen.record["verdict"]["sentence"]:
            report.not_shown["sentences of verdicts: another version words them otherwise"] += 1
        report.counts["verdicts judged again"] += 1
    for entry in contents.of("second_verdict"):
        _second(contents, procedures, entry, report)


def rejudged(
    contents: Contents, procedures: Mapping[str, ProcedureKind]
) -> Iterator[tuple[str, bytes]]:
    """(verdict id, the verdict as it comes out again in canonical form), of all that can be."""
    for entry in contents.of("verdict"):
        seen = seen_by(contents, procedures, entry)
        yield seen.record["id"], canonical(plain(seen.attempt.judge()))


def seen_by(contents: Contents, procedures: Mapping[str, ProcedureKind], verdict: Entry) -> Seen:
    """Feed the attempt behind a verdict again.

    raises  NotJudged when something that it takes is erased or not installed; NotGood when
            something that it names is not in the bundle
    """
    if verdict.body is None:
        raise NotJudged("the verdict was erased")
    record = body_of(verdict)
    opened = contents.one(record["opened_entry"], "attempt")
    if opened.index >= verdict.index:
        raise NotGood("verdict", "comes before its attempt was opened", ENTRIES, verdict.index)
    test = _test(contents, record, opened)
    kind = procedures.get(test.procedure)
    if kind is None:
        raise NotJudged(f"procedure {test.procedure} is not installed here")
    evidence = list(contents.between(opened.index, verdict.index, *EVIDENCE))
    if any(entry.body is None for entry in evidence):
        raise NotJudged("some of its readings or events were erased")
    pack = contents.packs.get(record["pack_sha256"])
    if pack is None or pack.index > verdict.index:
        what = f"its rule pack {record['pack_sha256']} is not in the bundle before it"
        raise NotGood("verdict", what, ENTRIES, verdict.index)
    try:
        rules = lean_pack(pack.body or b"")
    except RulePackError as wrong:
        raise NotJudged(f"its rule pack cannot be read by this version: {wrong}") from None
    attempt = Attempt(
        record["attempt"], record["order"], test, kind, rules, opened.at_us, opened.index
    )
    return Seen(refill(attempt, evidence), opened, record)


def _test(contents: Contents, record: Mapping[str, Any], opened: Entry) -> Test:
    """The test as it was ordered when the attempt was opened."""
    order = contents.newest("order", opened.index, order=record["order"])
    if order is None:
        what = f"order {record['order']} is not in the bundle before it"
        raise NotGood("verdict", what, ENTRIES, opened.index)
    if order.body is None:
        raise NotJudged("its order was erased")
    try:
        return from_record(body_of(order)).find(record["test"])
    except CommandRefused as wrong:
        raise NotGood("verdict", str(wrong), ENTRIES, order.index) from None


def _check_frame(contents: Contents, entry: Entry, seen: Seen) -> None:
    """What a verdict's record says besides the verdict, against attempt, order and rows."""
    record, attempt = seen.record, seen.attempt
    order = contents.newest("order", seen.opened.index, order=attempt.number)
    opening = body_of(seen.opened) if seen.opened.body is not None else {}
    told = {
        "attempt": opening.get("attempt", record["attempt"]),
        "order": opening.get("order", record["order"]),
        "order_id": body_of(order)["id"] if order is not None else "",
        "step": attempt.test.step,
        "test": opening.get("test", attempt.test.id),
        "section": str((attempt.test.spec.get("section") or {}).get("id", "")),
        "serials": dict(attempt.serials),
        "opened_at": iso(seen.opened.at_us),
        "decided_at": iso(entry.at_us),
        "decided_us": entry.at_us,
        "pack_sha256": opening.get("pack_sha256", record["pack_sha256"]),
        "rows": len(attempt.rows),
        "rows_sha256": attempt.digest(),
    }
    old = {"rows", "rows_sha256"} - record.keys()
    for name, expected in told.items():
        if name not in old and record.get(name) != expected:
            raise NotGood(
                "verdict",
                f"{name} is {record.get(name)!r}, and what is in the bundle gives {expected!r}",
                ENTRIES,
                entry.index,
            )


def _second(
    contents: Contents,
    procedures: Mapping[str, ProcedureKind],
    entry: Entry,
    report: Report,
) -> None:
    """A verdict by another rule pack, beside the first."""
    if entry.body is None:
        return
    body = body_of(entry)
    first = contents.one(body["first_entry"], "verdict")
    pack = contents.packs.get(body["pack_sha256"])
    if pack is None:
        raise NotGood("verdict", "its rule pack is not in the bundle", ENTRIES, entry.index)
    try:
        seen = seen_by(contents, procedures, first)
        again = judged_by(seen.attempt, lean_pack(pack.body or b""))
    except (NotJudged, RulePackError) as why:
        report.not_shown[f"second verdicts not judged again: {why}"] += 1
        return
    names = {"attempt": seen.attempt.id, "first": seen.record["id"], "order": seen.record["order"]}
    if judged(again) != judged(body["verdict"]) or any(body[n] != names[n] for n in names):
        raise _differs(entry, body["verdict"], again)
    report.counts["second verdicts judged again"] += 1


def _differs(entry: Entry, told: Mapping[str, Any], again: Mapping[str, Any]) -> NotGood:
    """What is recorded is not what the evidence gives."""
    places = differences(told, again)
    first = places[0] if places else {"at": "its attempt", "was": "?", "is": "another"}
    what = (
        f"judged again it is not the same: {first['at']} is recorded as {first['was']!r}, and the "
        f"evidence gives {first['is']!r}"
    )
    return NotGood("verdict", what, ENTRIES, entry.index)
