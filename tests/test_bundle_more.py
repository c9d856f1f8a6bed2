"""Other jobs than purges, records from before, and drivers that are not here."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from hub.bundle import Report, Wanted, export, verify
from hub.errors import CommandRefused
from hub.ledger import Entry
from tests.bundle_rig import NUMBER, Bent, Works, held, on_site, vented, written_anew
from tests.job_ways import REPORTED

REPAIR: Final[Mapping[str, Any]] = {
    "number": "R-1",
    "job": "repair",
    "user_class": "residential",
    "facts": {"scope": "pre_meter", "hot_work": "no", "affects": "unit", **REPORTED},
    "sections": {"worked": "K-1"},
}


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    """A purge on site with a hold that passed, read by a gauge and a broker's sampler."""
    with Works(tmp_path_factory.mktemp("works") / "state") as made:
        made.staffed()
        on_site(made)
        made.hold(NUMBER, "riser_hold")
        made.step(NUMBER, "open_valve", guarded="yes")
        made.step(NUMBER, "vent")
        made.samples(NUMBER, "samples")
        yield made


def seen(works: Works, folder: Path, number: str = NUMBER) -> Report:
    report = verify(works.sealed(folder / "b.zip", number))
    assert report.good, report.bad and (report.bad.what, report.bad.entry)
    return report


def forged(works: Works, folder: Path, change: Any) -> Report:
    """Of a log written anew."""
    state = written_anew(works, folder / "state", change)
    export(state, folder / "b.zip", Wanted(NUMBER), 0)
    return verify(folder / "b.zip")


def test_a_repair_with_a_waiver_a_missed_deadline_and_a_hazard(tmp_path: Path) -> None:
    """Everything that can happen to a job besides steps and verdicts."""
    with Works(tmp_path / "state") as works:
        works.staffed().photo()
        assert works.open(REPAIR)["done"]
        works.step("R-1", "dispatch", to="T-1")
        answer = works.do(
            "job.waive", number="R-1", notice="notice_48h", by="T-1", second="S-1", reason="gas"
        )
        assert answer["done"]
        works.wait(7200)
        works.turn()
        works.step("R-1", "arrive", tools="yes")
        report = seen(works, tmp_path, "R-1")
        kinds = [entry.record()["event"]["what"] for entry in works.entries("job_event")]
        assert {"act", "waived", "missed"} <= set(kinds)
        assert report.counts["events of jobs"] == len(kinds)


def test_a_deadline_that_is_left_out_is_missed(tmp_path: Path) -> None:
    """By whoever writes the whole log anew, and makes a step of it that says nothing."""
    with Works(tmp_path / "state") as works:
        works.staffed()
        works.open(REPAIR)
        works.step("R-1", "dispatch", to="T-1")
        works.wait(7200)
        works.turn()
        works.step("R-1", "arrive", tools="yes")

        def change(entry: Entry) -> Mapping[str, Any] | None:
            body = entry.record() if entry.kind == "job_event" else {}
            if body and body["event"]["what"] == "missed":
                return {**body, "event": {**body["event"], "at_us": body["event"]["at_us"] + 1}}
            return None

        state = written_anew(works, tmp_path / "anew", change)
        export(state, tmp_path / "b.zip", Wanted("R-1"), 0)
        bad = verify(tmp_path / "b.zip").bad
        assert bad is not None
        assert (bad.check, "had not passed then" in bad.what) == ("job", True)


def test_what_was_recorded_before_chains_and_contexts_is_counted(
    works: Works, tmp_path: Path
) -> None:
    """A record of an older version is good, and the report says what it cannot show."""
    new = ("seq", "prev", "around", "rows", "rows_sha256")

    def change(entry: Entry) -> Mapping[str, Any] | None:
        if entry.kind in ("readings", "rule_pack", "parts"):
            return None
        body = {name: value for name, value in entry.record().items() if name not in new}
        if entry.kind == "attempt":
            body.pop("attempt")
        return body

    report = forged(works, tmp_path, change)
    assert report.good, report.bad and report.bad.what
    assert report.not_shown["entries from before they counted: one may be missing"] > 10
    why = "acts not decided again: recorded before they said what they rested on"
    assert report.not_shown[why] == report.counts["events of jobs"] - 2
    assert report.counts["verdicts judged again"] == 2


def test_messages_that_mean_nothing_alone_are_counted(works: Works, tmp_path: Path) -> None:
    """As those of conventions whose names were told before."""

    def change(entry: Entry) -> Mapping[str, Any] | None:
        if entry.kind != "parts":
            return None
        body = entry.record()
        body["links"]["broker"]["settings"]["topics"] = [
            {
                "decoder": "wirenboard",
                "filter": "instruments/#",
                "values": [{"key": "CH4", "quantity": "gas", "unit": "%LEL"}],
            }
        ]
        return body

    report = forged(works, tmp_path, change)
    assert report.good, report.bad and report.bad.what
    why = "messages not read again: they mean nothing without those before them"
    assert report.not_shown[why] == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"settings": {"quantity": "soup"}}, "the driver cannot be built again"),
        ({"kind": "another"}, "driver evil.plugin 1.0 "),
    ],
)
def test_a_driver_that_cannot_be_had_is_named(
    works: Works, tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    """A plugin that a bundle names and nobody asked for is not imported, whatever it is called."""

    def changed(entry: Entry) -> Mapping[str, Any] | None:
        if entry.kind != "parts":
            return None
        body = entry.record()
        body["instruments"]["pm-1"] |= change
        body["drivers"]["another"] = {"plugin": "evil.plugin", "sha256": "0" * 64, "version": "1.0"}
        return body

    report = forged(works, tmp_path, changed)
    assert report.good, report.bad and report.bad.what
    assert any(why in reason for reason in report.not_shown), report.not_shown


def test_an_exchanged_instrument_comes_with_the_reading_that_told_it(tmp_path: Path) -> None:
    with Works(tmp_path / "state") as works:
        on_site(works.staffed())
        vented(works)
        works.samples(NUMBER, "samples")
        works.wait(60)
        works.read("gs-1", "96.0", "%vol", "gas", serial="S-9")
        told = [one.record()["event"]["what"] for one in works.entries("job_event")]
        assert told[-1] == "swapped"
        assert not [why for why in seen(works, tmp_path).not_shown if "exchanged" in why]


def test_an_attempt_that_still_runs_is_said_to_run(works: Works, tmp_path: Path) -> None:
    held(works, "GS-9", hold_s=5)
    report = seen(works, tmp_path, "GS-9")
    assert report.not_shown["attempts without a verdict: later events may be missing"] == 1
    works.event("GS-9", "abort")


def test_the_bundle_of_one_order_tells_nothing_of_another(works: Works, tmp_path: Path) -> None:
    """But for the blocks, whose readings of the same moment belong together."""
    held(works, "GS-10", hold_s=5)
    works.event("GS-10", "abort")
    path = works.sealed(tmp_path / "b.zip", "GS-10")
    bundle = Bent(path.read_bytes())
    orders = {
        head["refs"]["order"]
        for head in map(bundle.head_of, bundle.lines)
        if "order" in head.get("refs", {})
    }
    assert orders == {"GS-10"}


def test_nobody_acts_in_the_name_of_the_hub(works: Works) -> None:
    """What happens by itself is recorded as the hub's; a person says who he is."""
    with pytest.raises(CommandRefused, match="who does what happens by itself"):
        works.do("job.signal", number=NUMBER, signal="abnormal_pressure", by="hub")
    with pytest.raises(CommandRefused, match="who does what happens by itself"):
        works.open(REPAIR, by="hub")
