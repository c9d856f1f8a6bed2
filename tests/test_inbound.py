"""The way in, in the hub itself: amended orders, keys, trials, registers, tokens."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from hub import tokens
from hub.bundle import Wanted, export
from hub.bundle import verify as check
from hub.errors import CommandRefused
from hub.happenings import news_event
from hub.ledger import verify
from hub.records.paper.work_order import work_order
from hub.records.period import Period
from hub.records.record import Record
from hub.records.words import Words
from hub.settings import BatchSinkSettings, SinkSettings
from hub.testing import wait_until
from tests.foreman_rig import GAUGE, Yard, purge_order
from tests.job_rig import items
from tests.outbox_rig import ObedientSink, Rig

HOLD = {"procedure": "indoor_hold", "medium": "air", "instruments": [dict(GAUGE)]}


def order(number: str = "WO-1", *steps: str, **more: Any) -> dict[str, Any]:
    tests = [{"step": step, "tests": [HOLD]} for step in steps or ("first", "second")]
    return {"number": number, "steps": tests, **more}


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with Yard(tmp_path) as made:
        yield made


def add(yard: Yard, given: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = yard.do("order.add", text=json.dumps(given))
    return answer


def amend(yard: Yard, given: dict[str, Any], version: str) -> dict[str, Any]:
    answer: dict[str, Any] = yard.do("order.amend", text=json.dumps(given), version=version)
    return answer


def code(refused: pytest.ExceptionInfo[CommandRefused]) -> str:
    return refused.value.code


# -- amending


def test_an_order_is_amended_and_keeps_the_tests_that_stay(yard: Yard) -> None:
    """Also after a start: the amended order is what the record has."""
    before = add(yard, order())
    after = amend(yard, order("WO-1", "first", "third"), before["version"])
    yard.again()

    assert after["tests"][0] == before["tests"][0]
    assert [test["step"] for test in after["tests"]] == ["first", "third"]
    assert after["version"] != before["version"]
    assert add(yard, order("WO-1", "first", "third"))["version"] == after["version"]


def test_an_amendment_of_a_version_that_is_gone_is_refused(yard: Yard) -> None:
    first = add(yard, order())["version"]
    amend(yard, order("WO-1", "first"), first)

    with pytest.raises(CommandRefused, match="changed it") as refused:
        amend(yard, order("WO-1", "second"), first)
    assert code(refused) == "stale"


def test_an_order_is_not_amended_during_a_hold(yard: Yard) -> None:
    """The readings are judged by what was ordered when the test began."""
    version = add(yard, order())["version"]
    yard.do("order.open", number="WO-1")

    with pytest.raises(CommandRefused, match="a test of it is running") as refused:
        amend(yard, order("WO-1", "first", "third"), version)
    assert code(refused) == "conflict"


def test_what_was_tried_stays_as_it_was_ordered(yard: Yard) -> None:
    """A test that has its verdict can neither be changed nor taken away; others can."""
    version = add(yard, order())["version"]
    yard.do("order.open", number="WO-1")
    yard.event("WO-1", "abort")

    with pytest.raises(CommandRefused, match="tried already"):
        amend(yard, order("WO-1", "second"), version)
    assert amend(yard, order("WO-1", "first", "third"), version)["version"] != version


@pytest.mark.parametrize("change", [{"site": "east"}, {"trial": True}])
def test_site_and_trial_are_for_good(yard: Yard, change: dict[str, Any]) -> None:
    """A trial that became real could be filed; a real one that became a trial would be lost."""
    version = add(yard, order())["version"]

    with pytest.raises(CommandRefused, match="for good"):
        amend(yard, order(**change), version)
    with pytest.raises(CommandRefused, match="other content"):
        add(yard, order(**change))


def test_a_jobs_tests_are_not_amended_as_an_order(yard: Yard) -> None:
    """Its order goes through the job's own gates."""
    yard.staffed().open(purge_order())

    with pytest.raises(CommandRefused, match="is a job"):
        add(yard, order("2026-2001"))


def test_a_test_is_added_to_the_job_that_one_has_seen(yard: Yard) -> None:
    yard.staffed().open({**purge_order(), "tests": {}})
    seen = yard.do("job.open", text=json.dumps({**purge_order(), "tests": {}}))
    assert seen["done"]

    with pytest.raises(CommandRefused) as refused:
        yard.do(
            "job.test", number="2026-2001", step="indoor_hold", text=json.dumps(HOLD), version="1"
        )
    assert code(refused) == "stale"


