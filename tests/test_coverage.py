"""No rule of the regulations is lost: each is carried out, or the pack says why not."""

import subprocess
import sys
from pathlib import Path

from hub.covering import PAGE, covered, page
from hub.rulepack import load_pack

ROOT = Path(__file__).parent.parent


def test_the_page_is_what_the_pack_says() -> None:
    """`gashub rules coverage --write` leaves no difference."""
    assert PAGE.read_text(encoding="utf-8") == page(load_pack())


def test_the_command_shows_the_same() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "hub", "rules", "coverage"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert said.stdout.strip() == page(load_pack()).strip()


def test_every_rule_is_accounted_for() -> None:
    """R1 to R114, each with what carries it out or with a reason in both languages."""
    found = {one.number: one.state for one in covered(load_pack())}
    assert list(found) == [f"R{number}" for number in range(1, 115)]
    assert [number for number, state in found.items() if state == "unaccounted"] == []


def test_what_carries_a_rule_out_is_there() -> None:
    """A key of the pack, or a part of the program by its path."""
    pack = load_pack()
    lost = [
        (number, key)
        for number, rule in pack.rule.items()
        for key in rule.by
        if pack.at(key) is None and not (ROOT / key).exists()
    ]
    assert lost == []


def test_what_is_decided_by_a_machine_waits_only_where_it_is_known() -> None:
    """Cycles and filing are of a later version; nothing else is."""
    waiting = {
        one.number
        for one in covered(load_pack())
        if one.rule.hub == "decides" and one.state not in ("carried out", "partly")
    }
    assert waiting == {f"R{n}" for n in (52, 53, 54, 55, 67)}


def test_every_entry_of_a_job_that_lets_something_loose_stands_for_a_rule() -> None:
    """What it needs is asked for by a rule of the regulations, and by no invention of ours."""
    pack = load_pack()
    named = {key for rule in pack.rule.values() for key in rule.by}
    loose = [
        f"job.{kind}.step.{name}"
        for kind, job in pack.job.items()
        for name, step in job.step.items()
        if step.releases
    ]
    assert [key for key in loose if not {key, f"{key}.needs"} & named] == []
