"""A CRM hears of every state that a filing comes into, once, with the step that brought it."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from hub.errors import CommandRefused
from hub.filing.life import State
from hub.filing.telling import codes_of, state_told
from hub.happenings import FilingData
from hub.ledger import LedgerReader
from hub.model import Said
from tests.filing_rig import Office, refused
from tests.foreman_rig import Yard


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Yard(tmp_path) as yard:
        refused(yard.staffed())
        made = Office(yard)
        made.wait_until_over()
        yield made


def told(office: Office, filing: str) -> list[tuple[str, str]]:
    return [(one["state"], one["stands"]) for one in office.told(filing)]


ANSWERS = {
    "accepted": Said("accepted", "R-1"),
    "rejected": Said("rejected", reasons=("E12 张小明 13812345678", "no code")),
    "duplicate": Said("duplicate", of="01OTHER"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_state_from_the_draft_to_the_answer_is_told_once(office: Office, answer: str) -> None:
    filing = office.sent()
    for said in (Said("unknown"), Said("submitted", "T-1"), ANSWERS[answer]):
        office.hear(said)
        office.hear(said)

    ended = {"duplicate": "duplicate_of"}.get(answer, answer)
    assert told(office, filing) == [
        ("prepared", "prepared"),
        ("approved", "approved"),
        ("approved", "queued"),
        ("submitted_unknown", "submitted_unknown"),
        ("submitted", "submitted"),
        (answer, ended),
    ]
    last = office.told()[-1]
    assert last["channel"] == "city"
    assert (last["period"], last["records"]) == ("2026-11", 2)
    assert last.get("receipt", "") == ANSWERS[answer].receipt
    assert last.get("duplicate_of", "") == ANSWERS[answer].of
    assert last["reasons"] == (["E12"] if answer == "rejected" else [])


def test_what_is_told_rests_on_the_entry_of_the_step(office: Office) -> None:
    """Same transaction, its own entry, and a head that covers it."""
    office.sent()
    office.hear(Said("accepted", "R-1"))

    with LedgerReader(office.yard.folder) as reader:
        steps = [one.index for one in reader.entries(kinds=("filing_step",))]
    assert [one["ledger"]["entry"] for one in office.told()] == steps
    assert all(one["ledger"]["size"] > one["ledger"]["entry"] for one in office.told())


def test_a_correction_and_a_discard_are_told_of_both_filings(office: Office) -> None:
    old = office.sent()
    office.hear(Said("rejected", reasons=("E7",)))
    new = str(office.draft(corrects=old)["filing"])
    office.door.discard({"filing": new, "by": "S-1", "reason": "张小明 called"})

    assert told(office, old)[-2:] == [("corrected", "corrected"), ("rejected", "rejected")]
    assert told(office, new) == [("prepared", "prepared"), ("prepared", "discarded")]
    assert [one["replaces"] for one in office.told(new)] == [old, old]
    assert "张小明" not in str(office.told())


def test_a_step_that_is_refused_or_does_not_fit_is_no_news(office: Office) -> None:
    """What is undone is not told either: both are in one transaction."""
    filing = office.sent()
    office.hear(Said("accepted", "R-1"))
    size = len(office.told())
    with pytest.raises(CommandRefused):
        office.door.discard({"filing": filing, "by": "S-1", "reason": "x"})
    office.hear(Said("rejected", reasons=("E7",)))  # kept, and changes no state
    assert len(office.told()) == size

    first, second = office.due(corrects=filing), office.due(corrects=filing)
    office.hand_in(first, corrects=filing)
    size = len(office.told())
    with pytest.raises(CommandRefused):
        office.hand_in(second, corrects=filing)
    assert len(office.told()) == size
    assert [one["filing"] for one in office.told()].count(second.filing) == 0


def test_an_answer_that_was_typed_in_is_told_without_its_words(office: Office) -> None:
    filing = office.sent()
    office.hear(Said("submitted"))
    request = {"filing": filing, "by": "S-1", "step": "rejected", "reason": "请联系张小明"}
    office.door.answer(request)

    assert told(office, filing)[-1] == ("rejected", "rejected")
    assert office.told()[-1]["reasons"] == []


@pytest.mark.parametrize("state", get_args(State))
def test_every_state_has_a_word_of_the_contract(state: State) -> None:
    words = get_args(FilingData.model_fields["state"].annotation)
    assert state_told("prepared", state) in words


@pytest.mark.parametrize(
    ("reason", "codes"),
    [
        ("E12 行政区划代码错误", ["E12"]),
        ("division_code", ["division_code"]),
        ("40001: unknown", ["40001"]),
        ("GB-0417，张小明", ["GB-0417"]),
        ("张小明 13812345678", []),
        ("13812345678", []),
        ("11010519491231002X", []),
        ("Zhang San was away", []),
        ("8800123456 unknown", []),
        ("no reason was given", []),
        ("zhang_xiaoming refused", []),
        ("li_na", []),
        ("zhang_code", []),
        ("user_no_2 missing", ["user_no_2"]),
        ("Ｅ12 错误", ["E12"]),
        ("", []),
    ],
)
def test_of_a_reason_only_its_code_is_told(reason: str, codes: list[str]) -> None:
    assert codes_of([reason, reason]) == codes