def test_a_customer_whom_nobody_knows_is_taken_at_the_word_of_the_order(yard: Yard) -> None:
    """Customers are the CRM's; here they are pseudonyms, the same for the same number and no
    other. An order without a number has none, and is not taken for anybody else.
    """
    for at, user_no in enumerate(("88-never-heard-of", "88-never-heard-of", "", "")):
        given = purge_order(f"J-{at}", customer={"user_no": user_no}, tests={})
        given["sections"] = {"riser": f"R-{at}", "indoor": f"I-{at}"}
        assert yard.staffed().open(given)["done"]

    subjects = [row[0] for row in yard.ledger_sql("SELECT subject FROM jobs ORDER BY number")]
    assert subjects[0] == subjects[1]
    assert "88-never-heard-of" not in subjects
    assert (subjects[2], subjects[3]) == ("", "")


@pytest.mark.parametrize(
    "given", [[], {"number": "WO-1", "steps": "abc"}, {"number": "W", "steps": [1]}]
)
def test_an_order_of_no_known_form_is_refused_and_judging_goes_on(yard: Yard, given: Any) -> None:
    with pytest.raises(CommandRefused):
        yard.do("order.add", text=json.dumps(given))
    assert add(yard, order())["number"] == "WO-1"


# -- keys


def once(yard: Yard, key: str, do: str, caller: str = "erp", **arguments: Any) -> Any:
    return yard.do("once", caller=caller, key=key, request={"do": do, **arguments})


def test_a_key_is_carried_out_once_also_over_a_start(yard: Yard) -> None:
    """The answer of the first time comes again, though the order has changed since."""
    text = json.dumps(order())
    first = once(yard, "k-1", "order.add", text=text)
    amend(yard, order("WO-1", "first"), first["answer"]["version"])
    size = len(yard.entries())
    yard.again()
    again = once(yard, "k-1", "order.add", text=text)

    assert (first["again"], again["again"]) == (False, True)
    assert again["answer"] == first["answer"]
    assert len(yard.entries()) == size


def test_a_key_does_not_stand_for_two_requests(yard: Yard) -> None:
    once(yard, "k-1", "order.add", text=json.dumps(order()))

    with pytest.raises(CommandRefused, match="another request") as refused:
        once(yard, "k-1", "order.add", text=json.dumps(order("WO-2")))
    assert code(refused) == "reused"
    assert once(yard, "k-1", "order.add", "crm", text=json.dumps(order("WO-2")))["again"] is False


def test_what_was_refused_may_be_sent_again_with_its_key(yard: Yard) -> None:
    """Nothing was done, and nothing is kept of it."""
    with pytest.raises(CommandRefused, match="no order"):
        once(yard, "k-1", "order.abort", number="WO-1")
    add(yard, order())
    assert once(yard, "k-1", "order.abort", number="WO-1")["answer"]["state"] == "aborted"


@pytest.mark.parametrize("do", ["once", "status", "file.put", "order.open", "no.such"])
def test_what_the_judging_thread_must_not_wait_for_has_no_keys(yard: Yard, do: str) -> None:
    with pytest.raises(CommandRefused, match="has no keys"):
        once(yard, "k-1", do)


def test_an_answer_is_kept_thirty_days(yard: Yard) -> None:
    once(yard, "k-1", "order.add", text=json.dumps(order()))
    yard.wait(31 * 86_400)
    once(yard, "k-2", "order.add", text=json.dumps(order("WO-2")))

    assert yard.ledger_sql("SELECT key FROM requests") == [("k-2",)]


# -- registers


def test_a_calibration_that_is_registered_goes_into_the_orders_after_it(yard: Yard) -> None:
    """Also after a start; the same again changes nothing."""
    record = {"name": "pm-9", "quantity": "pressure", "calibrated_until": "2027-01-31",
              "certificate": "CAL-7"}  # fmt: skip
    yard.do("instrument.put", text=json.dumps(record))
    size = len(yard.entries())
    yard.do("instrument.put", text=json.dumps(record))
    yard.again()
    assert len(yard.entries()) == size

    bare = {**HOLD, "instruments": [{"name": "pm-9", "quantity": "pressure"}]}
    add(yard, {"number": "WO-1", "steps": [{"step": "first", "tests": [bare]}]})
    ((record_of,),) = yard.ledger_sql("SELECT record FROM orders")
    (instrument,) = json.loads(record_of)["tests"][0]["spec"]["instruments"]
    assert instrument["calibrated_until"] == "2027-01-31"
    assert "certificate" not in instrument


