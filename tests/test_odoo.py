"""Verdicts and hazards into a stub that speaks as Odoo's documentation says.

No live Odoo was at hand: what these tests show is that we keep to the documentation, and that
each thing is there once under its external id.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hub.clock import HandClock
from hub.errors import SinkPaused, SinkUnavailable
from hub.model import Site
from plugins.odoo.settings import OdooSettings
from plugins.odoo.sink import Odoo
from tests.stub_odoo import DATABASE, KEY
from tests.tryton_rig import number, step, untaken, verdict

DIALECTS: dict[str, dict[str, Any]] = {
    "json2": {},
    "jsonrpc": {"dialect": "jsonrpc", "login": "bot"},
}


@contextmanager
def stub(folder: Path, cut: float = 0) -> Iterator[str]:
    """A process; yields its address."""
    argv = [sys.executable, "-m", "tests.stub_odoo", str(folder / "odoo.db"), "--cut", str(cut)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def odoo(url: str, key: str = KEY, **given: Any) -> Odoo:
    plain = {"url": url, "database": DATABASE, "key": "k", "allow_plain_http": True,
             "lan": ("127.0.0.0/8",)}  # fmt: skip
    settings = OdooSettings.model_validate({**plain, **given})
    sink = Odoo(settings, Site("gw", HandClock(), lambda _: key))
    sink.open()
    return sink


def records(folder: Path, model: str) -> dict[str, dict[str, Any]]:
    """External id -> what was kept."""
    with sqlite3.connect(folder / "odoo.db") as sql:
        rows = sql.execute("SELECT external, body FROM records WHERE model = ?", (model,))
        return {external: json.loads(body) for external, body in rows}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_verdict_keeps_its_word_and_only_pass_is_ready(tmp_path: Path, dialect: str) -> None:
    """As a request with the event attached, in either dialect."""
    states = {}
    with stub(tmp_path) as url:
        sink = odoo(url, **DIALECTS[dialect])
        for word in ("PASS", "FAIL", "INCONCLUSIVE", "ABORTED"):
            parcel = verdict(number(), word)
            (receipt,) = sink.deliver([parcel], "b").taken.values()
            assert receipt.startswith("maintenance.request ")
            request = records(tmp_path, "maintenance.request")[f"gashub.{parcel.key}"]
            assert request["name"] == f"{parcel.order} riser_hold: {word}"
            states[word] = request["kanban_state"]
            file = records(tmp_path, "ir.attachment")[f"gashub.{parcel.key}-event"]
            assert str(file["res_id"]) == receipt.split()[1]
        sink.close()
    assert states == {
        "PASS": "done",
        "FAIL": "blocked",
        "INCONCLUSIVE": "normal",
        "ABORTED": "normal",
    }


@pytest.mark.parametrize("dialect", DIALECTS)
def test_lost_answers_and_replays_make_nothing_twice(tmp_path: Path, dialect: str) -> None:
    """Every third answer is lost after the work was done."""
    parcels = [verdict(number()) for _ in range(40)]
    lost = 0
    with stub(tmp_path, cut=0.33) as url:
        sink = odoo(url, **DIALECTS[dialect])
        for parcel in [*parcels, *parcels]:
            while not (delivery := sink.deliver([parcel], "b")).taken:
                assert untaken(delivery).startswith("no whole answer")
                lost += 1
        sink.close()
    assert lost > 20
    assert len(records(tmp_path, "maintenance.request")) == 40
    assert len(records(tmp_path, "ir.attachment")) == 40


def test_a_hazard_is_one_request_with_its_deadline(tmp_path: Path) -> None:
    """It follows the hazard; a job that is none is taken, and not kept."""
    hazard = number()
    with stub(tmp_path) as url:
        sink = odoo(url)
        sink.deliver([step(hazard, next_due_at="2026-12-07T16:00:00+08:00")], "b")
        (one,) = records(tmp_path, "maintenance.request").values()
        assert one["schedule_date"] == "2026-12-07 08:00:00"
        assert (one["kanban_state"], one["priority"]) == ("blocked", "3")
        sink.deliver([step(hazard, what="step", ended="closed")], "b")
        (one,) = records(tmp_path, "maintenance.request").values()
        assert (one["name"], one["kanban_state"]) == (f"{hazard} hazard: closed", "done")
        assert one["schedule_date"] == ""
        (receipt,) = sink.deliver([step(number(), kind="repair")], "b").taken.values()
        assert receipt == "no hazard"
        assert len(records(tmp_path, "maintenance.request")) == 1
        sink.close()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("given", "why"),
    [({"key": "old"}, "the key has expired"), ({"database": "other"}, "expired|no such database")],
)
def test_a_key_or_database_that_is_not_known_pauses_the_channel(
    tmp_path: Path, dialect: str, given: dict[str, str], why: str
) -> None:
    """No parcel is burnt for it."""
    with stub(tmp_path) as url:
        sink = odoo(url, **{**DIALECTS[dialect], **given})
        with pytest.raises(SinkPaused, match=why):
            sink.deliver([verdict(number())], "b")
        sink.close()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("AccessError", "paused"),
        ("ValidationError", "refused"),
        ("OperationalError", "waiting"),
    ],
)
def test_an_exception_of_odoos_is_known_by_its_class(
    tmp_path: Path, dialect: str, name: str, outcome: str
) -> None:
    """Rights pause the channel, rules refuse, anything else waits; of the words nothing is kept."""
    parcel = verdict(f"raise-{name}")
    with stub(tmp_path) as url:
        sink = odoo(url, **DIALECTS[dialect])
        if outcome == "paused":
            with pytest.raises(SinkPaused, match="may not"):
                sink.deliver([parcel], "b")
        else:
            delivery = sink.deliver([parcel], "b")
            assert bool(delivery.refused) == (outcome == "refused")
            assert f"({name})" in untaken(delivery)
            assert "张三" not in untaken(delivery)
        sink.close()


def test_nobody_there_burns_no_parcel(tmp_path: Path) -> None:
    """The channel rests."""
    with stub(tmp_path) as url:
        sink = odoo(url)
    with pytest.raises(SinkUnavailable):
        sink.deliver([verdict(number())], "b")
    sink.close()
