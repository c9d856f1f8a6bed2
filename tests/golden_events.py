"""Writes golden events for a new version of the contract. They are then kept for ever.

    .venv/bin/python -m tests.golden_events

writes `docs/schemas/golden/VERSION/`. What is there already is not written again: other people
test their receivers with it. Verdicts are those of the worked cases in `tests/cases`, with their
readings moved to the time of the story. Together the events of a version are what one gateway could
have sent, in the order of their `ledger.size`.
"""

import csv
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from hub.clock import HandClock, iso
from hub.events import CONTRACT, Event, alarm_event, verdict_event
from hub.happenings import filing_event, hub_event, news_event, notice_event
from hub.judgement import judge_files
from hub.ledger import Ledger, Transaction
from hub.model import Notice
from hub.simulate.scribe import sample_record

ROOT: Final = Path(__file__).parent.parent
CASES: Final = ROOT / "tests" / "cases"
GOLDEN: Final = ROOT / "docs" / "schemas" / "golden"
GATEWAY: Final = "gw-7"
AT_US: Final = 1_796_000_000_123_456
MINUTE_US: Final = 60_000_000
TEST: Final = timedelta(minutes=20)
"""How long an attempt takes, from its opening to its verdict: longer than any of the cases."""
VERDICTS: Final = {
    "verdict-fail": "FAIL", "verdict-inconclusive": "INCONCLUSIVE", "verdict-aborted": "ABORTED",
    "verdict-pass": "PASS",
}  # fmt: skip
"""Attempts at one test, in the order in which they are told."""
_TESTS: Final = (
    {"id": "01M8Q6X3V0TEST000000000001", "step": "indoor", "procedure": "indoor_hold"},
    {"id": "01M8Q6X3V0TEST000000000002", "step": "screen", "procedure": "laser_screen"},
    {"id": "01M8Q6X3V0TEST000000000003", "step": "riser", "procedure": "riser_hold"},
)
_AMENDED: Final = (
    *_TESTS[:2],
    {"id": "01M8Q6X3V0TEST000000000004", "step": "purge", "procedure": "purge_complete"},
)
_TRIED_OUT: Final = (
    {"id": "01M8Q6X3V0TEST000000000005", "step": "indoor", "procedure": "indoor_hold"},
)
_DONE: Final = (
    {"id": "01M8Q6X3V0TEST000000000007", "step": "indoor", "procedure": "indoor_hold"},
    {"id": "01M8Q6X3V0TEST000000000008", "step": "screen", "procedure": "laser_screen"},
)
_LATE: Final = ({"id": "01M8Q6X3V0TEST000000000009", "step": "indoor", "procedure": "indoor_hold"},)
_ATTEMPT: Final = "01M8Q6X3V0ATTEMPT000000001"
_JOB: Final = {"order": "2026-2001", "kind": "residential_purge", "user_class": "residential"}
_REPAIR: Final = {"order": "2026-2003", "kind": "repair", "user_class": "commercial"}
_VISIT: Final = {"order": "2026-3001", "kind": "inspection", "user_class": "residential"}
_HAZARD: Final = {
    "order": "2026-3001-H1", "kind": "hazard", "user_class": "residential", "code": "L1-1",
    "level": "1", "parent": "2026-3001",
}  # fmt: skip
_TRIAL: Final = {**_VISIT, "order": "2026-3009", "trial": True}
_DUE: Final = {"next_due_at": timedelta(days=7)}
_LEAK_DUE: Final = {"next_due_at": timedelta(hours=8)}
"""From the event on. Its order's `due_at` is that moment, and the story waits for it."""
_FILED: Final = {"channel": "filing", "records": 12, "period": "2026-10"}
_LATER: Final = {**_FILED, "period": "2026-11"}


