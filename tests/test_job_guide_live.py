"""`gashub job guide` on a real terminal: led through an inspection, left, and gone on with."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.rulepack import load_pack
from hub.testing import wait_until
from tests.line_rig import Site
from tests.terminal_rig import on_a_terminal

NUMBER = "I-7"
ITEMS = load_pack("example_city").checklist["inspection"].item
ORDER = {
    "number": NUMBER, "job": "inspection", "user_class": "residential",
    "facts": {"cycle": "2026"}, "customer": {"user_no": "8800123456", "name": "张小明"},
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A hub with an inspector, a photo on disk, and an inspection to do."""
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0 a photo")
    (tmp_path / "order.json").write_text(json.dumps(ORDER), encoding="utf-8")
    with Site(tmp_path, [], 'rule_pack = "example_city"\n') as made:
        made.start()
        for words in (
            ("staff", "put", "T-1", "--certificate", "inspection=C-1:2099-12-31"),
            ("job", "open", str(tmp_path / "order.json")),
        ):
            done = made.cli(*words)
            assert done.returncode == 0, done.stderr
        yield made


def led(site: Site, *said: str) -> str:
    """What the guide shows to somebody who says *said*, wherever the terminal breaks the lines."""
    words = ("job", "guide", NUMBER, "--by", "T-1", "--config", str(site.config))
    return " ".join(on_a_terminal(*words, typed=said).split())


def standing(site: Site) -> dict[str, str]:
    """Step -> how it stands."""
    done = site.cli("job", "show", NUMBER, "--by", "T-1", "--json")
    return {one["step"]: one["state"] for one in json.loads(done.stdout)["steps"]}


def test_an_inspection_is_led_to_its_end_and_nothing_is_asked_twice(site: Site) -> None:
    photo = str(site.folder / "photo.jpg")
    first = led(site, "visit", "entered", "yes", "")
    assert "Badge shown, and may you enter?" in first
    assert standing(site)["enter"] == "open"

    site.stop()  # the box is switched off, and on again
    site.start()
    wait_until(site.answers, "the hub answers again")
    second = led(
        site,
        "enter",
        "items", *["ok"] * len(ITEMS),
        "leak_check", "none", "", "no-such-file.jpg", photo,
        "talk", "yes", "yes",
        "sign", photo, photo,
        "done",
    )  # fmt: skip
    assert "Badge shown" not in second
    assert "no-such-file.jpg" in second
    done = site.cli("job", "list", "--json")
    assert [one["phase"] for one in json.loads(done.stdout)] == ["inspected"]


def test_who_goes_back_in_the_middle_has_done_nothing(site: Site) -> None:
    """`q` leaves a step; what is no step is said, and why another may not be done now."""
    shown = led(site, "ignite", "sign", "visit", "entered", "q", "visit", "refused", "q", "")
    assert "ignite: no such number or name" in shown
    assert 'comes after "the fifteen items", which was not' in shown
    assert "items, leak_check, talk" in shown
    assert standing(site)["enter"] == "apart"
