"""A bundle holds everything about one job or order, and proves itself without a hub."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.bundle import Wanted, export, verify
from hub.errors import CommandRefused, ConfigError
from hub.ledger.keys import DeviceKey
from hub.rulepack import load_pack
from tests.bundle_rig import (
    NUMBER,
    Bent,
    Works,
    held,
    lit,
    on_site,
    purged,
    vented,
)
from tests.foreman_rig import PHOTO, PHOTO_SHA

NEXT = "2026-2002"
LATER = {"riser": "A-7-2", "indoor": "A-7-2-302"}


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    """A purge that ended; a second home on the same riser, which leaks; an order without a job."""
    with Works(tmp_path_factory.mktemp("works") / "state") as made:
        made.staffed()
        on_site(made)
        purged(made)
        lit(made)
        held(made)
        verdict = made.ledger_sql("SELECT verdict_id FROM attempts WHERE number=?", NUMBER)[0][0]
        on_site(made, NEXT, sections=LATER)
        made.do("job.adopt", number=NEXT, step="riser_hold", verdict=verdict, by="T-1")
        made.hold(NEXT, "indoor_hold", drop_pa=300)
        text = load_pack("default").source_bytes.decode()
        made.do("verdict.second", wanted=NEXT, pack=text, by="S-1")
        yield made


def told(path: Path, **how: Any) -> dict[str, Any]:
    report = verify(path, **how)
    assert report.good, report.as_dict()["first_bad"]
    return report.as_dict()


def test_a_whole_purge_proves_itself(works: Works, tmp_path: Path) -> None:
    """Every act decided, every verdict judged, every message read again; nothing left open."""
    found = told(works.sealed(tmp_path / "b.zip"), key=works.key)

    assert found["job"] == NUMBER
    shown = found["shown"]
    assert (shown["verdicts judged again"], shown["acts decided again"]) == (3, 18)
    assert shown["messages read again"] == shown["readings"] > 1500
    assert found["not_shown"] == {"files: only their SHA-256 is here": 1}
    assert found["notes"] == [next(note for note in found["notes"] if "outside head" in note)]


def test_an_order_without_a_job_has_a_bundle_too(works: Works, tmp_path: Path) -> None:
    found = told(works.sealed(tmp_path / "b.zip", "GS-7"))

    assert (found["order"], found["jobs"]) == ("GS-7", [])
    assert found["shown"]["verdicts judged again"] == 1
    assert any("the key is the bundle's own" in note for note in found["notes"])


def test_the_hazards_of_a_job_come_with_it(works: Works, tmp_path: Path) -> None:
    """Or are left out on purpose, which is said; they are decided again from their parent."""
    whole = told(works.sealed(tmp_path / "whole.zip", NEXT))
    alone = told(works.sealed(tmp_path / "alone.zip", NEXT, hazards=False))
    child = told(works.sealed(tmp_path / "child.zip", f"{NEXT}-H1"))

    assert whole["jobs"] == [NEXT, f"{NEXT}-H1"]
    assert alone["jobs"] == [NEXT]
    assert any("left out on purpose" in note for note in alone["notes"])
    assert any("the job they came out of" in why for why in child["not_shown"])


def test_a_verdict_that_was_adopted_comes_with_its_evidence(works: Works, tmp_path: Path) -> None:
    """With the attempt of the other job, and nothing else of that."""
    path = works.sealed(tmp_path / "b.zip", NEXT)
    found = told(path)

    assert found["shown"]["verdicts judged again"] == 2
    bundle = Bent(path.read_bytes())
    others = [
        head["kind"]
        for head in map(bundle.head_of, bundle.lines)
        if head.get("refs", {}).get("order") == NUMBER
    ]
    assert set(others) == {"order", "attempt", "event", "verdict"}


def test_a_second_verdict_is_in_it_and_judged_again(works: Works, tmp_path: Path) -> None:
    found = told(works.sealed(tmp_path / "b.zip", NEXT))
    assert found["shown"]["second verdicts judged again"] == 1


def test_the_customer_is_shown_to_those_who_may_see(works: Works, tmp_path: Path) -> None:
    """Others see that there are data, and not which: head and proof of each entry."""
    for recipient in ("authority", "company", "court"):
        path = works.sealed(tmp_path / f"{recipient}.zip", recipient=recipient)
        found, data = told(path), path.read_bytes()
        assert found["recipient"] == recipient
        assert found["withheld"] == (1 if recipient == "authority" else 0)
        for word in ("张小明", "13812345678", "幸福路", "8800123456", "M0099887766"):
            assert (word.encode() in data) == (recipient != "authority"), word
    bundle = Bent((tmp_path / "authority.zip").read_bytes())
    (line,) = (line for line in bundle.lines if bundle.head_of(line)["kind"] == "personal")
    assert orjson.loads(line)["form"] == "withheld"


def test_files_go_to_those_who_may_see_the_customer(works: Works, tmp_path: Path) -> None:
    path = works.sealed(tmp_path / "b.zip", recipient="court", files=True)

    assert told(path)["shown"]["files"] == 1
    assert Bent(path.read_bytes()).members[f"files/{PHOTO_SHA}"] == PHOTO
    with pytest.raises(CommandRefused, match="--for company or --for court"):
        works.sealed(tmp_path / "c.zip", files=True)


def test_a_file_that_the_gateway_lost_is_said_to_be_lost(tmp_path: Path) -> None:
    with Works(tmp_path / "state") as works:
        on_site(works.staffed())
        next((works.folder / "files").rglob(PHOTO_SHA)).write_bytes(PHOTO + b"!")
        path = works.sealed(tmp_path / "b.zip", recipient="court", files=True)
        assert Bent(path.read_bytes()).manifest["files_lost"] == [PHOTO_SHA]
        found = told(path)
        assert found["not_shown"]["files: only their SHA-256 is here"] == 1
        assert any("was running" in note for note in found["notes"])


def test_what_was_erased_is_missing_and_everything_else_holds(tmp_path: Path) -> None:
    """Customer's data by right; with evidence gone, what rested on it is not shown, and said."""
    with Works(tmp_path / "state") as works:
        on_site(works.staffed())
        works.step(NUMBER, "riser_hold")
        works.event(NUMBER, "zeroed", instrument="pm-1")
        works.read("pm-1", "0", "Pa", "pressure")
        works.event(NUMBER, "abort")
        works.wait(2)
        works.turn()
        (personal,) = works.entries("personal")
        with works.ledger.transaction() as tx:
            tx.erase(personal.index, "asked for by the customer", "S-1")
        found = told(works.sealed(tmp_path / "b.zip", recipient="court"))
        assert (found["erased"], found["withheld"]) == (1, 0)
        block = works.entries("readings")[-1]
        with works.ledger.transaction() as tx:
            tx.erase(block.index, "a mistake", "S-1")
        found = told(works.sealed(tmp_path / "c.zip"))
        assert (
            "verdicts not judged again: some of its readings or events were erased"
            in (found["not_shown"])
        )


