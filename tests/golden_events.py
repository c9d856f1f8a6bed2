"""Writes golden events for a new version of the contract. They are then kept for ever.

    .venv/bin/python -m tests.golden_events

writes `docs/schemas/golden/VERSION/`. What is there already is not written again: other people
test their receivers with it. Verdicts are those of the worked cases in `tests/cases`. Together the
events of a version are what one gateway could have sent, in the order of their `ledger.size`.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
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
_ATTEMPT: Final = "01M8Q6X3V0ATTEMPT000000001"
_JOB: Final = {"order": "2026-2001", "kind": "residential_purge", "user_class": "residential"}
_REPAIR: Final = {"order": "2026-2003", "kind": "repair", "user_class": "commercial"}
_VISIT: Final = {"order": "2026-3001", "kind": "inspection", "user_class": "residential"}
_HAZARD: Final = {
    "order": "2026-3001-H1", "kind": "hazard", "user_class": "residential", "code": "L1-1",
    "level": "1", "parent": "2026-3001",
}  # fmt: skip
_TRIAL: Final = {**_VISIT, "order": "2026-3009", "trial": True}
_DUE: Final = {"next_due_at": iso(AT_US + 7 * 86_400_000_000)}
_LEAK_DUE: Final = iso(AT_US + 23 * MINUTE_US)
"""Between the hazard and the notice of the story."""
_FILED: Final = {"channel": "filing", "records": 12, "period": "2026-10"}
_LATER: Final = {**_FILED, "period": "2026-11"}


def _asked(number: str, what: str, tests: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    return {
        "order": number, "what": what, "procedures": [one["procedure"] for one in tests],
        "tests": tests,
    }  # fmt: skip


def _filing(at: int) -> str:
    return f"01M8Q6X3V0F1J1NG{at:010d}"


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
        {**_HAZARD, "what": "opened", "phase": "open", "next_due_at": _LEAK_DUE},
    ),
    (
        "visit-inspected", "news",
        {**_VISIT, "what": "step", "step": "done", "clause": "3.3.3-5", "phase": "ended",
         "ended": "inspected", "outcome": "inspected"},
    ),
    (
        "notice-hazard", "news",
        {**_HAZARD, "what": "deadline", "step": "leak", "clause": "5.3.4", "phase": "open",
         "tells": "dispatch", "due_at": _LEAK_DUE},
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
    judged = dict(_verdicts())
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder), HandClock(AT_US), GATEWAY)
        try:
            with ledger.transaction() as tx:
                for at, (name, sort, what) in enumerate(STORY):
                    yield name, _told(tx, name, sort, what, AT_US + at * MINUTE_US, judged)
        finally:
            ledger.close()


def _told(
    tx: Transaction, name: str, sort: str, what: Any, at_us: int, judged: Mapping[str, Any]
) -> Event:
    at = iso(at_us)
    match sort:
        case "verdict":
            number, test, more = what
            same = {"verdict-trial": "verdict-pass", "verdict-of-job": "verdict-inconclusive"}
            answer = {**judged[same.get(name, name)], "number": number}
            record = {
                **sample_record(number, at_us, **answer), "test": test["id"],
                "step": test["step"], **more,
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


def _verdicts() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The first of the worked cases for each word, and for a screen that found nothing."""
    wanted = {word: name for name, word in VERDICTS.items()} | {"no_anomaly": "verdict-screened"}
    for case in sorted(path for path in CASES.iterdir() if path.is_dir()):
        answer = judge_files(case / "order.json", case / "readings.csv")
        found = answer.get("outcome") or answer["verdict"]
        if found in wanted and answer["procedure"] in ("indoor_hold", "laser_screen"):
            yield wanted.pop(found), answer


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