def test_an_order_sent_again_is_the_same_whatever_the_register_says_by_now(yard: Yard) -> None:
    """Also after a start, and with the facts named; what is named otherwise is another order."""

    def calibrated(until: str) -> None:
        record = {"name": "pm-9", "quantity": "pressure", "calibrated_until": until}
        yard.do("instrument.put", text=json.dumps(record))

    def given(**more: str) -> dict[str, Any]:
        bare = {**HOLD, "instruments": [{"name": "pm-9", "quantity": "pressure", **more}]}
        return {"number": "WO-1", "steps": [{"step": "first", "tests": [bare]}]}

    calibrated("2027-01-31")
    first = add(yard, given())
    calibrated("2028-01-31")
    assert add(yard, given()) == first
    yard.again()
    assert add(yard, given()) == first
    assert add(yard, given(calibrated_until="2027-01-31")) == first
    for other in ({"calibrated_until": "2028-01-31"}, {"zero_before_pa": "0"}):
        with pytest.raises(CommandRefused, match="other content"):
            add(yard, json.loads(json.dumps(given(**other)).replace('"0"', "0")))


def test_an_amendment_gives_what_was_not_tried_the_register_of_today(yard: Yard) -> None:
    """What was tried keeps what was known of its instrument, and refuses no amendment for it."""
    record = {"name": "pm-1", "quantity": "pressure", "calibrated_until": "2027-01-31"}
    bare = {**HOLD, "instruments": [{"name": "pm-1", "quantity": "pressure"}]}
    given = {"number": "WO-1", "steps": [{"step": s, "tests": [bare]} for s in ("one", "two")]}
    yard.do("instrument.put", text=json.dumps(record))
    version = add(yard, given)["version"]
    yard.do("order.open", number="WO-1")
    yard.event("WO-1", "abort")
    yard.do("instrument.put", text=json.dumps({**record, "calibrated_until": "2028-01-31"}))

    after = amend(yard, given, version)["version"]
    ((text,),) = yard.ledger_sql("SELECT record FROM orders")
    until = [one["spec"]["instruments"][0]["calibrated_until"] for one in json.loads(text)["tests"]]
    assert until == ["2027-01-31", "2028-01-31"]
    assert amend(yard, given, after)["version"] == after


def test_an_order_that_was_cancelled_is_not_taken_again(yard: Yard) -> None:
    """A new key is no way round; the key that took it is still answered as it was."""
    first = once(yard, "k-1", "order.add", text=json.dumps(order()))
    yard.do("order.abort", number="WO-1", reason="customer away")

    with pytest.raises(CommandRefused, match=r"was cancelled.*another number") as refused:
        add(yard, order())
    assert code(refused) == "conflict"
    assert once(yard, "k-1", "order.add", text=json.dumps(order()))["answer"] == first["answer"]


def test_a_wrong_instrument_says_what_is_wrong(yard: Yard) -> None:
    with pytest.raises(CommandRefused, match="quantity"):
        yard.do("instrument.put", text='{"name": "pm-9", "quantity": "presure"}')


# -- trials


def test_a_hazard_of_a_trial_is_a_trial_and_keeps_its_site(yard: Yard) -> None:
    """What a trial opens by itself must not leave by another door."""
    yard.staffed().open({**purge_order(), "trial": True, "site": "east"})
    with yard.ledger.transaction() as tx:
        book = yard.jobs.foreman._book
        live = book.live(tx, "2026-2001")
        state = replace(live.state, hazards=(("L2-3", next(iter(live.job.step)), 0),))
        book._open_hazard(tx, live._replace(state=state), 0, yard.clock.now_us())

    rows = yard.ledger_sql("SELECT number, site, trial FROM jobs ORDER BY number")
    assert rows == [("2026-2001", "east", 1), ("2026-2001-H1", "east", 1)]
    assert [event["data"].get("trial") for event in yard.told] == [True, True]
    assert yard.ledger_sql("SELECT DISTINCT site, trial FROM orders") == [("east", 1)]


def test_a_trials_pass_serves_no_other_job(yard: Yard) -> None:
    yard.staffed().open({**purge_order(), "trial": True})
    yard.step("2026-2001", "acceptance", accepted="yes", record="AR-1")
    yard.step("2026-2001", "plan", approved="yes", document="PL-1")
    yard.step("2026-2001", "arrive", consent="yes")
    yard.step("2026-2001", "site", items=items("site_residential"))
    yard.step("2026-2001", "isolation", valves="both ends closed", as_ordered="yes")
    yard.step("2026-2001", "vent_point", place="top_outdoors", photo=yard.photo())
    assert yard.hold("2026-2001", "riser_hold") == "PASS"
    (verdict,) = yard.ledger_sql("SELECT verdict_id FROM attempts")[0]
    yard.open(purge_order("2026-2002"))

    with pytest.raises(CommandRefused, match="was a trial's"):
        yard.do("job.adopt", number="2026-2002", step="riser_hold", verdict=verdict, by="T-1")


