"""Filings: what is due, what is wrong with it, who may approve it, and what came back."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hub.clock import local_day
from hub.errors import CommandRefused, ConfigError
from hub.filing import life
from hub.filing.codes import check_digit_fits
from hub.filing.deadlines import period_now
from hub.filing.door import authorities
from hub.filing.listing import filing, filings
from hub.filing.period import last_over, span, span_of
from hub.filing.profile import load_profile
from hub.ledger import LedgerReader, verify
from hub.ledger.canonical import canonical
from hub.model import Said
from hub.outbox import Consignee
from hub.records import Record, Words
from hub.records.paper import print_paper
from hub.somebody import names_somebody
from hub.texts.records import RECORDS
from tests.filing_rig import PROFILES, REFUSED, Office, profile_file, refused, settings_of
from tests.foreman_rig import PHOTO_SHA, Yard
from tests.outbox_rig import ObedientSink
from tests.records_rig import ABSENT, CUSTOMER, HAZARD, INSPECTED, LEAK, days_of_work


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """One refused inspection; the period is over."""
    with Yard(tmp_path) as made:
        refused(made.staffed())
        yield made


@pytest.fixture
def office(yard: Yard) -> Office:
    made = Office(yard)
    made.wait_until_over()
    return made


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """Every kind of job; nobody changes it any more."""
    with Yard(tmp_path_factory.mktemp("state")) as made:
        days_of_work(made)
        refused(made)
        yield made


# -- what is due


@pytest.mark.parametrize("name", PROFILES)
def test_what_is_due_is_found_by_rule(worked: Yard, name: str) -> None:
    """The refusal, the absence with its laser result, the hazards, the statistics; no more."""
    office = Office(worked, name)
    office.wait_until_over()
    made = office.due()
    due = {(one["part"], one["key"]) for one in made.members}

    # The month ends before the deadline of the long hose; the quarter does not.
    late = {("hazard", f"{HAZARD}:overdue")} if name == "example_county" else set()
    hose = {pair for pair in due if pair[1].startswith(f"{INSPECTED}-H")}
    assert due - hose == late | {
        ("refused", REFUSED),
        ("absent", ABSENT),
        ("hazard", f"{LEAK}:overdue"),
        ("statistics", office.span.name),
    }
    assert [one for one in made.findings if one.level == "fault"] == []
    assert all(one["entries"] for one in made.members if one["part"] != "statistics")


def test_an_absence_is_filed_with_the_outcome_word_of_its_screen(worked: Yard) -> None:
    office = Office(worked)
    office.wait_until_over()
    (row,) = office.due().document["tables"]["buyu"]

    assert (row["gdbh"], row["jgjg"], row["sbxlh"]) == (ABSENT, "0", "S-lm-1")
    assert [row[key] for key in ("df1", "df2", "df3")] == sorted(
        {row["df1"], row["df2"], row["df3"]}
    )
    assert row["tzzp"].split(",") == [PHOTO_SHA] * 3
    assert "PASS" not in json.dumps(office.due().document)


def test_statistics_count_what_the_record_has(worked: Yard) -> None:
    office = Office(worked, "example_county")
    office.wait_until_over()
    (row,) = office.due().document["tables"]["统计"]

    assert {key: row[key] for key in ("季度", "应检", "已检", "拒检", "不遇")} == {
        "季度": "2026-Q4", "应检": "3", "已检": "1", "拒检": "1", "不遇": "1",
    }  # fmt: skip


def test_a_trial_is_due_nowhere_and_counted_nowhere(yard: Yard) -> None:
    """A false report to an authority is worse than none."""
    refused(yard, "2026-3999", trial=True)
    office = Office(yard, "example_county")
    office.wait_until_over()
    made = office.due()

    assert [one["key"] for one in made.members] == [REFUSED, office.span.name]
    (row,) = made.document["tables"]["统计"]
    assert (row["应检"], row["拒检"]) == ("1", "1")
    assert "2026-3999" not in json.dumps(made.document)


def test_a_test_channel_carries_no_filing() -> None:
    sinks = [
        Consignee(name, ObedientSink(), settings_of("example_city", trial=trial))
        for name, trial in (("city", False), ("rehearsal", True))
    ]
    assert authorities(sinks) == {"city": profile_file("example_city")}


@pytest.mark.parametrize("name", PROFILES)
def test_no_personal_data_but_what_the_template_lets_through(worked: Yard, name: str) -> None:
    office = Office(worked, name)
    office.wait_until_over()
    made = office.due()
    text = json.dumps(made.document, ensure_ascii=False)
    hidden = {"user_no", "name", "phone", "address", "unit", "room", "meter_no"}

    assert [field for field in hidden if CUSTOMER[field] in text] == []
    assert "7 栋" in text
    if name == "example_county":
        assert "****" + CUSTOMER["user_no"][-4:] in text


def test_what_is_in_a_filing_is_no_longer_due_and_what_is_discarded_is_again(
    office: Office,
) -> None:
    made = office.draft()
    left = {one["part"] for one in office.due().members}
    office.door.discard({"filing": made["filing"], "by": "S-1", "reason": "a slip"})

    assert left == set()
    assert {one["key"] for one in office.due().members} == {REFUSED, "2026-11"}
    assert office.state(made["filing"]) == "discarded"


def test_a_record_that_came_late_is_filed_with_the_next_period(office: Office) -> None:
    """What ended before the period is due as well, if no filing has it."""
    later = Office(office.yard)
    later.span = span("month", "2027-01")

    assert REFUSED in {one["key"] for one in later.due().members}


def test_a_record_that_somebody_else_has_drafted_is_refused_whole(office: Office) -> None:
    """Two drafts of the same records: the second is none, and leaves nothing behind."""
    first, second = office.due(), office.due()
    office.hand_in(first)
    with pytest.raises(CommandRefused, match="in another filing"):
        office.hand_in(second)

    assert [one["filing"] for one in filings(office.yard.folder)] == [first.filing]


def test_the_same_draft_handed_in_twice_is_one(office: Office) -> None:
    made = office.due()

    assert office.hand_in(made) == office.hand_in(made)
    assert len(filings(office.yard.folder)) == 1


def test_a_job_that_was_erased_whole_is_left_out_and_stops_nothing(yard: Yard) -> None:
    refused(yard, "2026-3009")
    with yard.ledger.transaction() as tx:
        for query in ("SELECT entry FROM jobs WHERE number=?",
                      "SELECT entry FROM job_entries WHERE number=?"):  # fmt: skip
            for (entry,) in tx.sql.execute(query, ("2026-3009",)).fetchall():
                tx.erase(entry, "over", "S-1")
        tx.sql.execute("UPDATE jobs SET erased='all' WHERE number='2026-3009'")
    office = Office(yard)
    office.wait_until_over()

    assert {one["key"] for one in office.due().members} == {REFUSED, "2026-11"}


# -- what is wrong with it


def words(office: Office) -> dict[str, str]:
    return {one.word: one.level for one in office.due().findings}


def test_a_division_that_the_city_has_not_is_a_fault(yard: Yard) -> None:
    office = Office(yard, division_code="110199")
    office.wait_until_over()

    assert words(office) == {"division_unknown": "fault"}


def test_a_check_digit_that_does_not_fit_is_a_warning(yard: Yard) -> None:
    """91350211M0000XUF46 is a real company's."""
    office = Office(yard, credit_code="91350211M0000XUF46")
    office.wait_until_over()

    assert words(office) == {"check_digit": "warning"}
    assert office.draft()["faults"] == 0


