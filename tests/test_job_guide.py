"""`gashub job guide`: a technician is asked one thing at a time, and no slip throws them out."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hub.cli.job import job_app
from hub.errors import CommandRefused
from hub.job_guide import guide
from hub.job_screen import print_job
from tests.foreman_rig import Yard, purge_order

NUMBER = "2026-2001"


class Technician(Console):
    """A terminal at which somebody types what *lines* say, and then leaves."""

    def __init__(self, *lines: str) -> None:
        super().__init__(file=io.StringIO(), width=200)
        self.lines = [*lines, "q", "q"]

    def input(self, prompt: Any = "", **_: Any) -> str:
        self.print(prompt, end="")
        said = self.lines.pop(0)
        self.print(said, markup=False)
        return said

    @property
    def seen(self) -> str:
        assert isinstance(self.file, io.StringIO)
        return self.file.getvalue()


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with Yard(tmp_path) as made:
        made.staffed().open(purge_order())
        yield made


def led(yard: Yard, *lines: str) -> str:
    typing = Technician(*lines)
    guide(yard.do, NUMBER, "T-1", "zh", lambda path: yard.photo(path.read_bytes()), typing)
    return typing.seen


def on_site(yard: Yard) -> None:
    yard.step(NUMBER, "acceptance", accepted="yes", record="AR-1")
    yard.step(NUMBER, "plan", approved="yes", document="PL-1")
    yard.step(NUMBER, "arrive", consent="yes")


def test_the_first_screen_is_short_and_a_refused_step_says_why_when_it_is_named(yard: Yard) -> None:
    seen = led(yard)
    assert "1  acceptance  户内工程验收" in seen
    assert "现在不可（输入名称看原因）：arrive" in seen
    assert "须在" not in seen

    assert "“到场入户”须在“户内工程验收”之后" in led(yard, "arrive")
    assert not yard.entries("job_refused")  # to ask why is no attempt


def test_a_wrong_answer_is_asked_again_in_the_language_of_the_gateway(yard: Yard) -> None:
    seen = led(yard, "acceptance", "maybe", "yes", "", "AR-1")
    assert "请输入方括号中的一个答案" in seen
    assert "此项必须回答" in seen
    assert "Please" not in seen
    assert yard.show(NUMBER)["steps"][0]["state"] == "done"


def test_an_answer_that_is_not_in_order_is_told_at_once(yard: Yard, tmp_path: Path) -> None:
    on_site(yard)
    photo = tmp_path / "vent.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0 a vent")
    assert "“确定放散点”已记录，但不合格" in led(yard, "vent_point", "indoors", str(photo))


def test_a_slip_of_the_pen_does_not_end_the_guiding_of_a_test(yard: Yard) -> None:
    on_site(yard)
    yard.step(NUMBER, "isolation", valves="both ends closed", as_ordered="yes")
    seen = led(yard, "riser_hold", "zeroo", "zeroed")
    assert 'did you mean "zeroed"?' in seen
    assert "stage" in seen
    assert "at_us" not in seen  # as people read it, and not as programs do
    assert [one["word"] for one in yard.do("order.progress", number=NUMBER)[0]["events"]] == [
        "zeroed"
    ]


def test_a_job_on_a_terminal_says_how_its_open_steps_are_answered(yard: Yard) -> None:
    """Whoever types `job do` need not be refused first to learn what is asked."""
    on_site(yard)
    typing = Technician()
    print_job(yard.show(NUMBER), "zh", typing)
    assert "place=top_outdoors|lower_outdoors|indoors  photo=FILE" in typing.seen
    assert "as_ordered=yes|no" in typing.seen


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["do", NUMBER, "arrive"], "--by"),
        (["guide", NUMBER], "--by"),
        (["do", NUMBER, "vent_point", "--by", "T-1", "--file", "vent.jpg"], "QUESTION=PATH"),
    ],
)
def test_a_command_that_lacks_something_says_what(words: list[str], says: str) -> None:
    with pytest.raises(CommandRefused, match=says):
        job_app(words, standalone_mode=False)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(CommandRefused, match=r"nix\.json: cannot be read: No such file"):
        job_app(["open", str(tmp_path / "nix.json")], standalone_mode=False)
    (tmp_path / "photo.json").write_bytes(b"\xff\xd8")
    with pytest.raises(CommandRefused, match="is no UTF-8 text"):
        job_app(["open", str(tmp_path / "photo.json")], standalone_mode=False)
