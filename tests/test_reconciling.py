"""What was delivered against what a real Tryton has: each planted difference is found."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from hub.clock import HubClock
from hub.holdings import Held
from hub.looking import sinks
from hub.model import Site
from hub.outbox import Consignee, Outbox
from hub.reconciling import DAY_US, Digests, able, reconcile
from hub.simulate.scribe import Scribe
from hub.simulate.tryton import TrytonServer
from hub.testing import wait_until
from plugins.tryton.rest import binary
from plugins.tryton.settings import TrytonSettings
from plugins.tryton.sink import Tryton
from tests.outbox_rig import ObedientSink, Rig
from tests.outbox_rig import crm as crm_sink

pytestmark = pytest.mark.timeout(600)  # the first one prepares the database
CONFIG = """
[hub]
gateway = "gw-test"
state_dir = "{state}"
plugins = ["tryton"]
reserve_mib = 0
language = "{language}"

[[sink]]
name = "erp_1"
kind = "tryton"
url = "{url}"
key = "tryton-key"
company = "GAS"
allow_plain_http = true
lan = ["127.0.0.0/8"]
"""
WORDS = ("PASS", "FAIL", "INCONCLUSIVE", "ABORTED", "PASS", "PASS")


class Shop:
    """A ledger whose verdicts have been delivered to a real Tryton by the outbox."""

    def __init__(self, folder: Path, server: TrytonServer) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.server = server
        self.clock = HubClock()
        given = {"url": server.url, "key": "k", "company": "GAS", "allow_plain_http": True,
                 "lan": ("127.0.0.0/8",)}  # fmt: skip
        self.settings = TrytonSettings.model_validate(given)
        site = Site("gw-test", self.clock, lambda _: server.key)
        self.sink = Tryton("erp_1", self.settings, site)

    def deliver(self) -> None:
        with Scribe(self.state, self.clock) as scribe:
            outbox = Outbox(
                [Consignee("erp_1", self.sink, self.settings)],
                self.state, scribe.submit, self.clock,
            )  # fmt: skip
            scribe.outbox = outbox
            outbox.start()
            for at, word in enumerate(WORDS):
                order = f"R-{at}"
                scribe.do(lambda tx, o=order, w=word: scribe.verdict(tx, outbox, o, verdict=w))
            wait_until(lambda: len(self.there()) == len(WORDS) and not self.waiting(), "delivered")
            assert outbox.stop(10) == []

    def there(self) -> dict[str, dict[str, Any]]:
        """Inspections by their order."""
        found = self.server.find("quality.inspection", "reference", "state", "number", "control")
        return {one["reference"].split()[0]: one for one in found}

    def waiting(self) -> int:
        return sum(row["waiting"] for row in sinks(self.state))

    def reconciled(self) -> dict[str, list[str]]:
        """Kind of difference -> orders (or keys, of what no order is known for)."""
        now_us = self.clock.now_us()
        report = reconcile(self.state, "erp_1", self.sink, now_us - DAY_US, now_us + 1)
        assert not report.asked, report.asked
        found: dict[str, list[str]] = {}
        for one in report.differences:
            found.setdefault(one.kind, []).append(one.order or one.key)
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with TrytonServer(tmp_path / "tryton") as server:
        made = Shop(tmp_path, server)
        made.deliver()
        yield made


def test_every_planted_difference_is_found_and_no_other(shop: Shop) -> None:
    """Removed, doubled, changed, decided otherwise, and put there by somebody."""
    assert shop.reconciled() == {}
    server, there = shop.server, shop.there()

    lost = there["R-2"]  # a pending one, which Tryton lets people delete
    server.ask("DELETE", f"quality.inspection/{lost['id']}")
    doubled = there["R-3"]
    common = {"company": 1, "control": doubled["control"]}
    server.create("quality.inspection", **common, reference=doubled["reference"])
    server.ask("POST", f"quality.inspection/{there['R-4']['id']}/fail", {})
    (file,) = server.find(
        "ir.attachment", "id",
        domain=[
            ["resource", "=", f"quality.inspection,{there['R-5']['id']}"],
            ["name", "like", "%.json"],
        ],
    )  # fmt: skip
    server.ask("PUT", f"ir.attachment/{file['id']}", {"data": binary(b"{}")})
    server.create("quality.inspection", **common, reference="R-9 01JDSTRANGE-erp_1")

    assert shop.reconciled() == {
        "missing": ["R-2"],
        "twice": ["R-3"],
        "other_word": ["R-4"],
        "other_bytes": ["R-3", "R-5"],  # the doubled one has no event of ours
        "unknown": ["01JDSTRANGE-erp_1"],
    }


@pytest.mark.parametrize(
    ("language", "told"), [("en", "delivered, and not there"), ("zh", "已送达，对方没有")]
)
def test_the_command_lists_differences_and_says_so_by_its_exit(
    shop: Shop, language: str, told: str
) -> None:
    """0 without any, 1 with one or when nobody answers."""
    config = shop.folder / "gateway.toml"
    url = shop.server.url
    config.write_text(CONFIG.format(state=shop.state, url=url, language=language))

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "hub", "reconcile", "crm", *words, "--config", str(config)],
            capture_output=True, text=True, check=False, timeout=90,
            env={**os.environ, "GASHUB_SECRET_TRYTON_KEY": shop.server.key},
        )  # fmt: skip

    ended = run("--json")
    assert ended.returncode == 0, ended.stderr
    (report,) = json.loads(ended.stdout)
    assert (report["delivered"], report["held"], report["counts"]) == (len(WORDS), len(WORDS), {})

    shop.server.ask("DELETE", f"quality.inspection/{shop.there()['R-2']['id']}")
    ended = run("--json", "--sink", "erp_1")
    assert ended.returncode == 1
    (report,) = json.loads(ended.stdout)
    assert report["counts"] == {"missing": 1}
    assert (report["differences"][0]["order"], report["differences"][0]["what"]) == ("R-2", told)

    shop.server.kill()
    ended = run("--json")
    assert ended.returncode == 1
    assert "refused" in json.loads(ended.stdout)[0]["not_asked"]
    assert "there are: erp_1" in run("--sink", "nobody").stderr


# -- without a server


def erp(sink: ObedientSink) -> Consignee:
    return Consignee("erp", sink, TrytonSettings.model_construct())


class Remembering(ObedientSink):
    """Takes everything and tells what it has."""

    def holdings(self, from_us: int) -> Iterator[Held]:
        for _, parcels in self.seen:
            for one in parcels:
                if one.order != "lost":
                    yield Held(one.key, sha256(one.body).hexdigest(), "", "")


def test_a_digest_comes_once_a_day_and_stands_in_the_status(tmp_path: Path) -> None:
    """Ten minutes after the start, then daily; with the differences, until the next one."""
    with Rig(tmp_path / "state") as rig:
        sink = Remembering()
        outbox = rig.build({"erp": (sink, TrytonSettings.model_construct(events=("verdict",)))})
        rig.scribe.announce(outbox, "A", "lost")
        outbox.start()
        rig.until(taken=2)
        digests = Digests(able(tmp_path / "state", [erp(sink)]), rig.clock, "en")
        assert digests.all() == {}
        stop = threading.Event()
        thread = threading.Thread(target=digests.run, args=(stop,))
        thread.start()

        def told() -> bool:
            rig.clock.move(30)
            return bool(digests.all())

        wait_until(told, "the first digest")
        first = digests.all()["erp"]
        assert first["counts"] == {"missing": 1}
        assert first["differences"][0]["order"] == "lost"

        def again() -> bool:
            rig.clock.move(3600)
            return bool(digests.all()["erp"]["until"] != first["until"])

        wait_until(again, "the second digest")
        stop.set()
        rig.clock.move(1)
        thread.join(10)
        assert not thread.is_alive()


def test_a_far_side_that_fails_is_told_and_asked_again(tmp_path: Path) -> None:
    """It is no difference, and no end of the hub."""

    class Away(ObedientSink):
        def holdings(self, from_us: int) -> Iterator[Held]:
            raise OSError("nobody there")

    with Rig(tmp_path / "state") as rig:
        digests = Digests(able(tmp_path / "state", [erp(Away())]), rig.clock, "en")
        report = digests.digest("erp")
    assert (report.asked, report.differences) == ("nobody there", [])
    assert digests.all()["erp"]["not_asked"] == "nobody there"


def test_only_sinks_that_can_tell_are_asked() -> None:
    """A webhook cannot say what became of its events."""
    sink, settings = crm_sink("http://127.0.0.1:9/")
    told = Remembering()
    found = able(Path(), [Consignee("crm", sink, settings), Consignee("erp", told, settings)])
    assert list(found) == ["erp"]
