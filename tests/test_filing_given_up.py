"""What was given up is never sent, and what was filed stays filed."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub.api.deliveries import shown
from hub.errors import CommandRefused, SinkPaused
from hub.filing.deadlines import period_now, read_owed
from hub.filing.listing import filing
from hub.filing.profile import load_profile
from hub.ledger import LedgerReader, verify
from hub.model import Said
from hub.outbox import Terms, replay, retry
from hub.records import Record
from hub.records.filing import draft
from plugins.filing.package import Keys, filing_of
from plugins.filing.settings import SignedFilingSettings
from tests.filing_rig import PROFILES, REFUSED, Office, profile_file, refused
from tests.filing_ways import Way, by_folder, by_https, by_sftp, city, day_of_work
from tests.foreman_rig import Yard
from tests.sshd_rig import Sshd


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with day_of_work(tmp_path) as made:
        yield made


def reject(way: Way) -> None:
    way.office.door.answer(
        {"filing": way.filing, "by": "S-1", "step": "rejected", "reason": "E7 by telephone"}
    )


def discard(way: Way, filing: str = "") -> None:
    way.office.door.discard({"filing": filing or way.filing, "by": "S-1", "reason": "anew"})


def again(way: Way, act: object = retry, **named: str) -> int:
    with way.yard.ledger.transaction() as tx:
        return act(tx, who="op", at_us=way.yard.clock.now_us(), **named)  # type: ignore[operator, no-any-return]  # retry or replay


def test_a_rejection_is_not_typed_in_of_what_still_waits_to_be_sent(
    yard: Yard, tmp_path: Path
) -> None:
    with city(tmp_path) as authority:
        way = by_https(yard, authority, tmp_path)
        with pytest.raises(CommandRefused, match=r"queued: .*Wait until it is submitted"):
            reject(way)
        way.until("accepted")


@pytest.mark.parametrize("corrected", [False, True])
def test_the_waiting_parcel_of_a_filing_that_is_given_up_never_goes_out(
    yard: Yard, tmp_path: Path, *, corrected: bool
) -> None:
    with city(tmp_path) as authority:
        authority.faults.look_after = 99
        way = by_https(yard, authority, tmp_path)
        way.until("submitted")
        reject(way)
        authority.faults.look_after = 1
        del authority.filings[way.filing]  # it keeps none that it has rejected
        if corrected:
            new = way.office.draft(corrects=way.filing)
        else:
            discard(way)
            new = way.office.draft()
        assert way.parcel()[0] == "refused"
        assert f"{way.filing} was {'corrected' if corrected else 'discarded'}" in way.parcel()[2]
        way.office.approve(new)
        way.office.submit(new)
        for _ in range(6):
            way.turn()
        assert list(authority.filings) == [new["filing"]]

        assert again(way, replay, sink="city") == 1, "the new one alone"
        for _ in range(6):
            way.turn()
        assert list(authority.filings) == [new["filing"]]


def test_what_was_discarded_is_left_out_of_retry_and_replay(yard: Yard, tmp_path: Path) -> None:
    way = by_folder(yard, tmp_path)
    way.until("submitted")
    reject(way)
    discard(way)
    for path in (tmp_path / "filing").iterdir():
        path.unlink()
    with pytest.raises(CommandRefused, match=r"sink city; 1 parcel.*never sent again"):
        again(way, replay, sink="city")
    way.office.sent()
    assert again(way, retry, sink="city") == 1
    for _ in range(3):
        way.turn()
    assert len(list((tmp_path / "filing").glob("*.json"))) == 1
    assert not list((tmp_path / "filing").glob(f"*{way.filing}*"))


def test_a_discarded_correction_leaves_what_was_accepted_accepted(
    yard: Yard, tmp_path: Path
) -> None:
    with city(tmp_path) as authority:
        way = by_https(yard, authority, tmp_path)
        way.until("accepted")
        office = way.office
        rows = "SELECT part, key, filing FROM filing_rows ORDER BY part, key"
        before = yard.ledger_sql(rows)
        for _ in range(2):  # and it can be corrected again
            new = office.draft(corrects=way.filing)
            assert office.state(way.filing) == "corrected"
            discard(way, new["filing"])
            assert office.state(way.filing) == "accepted"
            assert yard.ledger_sql(rows) == before
            assert office.due().members == []
        assert way.steps()[-2:] == ["corrected", "restored"]
        assert filing(yard.folder, way.filing)["steps"][-1]["filing_that_corrected"]
        assert [one["stands"] for one in office.told(way.filing)][-2:] == ["corrected", "accepted"]
        assert office.told(way.filing)[-1]["receipt"] == "BA-000001"
        assert verify(yard.folder).ok


def test_a_correction_of_a_correction_is_given_back_step_by_step(
    yard: Yard, tmp_path: Path
) -> None:
    with city(tmp_path) as authority:
        way = by_https(yard, authority, tmp_path)
        way.until("accepted")
        office = way.office
        second = office.draft(corrects=way.filing)
        office.approve(second)
        office.submit(second)
        authority.faults.reject = ["E7"]
        for _ in range(6):
            way.turn()
        assert office.state(second["filing"]) == "rejected"
        third = office.draft(corrects=second["filing"])
        discard(way, third["filing"])
        assert office.state(second["filing"]) == "rejected"
        discard(way, second["filing"])
        assert office.state(way.filing) == "accepted"
        assert office.due().members == []


def test_what_a_channel_has_only_refused_is_sent_by_sftp_when_it_is_tried_again(
    yard: Yard, tmp_path: Path
) -> None:
    """It counts as an attempt, and nothing was there; later it is not put there twice."""
    with Sshd(tmp_path) as sshd:
        way = by_sftp(yard, sshd, tmp_path)
        way.channel.terms = Terms.of(way.settings.model_copy(update={"trial": True}))
        way.turn()
        assert way.parcel()[0] == "refused"
        way._begin()  # as after a start without `trial`
        again(way, sink="city")
        way.until("submitted")
        names = sshd.names()
        assert len(names) == 3
        for name in names:
            (sshd.folder / "incoming" / name).unlink()
        way.turn()
        assert sshd.names() == [], "it was there, and was taken away"


def test_a_period_that_runs_by_the_hubs_clock_is_not_drafted(tmp_path: Path) -> None:
    """Whoever drafts has a wall clock of its own, which may have jumped ahead."""
    (tmp_path / "state").mkdir()
    with Yard(tmp_path / "state") as made:
        refused(made.staffed())
        office = Office(made)
        ahead_us = made.clock.now_us() + 40 * 86_400_000_000
        with Record(made.folder) as record:
            early = draft(record, office.profile, office.who, "city", office.span, ahead_us)
        assert early.findings == []
        with pytest.raises(CommandRefused, match="2026-11 runs until 2026-11-30"):
            office.hand_in(early)
        office.wait_until_over()
        office.hand_in(early)


GOOD = {
    "filing": "01JDVR1G1NA000000000000000", "authority": "city", "period": "2026-11",
    "corrects": "", "profile": {}, "disclosed": {"recipient": "x"}, "title": "t",
    "counts": {"a": 1}, "document": {"header": {}, "tables": {"a": [{}]}},
    "members": [{"part": "refused", "key": "K"}], "findings": [],
}  # fmt: skip
WRONG = {
    "filing": (["x"], {"a": 1}, "", "../../etc/x", "01jdvr1g1na000000000000000"),
    "authority": ([1], None),
    "period": ({"a": 1}, "2026-13"),
    "corrects": ({"a": 1}, None),
    "title": (3,),
    "profile": ([],),
    "disclosed": ({}, {"recipient": 3}, None),
    "counts": ([], {"a": 2}),
    "document": (None, {"tables": 3}, {"header": {}, "tables": {"a": 3}},
                 {"header": {"a": 1}, "tables": {"a": [{}]}},
                 {"header": {}, "tables": {"a": [{"b": 1 << 60}]}}),
    "members": (None, "a", [3], [{"part": "refused", "key": ["x"]}], [{"part": [], "key": "K"}]),
    "findings": (["x"], [{"level": "fault"}], [{"level": [], "word": "w"}]),
}  # fmt: skip


@pytest.mark.parametrize(("key", "value"), [(key, one) for key in WRONG for one in WRONG[key]])
def test_a_draft_of_a_wrong_form_is_refused_before_it_gets_to_the_tables(
    yard: Yard, key: str, value: object
) -> None:
    office = Office(yard)
    office.wait_until_over()
    with pytest.raises(CommandRefused, match=r"the draft|no sink|expected a month"):
        office.hand_in_raw(json.dumps({**GOOD, key: value}).encode(), "S-1")
    assert office.hand_in_raw(json.dumps(GOOD).encode(), "S-1")["rows"] == 1


def test_a_filing_that_is_there_is_not_drafted_with_another_document(yard: Yard) -> None:
    office = Office(yard)
    office.wait_until_over()
    first = office.hand_in_raw(json.dumps(GOOD).encode(), "S-1")
    assert office.hand_in_raw(json.dumps(GOOD).encode(), "S-1") == first
    other = {**GOOD, "document": {"header": {"x": "y"}, "tables": {"a": [{}]}}}
    with pytest.raises(CommandRefused, match="is there with another document"):
        office.hand_in_raw(json.dumps(other).encode(), "S-1")


def test_a_profile_that_was_changed_after_the_draft_pauses_the_folder(
    yard: Yard, tmp_path: Path
) -> None:
    """Nothing of it lies there meanwhile; put back, it goes out."""
    way = by_folder(yard, tmp_path)
    path = way.settings.profile  # type: ignore[attr-defined]  # of a filing
    text = path.read_text("utf-8")
    name = next(iter(load_profile(path).table.values())).field[0].name
    path.write_text(text.replace(f'name = "{name}"', 'name = "renamed"', 1), "utf-8")
    way._begin()
    way.turn()
    standing, why = way.standing()
    assert standing == "paused"
    assert "was changed after filing" in why
    assert list((tmp_path / "filing").iterdir()) == []
    path.write_text(text, "utf-8")
    way.until("submitted")
    assert len(list((tmp_path / "filing").iterdir())) == 3


@pytest.mark.parametrize("what", ["personal", "all"])
def test_an_erasure_takes_the_documents_of_filings_with_the_job(tmp_path: Path, what: str) -> None:
    """In the ledger and in the parcel, also of what was corrected; the steps can be followed."""
    (tmp_path / "state").mkdir()
    text = profile_file(PROFILES[0]).read_text("utf-8")
    path = tmp_path / "whole.toml"
    masks = '[masks]\nname = "whole"\nphone = "whole"\naddress = "whole"\n'
    path.write_text(re.sub(r"\[masks\]\n(?:.+\n)*", masks, text), "utf-8")
    with Yard(tmp_path / "state") as made:
        refused(made.staffed(), name="王小明")
        office = Office(made, profile=path)
        office.wait_until_over()
        old = office.sent()

        def erase() -> object:
            return made.do(
                "retention.erase", numbers=[REFUSED], what=what, approved_by="S-1", reason="over"
            )

        office.hear(Said("rejected", reasons=("E7",)))
        new = office.draft(corrects=old)
        made.clock.move(40 * 366 * 86400)
        with pytest.raises(CommandRefused, match=f"{new['filing']} has one .* prepared"):
            erase()
        office.door.discard({"filing": new["filing"], "by": "S-1", "reason": "x"})
        name = "王小明".encode()
        assert name in office.parcels()[0].body
        erase()
        assert name not in office.parcels()[0].body
        assert "erased" in str(filing_of(office.parcels()[0]))
        assert verify(made.folder).ok
        for one in (old, new["filing"]):
            assert filing(made.folder, one)["steps"]
            with pytest.raises(CommandRefused, match="content was erased"):
                filing(made.folder, one, with_document=True)
        office.door.discard({"filing": old, "by": "S-1", "reason": "x"})
        assert office.state(old) == "discarded"
    assert name not in (tmp_path / "state" / "ledger.db").read_bytes()


def test_a_key_of_the_authority_that_nothing_is_checked_with_pauses(tmp_path: Path) -> None:
    profile = load_profile(profile_file(PROFILES[0])).model_copy(update={"signature": None})
    (tmp_path / "key.pub").write_text("x")
    settings = SignedFilingSettings.model_construct(authority_key=tmp_path / "key.pub")
    with pytest.raises(SinkPaused, match=r"no \[signature\]"):
        Keys(profile, settings, str)
    Keys(profile, SignedFilingSettings.model_construct(), str)


def test_deliveries_show_the_document_of_a_filing_only_to_who_may_see_customers(
    yard: Yard,
) -> None:
    office = Office(yard)
    office.wait_until_over()
    filing_id = office.sent()
    (parcel,) = office.parcels()

    def data(*scopes: str) -> dict[str, Any]:
        house = SimpleNamespace(reading=lambda: LedgerReader(yard.folder))
        token = SimpleNamespace(scopes=("deliveries:read", *scopes), sites=())
        who: Any = SimpleNamespace(house=house, token=token)
        found: dict[str, Any] = shown(who, parcel.id)["body"]["data"]
        return found

    assert "document" not in data()
    assert data()["filing"] == filing_id
    assert data("evidence:personal")["document"]["tables"]


@pytest.mark.parametrize(("receipt", "by", "met"), [
    ("", "city", False), ("GZ-471", "city", True), ("", "S-1", True),
])  # fmt: skip
def test_a_duplicate_meets_its_deadline_with_a_receipt_or_by_a_persons_word(
    yard: Yard, receipt: str, by: str, *, met: bool
) -> None:
    office = Office(yard)
    office.wait_until_over()
    one = office.sent()
    said = Said("duplicate", receipt, of="01JDVR1G1NA000000000000000")
    if by == "city":
        office.hear(said)
    else:
        request = {"filing": one, "by": by, "step": "duplicate", "of": said.of}
        office.door.answer(request)
    with LedgerReader(yard.folder) as reader:
        now = period_now(reader.sql, "city", office.profile.schedule, office.span)
        late = read_owed(reader.sql, "city", office.profile.schedule, date(2027, 3, 1))
    assert now.filing is not None
    assert now.filing.met is met
    assert ("2026-11" in [owed.period for owed in late]) is not met


def test_ids_that_differ_only_by_case_are_one_person(yard: Yard) -> None:
    with pytest.raises(CommandRefused, match="s-1: S-1 is in the register"):
        yard.do("staff.put", text=json.dumps({"id": "s-1", "supervisor": True}))
    record = json.dumps({"id": "s-1", "supervisor": True, "certificates": {}})
    with yard.ledger.transaction() as tx:  # as registers of before may have it
        tx.sql.execute("INSERT INTO staff (id, record, entry) VALUES ('s-1', ?, 1)", (record,))
    office = Office(yard)
    office.wait_until_over()
    made = office.hand_in(office.due(), by="S-1")
    with pytest.raises(CommandRefused, match="asks for two persons"):
        office.approve(made, "s-1")