def test_heads_that_went_out_lead_on_to_the_bundle(works: Works, tmp_path: Path) -> None:
    """Any head that the CRM got with an event of the job proves that the log was not rewritten."""
    path = works.sealed(tmp_path / "b.zip")
    heads = [e["data"]["ledger"]["checkpoint"] for e in works.told if e["subject"] == NUMBER]

    found = told(path, key=works.key, outside_heads=heads)
    assert (found["outside_heads"], found["notes"]) == (len(heads), [])
    assert found["shown"]["older heads"] >= 20


def test_any_other_head_needs_its_proof_and_gets_it(works: Works, tmp_path: Path) -> None:
    early = works.ledger_sql("SELECT note FROM checkpoints ORDER BY size")[1][0]
    path = works.sealed(tmp_path / "b.zip", "GS-7")

    bad = verify(path, outside_heads=[early]).bad
    assert bad is not None
    assert (bad.check, "has no proof in it" in bad.what) == ("head", True)
    told(works.sealed(tmp_path / "c.zip", "GS-7", heads=[early]), outside_heads=[early])


def test_a_head_of_another_log_is_never_led_on_from(works: Works, tmp_path: Path) -> None:
    with Works(tmp_path / "other") as other:
        other.staffed()
        with other.ledger.transaction() as tx:
            foreign = tx.checkpoint()
    path = works.sealed(tmp_path / "b.zip", "GS-7")

    bad = verify(path, outside_heads=[foreign]).bad
    assert bad is not None
    assert "is of the log" in bad.what
    with pytest.raises(CommandRefused, match="is not signed for this log"):
        works.sealed(tmp_path / "c.zip", "GS-7", heads=[foreign])
    with pytest.raises(CommandRefused, match="exactly as it was sent"):
        verify(path, outside_heads=["nonsense"])


