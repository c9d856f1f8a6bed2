"""Another rule pack gives a second verdict beside the first, and changes nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.errors import CommandRefused
from hub.ledger import verify
from hub.rejudging import rejudge
from hub.replaying import replay_verdicts
from hub.rulepack import RulePack, load_pack
from tests.foreman_rig import PHOTO_SHA, Yard, purge_order
from tests.job_rig import items

NUMBER = "2026-2001"
LOOSER = """
id = "looser"
version = "2027.1"
valid_from = 2027-01-01
owner = "gas engineering"
extends = "example_city"
[[signed_off]]
name = "Zhao Min"
role = "chief engineer"
on = 2026-12-30
[hold.drop]
limit_pa = { value = 60, clause = "city rule 9", source = "city rule 2027-9", mark = "S", approved = "Zhao Min, 2026-12-30" }
limit_max_pa = { value = 60, clause = "city rule 9", source = "city rule 2027-9", mark = "S", approved = "Zhao Min, 2026-12-30" }
"""  # noqa: E501


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A riser that has lost 40 Pa: a FAIL by the pack in force. The record, and its hub time."""
    folder = tmp_path_factory.mktemp("failed") / "state"
    with Yard(folder) as made:
        made.staffed().photo()
        made.open(purge_order())
        made.step(NUMBER, "acceptance", accepted="yes", record="AR-1")
        made.step(NUMBER, "plan", approved="yes", document="PL-1")
        made.step(NUMBER, "arrive", consent="yes")
        made.step(NUMBER, "site", items=items("site_residential"))
        made.step(NUMBER, "isolation", valves="both ends closed", as_ordered="yes")
        made.step(NUMBER, "vent_point", place="top_outdoors", photo=PHOTO_SHA)
        assert made.hold(NUMBER, "riser_hold", drop_pa=40) == "FAIL"
        return folder, made.clock.now_us()


@pytest.fixture
def yard(failed: tuple[Path, int], tmp_path: Path) -> Any:
    folder, at_us = failed
    shutil.copytree(folder, tmp_path / "state")
    with Yard(tmp_path / "state", at_us=at_us) as made:
        yield made


@pytest.fixture
def looser(tmp_path: Path) -> RulePack:
    file = tmp_path / "looser.toml"
    file.write_text(LOOSER)
    return load_pack(str(file))


def second(yard: Yard, pack: RulePack, by: str = "S-1", wanted: str = NUMBER) -> list[Any]:
    text = pack.source_bytes.decode()
    return list(yard.do("verdict.second", wanted=wanted, pack=text, by=by))


def test_the_same_readings_are_judged_by_another_pack(yard: Yard, looser: RulePack) -> None:
    """From the ledger alone; also by one that was not in force then. Nothing is written."""
    size = len(yard.entries())

    (row,) = rejudge(yard.folder, yard.registry, looser, NUMBER)

    assert (row["first"], row["second"], row["in_force"]) == ("FAIL", "PASS", False)
    changed = {one["at"]: (one["was"], one["is"]) for one in row["differences"]}
    assert changed["verdict"] == ("FAIL", "PASS")
    assert changed["limits.drop_pa.value"] == ("20", "60")
    assert changed["rule_pack.id"] == ("example_city", "looser")
    assert len(yard.entries()) == size


def test_the_packs_own_word_again_has_no_difference(yard: Yard) -> None:
    (row,) = rejudge(yard.folder, yard.registry, load_pack("example_city"))

    assert (row["first"], row["second"], row["differences"]) == ("FAIL", "FAIL", [])


def test_it_is_set_beside_the_first_and_once(yard: Yard, looser: RulePack) -> None:
    before = [entry.head for entry in yard.entries()]

    (row,) = second(yard, looser)
    assert second(yard, looser) == [row]

    entries = yard.entries()
    assert [entry.head for entry in entries[: len(before)]] == before
    (beside,) = yard.entries("second_verdict")
    body = beside.record()
    assert (beside.index, body["by"], body["verdict"]["verdict"]) == (row["entry"], "S-1", "PASS")
    (first,) = yard.entries("verdict")
    assert (body["first_entry"], body["first"]) == (first.index, first.record()["id"])
    assert verify(yard.folder).ok
    assert [one["same"] for one in replay_verdicts(yard.folder, yard.registry)] == [True]


def test_a_second_pass_opens_no_valve(yard: Yard, looser: RulePack) -> None:
    """A job knows first verdicts only, its own and those it adopts."""
    before = yard.show(NUMBER)
    (row,) = second(yard, looser)

    assert yard.show(NUMBER) == before
    assert ("need_failed", "1.6.1") in yard.refused(NUMBER, "open_valve", guarded="yes")
    body = yard.entries("second_verdict")[0].record()
    for name in (body["attempt"], body["first"]):
        told = yard.do("job.adopt", number=NUMBER, step="riser_hold", verdict=name, by="T-1")
        assert yard.show(NUMBER)["steps"][6]["verdict"] == "FAIL", told
    with pytest.raises(CommandRefused, match="no verdict"):
        yard.do("job.adopt", number=NUMBER, step="riser_hold", verdict=str(row["entry"]), by="T-1")


def test_somebody_of_the_register_answers_for_it(yard: Yard, looser: RulePack) -> None:
    with pytest.raises(CommandRefused, match="nobody 'X-9' is in the register"):
        second(yard, looser, by="X-9")
    with pytest.raises(CommandRefused, match="no decided attempt answers"):
        second(yard, looser, wanted="2026-9999")
    with pytest.raises(CommandRefused, match="the rule pack that was sent"):
        yard.do("verdict.second", wanted=NUMBER, pack="{}", by="S-1")
    assert yard.entries("second_verdict") == []


def test_the_command_lists_differences_and_records_on_demand(
    yard: Yard, looser: RulePack, tmp_path: Path
) -> None:
    """The same without a running hub, over the lock."""
    config = tmp_path / "gateway.toml"
    config.write_text(f'[hub]\ngateway = "gw-test"\nstate_dir = "{yard.folder}"\nplugins = []\n')
    yard.ledger.close()
    command = [sys.executable, "-m", "hub", "rejudge", NUMBER, "--config", str(config), "--json"]
    command += ["--rulepack", str(tmp_path / "looser.toml")]

    def run(*more: str) -> Any:
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    (row,) = run()
    assert (row["first"], row["second"]) == ("FAIL", "PASS")
    (row,) = run("--record", "--by", "S-1")
    assert row["entry"] == yard.entries("second_verdict")[0].index
    yard.again()