def _asked(number: str, what: str, tests: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    return {
        "order": number, "what": what, "procedures": [one["procedure"] for one in tests],
        "tests": tests,
    }  # fmt: skip


def _filing(at: int) -> str:
    return f"01M8Q6X3V0F1J1NG{at:010d}"


def _order_id(number: str) -> str:
    return f"01M8Q6X3V00RDER{''.join(filter(str.isdigit, number)):0>11}"


STORY: Final[Sequence[tuple[str, str, Any]]] = (
    ("hub-started", "start", None),
    # An order of tests, until it is given up
    ("order-accepted-tests", "news", _asked("2026-1184", "opened", _TESTS)),
    *((name, "verdict", ("2026-1184", _TESTS[0], {})) for name in VERDICTS),
    ("verdict-screened", "verdict", ("2026-1184", _TESTS[1], {})),
    ("order-amended", "news", _asked("2026-1184", "amended", _AMENDED)),
    ("order-cancelled", "news", _asked("2026-1184", "cancelled", _AMENDED)),
    # One that is only tried out
    (
        "order-accepted-trial", "news",
        {**_asked("2026-1190", "opened", _TRIED_OUT), "trial": True},
    ),
    ("verdict-trial", "verdict", ("2026-1190", _TRIED_OUT[0], {"trial": True})),
    # An order that is done, and one that was cancelled when it would have been
    ("order-accepted-done", "news", _asked("2026-1185", "opened", _DONE)),
    ("verdict-done", "verdict", ("2026-1185", _DONE[0], {})),
    ("verdict-done-screened", "verdict", ("2026-1185", _DONE[1], {})),
    ("order-accepted-late", "news", _asked("2026-1186", "opened", _LATE)),
    ("verdict-late", "verdict", ("2026-1186", _LATE[0], {})),
    ("order-cancelled-late", "news", _asked("2026-1186", "cancelled", _LATE)),
    # A purge that is given up
    ("order-accepted", "news", {**_JOB, "what": "opened", "phase": "planned"}),
    (
        "job-step", "news",
        {**_JOB, "what": "step", "step": "arrive", "clause": "1.5.1-1.5.5", "phase": "on_site",
         "answers": {"consent": "yes"}},
    ),
    (
        "verdict-of-job", "verdict",
        ("2026-2001", {"id": "01M8Q6X3V0TEST000000000006", "step": "indoor_hold"},
         {"attempt": _ATTEMPT}),
    ),
    (
        "job-test", "news",
        {**_JOB, "what": "test", "step": "indoor_hold", "clause": "1.6.1", "phase": "on_site",
         "verdict": "INCONCLUSIVE", "attempt": _ATTEMPT},
    ),
    (
        "job-signal", "news",
        {**_JOB, "what": "signal", "step": "gas_alarm", "clause": "1.6.2", "phase": "stopped",
         "tells": "dispatch"},
    ),
    (
        "job-given-up", "news",
        {**_JOB, "what": "step", "step": "give_up", "clause": "1.1.2", "phase": "ended",
         "answers": {"safe": "yes"}, "ended": "given_up"},
    ),
    # A repair, from its end
    ("order-accepted-repair", "news", {**_REPAIR, "what": "opened", "phase": "reported", **_DUE}),
    (
        "job-done", "news",
        {**_REPAIR, "what": "step", "step": "close", "clause": "4.4.3", "phase": "ended",
         "ended": "done"},
    ),
    (
        "order-refused", "news",
        {"order": "2026-2002", "what": "refused",
         "reasons": [{"key": "open_point", "clause": "1.6.2"}]},
    ),
    # An inspection: nobody at home, then a hazard is found, and closed after its time
    ("order-accepted-inspection", "news", {**_VISIT, "what": "opened", "phase": "planned"}),
    (
        "visit-absent", "news",
        {**_VISIT, "what": "step", "step": "visit", "clause": "3.2.1, 3.2.2, 3.2.3",
         "phase": "planned", "answers": {"outcome": "absent"}, "outcome": "absent"},
    ),
    (
        "job-hazard-found", "news",
        {**_VISIT, "what": "step", "step": "items", "clause": "3.5.1", "phase": "inside",
         "hazards": ["L1-1"]},
    ),
    (
        "hazard-opened", "news",
        {**_HAZARD, "what": "opened", "phase": "open", **_LEAK_DUE},
    ),
    (
        "visit-inspected", "news",
        {**_VISIT, "what": "step", "step": "done", "clause": "3.3.3-5", "phase": "ended",
         "ended": "inspected", "outcome": "inspected"},
    ),
    (
        "notice-hazard", "news",
        {**_HAZARD, "what": "deadline", "step": "leak", "clause": "5.3.4", "phase": "open",
         "tells": "dispatch", "due_at": "as told"},
    ),
    (
        "hazard-advanced", "news",
        {**_HAZARD, "what": "step", "step": "notice", "clause": "5.3.4, 3.8.1", "phase": "noticed",
         "answers": {"risk": "yes", "signed": "refused"}},
    ),
    (
        "hazard-closed", "news",
        {**_HAZARD, "what": "step", "step": "close", "clause": "5.3.5", "phase": "ended",
         "ended": "closed"},
    ),
    # An inspection that is only tried out, and the hazard that it opens
    ("order-accepted-trial-job", "news", {**_TRIAL, "what": "opened", "phase": "planned"}),
    (
        "hazard-trial", "news",
        {**_HAZARD, "order": "2026-3009-H1", "parent": "2026-3009", "trial": True,
         "what": "opened", "phase": "open", **_DUE},
    ),
    ("alarm-raised", "alarm", "raised"),
    ("alarm-cleared", "alarm", "cleared"),
    ("instrument-lost", "notice", ("pm-1", "instrument_lost", "no reading for 2 s")),
    ("instrument-back", "notice", ("pm-1", "instrument_back", "after 61 s")),
    ("instrument-changed", "notice", ("pm-1", "identity_changed", "S-1 -> S-2")),
    ("hub-line-lost", "notice", ("line-a", "port_lost", "unplugged")),
    ("", "wait", timedelta(hours=2)),
    ("hub-clock-stepped", "notice", ("clock", "clock_step", "moved by +7200.0 s")),
    # A filing that is rejected, and the one that corrects it
    ("filing-prepared", "filing",
     {**_FILED, "filing": _filing(1), "state": "prepared", "stands": "prepared"}),
    ("filing-queued", "filing",
     {**_FILED, "filing": _filing(1), "state": "approved", "stands": "queued"}),
    ("filing-submitted", "filing",
     {**_FILED, "filing": _filing(1), "state": "submitted", "stands": "submitted",
      "receipt": "sha256:0f"}),
    ("filing-rejected", "filing",
     {**_FILED, "filing": _filing(1), "state": "rejected", "stands": "rejected",
      "reasons": ["division_code"]}),
    ("filing-replaces", "filing",
     {**_FILED, "filing": _filing(2), "state": "prepared", "stands": "prepared",
      "replaces": _filing(1)}),
    ("filing-corrected", "filing",
     {**_FILED, "filing": _filing(1), "state": "corrected", "stands": "corrected"}),
    ("filing-unknown", "filing",
     {**_FILED, "filing": _filing(2), "state": "submitted_unknown",
      "stands": "submitted_unknown", "replaces": _filing(1)}),
    ("filing-accepted", "filing",
     {**_FILED, "filing": _filing(2), "state": "accepted", "stands": "accepted",
      "receipt": "GZ-2026-000471", "replaces": _filing(1)}),
    ("", "wait", timedelta(days=3)),  # into December
    # One that the authority has already, one that is given up, and a period for which none came
    ("filing-duplicate", "filing",
     {**_FILED, "filing": _filing(3), "state": "duplicate", "stands": "duplicate_of",
      "duplicate_of": _filing(2)}),
    ("filing-discarded", "filing",
     {**_LATER, "filing": _filing(4), "state": "prepared", "stands": "discarded"}),
    ("filing-overdue", "filing",
     {**_LATER, "filing": "filing 2026-11", "state": "prepared", "stands": "none",
      "records": 0, "overdue": True, "due_at": "2026-12-10T16:00:00.000000Z"}),
)  # fmt: skip
"""Name, sort and content of each event, as one gateway could have sent them, in this order."""


def events() -> Iterator[tuple[str, Event]]:
    """Every golden event by its name, as the hub of today makes it."""
    cases = dict(_cases())
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder), HandClock(AT_US), GATEWAY)
        try:
            with ledger.transaction() as tx:
                for name, sort, what, at_us in _timed():
                    yield name, _told(tx, name, sort, what, at_us, cases)
        finally:
            ledger.close()