def test_another_gateways_key_finds_it_sealed_by_somebody_else(
    works: Works, tmp_path: Path
) -> None:
    path = works.sealed(tmp_path / "b.zip", "GS-7")
    bad = verify(path, DeviceKey.make("gw-test").public).bad
    assert bad is not None
    assert bad.check == "seal"


def test_the_same_again_is_the_same_file(works: Works, tmp_path: Path) -> None:
    """Nothing in a bundle is left to chance, so it can be made again and compared."""
    one = works.sealed(tmp_path / "one.zip")
    assert works.sealed(tmp_path / "two.zip").read_bytes() == one.read_bytes()


def test_it_is_never_written_over_another_file(works: Works, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(b"mine")
    with pytest.raises(CommandRefused, match="is there already"):
        works.sealed(tmp_path / "b.zip")
    with pytest.raises(CommandRefused, match="no job or order '2026-9'"):
        works.sealed(tmp_path / "c.zip", "2026-9")
    assert [file.name for file in tmp_path.iterdir()] == ["b.zip"]


def test_a_reading_at_which_the_hub_stopped_a_job_is_in_it(tmp_path: Path) -> None:
    with Works(tmp_path / "state") as works:
        on_site(works.staffed())
        vented(works)
        works.read("line-1", "120", "Pa", "pressure")
        assert works.show(NUMBER)["phase"] == "stopped"
        works.step(NUMBER, "resume", by="S-1", reason="regulator set again")
        path = works.sealed(tmp_path / "b.zip")
        assert "signals of the hub: the reading is not in the bundle" not in told(path)["not_shown"]
        assert b'\\"line-1\\"' in path.read_bytes()


def test_work_of_another_job_on_the_pipe_is_shown_by_its_time_alone(tmp_path: Path) -> None:
    with Works(tmp_path / "state") as works:
        on_site(works.staffed())
        on_site(works, NEXT, sections=LATER)
        works.step(NEXT, "pipe_work", what="valve of Mrs. Wang exchanged")
        works.step(NUMBER, "leave")
        path = works.sealed(tmp_path / "b.zip")
        withheld = Bent(path.read_bytes()).manifest["withheld"]
        assert sorted(one["why"] for one in withheld) == ["another job", "personal"]
        assert told(path)["shown"]["acts decided again"] == 7
        assert b"Mrs. Wang" not in path.read_bytes()


def test_the_command_exports_and_verifies(works: Works, tmp_path: Path) -> None:
    """Exit 0: good. 1: not good, and what. 2: called wrongly."""
    config = tmp_path / "gateway.toml"
    config.write_text(f'[hub]\ngateway = "gw-test"\nstate_dir = "{works.folder}"\nplugins = []\n')
    works.ledger.close()

    def run(*words: str, code: int = 0) -> Any:
        command = [sys.executable, "-m", "hub", "evidence", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == code, done.stderr + done.stdout
        return json.loads(done.stdout) if done.stdout else done.stderr

    out = run("export", NEXT, "case.zip", "--config", str(config), "--json")
    assert out["hazards"] == [f"{NEXT}-H1"]
    key = str(works.folder / "device.pub")
    head = tmp_path / "head"
    head.write_text(works.told[-1]["data"]["ledger"]["checkpoint"])
    assert run("verify", "case.zip", "--key", key, "--head", str(head))["good"]
    bent = bytearray((tmp_path / "case.zip").read_bytes())
    bent[5000] ^= 1
    (tmp_path / "bent.zip").write_bytes(bent)
    bad = run("verify", "bent.zip", code=1)["first_bad"]
    assert (bad["check"], bad["member"]) == ("container", "VERIFY.md")
    assert "cannot be read" in run("verify", "none.zip", code=2)
    assert "--key" in run("verify", "case.zip", "--key", "a+b+c", code=2)
    assert run("export", "nothing", "x.zip", "--config", str(config), code=2)
    works.again()


def test_a_running_hub_loads_nothing_of_bundles() -> None:
    """It stays small."""
    code = "import sys, hub.app; print([m for m in sys.modules if m.startswith('hub.bundle')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_export_needs_the_key_and_says_so(tmp_path: Path) -> None:
    with Works(tmp_path / "state") as works:
        on_site(works.staffed())
    (tmp_path / "state" / "device.key").unlink()
    with pytest.raises(ConfigError, match="device key is missing"):
        export(tmp_path / "state", tmp_path / "b.zip", Wanted(NUMBER), 0)
