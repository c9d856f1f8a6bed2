"""Ledger to filing folder: every verdict in exactly one batch, whatever happens in between."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from hub.judgement import judge_files
from hub.ledger import LedgerReader, Transaction
from hub.model import Parcel, Site
from hub.outbox import listing, replay
from hub.testing import wait_until
from plugins.gov_filing.settings import FilingSettings
from plugins.gov_filing.sink import FilingFolder
from tests.outbox_rig import Rig

CASES = Path(__file__).parent / "cases"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "state") as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "filing"
    made.mkdir()
    return made


def gov(rig: Rig, folder: Path, **given: Any) -> tuple[FilingFolder, FilingSettings]:
    settings = FilingSettings.model_validate(
        {
            "folder": folder,
            "company": "某燃气有限公司",
            "credit_code": "91110000101623741K",
            "division_code": "110105",
            "batch_max": 4,
            "batch_linger_s": 0,
        }
        | given
    )
    return FilingFolder("gov", settings, Site("gw-1", rig.clock, str)), settings


def filed(folder: Path) -> dict[str, list[str]]:
    """Batch id to the events in it, in the order of filing."""
    found = [json.loads(path.read_bytes()) for path in folder.glob("*.json")]
    found.sort(key=lambda one: int(one["header"]["ledger"]["size"]))
    return {one["header"]["batch_id"]: [r["event"] for r in one["records"]] for one in found}


def test_every_verdict_is_filed_once_and_the_ledger_has_the_receipt(rig: Rig, folder: Path) -> None:
    """Batch id in the file, in the parcel and in the ledger are one."""
    outbox = rig.build({"gov": gov(rig, folder)})
    events = rig.scribe.announce(outbox, *(f"O{n}" for n in range(10)))
    outbox.start()
    rig.until(taken=10)

    batches = filed(folder)
    assert [event for batch in batches.values() for event in batch] == events
    assert [len(batch) for batch in batches.values()] == [4, 4, 2]
    with LedgerReader(rig.scribe.state_dir) as reader:
        rows = {row.key: row for row in listing.rows(reader.sql)}
        entries = [json.loads(e.body or b"") for e in reader.entries(kinds=("filing",))]
    for batch, members in batches.items():
        assert {rows[f"{event}-gov"].batch for event in members} == {batch}
    assert [entry["batch"] for entry in entries] == list(batches)
    assert all(entry["receipt"].startswith("gashub-gw-1-") for entry in entries)


def test_a_folder_that_comes_back_gets_what_was_kept(rig: Rig, folder: Path) -> None:
    """An unmounted share loses nothing and makes no second filing."""
    away = folder.rename(folder.with_name("away"))
    outbox = rig.build({"gov": gov(rig, folder)})
    events = rig.scribe.announce(outbox, "A", "B")
    outbox.start()
    wait_until(lambda: ("gov", "sink_lost") in rig.notices())
    away.rename(folder)

    def done() -> bool:
        rig.clock.move(60)
        return rig.states() == {"taken": 2}

    wait_until(done)
    assert list(filed(folder).values()) == [events]


def test_a_lost_outcome_makes_no_second_filing(rig: Rig, folder: Path) -> None:
    """The hub ends after the files are written and before it has recorded that they were."""
    sink, settings = gov(rig, folder)

    class Unrecorded(FilingFolder):
        def deliver(self, parcels: Any, batch: str) -> Any:
            sink.deliver(parcels, batch)
            raise OSError("killed here")

    outbox = rig.build(
        {"gov": (Unrecorded("gov", settings, Site("gw-1", rig.clock, str)), settings)}
    )
    events = rig.scribe.announce(outbox, "A", "B")
    outbox.start()
    wait_until(lambda: bool(list(folder.glob("*.sha256"))))
    rig.stop()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert rig.states() == {"waiting": 2}

    second = rig.build({"gov": (sink, settings)})
    rig.scribe.announce(second, "C")
    second.start()
    rig.until(taken=3)
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert next(iter(filed(folder).values())) == events
    assert len(filed(folder)) == 2


def test_a_replay_files_nothing_anew(rig: Rig, folder: Path) -> None:
    """The whole batch goes out again, finds its files, and gets the same receipt."""
    outbox = rig.build({"gov": gov(rig, folder)})
    rig.scribe.announce(outbox, "A", "B", "C")
    outbox.start()
    rig.until(taken=3)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    rig.scribe.do(lambda tx: replay(tx, who="wang", at_us=1, order="B"))
    outbox.hurry()
    wait_until(lambda: rig.sql("SELECT DISTINCT attempts, state FROM parcels") == [(2, "taken")])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_filed_bytes_do_not_depend_on_the_attempt(rig: Rig, folder: Path) -> None:
    """A sink that is given the same parcels with other attempt counts writes the same file."""
    sink, _ = gov(rig, folder)
    outbox = rig.build({"gov": (sink, FilingSettings.model_construct())})
    rig.scribe.announce(outbox, "A")
    (row,) = rig.sql("SELECT id, sink, key, order_number, kind, body, created_us FROM parcels")
    batch = "01M84VVF2GSQKV512F1445N5KH"
    sink.open()
    sink.deliver([Parcel(*row, attempts=0)], batch)  # type: ignore[arg-type]  # a row of the table
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    sink.deliver([Parcel(*row, attempts=7)], batch)  # type: ignore[arg-type]  # as above

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_every_verdict_of_the_procedures_can_be_filed(rig: Rig, folder: Path) -> None:
    """All the judged cases in one batch: counted, in both files, the screens by their outcome."""
    cases = sorted(path for path in CASES.iterdir() if path.is_dir())
    answers = [judge_files(case / "order.json", case / "readings.csv") for case in cases]
    outbox = rig.build({"gov": gov(rig, folder, batch_max=len(cases))})

    def act(tx: Transaction) -> None:
        for answer in answers:
            rig.scribe.verdict(tx, outbox, answer["number"], **answer)

    rig.scribe.do(act)
    outbox.start()
    rig.until(taken=len(cases))

    (path,) = folder.glob("*.json")
    records = json.loads(path.read_bytes())["records"]
    for answer, record in zip(answers, records, strict=True):
        screen = answer["procedure"] == "laser_screen"
        assert record["result"] == (
            answer.get("outcome", "invalid") if screen else answer["verdict"]
        )
        assert record["reasons"] == answer["reasons"]
    (book,) = folder.glob("*.xlsx")
    assert openpyxl.load_workbook(book, read_only=True).worksheets[1].max_row == len(cases) + 1
