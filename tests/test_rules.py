"""A company's own pack over the shipped one, and what `gashub rules` says of both."""

import json
import shutil
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from hub import rules
from hub.errors import CommandRefused
from hub.rulepack import SHIPPED, RulePackError, load_pack, read_pack

HEAD = """
id = "our-city"
version = "1"
valid_from = 2026-01-01
owner = "Zhao Min"
extends = "default"
"""
OUR = 'clause = "city 5", source = "city rule 2026-5", mark = "S"'
LONGER = f"[hold.indoor]\nhold_s = {{ value = 600, {OUR} }}\n"


def over(folder: Path, text: str, name: str = "ours.toml") -> str:
    path = folder / name
    path.write_text(HEAD + text, encoding="utf-8")
    return str(path)


def test_a_stricter_figure_takes_the_place_of_the_one_below(tmp_path: Path) -> None:
    """The rest is as below; the pack says what it was laid over, and is the same in a record."""
    base, pack = load_pack(), load_pack(over(tmp_path, LONGER))
    hold = pack.hold.indoor.hold_s
    assert (hold.value, hold.unit, hold.clause, hold.owner) == (600, "s", "city 5", "Zhao Min")
    assert pack.hold.riser == base.hold.riser
    assert (pack.id, pack.version, pack.valid_from) == ("our-city", "1", date(2026, 1, 1))
    assert [(below.id, below.sha256) for below in pack.bases] == [("default", base.sha256)]
    assert read_pack(pack.source_bytes) == pack
    assert pack.sha256 != base.sha256


def test_a_city_lies_over_a_company_that_lies_over_the_default(tmp_path: Path) -> None:
    over(tmp_path, LONGER)
    folder = tmp_path / "city"
    folder.mkdir()
    text = HEAD.replace('"default"', '"../ours.toml"').replace("our-city", "city")
    (folder / "pack.toml").write_text(text)
    (folder / "gas.toml").write_text(f"[work]\nlimit_pct_lel = {{ value = 10, {OUR} }}\n")
    pack = load_pack(str(folder))
    assert [below.id for below in pack.bases] == ["default", "our-city"]
    assert (pack.hold.indoor.hold_s.value, pack.work.limit_pct_lel.value) == (600, 10)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            f"[hold.riser]\nhold_s = {{ value = 600, {OUR} }}",
            "hold.riser.hold_s.value is 600, less strict than 900 of the regulations, clause 1.6.1",
        ),
        (
            f'[work]\nlimit_pct_lel = {{ value = 21, {OUR}, approved = "Zhao Min" }}',
            "work.limit_pct_lel.value is 21, less strict than 20 of the regulations",
        ),
        (
            f"[hold.drop]\nlimit_pa = {{ value = 25, {OUR} }}",
            "hold.drop.limit_pa.value is 25, less strict than 20",
        ),
        ("[hold.indoor]\nhold_s = { value = 600 }", "hold.indoor.hold_s has no clause of its own"),
        (
            f'[hold.indoor]\nhold_s = {{ value = 10, unit = "min", {OUR} }}',
            "hold.indoor.hold_s.unit is 'min', below it is 's'; leave it out",
        ),
        (
            f'[hold.drop]\nlimit_pa = {{ value = 25, stricter = "higher", {OUR} }}',
            "hold.drop.limit_pa.stricter is 'higher'",
        ),
        (f"[clock]\nself_fix = {{ length = 8, {OUR} }}", "clock.self_fix.length is 8"),
        (f"[retention]\npurge_work_order = {{ years = 1, {OUR} }}", "less strict than 2"),
        (f"[hold.drop]\nlimit_pa = {{ value = 9, {OUR} }}", "must lie between"),
        ("[hold.indor]\nx = 1", 'did you mean "indoor"'),
        ("[hazard.L1-1]\nlevel = 2", "hazard.L1-1.level is 2, and its code says other"),
        ('[checklist.inspection.item.I1]\non_failure = ["L9-9"]', "names L9-9, which is not in"),
        ('[rule.R19]\nby = ["hold.riser.hold_h"]', "names hold.riser.hold_h, which is no key"),
    ],
)
def test_an_overlay_that_may_not_be_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RulePackError) as told:
        load_pack(over(tmp_path, text))
    assert says in str(told.value)
    assert "ours.toml" in str(told.value)


def test_a_proposal_may_be_loosened_by_name(tmp_path: Path) -> None:
    """And is told of ever after."""
    text = f'[hold.drop]\nlimit_pa = {{ value = 25, {OUR}, approved = "Zhao Min, 2026-11-20" }}'
    pack = load_pack(over(tmp_path, text))
    assert pack.hold.drop.limit_pa.value == 25
    (row,) = rules.difference(load_pack(), pack, "en")
    assert (row["key"], row["before"], row["after"]) == ("hold.drop.limit_pa", "20 Pa", "25 Pa")
    assert (row["way"], row["approved"]) == ("looser", "Zhao Min, 2026-11-20")
    said = [one.what for one in rules.checked(pack, date(2026, 11, 24))]
    assert "hold.drop.limit_pa is looser than below, approved: Zhao Min, 2026-11-20" in said


