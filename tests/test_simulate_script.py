"""The little language of the simulators: actions, cues, scripts, facts, faults."""

import dataclasses
import re
import shlex
from typing import Any

import pytest

from hub.simulate.commands import facts_from, main, parser
from hub.simulate.modbus import SlaveFacts
from hub.simulate.mqtt_gas import DetectorFacts
from hub.simulate.pipe import PipeFacts
from hub.simulate.plume import MixFacts, PathFacts
from hub.simulate.script import (
    Action,
    Cue,
    Faults,
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
    faults = Faults()
    assert faults.take(Action("silence"))
    assert faults.take(Action("frozen"))
    assert (faults.silence, faults.frozen) == (True, True)
    assert faults.take(Action("silence", 0))
    assert (faults.silence, faults.frozen) == (False, True)
    assert faults.take(Action("clear"))
    assert faults == Faults()
    assert not faults.take(Action("pump", 1))


def test_facts_go_to_whom_they_belong() -> None:
    """One text describes the transmitter and its pipe."""
    slave, pipe = facts_from("unit=2 volume_l=2 leak_l_h=0.05", SlaveFacts, PipeFacts)
    assert slave.unit == 2
    assert pipe.volume_l == 2
    assert pipe.leak_l_h == 0.05


@pytest.mark.parametrize(
    ("text", "says"),
    [("volum_l=2", "did you mean volume_l"), ("unit=x", "unit=x: not a int")],
)
def test_a_wrong_fact_is_named(text: str, says: str) -> None:
    """A misspelt fact stops the start."""
    with pytest.raises(ValueError, match=says):
        facts_from(text, SlaveFacts, PipeFacts)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["modbus", "--port-link", "x", "--slave", "unt=1"], "did you mean unit"),
        (["modbus", "--port-link", "x", "--slave", "unit=1", "--slave", "unit=1"], "different"),
        (["modbus", "--port-link", "x", "--at", "soon:vent"], "SECONDS:ACTION"),
        (["modbus", "--port-link", "x", "--clock", "/nowhere/clock"], "/nowhere/clock"),
        (["mqtt-gas", "--broker", "here"], "HOST:PORT"),
    ],
)
def test_unusable_arguments_end_with_2_and_one_line(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is opened; stderr names the value and the remedy."""
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


KINDS = ("modbus", "boreal", "mqtt-gas")


def help_of(kind: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main([kind, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("modbus", (SlaveFacts, PipeFacts)),
        ("boreal", (PathFacts,)),
        ("mqtt-gas", (DetectorFacts, MixFacts)),
    ],
)
def test_the_help_of_a_kind_names_every_fact_with_its_default(
    kind: str, facts: tuple[type[Any], ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A line each, and nothing is left to guess from three dots."""
    told = help_of(kind, capsys)

    for field in (field for one in facts for field in dataclasses.fields(one)):
        assert re.search(rf"^  {field.name}={field.default} +\S", told, re.MULTILINE)
    assert "...'" not in told.replace("KEY=VALUE ...'", "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_in_the_help_is_accepted(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its arguments, facts and cues are those of the program."""
    words = shlex.split(help_of(kind, capsys).rsplit("gashub simulate ", 1)[1])

    options = parser().parse_args(words)

    assert callable(options.prepare(options))
    assert all(parse_cue(text) for text in options.at)


def test_without_a_kind_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, and every kind is on the screen with an example."""
    assert main([]) == 2

    told = capsys.readouterr().out
    assert all(f"gashub simulate {kind} --" in told for kind in KINDS)