def _timed() -> Iterator[tuple[str, str, Any, int]]:
    """The story with the time of each event, and each due date as the time that it is."""
    at_us = AT_US
    due: dict[str, int] = {}
    for name, sort, what in STORY:
        if sort == "wait":
            at_us += _us(what)
            continue
        if sort == "verdict":
            at_us += _us(TEST)
        told = what
        if isinstance(what, Mapping):
            number = what.get("order", "")
            if "next_due_at" in what:
                due[number] = at_us + _us(what["next_due_at"])
                told = {**what, "next_due_at": iso(due[number])}
            if "due_at" in what:
                passed_us = due.get(number) or _at_us(what["due_at"])
                told = {**what, "due_at": iso(passed_us)}
                at_us = max(at_us, passed_us + MINUTE_US)
        yield name, sort, told, at_us
        at_us += MINUTE_US


def _told(
    tx: Transaction, name: str, sort: str, what: Any, at_us: int, cases: Mapping[str, Path]
) -> Event:
    at = iso(at_us)
    match sort:
        case "verdict":
            number, test, more = what
            begun_us = at_us - _us(TEST)
            answer = {**_judged(cases[_CASE_OF.get(name, name)], begun_us), "number": number}
            begun = {"order": number, "test": test["id"], "opened_at": iso(begun_us)}
            opened = tx.append("attempt", begun, begun_us)
            record = {
                **sample_record(number, at_us, **answer), **begun, "step": test["step"],
                "order_id": _order_id(number), "opened_entry": opened, **more,
            }  # fmt: skip
            entry = tx.append("verdict", record, at_us)
            return verdict_event(GATEWAY, {**record, "entry": entry}, tx.checkpoint())
        case "alarm":
            alarm = _alarm(what, at)
            entry = tx.append("alarm", alarm, at_us)
            return alarm_event(GATEWAY, alarm, entry, tx.checkpoint())
        case "news":
            told = {**what, "at": at}
            entry = tx.append("job_event", told, at_us)
            return news_event(GATEWAY, told, entry, tx.checkpoint())
        case "notice":
            notice = Notice(at_us, *what)
            entry = tx.append("notice", notice._asdict(), at_us)
            return notice_event(GATEWAY, notice, entry, tx.checkpoint())
        case "filing":
            told = {**what, "at": at}
            entry = tx.append("filing", told, at_us)
            return filing_event(GATEWAY, told, entry, tx.checkpoint())
        case _:
            given = GATEWAY, "hub", GATEWAY, "started", at
            entry = tx.append("start", {"trusted": True}, at_us)
            return hub_event(*given, entry, tx.checkpoint(), clock_trusted=True)