def test_a_period_that_runs_is_a_fault(yard: Yard) -> None:
    assert words(Office(yard)) == {"period_runs": "fault"}


def test_free_text_that_names_somebody_is_a_fault_and_is_not_repeated(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused where it is typed; a record may be from before that."""
    monkeypatch.setattr("hub.jobs.answering.names_somebody", lambda _: False)
    refused(yard, "2026-3004", words="打他电话13812345678")
    office = Office(yard)
    office.wait_until_over()
    made = office.due()

    assert [(one.word, one.where) for one in made.findings] == [
        ("names_somebody", "2026-3004 jjqk")
    ]
    assert "13812345678" not in repr(made.findings)


def test_a_file_that_is_not_what_it_was_is_a_fault(office: Office) -> None:
    path = office.yard.folder / "files" / PHOTO_SHA[:2] / PHOTO_SHA
    path.write_bytes(b"another")

    assert words(office) == {"file_missing": "fault"}


def test_a_word_without_a_code_and_a_text_too_long_are_faults(yard: Yard, tmp_path: Path) -> None:
    refused(yard, "2026-3005", words="不" * 501)
    office = Office(yard)
    office.wait_until_over()
    text = profile_file("example_city").read_text().replace('source = "cycle"', "")
    text = text.replace('{ name = "yhbh", source = "subject", required = true }',
                        '{ name = "yhbh", source = "user_class", codes = "laser" }')  # fmt: skip
    path = tmp_path / "profile.toml"
    path.write_text(text)
    office.profile = load_profile(path)

    assert words(office) == {"code_unknown": "fault", "too_long": "fault"}


def test_nothing_more_due_in_a_period_that_has_a_filing_is_a_fault(office: Office) -> None:
    office.draft()

    assert office.due().members == []
    assert words(office) == {"empty": "fault"}


def test_a_period_in_which_nothing_is_due_is_met_by_a_nil_report(tmp_path: Path) -> None:
    """Or it would be overdue for ever. It is approved and sent as any other."""
    text = profile_file("example_city").read_text()
    path = tmp_path / "profile.toml"  # statistics are always due
    path.write_text(re.sub(r"\[table\.statistics\].*?(?=\n\[|\Z)", "", text, flags=re.DOTALL))
    with Yard(tmp_path / "yard") as yard:
        office = Office(yard.staffed(), profile=path)
        office.wait_until_over()
        assert words(office) == {"nil": "warning"}
        filing = office.sent()
        office.hear(Said("accepted", "R-0"))

        assert office.told(filing)[-1]["records"] == 0
        with LedgerReader(yard.folder) as reader:
            now = period_now(reader.sql, "city", office.profile.schedule, office.span)
        assert now.filing is not None
        assert now.filing.met
        assert words(office) == {"empty": "fault"}


def test_every_finding_has_its_text() -> None:
    """In both languages; see `hub.filing.drafting`."""
    source = Path(__file__).parent.parent.joinpath("hub/filing/drafting.py").read_text()
    said = set(re.findall(r'(?:_find|Finding)\(\s*"(?:fault|warning)", "(\w+)"', source))

    assert len(said) > 8
    for texts in RECORDS.values():
        prefix = "records.filing.finding."
        assert {key.removeprefix(prefix) for key in texts if key.startswith(prefix)} == said


# -- who may approve it


def test_a_supervisor_approves_what_was_looked_at(office: Office) -> None:
    made = office.draft()
    for by, said in (("T-2", "no supervisor"), ("nobody", "not in the register")):
        with pytest.raises(CommandRefused, match=said):
            office.approve(made, by)
    with pytest.raises(CommandRefused, match="another digest"):
        office.approve({**made, "digest": "0" * 64})
    with pytest.raises(CommandRefused, match="another digest"):
        office.door.approve({"filing": made["filing"], "by": "S-1", "digest": made["digest"][:4]})
    office.approve(made)

    assert office.state(made["filing"]) == "approved"
    told = filing(office.yard.folder, made["filing"])
    assert [(one["step"], one["by"]) for one in told["steps"]] == [
        ("drafted", "T-1"), ("approved", "S-1")
    ]  # fmt: skip


def test_nobody_approves_what_he_has_drafted(office: Office) -> None:
    """The refusal names both; another supervisor may."""
    office.yard.do("staff.put", text='{"id": "S-2", "supervisor": true}')
    made = office.hand_in(office.due(), by="S-1")
    with pytest.raises(CommandRefused, match=r"drafted by S-1 .* approved by S-1.* two persons"):
        office.approve(made, "S-1")
    assert office.state(made["filing"]) == "prepared"
    office.approve(made, "S-2")

    assert office.state(made["filing"]) == "approved"


def test_a_draft_is_somebodys_whom_the_register_knows(office: Office) -> None:
    """A name that nobody has would be a way around the second person."""
    with pytest.raises(CommandRefused, match="'office' is not in the register"):
        office.hand_in(office.due(), by="office")
    assert office.yard.ledger_sql("SELECT COUNT(*) FROM filings") == [(0,)]


def test_a_profile_may_let_one_person_do_both(yard: Yard, tmp_path: Path) -> None:
    text = profile_file("example_city").read_text(encoding="utf-8")
    path = tmp_path / "alone.toml"
    path.write_text(text.replace("two_persons = true", "two_persons = false"), encoding="utf-8")
    office = Office(yard, profile=path)
    office.wait_until_over()
    made = office.hand_in(office.due(), by="S-1")
    office.approve(made, "S-1")

    assert office.state(made["filing"]) == "approved"
    assert load_profile(profile_file("example_city")).approval.two_persons


@pytest.mark.parametrize(("until", "may"), [("2026-12-01", True), ("2026-11-30", False)])
def test_a_supervisors_certificate_must_be_valid_on_the_day(
    office: Office, until: str, may: bool
) -> None:
    """On its last day it is; the day is Shanghai's."""
    held = {"supervisor": {"number": "Z-9", "until": until}}
    office.yard.do(
        "staff.put", text=json.dumps({"id": "S-1", "supervisor": True, "certificates": held})
    )
    made = office.draft()
    assert local_day(office.yard.clock.now_us()).isoformat() == "2026-12-01"
    if may:
        office.approve(made)
    else:
        with pytest.raises(CommandRefused, match=r"Z-9, which ended on 2026-11-30"):
            office.approve(made)

    assert office.state(made["filing"]) == ("approved" if may else "prepared")


def test_a_draft_with_a_fault_is_not_approved(yard: Yard) -> None:
    office = Office(yard, division_code="999999")
    office.wait_until_over()
    made = office.draft()
    with pytest.raises(CommandRefused, match="1 fault"):
        office.approve(made)


def test_nothing_is_sent_that_nobody_approved(office: Office) -> None:
    made = office.draft()
    with pytest.raises(CommandRefused, match="is prepared and cannot be queued; approve it"):
        office.submit(made)

    assert office.parcels() == []


def test_what_is_sent_is_what_was_approved(office: Office) -> None:
    made = office.draft()
    office.approve(made)
    office.submit(made)
    (parcel,) = office.parcels()
    body = json.loads(parcel.body)

    assert parcel.body == canonical(body)
    assert (
        body["data"]["document"]
        == filing(office.yard.folder, made["filing"], with_document=True)["document"]
    )
    assert body["data"]["digest"] == made["digest"]
    assert body["data"]["ledger"]["size"] > body["data"]["ledger"]["entry"]
    with pytest.raises(CommandRefused, match="is queued and cannot be queued"):
        office.submit(made)


def test_the_legal_basis_and_the_fields_of_persons_are_recorded(office: Office) -> None:
    told = filing(office.yard.folder, office.draft()["filing"])

    assert told["steps"][0]["disclosed"] == {
        "recipient": "示例市城市管理局燃气管理处",
        "legal_basis": "公司规定 3.7.6；城镇燃气管理条例第十七条",
        "purpose": "拒检、到访不遇、隐患拒绝整改情况备案",
        "personal": {"name": "masked", "building": "masked", "division_code": "masked"},
    }


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"filing":1}', b"\xff" * 9])
def test_what_is_no_draft_is_refused(office: Office, content: bytes) -> None:
    with pytest.raises(CommandRefused):
        office.hand_in_raw(content or b" ")