def test_registers_leave_trials_out_and_papers_say_what_they_are(yard: Yard) -> None:
    """What is counted for a supervisor is real; what is printed of a try says what it is."""
    yard.staffed().open({**purge_order(), "trial": True})
    yard.open(purge_order("2026-2002", sections={"riser": "B-1", "indoor": "B-1-1"}))
    yard.do("ledger.checkpoint")
    with Record(yard.folder) as record:
        assert list(record.numbers(("residential_purge",), Period())) == ["2026-2002"]
        titles = [
            work_order(Words(record, "en"), number).said["title"]
            for number in ("2026-2001", "2026-2002")
        ]
    assert [title.startswith("TRIAL, of no effect") for title in titles] == [True, False]


@pytest.mark.parametrize("number", ["2026-2001", "WO-1"])
def test_evidence_of_amended_orders_and_trials_proves_itself(yard: Yard, number: str) -> None:
    """The bundle says that it is a trial, and each attempt is judged by what was ordered then."""
    if number == "WO-1":
        version = add(yard, order(trial=True, site="east"))["version"]
        last = amend(yard, order("WO-1", "first", "third", trial=True, site="east"), version)
        yard.do("order.open", number="WO-1", test="third")
        yard.event("WO-1", "abort")
        amend(yard, order("WO-1", "third", trial=True, site="east"), last["version"])
    else:
        yard.staffed().open({**purge_order(), "trial": True, "site": "east"})
        yard.step(number, "give_up", reason="a try", safe="yes")
    yard.do("ledger.checkpoint")
    out = yard.folder / "case.zip"
    export(yard.folder, out, Wanted(number), yard.clock.now_us())

    report = check(out)
    assert report.good, report
    lines = [json.loads(line) for line in ZipFile(out).read("entries.jsonl").splitlines()]
    assert any('"trial":true' in str(line["body"]).replace(": ", ":") for line in lines)


def test_a_job_sent_again_without_its_mark_is_another_one(yard: Yard) -> None:
    yard.staffed().open({**purge_order(), "trial": True})

    with pytest.raises(CommandRefused, match="other content"):
        yard.open(purge_order())


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def mark(rig: Rig, number: str) -> None:
    rig.scribe.do(
        lambda tx: tx.sql.execute(
            "INSERT INTO orders (number, id, record, state, entry, created_us, trial)"
            " VALUES (?,?,'','open',0,0,1)",
            (number, number),
        )
    )


def test_a_trial_goes_to_test_channels_and_nothing_else_does(rig: Rig) -> None:
    """Enforced where parcels are addressed, whatever the sink."""
    real, test = ObedientSink(), ObedientSink()
    outbox = rig.build({"crm": (real, SinkSettings()), "try": (test, SinkSettings(trial=True))})
    mark(rig, "WO-T")
    outbox.start()
    rig.scribe.announce(outbox, "WO-T", "WO-R")
    wait_until(lambda: real.orders and test.orders)

    assert (real.orders, test.orders) == (["WO-R"], ["WO-T"])


def test_a_trial_that_was_refused_is_kept_from_production_too(rig: Rig) -> None:
    """There is no order in the record by which its event could be known for a trial."""
    real, test = ObedientSink(), ObedientSink()
    takes = {"events": ("order",)}
    outbox = rig.build(
        {"crm": (real, SinkSettings(**takes)), "try": (test, SinkSettings(**takes, trial=True))}
    )
    outbox.start()
    body = {"order": "J-T", "what": "refused", "at": "2026-11-30T08:00:00Z", "reasons": []}
    for told in ({**body, "trial": True}, {**body, "order": "J-R"}):
        rig.scribe.do(
            lambda tx, told=told: outbox.address(tx, news_event("gw", told, 0, tx.checkpoint()))
        )
    outbox.wake()
    wait_until(lambda: real.orders and test.orders)

    assert (real.orders, test.orders) == (["J-R"], ["J-T"])


