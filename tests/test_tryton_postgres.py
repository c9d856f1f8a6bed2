"""The same on PostgreSQL, where Tryton's writers do run at the same time."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.simulate.postgres import Postgres
from hub.simulate.tryton import DATABASE, TrytonServer, prepare
from hub.testing import wait_until
from tests.tryton_rig import inspections, notes, number, put, step, tryton, verdict

pytestmark = pytest.mark.timeout(600)  # the database is prepared first: about a minute


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrytonServer]:
    folder = tmp_path_factory.mktemp("tryton-pg")
    with Postgres(DATABASE) as postgres:
        key = prepare(folder, postgres.url)
        with TrytonServer(folder, postgres.url, key) as made:
            yield made


def test_all_four_verdicts_and_a_hazard(server: TrytonServer) -> None:
    """As on SQLite, and a replay makes nothing new."""
    sink, order, hazard = tryton(server), number(), number()
    for word in ("PASS", "FAIL", "INCONCLUSIVE", "ABORTED"):
        parcel = verdict(order, word)
        assert put(sink, parcel) == put(sink, parcel)
    put(sink, step(hazard, next_due_at="2026-12-07T08:00:00Z"))
    sink.close()

    states = Counter(one["state"] for one in inspections(server, order))
    assert states == {"passed": 1, "failed": 1, "pending": 2}
    assert len(notes(server, order)) == 4
    (task,) = server.find("project.work", "constraint_finish_time", domain=[["name", "=", hazard]])
    assert task["constraint_finish_time"]["day"] == 7


def test_gateways_that_write_at_the_same_time(server: TrytonServer) -> None:
    """Four of them, with one customer that none of them has made yet: nothing twice or lost."""
    code, at_once = f"C-{number()}", 4
    sinks = [tryton(server, f"gw-{code}-{at}", customer=code) for at in range(at_once)]
    gate = threading.Barrier(at_once)
    orders = [number() for _ in range(at_once)]

    def write(at: int) -> None:
        gate.wait(30)
        for _ in range(3):
            parcel = verdict(orders[at])
            wait_until(lambda parcel=parcel: bool(sinks[at].deliver([parcel], "b").taken), "taken")
        sinks[at].close()

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(write, range(at_once)))
    assert len(server.find("party.party", "id", domain=[["code", "=", code]])) == 1
    assert [len(inspections(server, order)) for order in orders] == [3] * at_once
    assert [len(notes(server, order)) for order in orders] == [3] * at_once