def test_a_draft_whose_counts_do_not_fit_is_refused(office: Office) -> None:
    made = office.due()
    made.members.pop()
    with pytest.raises(CommandRefused, match="members"):
        office.hand_in(made)


# -- what came back


def test_an_acceptance_is_an_entry_with_its_receipt(office: Office) -> None:
    made = office.sent()
    office.hear(Said("submitted", "T-1"))
    office.hear(Said("accepted", "R-1", proof="signed"))

    told = filing(office.yard.folder, made)
    assert [one["step"] for one in told["steps"]] == [
        "drafted", "approved", "queued", "submitted", "accepted"
    ]  # fmt: skip
    assert told["steps"][-1]["receipt"] == "R-1"
    assert filings(office.yard.folder)[0]["receipt"] == "R-1"
    assert verify(office.yard.folder).ok


def test_the_same_answer_again_changes_nothing(office: Office) -> None:
    office.sent()
    for said in (Said("submitted", "T-1"), Said("accepted", "R-1")):
        office.hear(said)
        size = len(office.yard.entries())
        office.hear(said)
        office.hear(said)
        assert len(office.yard.entries()) == size


def test_an_answer_that_does_not_fit_is_kept_and_changes_no_state(office: Office) -> None:
    """Rejected after it was accepted: a person must look."""
    made = office.sent()
    office.hear(Said("accepted", "R-1"))
    office.hear(Said("rejected", reasons=("E7",)))

    told = filing(office.yard.folder, made)
    assert (told["state"], told["steps"][-1]["fits"]) == ("accepted", False)
    assert told["steps"][-1]["reasons"] == ["E7"]