def test_packs_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    for name, other in (("a.toml", "b.toml"), ("b.toml", "a.toml")):
        text = HEAD.replace('"default"', f'"{other}"')
        (tmp_path / name).write_text(text)
    with pytest.raises(RulePackError, match="goes round in a circle"):
        load_pack(str(tmp_path / "a.toml"))


def test_a_key_in_two_files_of_a_pack_is_refused(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "default", tmp_path / "pack")
    (tmp_path / "pack" / "more.toml").write_text("[laser]\n")
    with pytest.raises(RulePackError, match=r"more\.toml: laser is in another file"):
        load_pack(str(tmp_path / "pack"))


def test_a_folder_without_files_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(RulePackError, match=r"holds no \.toml file"):
        load_pack(f"{tmp_path}/")


def test_the_default_holds_every_rule_hazard_and_item_of_the_regulations() -> None:
    """Counts and ends; a rule that is lost is seen here."""
    pack = load_pack()
    assert list(pack.rule) == [f"R{n}" for n in range(1, 115)]
    levels = [hazard.level for hazard in pack.hazard.values()]
    assert [levels.count(level) for level in (1, 2, 3)] == [9, 7, 7]
    assert list(pack.checklist["inspection"].item) == [f"I{n}" for n in range(1, 16)]
    assert pack.checklist["inspection"].item["I9"].on_failure[0] == "L1-4"  # the gravest first
    hours = pack.clock["interruption_notice"]
    assert (hours.length, hours.counts, hours.clause) == (48, "before_hours", "4.5.1(1)")
    assert pack.retention["purge_work_order"].years == Decimal(2)


def test_decided_rules_are_those_of_the_regulations_table() -> None:
    """The rules of chapters 1, 3, 4, 5 and 6 that a machine decides by itself."""
    numbers = (
        *(3, 19, 20, 23, 24, 25, 30, 51, 52, 53, 54, 55, 60, 62, 63, 66, 67, 69),
        *(73, 75, 77, 79, 80, 84, 88, 89, 101, 103),
    )
    decided = {name for name, rule in load_pack().rule.items() if rule.hub == "decides"}
    assert decided == {f"R{number}" for number in numbers}


def test_every_failure_of_an_item_is_graded_gravest_first() -> None:
    pack = load_pack()
    for checklist in pack.checklist.values():
        for name, item in checklist.item.items():
            levels = [pack.hazard[code].level for code in item.on_failure]
            assert levels == sorted(levels), name


# ---------------------------------------------------------------------- what is shown


def test_a_rule_is_shown_with_what_carries_it_out() -> None:
    keys = [row["key"] for row in rules.shown(load_pack(), ["R19"], "en")]
    assert keys == [
        "rule.R19",
        "hold.riser.p_floor_pa",
        "hold.riser.hold_s",
        "job.residential_purge.step.riser_hold",
    ]
    keys = [row["key"] for row in rules.shown(load_pack(), ["R25"], "en")]
    assert keys == ["rule.R25", "job.residential_purge.step.ignite"]  # which holds its needs
    assert {row["clause"] for row in rules.shown(load_pack(), ["1.6.5"], "zh")} >= {"1.6.5"}


def test_a_misspelt_key_is_refused_with_a_guess() -> None:
    with pytest.raises(CommandRefused, match=r'did you mean "hold\.riser\.hold_s"'):
        rules.shown(load_pack(), ["hold.riser.hold_"], "en")


def test_a_pack_out_of_force_cannot_be_used(tmp_path: Path) -> None:
    pack = load_pack(over(tmp_path, ""))
    states = {one.state for one in rules.checked(pack, date(2025, 12, 31))}
    assert "broken" in states
    assert "broken" not in {one.state for one in rules.checked(pack, date(2026, 1, 1))}


def test_the_command_line(tmp_path: Path) -> None:
    ours = over(
        tmp_path, '\n[[signed_off]]\nname = "Zhao Min"\nrole = "chief"\non = 2026-01-01\n' + LONGER
    )

    def gashub(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "hub", "rules", *words],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    (row,) = json.loads(gashub("diff", "default", ours, "--lang", "en").stdout)
    assert (row["before"], row["after"], row["way"]) == ("300 s", "600 s", "stricter")
    said = gashub("check", ours)
    assert said.returncode == 0
    assert "signed off by Zhao Min, chief" in said.stdout
    assert len(json.loads(gashub("show", "hazard", "--pack", ours).stdout)) == 23
    wrong = gashub("show", "--pack", "defautl")
    assert wrong.returncode == 2
    assert 'did you mean "default"' in wrong.stderr
