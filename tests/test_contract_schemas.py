"""The contract does not move: schemas only grow, golden events stay valid, documents are true."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from jsonschema import Draft202012Validator
from pydantic_asyncapi.v3 import AsyncAPI

from hub.clock import iso
from hub.contract.additive import breaches
from hub.contract.asyncapi import asyncapi
from hub.contract.schemas import EVENTS, schema, schema_files, text_of
from hub.contract.words import words
from hub.events import CONTRACT
from tests.golden_events import GOLDEN, events
from tests.pointing import at, references

DOCS = Path(__file__).parent.parent / "docs"
SCHEMAS = DOCS / "schemas"
RELEASED = sorted((SCHEMAS / "released").glob("*.json"))
KEPT = sorted(GOLDEN.glob("*/*.json"))


def test_the_schemas_in_docs_are_the_models() -> None:
    """docs/schemas is written from the models: `gashub contract write docs`."""
    found = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("gashub.*.json")}

    assert found == schema_files()


def test_the_words_in_docs_are_those_of_the_pack() -> None:
    """docs/words.json is written from the shipped rule pack and the texts, like the schemas."""
    assert (DOCS / "words.json").read_text(encoding="utf-8") == text_of(words())


def test_receivers_may_meet_new_fields() -> None:
    """Fields are added within a major version, so no schema may forbid unknown ones."""
    for text in schema_files().values():
        assert '"additionalProperties": false' not in text


# -- what was released


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_nothing_of_the_last_release_was_taken_away(path: Path) -> None:
    """docs/schemas/released has the schemas of the last release; each is replaced at the next."""
    assert breaches(json.loads(path.read_text(encoding="utf-8")), schema(path.stem)) == []


def test_every_released_type_is_still_sent() -> None:
    assert {path.stem for path in RELEASED} <= set(EVENTS)


def _drop(changed: dict[str, Any]) -> None:
    del changed["$defs"]["VerdictData"]["properties"]["attempt"]


def _optional(changed: dict[str, Any]) -> None:
    changed["$defs"]["VerdictData"]["required"].remove("test")


def _demand(changed: dict[str, Any]) -> None:
    changed["$defs"]["VerdictData"]["properties"]["crew"] = {"type": "string"}
    changed["$defs"]["VerdictData"]["required"].append("crew")


def _fifth_word(changed: dict[str, Any]) -> None:
    changed["$defs"]["VerdictRecord"]["properties"]["verdict"]["enum"].append("OK")


def _retype(changed: dict[str, Any]) -> None:
    changed["$defs"]["VerdictData"]["properties"]["opened_entry"]["type"] = "string"


def _narrow(changed: dict[str, Any]) -> None:
    changed["$defs"]["VerdictData"]["properties"]["order"]["maxLength"] = 8


def _rename(changed: dict[str, Any]) -> None:
    defs = changed["$defs"]
    defs["Verdict"] = defs.pop("VerdictRecord")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_drop, "$.$defs.VerdictData.properties.attempt: is gone"),
        (_optional, "$.$defs.VerdictData.required: test may be left out now"),
        (_demand, "$.$defs.VerdictData.required: crew must be there now"),
        (_fifth_word, "$.$defs.VerdictRecord.properties.verdict.enum: was"),
        (_retype, "$.$defs.VerdictData.properties.opened_entry.type: was 'integer'"),
        (_narrow, "$.$defs.VerdictData.properties.order.maxLength: is new"),
        (_rename, "$.$defs.VerdictRecord: is gone"),
    ],
)
def test_a_change_that_breaks_receivers_is_named(
    change: Callable[[dict[str, Any]], None], said: str
) -> None:
    """Each sort of breach is planted once, and is found where it is."""
    older = schema("gashub.verdict.v1")
    newer = deepcopy(older)
    change(newer)

    assert any(one.startswith(said) for one in breaches(older, newer))


def test_additions_and_words_for_people_are_no_breach() -> None:
    older = schema("gashub.verdict.v1")
    newer = deepcopy(older)
    newer["description"] = "other words"
    newer["$defs"]["Crew"] = {"type": "object"}
    newer["$defs"]["VerdictData"]["properties"]["crew"] = {"$ref": "#/$defs/Crew"}

    assert breaches(older, newer) == []


# -- golden events


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_golden_event_is_valid_for_ever(path: Path) -> None:
    """What was sent once is valid by today's schema, and is understood by today's model."""
    body = path.read_bytes()
    event = json.loads(body)

    Draft202012Validator(schema(event["type"])).validate(event)
    EVENTS[event["type"]].model_validate(event)
    assert rfc8785.dumps(event) == body


def test_every_type_has_golden_events_of_this_version() -> None:
    """`python -m tests.golden_events` writes those of a new version."""
    here = [json.loads(path.read_bytes()) for path in KEPT if path.parent.name == CONTRACT]

    assert {event["type"] for event in here} == set(EVENTS)
    assert {event["contractversion"] for event in here} == {CONTRACT}


def test_todays_hub_makes_the_golden_events() -> None:
    """But for ids, signatures and heads: the files show what is really sent."""
    made = {name: _bare(json.loads(event.body)) for name, event in events()}
    kept = {
        path.stem: _bare(json.loads(path.read_bytes()))
        for path in KEPT
        if path.parent.name == CONTRACT
    }

    assert made == kept


ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
NEWEST = [json.loads(path.read_bytes()) for path in KEPT if path.parent.name == CONTRACT]


def test_no_two_golden_events_have_one_id() -> None:
    """Of any two versions: a receiver is sent them all. Those of this version are ULIDs."""
    ids = [json.loads(path.read_bytes())["id"] for path in KEPT]

    assert len(ids) == len(set(ids))
    assert [event["id"] for event in NEWEST if not ULID.fullmatch(event["id"])] == []


def test_the_golden_events_of_this_version_could_have_been_sent() -> None:
    """In the order of their heads time goes on; an order begins with its acceptance or refusal;
    nothing happens to a job after its end; a job's test has its verdict before it. An order has
    one id, its attempts lie where their figures do, and a deadline that has passed lies behind.
    """
    told = sorted(NEWEST, key=lambda event: int(event["data"]["ledger"]["size"]))
    sizes = [event["data"]["ledger"]["size"] for event in told]
    assert sizes == sorted(set(sizes))
    assert [event["time"] for event in told] == sorted(event["time"] for event in told)
    known: set[str] = set()
    ended: set[str] = set()
    tests: dict[str, set[str]] = {}
    attempts: set[str] = set()
    orders: dict[str, str] = {}
    for event in told:
        data, number = event["data"], event.get("subject", "")
        if number and number not in known:
            begins = data.get("state") in ("accepted", "refused", "opened")
            assert begins, event
            assert data.get("parent", number) in known | {number}, event
        assert number not in ended
        known |= {number} - {""}
        ended |= {number} if "ended" in data else set()
        if data.get("tests"):
            tests[number] = {one["id"] for one in data["tests"]}
            assert [one["procedure"] for one in data["tests"]] == data["procedures"]
        if event["type"] == "gashub.verdict.v1":
            attempts.add(data["attempt"])
            assert orders.setdefault(number, data["order_id"]) == data["order_id"]
            assert told[0]["time"] < data["opened_at"] < data["decided_at"] == event["time"]
            assert data["opened_entry"] < data["ledger"]["entry"]
            for marked in data["verdict"]["figures"].get("events", []):
                assert data["opened_at"] <= iso(marked["at_us"]) <= data["decided_at"]
            assert data["test"] in tests.get(number, {data["test"]})
        if data.get("what") == "test":
            assert data["attempt"] in attempts
        assert data.get("due_at", "") <= event["time"] <= data.get("next_due_at", "9")
    assert len(set(orders.values())) == len(orders) > 3


def test_golden_events_show_what_looks_like_a_success_and_is_none() -> None:
    """A receiver that closes its order on these is wrong: PASS of a screen, PASS of a trial."""
    passes = [
        event["data"]
        for event in NEWEST
        if event["type"] == "gashub.verdict.v1" and event["data"]["verdict"]["verdict"] == "PASS"
    ]
    told = [(one.get("trial", False), "outcome" in one["verdict"]) for one in passes]
    assert set(told) == {(False, False), (False, True), (True, False)}
    assert any(event["data"].get("trial") for event in NEWEST if "hazard" in event["type"])
    assert {event["data"].get("completed") for event in NEWEST} == {None, True, False}


def test_types_and_subjects_carry_no_personal_data() -> None:
    """A subject is an order number, as it stands in `data`; a source is a gateway."""
    for path in KEPT:
        event = json.loads(path.read_bytes())
        assert event.get("subject") == event["data"].get("order")
        assert event["source"] == "/gashub/gw-7"
        assert event["data"]["ledger"]["size"] == event["data"]["ledger"]["entry"] + 1


def _bare(event: dict[str, Any]) -> dict[str, Any]:
    for name in ("order_id", "test", "attempt", "ledger"):
        event["data"].pop(name, None)
    return {name: value for name, value in event.items() if name != "id"}


# -- AsyncAPI


def test_the_asyncapi_document_in_docs_is_the_models() -> None:
    assert (DOCS / "asyncapi.json").read_text(encoding="utf-8") == text_of(asyncapi())


def test_the_asyncapi_document_is_one() -> None:
    """Examined by a stranger's models of AsyncAPI 3.0, which must find a planted fault as well."""
    found = AsyncAPI.model_validate(asyncapi())

    assert found.asyncapi == "3.0.0"
    planted = asyncapi()
    planted["operations"]["deliver"]["action"] = "shout"
    with pytest.raises(ValueError, match="action"):
        AsyncAPI.model_validate(planted)


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi()
    found = list(references(document))

    assert len(found) > 30
    for reference in found:
        assert at(document, reference) is not None, reference


def test_the_asyncapi_payloads_take_the_golden_events() -> None:
    """The moved schemas mean what the others mean."""
    document = asyncapi()
    for path in KEPT:
        event = json.loads(path.read_bytes())
        pointer = {"$ref": f"#/components/schemas/{event['type']}", **document}
        Draft202012Validator(pointer).validate(event)