def test_a_rejected_filing_is_corrected_by_another_with_the_same_records(office: Office) -> None:
    made = office.sent()
    office.hear(Said("rejected", reasons=("E7 wrong code",)))
    assert office.due().members == []
    new = office.draft(corrects=made)

    assert office.state(made) == "corrected"
    assert filing(office.yard.folder, made)["steps"][-1]["filing_that_corrects"] == new["filing"]
    document = filing(office.yard.folder, new["filing"], with_document=True)["document"]
    assert document["header"]["gzpch"] == made
    rows = office.yard.ledger_sql("SELECT DISTINCT filing FROM filing_rows")
    assert rows == [(new["filing"],)]


def test_what_is_under_way_can_be_neither_discarded_nor_corrected(office: Office) -> None:
    made = office.sent()
    with pytest.raises(CommandRefused, match="queued and cannot be discarded"):
        office.door.discard({"filing": made, "by": "S-1", "reason": "x"})
    with pytest.raises(CommandRefused, match="queued and cannot be corrected"):
        office.hand_in(office.due(corrects=made), corrects=made)


def test_an_answer_is_typed_in_for_what_was_uploaded_by_hand(office: Office) -> None:
    made = office.sent()
    office.hear(Said("submitted"))
    request = {"filing": made, "by": "S-1", "step": "accepted"}
    with pytest.raises(CommandRefused, match="receipt"):
        office.door.answer(request)
    office.door.answer({**request, "receipt": "No. 17"})

    step = filing(office.yard.folder, made)["steps"][-1]
    assert (step["state"], step["receipt"], step["proof"]) == (
        "accepted", "No. 17", "typed in by S-1"
    )  # fmt: skip


