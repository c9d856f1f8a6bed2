"""What is wrong with a bundle is found and named, also when the true key has sealed it.

The owner of a gateway can write its whole log anew, with new proofs and signatures. Only a head
that is held outside shows that; but a log that was changed must also still agree with itself.
"""

import importlib
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.bundle import Wanted, export, verify
from hub.bundle.finding import NotGood
from hub.ledger import Entry
from tests.bundle_rig import NUMBER, Bent, Works, device_key, on_site, purged, written_anew

Body = dict[str, Any]


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    """A purge up to the joints: two tests, all sorts of steps, a refusal, a deadline kept."""
    with Works(tmp_path_factory.mktemp("works") / "state") as made:
        made.staffed()
        on_site(made)
        purged(made)
        yield made


@pytest.fixture(scope="module")
def good(works: Works, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = works.sealed(tmp_path_factory.mktemp("good") / "b.zip")
    assert verify(path).good
    return path.read_bytes()


def bad(path: Path) -> NotGood:
    """The first thing that is wrong with it."""
    found = verify(path).bad
    assert found is not None
    return found


# -- changed by whoever has no key


@pytest.fixture(scope="module")
def bench() -> Any:
    """bench/bundle.py: how bundles are bent."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
    yield importlib.import_module("bundle")
    sys.path.pop(0)


@pytest.fixture(scope="module")
def stock(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return bench.stock(tmp_path_factory.mktemp("stock"))


@pytest.fixture(scope="module")
def judge(bench: Any, stock: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return bench.Judge(tmp_path_factory.mktemp("judge"), stock[0].true_key.public)


def test_no_bent_bundle_is_accepted(bench: Any, stock: Any, judge: Any) -> None:
    """Four hundred of them, in seventeen ways; ten thousand in bench/bundle.py."""
    figures = bench.bend(judge, stock[0], 408, seed=1)
    assert figures["accepted"] == {}
    assert len(figures["tried"]) == 17


def test_a_verifier_that_skips_the_seal_is_caught(bench: Any, stock: Any, judge: Any) -> None:
    """Or the bench would prove nothing."""
    assert bench.planted(judge, stock[0], 68, seed=1)["accepted_in_all"] > 5


def test_a_second_verifier_agrees(bench: Any, stock: Any, judge: Any) -> None:
    """On good and bad ones, those among them that the true key has sealed."""
    figures = bench.compare(judge, *stock, 100, seed=1)
    assert figures["disagreements"] == []
    assert figures["said"]["good"] > 40 < figures["said"]["bad"]


def test_no_single_bit_of_head_and_end_may_differ(stock: Any, judge: Any) -> None:
    """Every bit of the local headers, the directory, the comment and the seal."""
    bundle = stock[0].good
    places = [*range(30 * 8), *range((len(bundle) - 700) * 8, len(bundle) * 8)]
    for at in random.Random(3).sample(places, 600):
        bent = bytearray(bundle)
        bent[at // 8] ^= 1 << at % 8
        assert not judge.ours(bytes(bent)), at


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\3\4" + b"\xff" * 60, b"\0" * 5000])
def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "b.zip").write_bytes(data)
    assert bad(tmp_path / "b.zip").check == "container"


def test_a_header_that_promises_gigabytes_takes_no_memory(tmp_path: Path, good: bytes) -> None:
    """Sizes are believed only as far as there are bytes."""
    (tmp_path / "b.zip").write_bytes(good[:18] + b"\xff\xff\xff\xff" * 2 + good[26:])
    found = bad(tmp_path / "b.zip")
    assert (found.check, found.member) == ("container", "VERIFY.md")


# -- left out by whoever has the key


Resealed = Callable[[Callable[[Bent], None]], NotGood]


@pytest.fixture
def resealed(works: Works, good: bytes, tmp_path: Path) -> Resealed:
    """Change a bundle, have the manifest agree, seal it with the true key; what is wrong?"""

    def made(change: Callable[[Bent], None]) -> NotGood:
        bent = Bent(good)
        change(bent)
        bent.listed()
        return bad(bent.sealed(tmp_path / "b.zip", device_key(works)))

    return made


def entries(bent: Bent, kind: str) -> list[int]:
    return [bent.index_of(line) for line in bent.lines if bent.head_of(line)["kind"] == kind]


@pytest.mark.parametrize("kind", ["job_event", "job_refused", "event"])
def test_a_link_that_is_left_out_is_a_gap(resealed: Resealed, kind: str) -> None:
    found = resealed(
        lambda bent: bent.without(entries(bent, kind)[1 if kind != "job_refused" else 0])
    )
    assert (found.check, "something is missing" in found.what) == ("chain", True)


def test_the_last_event_cannot_be_left_out_either(resealed: Resealed) -> None:
    """The manifest says where the chain ends; to change it, the log must be cut, too."""
    found = resealed(lambda bent: bent.without(entries(bent, "job_event")[-1]))
    assert (found.check, "its chain ends with link" in found.what) == ("chain", True)


def test_a_block_that_is_left_out_is_missed_by_the_verdict(resealed: Resealed) -> None:
    found = resealed(lambda bent: bent.without(entries(bent, "readings")[40]))
    assert (found.check, found.what.startswith("rows is ")) == ("verdict", True)


@pytest.mark.parametrize(
    ("kind", "check", "what"),
    [
        ("file", "job", "vent_point by T-1 was not allowed: file_absent"),
        ("staff", "job", "is not the newest then"),
        ("rule_pack", "job", "its rule pack is not in the bundle"),
        ("order", "job", "riser_hold by T-1 was not allowed: no_test"),
        ("verdict", "entry", "is named by another, and is not in the bundle"),
        ("attempt", "entry", "is named by another, and is not in the bundle"),
        ("parts", "manifest", "drivers: are not those of the messages"),
        ("genesis", "entry", "the first line is not entry 0"),
    ],
)
def test_what_others_rest_on_cannot_be_left_out(
    resealed: Resealed, kind: str, check: str, what: str
) -> None:
    found = resealed(lambda bent: bent.without(entries(bent, kind)[0]))
    assert found.check == check
    assert what in found.what


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({"kind": "order"}, ""),
        ({"jobs": []}, "does not list this job"),
        ({"attempts": []}, "does not list attempt"),
        ({"withheld": []}, "is withheld, and not listed so"),
        ({"withheld": [{"entry": 0, "why": "personal"}]}, "is withheld, and not listed so"),
        ({"number": 7}, "number: Input should be a valid string"),
        ({"extra": "x"}, "extra: Extra inputs are not permitted"),
        ({"origin": "gashub/other/1"}, "origin is gashub/other/1"),
        ({"files": True}, "is named by the record, and left out without a word"),
        ({"drivers": []}, "drivers: are not those"),
    ],
)
def test_a_manifest_that_says_otherwise_is_found(
    works: Works, good: bytes, tmp_path: Path, told: Mapping[str, Any], what: str
) -> None:
    bent = Bent(good)
    bent.manifest.update(told)
    bent.listed()
    report = verify(bent.sealed(tmp_path / "b.zip", device_key(works)))
    if not what:  # what it is called changes nothing that is proved
        assert report.good
        return
    assert report.bad is not None
    assert what in report.bad.what


def test_members_that_are_not_as_listed_are_named(
    works: Works, good: bytes, tmp_path: Path
) -> None:
    bent = Bent(good)
    bent.members["VERIFY.md"] += b"!"
    found = bad(bent.sealed(tmp_path / "b.zip", device_key(works)))
    assert (found.check, found.member) == ("manifest", "VERIFY.md")


# -- a log written anew


def forged(works: Works, folder: Path, change: Callable[[Entry, Body], Body | None]) -> NotGood:
    """What is wrong with a bundle out of a log in which *change* gave entries another body."""

    def changed(entry: Entry) -> Mapping[str, Any] | None:
        return None if entry.kind == "rule_pack" else change(entry, entry.record())

    state = written_anew(works, folder / "state", changed)
    export(state, folder / "b.zip", Wanted(NUMBER), 0)
    return bad(folder / "b.zip")


def event_of(step: str, change: Callable[[Body], None]) -> Callable[[Entry, Body], Body | None]:
    """Change the record of one act."""

    def changed(entry: Entry, body: Body) -> Body | None:
        if entry.kind != "job_event" or body["event"].get("step") != step:
            return None
        if body["event"]["what"] == "act":
            change(body)
        return body

    return changed


def by(body: Body, id: str) -> None:
    """Somebody else has done it; the register's entry of whom is the one after the first."""
    body["event"]["by"] = id
    body["around"]["staff"] = {id: body["around"]["staff"]["T-1"] + 1}


def worked(body: Body) -> None:
    """Another job's work on the pipe, which is none."""
    body["around"]["worked"] = {"A-7-2": [body["event"]["at_us"], 1]}


def test_a_log_written_anew_without_a_change_agrees_with_itself(
    works: Works, tmp_path: Path
) -> None:
    """It takes a head from outside to see it."""
    state = written_anew(works, tmp_path / "state", lambda _: None)
    export(state, tmp_path / "b.zip", Wanted(NUMBER), 0)
    assert verify(tmp_path / "b.zip").good
    held = works.told[-1]["data"]["ledger"]["checkpoint"]
    assert verify(tmp_path / "b.zip", outside_heads=[held]).bad is not None


def test_a_verdict_that_does_not_follow_is_found(works: Works, tmp_path: Path) -> None:
    def change(entry: Entry, body: Body) -> Body | None:
        if entry.kind == "verdict":
            body["verdict"]["figures"]["drop_raw_pa"] = "0.5"
        return body if entry.kind == "verdict" else None

    found = forged(works, tmp_path, change)
    assert found.check == "verdict"
    assert "figures.drop_raw_pa is recorded as '0.5'" in found.what


def test_a_reading_that_was_changed_is_not_the_one_that_was_judged(
    works: Works, tmp_path: Path
) -> None:
    def change(entry: Entry, body: Body) -> Body | None:
        if entry.kind != "readings" or not body["readings"]:
            return None
        body["readings"][0][2:4] = (
            ["0.052", "5200.0"] if body["readings"][0][2] != "0" else ["0", "0"]
        )
        return body

    found = forged(works, tmp_path, change)
    assert (found.check, found.what.startswith("rows_sha256 is ")) == ("verdict", True)


def test_a_message_that_means_something_else_is_found(works: Works, tmp_path: Path) -> None:
    """The readings as judged, and other bytes behind one of them."""
    count = 0

    def change(entry: Entry, body: Body) -> Body | None:
        nonlocal count
        if entry.kind != "readings" or body["sources"] != ["pm-1"]:
            return None
        count += 1
        if count != 300:
            return None
        first = works.entries("readings")[20]
        body["frames"][0][2:] = orjson.loads(first.body or b"")["frames"][0][2:]
        return body

    found = forged(works, tmp_path, change)
    assert found.check == "frame"
    assert "message 0 of pm-1, read again: pm-1 pressure" in found.what


def test_settings_that_were_changed_give_other_readings(works: Works, tmp_path: Path) -> None:
    def change(entry: Entry, body: Body) -> Body | None:
        if entry.kind == "parts":
            body["instruments"]["pm-1"]["settings"]["most_pa"] = "1000"
        return body if entry.kind == "parts" else None

    assert forged(works, tmp_path, change).check == "frame"


def test_another_driver_is_not_used_in_place_of_the_one_that_read(
    works: Works, tmp_path: Path
) -> None:
    """Its messages are counted as not read again; nothing else suffers."""

    def change(entry: Entry) -> Mapping[str, Any] | None:
        if entry.kind != "parts":
            return None
        body = entry.record()
        body["drivers"]["keller"] |= {"sha256": "00" * 32, "version": "0.0.9"}
        return body

    state = written_anew(works, tmp_path / "state", change)
    export(state, tmp_path / "b.zip", Wanted(NUMBER), 0)
    report = verify(tmp_path / "b.zip")
    assert report.good
    why = "messages not read again: driver keller 0.0.9 000000000000 is not here"
    assert report.not_shown[why] > 900


@pytest.mark.parametrize(
    ("step", "what", "change"),
    [
        ("arrive", "certificate_expired", lambda b: by(b, "T-2")),
        ("plan", "stranger", lambda b: (b["event"].update(by="X-1"), b["around"].update(staff={}))),
        ("acceptance", "answer_choice", lambda b: b["event"]["answers"].update(accepted="maybe")),
        ("plan", "unanswered", lambda b: b["event"]["answers"].pop("document")),
        ("isolation", "and the job is in phase on_site", lambda b: b.update(phase="lit")),
        ("open_valve", "not that of the register", lambda b: b.update(certificate="C-9")),
        ("arrive", "its time is not that of its entry", lambda b: b["event"].update(at_us=1)),
        ("vent", "told in two ways", lambda b: b["event"].update(trusted=False)),
        ("open_valve", "is a parts, and withheld as another job", worked),
    ],
)  # fmt: skip
def test_an_act_that_was_not_allowed_is_found(
    works: Works, tmp_path: Path, step: str, what: str, change: Callable[[Body], Any]
) -> None:
    found = forged(works, tmp_path, event_of(step, change))
    assert found.check in ("job", "manifest")
    assert what in found.what


def test_a_valve_opened_before_its_test_is_found(works: Works, tmp_path: Path) -> None:
    """The verdict says something else than the job was told."""

    def change(entry: Entry, body: Body) -> Body | None:
        if entry.kind == "job_event" and body["event"]["what"] == "ruled":
            body["event"]["verdict"] = "FAIL"
            return body
        return None

    found = forged(works, tmp_path, change)
    assert (found.check, "another thing than the verdict" in found.what) == ("job", True)


def test_an_order_that_was_changed_afterwards_is_found(works: Works, tmp_path: Path) -> None:
    """A gauge whose calibration was over could not have begun the test."""

    def change(entry: Entry, body: Body) -> Body | None:
        if entry.kind != "order":
            return None
        for test in body["tests"]:
            for one in test["spec"]["instruments"]:
                one["calibrated_until"] = "2026-11-23"
        return body

    found = forged(works, tmp_path, change)
    assert (found.check, "calibration_over" in found.what) == ("job", True)


def test_a_register_that_was_changed_afterwards_is_found(works: Works, tmp_path: Path) -> None:
    def change(entry: Entry, body: Body) -> Body | None:
        if entry.kind == "staff" and body["id"] == "T-1":
            body["certificates"] = {}
            return body
        return None

    found = forged(works, tmp_path, change)
    assert (found.check, "no_certificate" in found.what) == ("job", True)


def test_a_hostile_body_is_no_traceback(works: Works, tmp_path: Path) -> None:
    """Whatever the owner of a key signs, the verifier answers."""

    def change(entry: Entry, body: Body) -> Body | None:
        if entry.kind != "verdict":
            return None
        return {**body, "serials": {"pm-1": "x" * 9}, "opened_entry": [], "verdict": 7}

    found = forged(works, tmp_path, change)
    assert (found.check, "cannot be checked: TypeError" in found.what) == ("form", True)
