"""Verdicts and hazards into a stub that speaks OData V4: once each, and changed under ETags."""

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
from plugins.odata.settings import OdataSettings
from plugins.odata.sink import Odata
from tests.stub_odata import TOKEN
from tests.tryton_rig import number, step, untaken, verdict

PROPERTIES = {"Text": "title", "Code": "code", "RequiredEnd": "due", "Type": "=G1"}
CODES = {"PASS": "01", "FAIL": "02", "INCONCLUSIVE": "03", "ABORTED": "04"}


@contextmanager
def stub(folder: Path, *words: str) -> Iterator[str]:
    """A process; yields the root of its service."""
    argv = [sys.executable, "-m", "tests.stub_odata", str(folder / "odata.db"), *words]
    root = Path(__file__).parents[1]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/maintenance"
        finally:
            process.kill()


def odata(url: str, token: str = TOKEN, **given: Any) -> Odata:
    plain = {
        "url": url,
        "token": "t",
        "entity": "Notifications",
        "reference": "ExternalReference",
        "properties": PROPERTIES,
        "codes": CODES,
        "items": "Items",
        "allow_plain_http": True,
        "lan": ("127.0.0.0/8",),
        "settle_s": 0,
    }
    settings = OdataSettings.model_validate({**plain, **given})
    sink = Odata(settings, Site("gw", HandClock(), lambda _: token))
    sink.open()
    return sink


def entities(folder: Path) -> list[dict[str, Any]]:
    with sqlite3.connect(folder / "odata.db") as sql:
        rows = sql.execute("SELECT body FROM entities ORDER BY id").fetchall()
    return [json.loads(body) for (body,) in rows]


def test_each_verdict_has_its_code_and_its_reasons_as_items(tmp_path: Path) -> None:
    """In one deep insert; fixed texts beside."""
    with stub(tmp_path) as url:
        sink = odata(url)
        for word, code in CODES.items():
            parcel = verdict(number(), word, reasons=["drop_over_limit", "gap"])
            assert sink.deliver([parcel], "b").taken == {parcel.id: parcel.key}
            assert entities(tmp_path)[-1] == {
                "ExternalReference": parcel.key,
                "Text": f"{parcel.order} riser_hold: {word}",
                "Code": code,
                "Type": "G1",
                "Items": [{"Text": "drop_over_limit"}, {"Text": "gap"}],
            }
        sink.close()


def test_lost_answers_and_replays_make_nothing_twice(tmp_path: Path) -> None:
    """Every third answer is lost after the work was done."""
    parcels = [verdict(number()) for _ in range(40)]
    lost = 0
    with stub(tmp_path, "--cut", "0.33") as url:
        sink = odata(url)
        for parcel in [*parcels, *parcels]:
            while not (delivery := sink.deliver([parcel], "b")).taken:
                assert untaken(delivery).startswith("no whole answer")
                lost += 1
        sink.close()
    assert lost > 20
    references = [one["ExternalReference"] for one in entities(tmp_path)]
    assert sorted(references) == sorted(parcel.key for parcel in parcels)


def test_a_lost_write_closes_the_fence(tmp_path: Path) -> None:
    """What was sent must have ended before anything is written again."""
    with stub(tmp_path, "--cut", "0.33") as url:
        sink = odata(url, settle_s=3600)

        def write_often() -> None:
            for _ in range(100):
                sink.deliver([verdict(number())], "b")

        with pytest.raises(SinkUnavailable, match="nothing is written for another"):
            write_often()
        sink.close()


def test_a_hazard_is_changed_under_its_etag(tmp_path: Path) -> None:
    """Whoever changes it at the same moment is not overwritten: it is looked at again."""
    hazard = number()
    with stub(tmp_path, "--race", "1") as url:
        sink = odata(url)
        sink.deliver([step(hazard, next_due_at="2026-12-07T08:00:00Z")], "b")
        (one,) = entities(tmp_path)
        assert (one["ExternalReference"], one["RequiredEnd"]) == (
            f"job-{hazard}",
            "2026-12-07T08:00:00Z",
        )
        closed = step(hazard, what="step", ended="closed")
        assert "412" in untaken(sink.deliver([closed], "b"))
        assert sink.deliver([closed], "b").taken
        (one,) = entities(tmp_path)
        assert (one["Text"], one["RequiredEnd"]) == (f"{hazard} hazard: closed", None)
        assert list(sink.deliver([step(number(), kind="repair")], "b").taken.values()) == [
            "no hazard"
        ]
        sink.close()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"token": "old"}, "the token is refused"),
        ({"entity": "Orders"}, "no such service or entity set"),
    ],
)
def test_a_wrong_setting_pauses_the_channel(
    tmp_path: Path, given: dict[str, str], why: str
) -> None:
    """No parcel is burnt for it."""
    with stub(tmp_path) as url:
        sink = odata(url, **given)
        with pytest.raises(SinkPaused, match=why):
            sink.deliver([verdict(number())], "b")
        sink.close()


def test_an_unknown_property_is_refused_by_its_code(tmp_path: Path) -> None:
    """Of the service's words nothing is kept."""
    with stub(tmp_path) as url:
        sink = odata(url, properties={**PROPERTIES, "Wrong": "order"})
        delivery = sink.deliver([verdict(number())], "b")
        assert delivery.refused
        assert untaken(delivery) == "POST Notifications: answered 400 (UNKNOWN_PROPERTY)"
        sink.close()