def test_a_restart_between_any_two_steps_changes_nothing(office: Office) -> None:
    made = office.draft()
    for act in (office.approve, office.submit):
        office.yard.again()
        act(made)
    office.yard.again()
    office.hear(Said("accepted", "R-1"))

    assert office.state(made["filing"]) == "accepted"
    assert verify(office.yard.folder).ok


@pytest.mark.parametrize("state", life.get_args(life.State))
@pytest.mark.parametrize("step", ["approved", "queued", "corrected", "discarded", *life.SAID])
def test_every_step_in_every_state_leads_to_a_state_or_says_what_to_do(
    state: Any, step: Any
) -> None:
    found = life.after(state, step)
    if found is None:
        with pytest.raises(CommandRefused, match=f"is {state} and cannot be {step}; \\w+"):
            life.ordered("F", state, step)
    else:
        assert life.ordered("F", state, step) == found


# -- the cover letter


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_cover_letter_has_the_digest_and_names_nobody(
    office: Office, tmp_path: Path, lang: Any
) -> None:
    """Read by another program; the same record gives the same bytes."""
    made = office.draft()
    with Record(office.yard.folder) as record:
        words = Words(record, lang)
        with pytest.raises(CommandRefused, match="is not approved"):
            print_paper(words, "letter", made["filing"], tmp_path / "no.pdf")
    office.approve(made)
    with Record(office.yard.folder) as record:
        words = Words(record, lang)
        for name in ("letter.pdf", "again.pdf"):
            print_paper(words, "letter", made["filing"], tmp_path / name)
    said = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "letter.pdf", "-"], capture_output=True, check=True
    ).stdout.decode()
    joined = "".join(said.split())

    assert (tmp_path / "letter.pdf").read_bytes() == (tmp_path / "again.pdf").read_bytes()
    assert made["digest"] in joined
    for told in ("示例市城市管理局燃气管理处", "户内安检情况备案", "2026-11", "S-1"):
        assert told in joined
    assert [text for text in CUSTOMER.values() if text in said] == []


