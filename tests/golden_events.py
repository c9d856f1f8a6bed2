"""Writes golden events for a new version of the contract. They are then kept for ever.

    .venv/bin/python -m tests.golden_events

writes `docs/schemas/golden/VERSION/`. What is there already is not written again: other people
test their receivers with it. Verdicts are those of the worked cases in `tests/cases`.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from hub.clock import HandClock, iso
from hub.events import CONTRACT, Event, alarm_event, verdict_event
from hub.happenings import filing_event, hub_event, news_event, notice_event
from hub.judgement import judge_files
from hub.ledger import Ledger
from hub.model import Notice
from hub.simulate.scribe import sample_record

ROOT: Final = Path(__file__).parent.parent
CASES: Final = ROOT / "tests" / "cases"
GOLDEN: Final = ROOT / "docs" / "schemas" / "golden"
GATEWAY: Final = "gw-7"
AT_US: Final = 1_790_000_000_123_456
FILING: Final = "01M5YVK000F1L1NG0000000001"
VERDICTS: Final = {
    "verdict-pass": "PASS", "verdict-fail": "FAIL", "verdict-inconclusive": "INCONCLUSIVE",
    "verdict-aborted": "ABORTED",
}  # fmt: skip
_JOB: Final = {"order": "2026-2001", "kind": "residential_purge", "user_class": "residential"}
_VISIT: Final = {"order": "2026-3001", "kind": "inspection", "user_class": "residential"}
_HAZARD: Final = {
    "order": "2026-3001-H1", "kind": "hazard", "user_class": "residential", "code": "L1-1",
    "level": "1", "parent": "2026-3001",
}  # fmt: skip
_DUE: Final = {"next_due_at": iso(AT_US + 7 * 86_400_000_000)}
NEWS: Final[Mapping[str, Mapping[str, Any]]] = {
    "order-accepted": {**_JOB, "what": "opened", "phase": "planned"},
    "order-accepted-tests": {
        "order": "2026-1184", "what": "opened", "procedures": ["riser_hold", "indoor_hold"],
    },
    "order-amended": {
        "order": "2026-1184", "what": "amended", "procedures": ["riser_hold", "purge_complete"],
    },
    "order-cancelled": {
        "order": "2026-1184", "what": "cancelled", "procedures": ["riser_hold", "purge_complete"],
    },
    "order-refused": {
        "order": "2026-2002", "what": "refused",
        "reasons": [{"key": "open_point", "clause": "1.6.2"}],
    },
    "job-step": {
        **_JOB, "what": "step", "step": "isolate", "clause": "1.6.1", "phase": "testing",
        "answers": {"valve_closed": "yes", "points": "3"},
    },
    "job-test": {
        **_JOB, "what": "test", "step": "riser", "clause": "1.6.1", "phase": "testing",
        "verdict": "INCONCLUSIVE",
    },
    "job-signal": {
        **_JOB, "what": "signal", "step": "gas_over", "clause": "1.6.4", "phase": "stopped",
        "tells": "emergency",
    },
    "hazard-opened": {**_HAZARD, "what": "opened", "phase": "open", **_DUE},
    "hazard-advanced": {
        **_HAZARD, "what": "step", "step": "notice", "clause": "5.3.4, 3.8.1", "phase": "noticed",
        "answers": {"risk": "yes", "signed": "refused"}, **_DUE,
    },
    "hazard-closed": {
        **_HAZARD, "what": "step", "step": "close", "clause": "5.3.5", "phase": "ended",
        "ended": "closed",
    },
    "visit-absent": {
        **_VISIT, "what": "step", "step": "visit", "clause": "3.2.1", "phase": "planned",
        "answers": {"outcome": "absent"}, "outcome": "absent",
    },
    "visit-inspected": {
        **_VISIT, "what": "step", "step": "done", "clause": "3.3.3-5", "phase": "ended",
        "ended": "inspected", "outcome": "inspected",
    },
    "notice-hazard": {
        **_HAZARD, "what": "deadline", "step": "leak", "clause": "5.3.4", "phase": "open",
        "tells": "dispatch", "due_at": iso(AT_US - 1),
    },
}  # fmt: skip
NOTICES: Final = {
    "instrument-lost": Notice(AT_US, "pm-1", "instrument_lost", "no reading for 2 s"),
    "instrument-back": Notice(AT_US, "pm-1", "instrument_back", "after 61 s"),
    "instrument-changed": Notice(AT_US, "pm-1", "identity_changed", "S-1 -> S-2"),
    "hub-line-lost": Notice(AT_US, "line-a", "port_lost", "unplugged"),
    "hub-clock-stepped": Notice(AT_US, "clock", "clock_step", "moved by +7200.0 s"),
}
FILINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "filing-submitted": {"state": "submitted", "receipt": "sha256:0f"},
    "filing-accepted": {"state": "accepted", "receipt": "GZ-2026-000471"},
    "filing-rejected": {"state": "rejected", "reasons": ["division_code"]},
    "filing-queued": {"state": "approved", "stands": "queued", "period": "2026-11"},
    "filing-unknown": {
        "state": "submitted_unknown",
        "stands": "submitted_unknown",
        "period": "2026-11",
    },
    "filing-duplicate": {
        "state": "duplicate",
        "stands": "duplicate_of",
        "period": "2026-11",
        "duplicate_of": "01M5YVK000F1L1NG0000000000",
    },
    "filing-corrected": {"state": "corrected", "stands": "corrected", "period": "2026-11"},
    "filing-replaces": {
        "state": "prepared",
        "stands": "prepared",
        "period": "2026-11",
        "replaces": "01M5YVK000F1L1NG0000000000",
    },
    "filing-overdue": {
        "filing": "filing 2026-11",
        "state": "prepared",
        "stands": "none",
        "period": "2026-11",
        "records": 0,
        "overdue": True,
        "due_at": "2026-12-10T16:00:00.000000Z",
    },
    "filing-discarded": {"state": "prepared", "stands": "discarded", "period": "2026-11"},
}


def events() -> Iterator[tuple[str, Event]]:
    """Every golden event by its name, as the hub of today makes it."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder), HandClock(AT_US), GATEWAY)
        try:
            with ledger.transaction() as tx:
                for name, record in _verdicts():
                    entry = tx.append("verdict", record, AT_US)
                    at = {**record, "entry": entry}
                    yield name, verdict_event(GATEWAY, at, tx.checkpoint())
                for state in ("raised", "cleared"):
                    alarm = _alarm(state)
                    entry = tx.append("alarm", alarm, AT_US)
                    yield f"alarm-{state}", alarm_event(GATEWAY, alarm, entry, tx.checkpoint())
                for name, body in NEWS.items():
                    told = {**body, "at": iso(AT_US)}
                    entry = tx.append("job_event", told, AT_US)
                    yield name, news_event(GATEWAY, told, entry, tx.checkpoint())
                for name, notice in NOTICES.items():
                    entry = tx.append("notice", notice._asdict(), AT_US)
                    yield name, notice_event(GATEWAY, notice, entry, tx.checkpoint())
                for name, body in FILINGS.items():
                    told = {
                        "filing": FILING, "channel": "filing", "records": 12, "at": iso(AT_US),
                        **body,
                    }  # fmt: skip
                    entry = tx.append("filing", told, AT_US)
                    yield name, filing_event(GATEWAY, told, entry, tx.checkpoint())
                given = GATEWAY, "hub", GATEWAY, "started", iso(AT_US)
                entry = tx.append("start", {"trusted": True}, AT_US)
                yield "hub-started", hub_event(*given, entry, tx.checkpoint(), clock_trusted=True)
        finally:
            ledger.close()


def _verdicts() -> Iterator[tuple[str, Mapping[str, Any]]]:
    wanted = dict(VERDICTS)
    for case in sorted(path for path in CASES.iterdir() if path.is_dir()):
        answer = judge_files(case / "order.json", case / "readings.csv")
        found = next((name for name, word in wanted.items() if answer["verdict"] == word), "")
        if answer.get("outcome") == "no_anomaly" and "verdict-screened" not in wanted:
            found = wanted["verdict-screened"] = "verdict-screened"
        if found:
            wanted[found] = ""
            yield found, sample_record(answer["number"], AT_US, **answer)


def _alarm(state: str) -> Mapping[str, Any]:
    return {
        "id": f"01M5YVK000A1ARM000000000{state[:1].upper()}1", "state": state,
        "instrument": "gas-1", "serial": "S-1", "quantity": "gas",
        "value": "20.0" if state == "raised" else "4.0", "unit": "%LEL", "quality": "good",
        "at": iso(AT_US), "clause": "4.4.9", "rule_pack": "default 2026.11.4",
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
