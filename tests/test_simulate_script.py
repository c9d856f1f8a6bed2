"""The little language of the simulators: actions, cues, scripts, facts, faults."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import pytest

from hub.simulate.commands import main
from hub.simulate.facts import facts_from
from hub.simulate.faults import Faults
from hub.simulate.pipe import PipeFacts
from hub.simulate.plume import PathFacts
from hub.simulate.script import (
    Action,
    Cue,
    Timeline,
    parse_action,
    parse_cue,
    parse_script,
)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("vent", Action("vent")),
        ("pump 5200", Action("pump", 5200)),
        ("pump 5200 @1", Action("pump", 5200, "1")),
        ("@2 over-range", Action("over_range", None, "2")),
    ],
)
def test_an_action_reads(text: str, action: Action) -> None:
    """Verb, number and target, in any order that is clear."""
    assert parse_action(text) == action


@pytest.mark.parametrize("text", ["", "@1", "pump many", "pump 1 2"])
def test_a_wrong_action_says_what_is_expected(text: str) -> None:
    """The message shows the text."""
    with pytest.raises(ValueError, match=r"write VERB|not a number"):
        parse_action(text)


def test_a_cue_reads_with_colon_or_blank() -> None:
    """The command line's form and the script's form."""
    assert parse_cue("30:unplug") == parse_cue("30 unplug") == Cue(30, Action("unplug"))


def test_a_script_is_sorted_and_may_be_commented() -> None:
    """Lines in any order, comments and blank lines between them."""
    script = parse_script(["# a riser", "", "90 vent", "10 pump 5200 @1  # slowly"])
    assert [str(cue.action) for cue in script] == ["pump 5200 @1", "vent"]


def test_the_timeline_hands_out_each_cue_once() -> None:
    """Late looks find everything that has come due meanwhile, with its own instant."""
    timeline = Timeline([parse_cue("5 vent"), parse_cue("2 pump 1")], start_us=100)
    assert timeline.next_us() == 2_000_100
    assert [at_us for at_us, _ in timeline.due(6_000_000)] == [2_000_100, 5_000_100]
    assert timeline.due(9_000_000) == []
    assert timeline.next_us() is None


def test_faults_come_and_go() -> None:
    """A fault by its name, mended by number 0 or all at once."""
    faults = Faults(("silence", "frozen"))
    assert faults.take(Action("silence"))
    assert faults.take(Action("frozen"))
    assert set(faults) == {"silence", "frozen"}
    assert faults.take(Action("silence", 0))
    assert ("silence" in faults, "frozen" in faults) == (False, True)
    assert faults.take(Action("clear"))
    assert set(faults) == set()
    assert not faults.take(Action("pump", 1))
    assert not faults.take(Action("noise"))


@dataclass(frozen=True)
class Facts:
    address: int = 1
    end: Literal["nul", "crlf"] = "nul"
    distance_m: Decimal = Decimal(30)
    chatty: bool = False


def test_facts_go_to_whom_they_belong() -> None:
    """One text describes the instrument and what it stands in; what both have goes to both."""
    words = "address=2 end=crlf chatty=true leak_l_h=0.05 distance_m=12.5 sweep_s=7"
    own, pipe, path = facts_from(words, Facts, PipeFacts, PathFacts)
    assert own == Facts(2, "crlf", Decimal("12.5"), chatty=True)
    assert pipe == PipeFacts(leak_l_h=0.05)
    assert path == PathFacts(distance_m=12.5, sweep_s=7)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("volum_l=2", "did you mean volume_l"),
        ("address=x", "address=x: not a int"),
        ("end=cr", "end=cr: not a"),
        ("address", "address=: not a int"),
        ("q=1", "there are address, end"),
    ],
)
def test_a_wrong_fact_is_named(text: str, says: str) -> None:
    """A misspelt fact stops the start."""
    with pytest.raises(ValueError, match=says):
        facts_from(text, Facts, PipeFacts)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["modbus", "--port-link", "x", "--instrument", "adress=1"], "did you mean address"),
        (["modbus", "--port-link", "x", "--instrument", "", "--instrument", ""], "different"),
        (["modbus", "--port-link", "x", "--at", "soon:vent"], "SECONDS:ACTION"),
        (["modbus", "--port-link", "x", "--clock", "/nowhere/clock"], "/nowhere/clock"),
        (["modbus", "--port-link", "x", "--baud", "3"], "from 50"),
        (["boreal", "--port-link", "x", "--instrument", "", "--instrument", ""], "cannot share"),
        (["mqtt-gas", "--broker", "here"], "HOST:PORT"),
        (["crm", "--port-link", "x"], "plugin crm has no simulator"),
        (["modbuss", "--port-link", "x"], 'did you mean "modbus"'),
    ],
)
def test_unusable_arguments_end_with_2_and_one_line(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is opened; stderr names the value and the remedy."""
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1
