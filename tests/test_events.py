"""Events that leave the box: canonical, complete, without personal data, and as promised."""

import base64
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from pydantic import ValidationError

from hub.clock import HandClock, iso
from hub.events import Event, alarm_event, ledger_head, verdict_event
from hub.judgement import judge_files
from hub.ledger import Ledger, read_checkpoint, signed_by
from hub.simulate.scribe import sample_record

CASES = Path(__file__).parent / "cases"
AT_US = 1_790_000_000_123_456


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger.open(tmp_path, HandClock(AT_US), "gw-7")
    yield made
    made.close()


def make_verdict(ledger: Ledger, **changed: Any) -> tuple[Event, dict[str, Any], int]:
    record = sample_record("2026-1184", AT_US, **changed)
    with ledger.transaction() as tx:
        entry = tx.append("verdict", record, AT_US)
        event = verdict_event("gw-7", {**record, "entry": entry}, tx.checkpoint())
    return event, record, entry


def test_a_verdict_event_is_a_structured_cloudevent(ledger: Ledger) -> None:
    """Every mandatory attribute of CloudEvents 1.0 is there, with the hub's names in it."""
    event, record, _ = make_verdict(ledger)

    body = json.loads(event.body)

    assert body["specversion"] == "1.0"
    assert body["id"] == event.id == record["id"]
    assert body["source"] == "/gashub/gw-7"
    assert body["type"] == "gashub.verdict.v1"
    assert body["subject"] == event.order == "2026-1184"
    assert body["time"] == iso(AT_US)
    assert body["datacontenttype"] == "application/json"
    assert {body["data"][key] for key in ("order", "test", "attempt")} == {
        record[key] for key in ("order", "test", "attempt")
    }


def test_the_verdict_goes_out_as_it_was_recorded(ledger: Ledger) -> None:
    """Nothing of the record is lost or rounded on the way, unknown keys and nulls included."""
    figures = {"leak_l_h": None, "samples": [{"value": "91.0", "counted": True}], "n": 3}
    event, record, _ = make_verdict(ledger, figures=figures, later_key={"a": [1]})

    assert json.loads(event.body)["data"]["verdict"] == record["verdict"]


def test_a_body_is_canonical_json(ledger: Ledger) -> None:
    """The same event has one spelling: RFC 8785."""
    event, _, _ = make_verdict(ledger, sentence={"zh": "压降为零。", "en": "No drop."})

    assert rfc8785.dumps(json.loads(event.body)) == event.body


def test_a_decimal_keeps_every_digit(ledger: Ledger) -> None:
    """A figure is decimal text: 0.10 stays 0.10, 1E+2 is written out."""
    figures = {"a": Decimal("0.10"), "b": Decimal("1E+2")}
    record = sample_record("2026-1184", AT_US)
    record["verdict"] = {**record["verdict"], "figures": figures}
    with ledger.transaction() as tx:
        note = tx.checkpoint()
    event = verdict_event("gw-7", {**record, "entry": 0}, note)

    assert json.loads(event.body)["data"]["verdict"]["figures"] == {"a": "0.10", "b": "100"}


def test_the_head_covers_the_events_own_entry(ledger: Ledger) -> None:
    """An outsider who keeps the event holds a signed head with the verdict under it."""
    event, _, entry = make_verdict(ledger)

    head = ledger_head(event.body)

    note = read_checkpoint(head["checkpoint"])
    assert head["entry"] == entry
    assert head["size"] == note.size == entry + 1
    assert base64.b64decode(head["root"]) == note.root == ledger.head().root
    assert head["origin"] == note.origin
    assert signed_by(note, ledger.public_key)


def test_every_verdict_of_the_procedures_makes_an_event(ledger: Ledger) -> None:
    """All the judged cases go out whole: no procedure writes what the contract cannot hold."""
    cases = sorted(path for path in CASES.iterdir() if path.is_dir())
    for case in cases:
        answer = judge_files(case / "order.json", case / "readings.csv")
        event, _, _ = make_verdict(ledger, **answer)

        assert json.loads(event.body)["data"]["verdict"] == answer
    assert len(cases) >= 70


def test_an_alarm_has_no_order(ledger: Ledger) -> None:
    """An alarm belongs to an instrument; no subject is made up for it."""
    alarm = {
        "id": "01JD000000000000000000000A", "state": "raised", "instrument": "gas-1",
        "serial": "S-1", "quantity": "gas", "value": "20.0", "unit": "%LEL", "quality": "good",
        "seq": "9", "at": iso(AT_US), "clause": "4.4.9", "rule_pack": "default 1",
    }  # fmt: skip
    with ledger.transaction() as tx:
        entry = tx.append("alarm", alarm, AT_US)
        event = alarm_event("gw-7", alarm, entry, tx.checkpoint())

    body = json.loads(event.body)

    assert (event.kind, event.order) == ("alarm", "")
    assert "subject" not in body
    assert body["type"] == "gashub.alarm.v1"
    assert body["data"]["alarm"] == alarm
    assert ledger_head(event.body)["entry"] == entry


@pytest.mark.parametrize("missing", ["verdict", "attempt", "opened_entry"])
def test_an_incomplete_record_is_no_event(ledger: Ledger, missing: str) -> None:
    """What the contract promises is never left out in silence."""
    record = sample_record("2026-1184", AT_US)
    del record[missing]
    with ledger.transaction() as tx:
        note = tx.checkpoint()

    with pytest.raises(ValidationError, match=missing):
        verdict_event("gw-7", {**record, "entry": 0}, note)


def test_a_verdict_word_of_ours_is_the_only_one(ledger: Ledger) -> None:
    """No fifth word can leave the box."""
    with pytest.raises(ValidationError, match="INCONCLUSIVE"):
        make_verdict(ledger, verdict="OK")