# -- periods, codes, profiles


@pytest.mark.parametrize(
    ("every", "name", "first", "last"),
    [
        ("day", "2026-11-29", date(2026, 11, 29), date(2026, 11, 29)),
        ("week", "2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        ("month", "2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("month", "2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("quarter", "2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("quarter", "2027-Q1", date(2027, 1, 1), date(2027, 3, 31)),
        ("year", "2026", date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_periods_have_their_days(every: Any, name: str, first: date, last: date) -> None:
    assert span(every, name) == (name, first, last)
    assert span_of(every, first) == span_of(every, last) == (name, first, last)
    assert last_over(every, date.fromordinal(last.toordinal() + 1)) == (name, first, last)


@pytest.mark.parametrize(("every", "name"), [
    ("month", "2026-13"), ("month", "2026"), ("week", "2026-W60"), ("day", "2026-02-30"),
    ("quarter", "2026-Q5"), ("year", "26"),
])  # fmt: skip
def test_what_is_no_period_is_refused(every: Any, name: str) -> None:
    with pytest.raises(CommandRefused, match="expected a"):
        span(every, name)


def test_free_text_is_searched_for_numbers_of_persons() -> None:
    for text in ("13812345678", "电话+8613812345678。", "身份证11010519491231002X"):
        assert names_somebody(text)
    for text in (
        *(
            "138 1234 5678",
            "138-1234-5678",
            "１３８１２３４５６７８",
            "008613812345678",
            "13812345678a",
        ),
        *("0086 138 1234 5678", "+86-13812345678", "138\u200b12345678", "1 3 8 1 2 3 4 5 6 7 8"),
        *("010-67891234", "(0571) 8765 4321", "057187654321", "110105 19491231 002X"),
    ):
        assert names_somebody(text), text
    for text in ("15.3 2026-11-30", "2026-11-30 15:20", "91110000101623741K", "1.5 kPa 180 s"):
        assert not names_somebody(text), text
    for text in (
        "2026-3001",
        "330106202611300001",
        "138123456789012",
        "9111000010162374",
        "户号 0088001234",
    ):
        assert not names_somebody(text)
    assert check_digit_fits("914501000000000270")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('source = "refused_at"', "refused_att"),
        ('codes = "laser"', "lasr"),
        ('pch = "filing"', "fling"),
        ('xm", source = "name"', "nmae"),
    ],
)
def test_a_misspelt_profile_is_refused_with_the_right_word(
    tmp_path: Path, change: str, said: str
) -> None:
    right = change.split('"')[-2]
    text = profile_file("example_city").read_text().replace(change, change.replace(right, said), 1)
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"{said}.*{right}"):
        load_profile(path)


@pytest.mark.parametrize("content", [b"\xff", b"id = ", b"id = 'x'"])
def test_a_profile_that_is_none_is_refused_by_its_path(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "none.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"none\.toml"):
        load_profile(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_profile(tmp_path / "missing.toml")