def test_a_batch_of_trials_is_told_to_test_channels_alone(rig: Rig) -> None:
    real, test = ObedientSink(), ObedientSink()
    takes = {"events": ("filing",)}
    outbox = rig.build(
        {
            "gov": (
                ObedientSink(),
                BatchSinkSettings(events=("verdict",), batch_max=2, trial=True),
            ),
            "crm": (real, SinkSettings(**takes)),
            "try": (test, SinkSettings(**takes, trial=True)),
        }
    )
    mark(rig, "A")
    mark(rig, "B")
    rig.scribe.announce(outbox, "A", "B")
    outbox.start()
    rig.until(taken=3)

    assert (len(real.seen), len(test.seen)) == (0, 1)


def test_a_trial_that_waits_is_not_delivered_when_its_channel_becomes_real(rig: Rig) -> None:
    """Nor is it by a retry or a replay: it ends refused, and says why."""
    outbox = rig.build({"crm": (ObedientSink(), SinkSettings(trial=True))})
    mark(rig, "WO-T")
    rig.scribe.announce(outbox, "WO-T")
    rig.stop()
    real = ObedientSink()
    outbox = rig.build({"crm": (real, SinkSettings())})
    outbox.start()
    rig.scribe.announce(outbox, "WO-R")
    wait_until(lambda: real.orders and rig.sql("SELECT 1 FROM parcels WHERE state='refused'"))

    assert real.orders == ["WO-R"]
    assert "trial" in str(rig.sql("SELECT reason FROM parcels WHERE order_number='WO-T'"))


# -- tokens


def token(yard: Yard, **given: Any) -> tuple[tokens.New, Any]:
    new = tokens.make()
    expires_us = yard.clock.now_us() + 86_400_000_000
    given = {"client": "erp", "scopes": ["orders:read"], "expires_us": str(expires_us), **given}
    return new, yard.do("token.add", id=new.id, sha256=new.sha256, by="root", **given)


def held(yard: Yard, text: str) -> tokens.Token | None:
    with yard.ledger.transaction() as tx:
        return tokens.holder(tx.sql, text, yard.clock.now_us())


def test_a_token_is_known_by_its_secret_until_its_end(yard: Yard) -> None:
    new, _ = token(yard, sites=["east"])
    found = held(yard, new.text)
    assert found is not None
    assert (found.client, found.sees("east"), found.sees("west")) == ("erp", True, False)

    assert held(yard, new.text[:-1]) is None
    assert held(yard, new.text.replace("gashub_", "other_")) is None
    yard.wait(86_400)
    assert held(yard, new.text) is None


def test_a_token_that_replaces_another_leaves_it_some_time(yard: Yard) -> None:
    old, _ = token(yard)
    new, body = token(yard, client=None, scopes=None, replaces=old.id, overlap_s="3600")
    assert (body["client"], body["scopes"]) == ("erp", ["orders:read"])
    assert held(yard, old.text)
    assert held(yard, new.text)
    yard.wait(3600)
    assert held(yard, old.text) is None
    assert held(yard, new.text)

    yard.do("token.revoke", id=new.id)
    for over, state in ((old.id, "expired"), (new.id, "revoked")):
        with pytest.raises(CommandRefused, match=f"is {state}.*Add a new one"):
            token(yard, client=None, scopes=None, replaces=over, overlap_s="3600")


def test_a_revoked_token_is_over_at_once(yard: Yard) -> None:
    new, _ = token(yard)
    yard.do("token.revoke", id=new.id, by="root")
    assert held(yard, new.text) is None
    assert [one.state(yard.clock.now_us()) for one in listed(yard)] == ["revoked"]


def listed(yard: Yard) -> list[tokens.Token]:
    with yard.ledger.transaction() as tx:
        return tokens.listed(tx.sql)


def test_no_secret_of_a_token_is_kept(yard: Yard, tmp_path: Path) -> None:
    """Neither in the log nor in a table, nor a digest of it in the log."""
    new, _ = token(yard)
    secret = new.text.split("_", 2)[2]
    yard.again()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))

    assert secret.encode() not in kept
    assert all(new.sha256.encode() not in (one.body or b"") for one in yard.entries())
    yard.ledger.close()
    assert verify(tmp_path).ok
    yard.again()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"scopes": ["order:read"]}, "did you mean"),
        ({"scopes": []}, "no scope"),
        ({"scopes": ["staff:write"], "sites": ["east"]}, "every site"),
        ({"client": "ERP 1"}, "client"),
        ({"expires_us": "1"}, "over already"),
        ({"sites": ["no such!"]}, "sites"),
        ({"replaces": "0" * 12}, "no token"),
    ],
)
def test_a_wrong_token_says_what_is_wrong(yard: Yard, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(CommandRefused, match=says):
        token(yard, **wrong)