_CASE_OF: Final = {
    "verdict-trial": "verdict-pass", "verdict-of-job": "verdict-inconclusive",
    "verdict-done": "verdict-pass", "verdict-done-screened": "verdict-screened",
    "verdict-late": "verdict-pass",
}  # fmt: skip
"""Verdict -> the one that has the same case."""


def _cases() -> Iterator[tuple[str, Path]]:
    """The first of the worked cases for each word, and for a screen that found nothing."""
    wanted = {word: name for name, word in VERDICTS.items()} | {"no_anomaly": "verdict-screened"}
    for case in sorted(path for path in CASES.iterdir() if path.is_dir()):
        answer = judge_files(case / "order.json", case / "readings.csv")
        found = answer.get("outcome") or answer["verdict"]
        if found in wanted and answer["procedure"] in ("indoor_hold", "laser_screen"):
            yield wanted.pop(found), case


def _judged(case: Path, begun_us: int) -> Mapping[str, Any]:
    """What a worked case comes to where its readings begin at *begun_us*."""
    rows = list(csv.DictReader(io.StringIO((case / "readings.csv").read_text("utf-8"))))
    first_us = _at_us(rows[0]["at"])
    for row in rows:
        row["at"] = iso(begun_us + _at_us(row["at"]) - first_us)
    with tempfile.TemporaryDirectory() as folder:
        readings = Path(folder, "readings.csv")
        with readings.open("w", newline="", encoding="utf-8") as file:
            moved = csv.DictWriter(file, list(rows[0]))
            moved.writeheader()
            moved.writerows(rows)
        return judge_files(case / "order.json", readings)


def _us(time: timedelta) -> int:
    return time // timedelta(microseconds=1)


def _at_us(text: str) -> int:
    return _us(datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00:00Z"))


def _alarm(state: str, at: str) -> Mapping[str, Any]:
    return {
        "id": f"01M8Q6X3V0A1ARM000000000{state[:1].upper()}1", "state": state,
        "instrument": "gas-1", "serial": "S-1", "quantity": "gas",
        "value": "20.0" if state == "raised" else "4.0", "unit": "%LEL", "quality": "good",
        "at": at, "clause": "4.4.9", "rule_pack": "default 2026.11.4",
    }  # fmt: skip


def main() -> None:
    folder = GOLDEN / CONTRACT
    folder.mkdir(parents=True, exist_ok=True)
    for name, event in events():
        file = folder / f"{name}.json"
        if not file.exists():
            file.write_bytes(event.body)
    print(len(list(folder.iterdir())), "golden events of", json.dumps(CONTRACT))


if __name__ == "__main__":
    main()
