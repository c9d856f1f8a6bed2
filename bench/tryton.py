"""A real Tryton at both ends: an order from it and a verdict into it; then verdicts through kills.

    python bench/tryton.py --count 1000 --kills 20 [--json out.json]

First a task is made in Tryton, with the order attached. The hub fetches it, a simulated riser is
pumped up and held on the wire, by a clock that runs fast, and the verdict arrives in Tryton as an
inspection with its page.

Then a process with ledger, outbox and the real plugin decides verdicts of all four words, while
it and the Tryton server are killed (-9) again and again and started anew. Everything is counted
in Tryton's own records afterwards:

    missing        verdicts without an inspection
    duplicates     inspections beyond one for a verdict
    foreign        inspections of no verdict
    files, notes   verdicts without exactly two attachments, without exactly one note
    wrong_state    inspections in another state than their verdict's

So that the bench is known to see what it looks for, a shorter run is made with a plugin that does
not look before it creates (must make duplicates).
"""

import argparse
import contextlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.progress import Progress
from rig import NEVER, PYTHON, process, report, wait_for

from hub.clock import HubClock
from hub.control import call
from hub.demo.operator import Operator
from hub.demo.processes import Fleet
from hub.demo.scenarios import tight_riser
from hub.events import Event
from hub.ledger import LedgerReader, Transaction
from hub.model import Site
from hub.outbox import Consignee, Outbox, listing
from hub.simulate.scribe import Scribe
from hub.simulate.shared_clock import ENV, Pacer, SharedClock
from hub.simulate.tryton import TrytonServer
from plugins.tryton.rest import Record, Rest, binary
from plugins.tryton.settings import TrytonSettings
from plugins.tryton.sink import Tryton

WORDS = ("PASS", "FAIL", "INCONCLUSIVE", "ABORTED")
STATES = {"PASS": "passed", "FAIL": "failed", "INCONCLUSIVE": "pending", "ABORTED": "pending"}
ORDERS = 40
CHUNK = 20
FACTOR = 24.0
SETTLE_S = 2.0
WITHIN_S = 3600.0
GATEWAY = """
[hub]
gateway = "gw-bench"
state_dir = "{folder}/state"
plugins = ["modbus", "tryton"]
commit_linger_ms = 1000

[log]
form = "console"
level = "warning"

[[instrument]]
name = "pm-1"
quantity = "pressure"
unit = "Pa"
range_pa = 10000
resolution_pa = 1
calibrated_until = 2099-12-31

[[line]]
name = "riser"
port = "{folder}/riser"
baud = 9600

[[line.instrument]]
name = "pm-1"
kind = "modbus"
profile = "delta_ohm_hd402st"
address = 1

[[sink]]
name = "tryton"
kind = "tryton"
url = "{url}"
key = "tryton-key"
company = "GAS"
allow_plain_http = true
lan = ["127.0.0.0/8"]
"""
ORDER = {
    "number": "-",
    "procedure": "riser_hold",
    "section": {"id": "B3-U2-riser", "part": "riser"},
    "p_design_pa": 5000,
    "medium": "air",
    "volume_l": 30,
    "isolation": {"declared": True},
    "sample_period_s": 1,
    "instruments": [{"name": "pm-1"}],
}
PIPE = "address=1 volume_l=30 seed=1 cooling_s=15 pump_pa_s=80 noise_pa=0.6"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="verdicts through the kills")
    parser.add_argument("--kills", type=int, default=20, help="kill -9 of each process on the way")
    parser.add_argument("--planted", type=int, default=60, help="verdicts of the planted run")
    parser.add_argument("--seed", type=int, default=29)
    parser.add_argument("--json", type=Path, help="write the result there")
    parser.add_argument("--serve", nargs=3, metavar=("STATE", "URL", "KEY"), help=argparse.SUPPRESS)
    parser.add_argument("--blind", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(Path(options.serve[0]), *options.serve[1:], options.count, options.blind)
        return 0
    with tempfile.TemporaryDirectory(prefix="gt-") as folder:
        shown = show(Path(folder, "show"))
        through = kill_loop(Path(folder, "kills"), options.count, options.kills, options.seed)
        planted = kill_loop(
            Path(folder, "planted"), options.planted, max(4, options.kills // 4), options.seed, True
        )
    result = {"show": shown, **through, "planted": planted}
    report(result, options.json)
    faults = ("missing", "duplicates", "foreign", "files", "notes", "wrong_state")
    good = shown["state"] == "passed" and not any(through[fault] for fault in faults)
    return 0 if good and planted["duplicates"] else 1


# -- one order, from Tryton and back


def show(folder: Path) -> dict[str, Any]:
    """Returns what stands in Tryton in the end, and how long each way took."""
    folder.mkdir()
    (folder / "state").mkdir()
    stop = threading.Event()
    clock = SharedClock.create(folder / "clock", time.time_ns() // 1000, FACTOR)
    pacer = Pacer(clock)
    with contextlib.ExitStack() as house:
        server = house.enter_context(TrytonServer(folder / "tryton"))
        house.callback(clock.close)
        env = {ENV: str(clock.path), "GASHUB_SECRET_TRYTON_KEY": server.key}
        fleet = house.enter_context(Fleet(folder / "log", env))
        number = work_order(server)
        config = folder / "gateway.toml"
        config.write_text(GATEWAY.format(folder=folder, url=server.url))
        simulate = ["-m", "hub.simulate", "modbus", "--attended", "--port-link"]
        riser = fleet.simulate(
            "riser", [PYTHON, *simulate, str(folder / "riser"), "--instrument", PIPE]
        )
        riser.ready()
        fleet.start("hub", [PYTHON, "-m", "hub", "run", str(config)])
        socket = folder / "state" / "hub.sock"
        wait_for(lambda: answers(socket), "the hub")
        pacer.start()
        house.callback(pacer.stop)
        wait_for(lambda: heard(socket), "the first reading")
        began_s = time.monotonic()
        operator = Operator(number, socket, clock, {"rs485-a": riser}, stop)
        tight_riser(operator)
        operator.leave()
        decided_s = time.monotonic()
        found: list[dict[str, Any]] = []

        def arrived() -> bool:
            fleet.check()
            found[:] = inspections(server, number)
            return bool(found) and bool(server.find("ir.note", "id"))

        wait_for(arrived, "the inspection in Tryton", 120)
        (one,) = found
        files = server.find(
            "ir.attachment", "name", "data_size",
            domain=[["resource", "=", f"quality.inspection,{one['id']}"]],
        )  # fmt: skip
        return {
            "order": number,
            "state": one["state"],
            "point": one["points"],
            "files": len(files),
            "page_bytes": max((f["data_size"] for f in files if ".html" in f["name"]), default=0),
            "worked_s": round(decided_s - began_s, 1),
            "verdict_to_inspection_s": round(time.monotonic() - decided_s, 1),
        }


def work_order(server: TrytonServer) -> str:
    """What a clerk does: a customer with a site, a project for it, a task, and the order's file."""
    party = server.create("party.party", code="C-1001", name="Example building 3")
    address = server.create("party.address", party=party["id"], building_name="Building 3")
    project = server.create(
        "project.work", name="Building 3", type="project", company=1,
        party=party["id"], party_address=address["id"],
    )  # fmt: skip
    task = server.create(
        "project.work?f=number", name="Riser hold", type="task", company=1, parent=project["id"]
    )
    server.create(
        "ir.attachment", name="gashub.json", resource=f"project.work,{task['id']}",
        data=binary(json.dumps(ORDER).encode()),
    )  # fmt: skip
    return str(task["number"])


def inspections(server: TrytonServer, order: str) -> list[dict[str, Any]]:
    domain = [["reference", "like", f"{order} %"]]
    return server.find("quality.inspection", "reference", "state", "points", domain=domain)


def answers(socket: Path) -> bool:
    try:
        return bool(call(socket, "status"))
    except ConnectionError:
        return False


def heard(socket: Path) -> bool:
    return "pm-1" in call(socket, "status")["instruments"]


# -- many verdicts through kills


def kill_loop(
    folder: Path, count: int, kills: int, seed: int, blind: bool = False
) -> dict[str, Any]:
    """Decide and deliver *count* verdicts; each process is killed *kills* times on the way."""
    folder.mkdir()
    state, chance = folder / "state", random.Random(seed)
    server = TrytonServer(folder / "tryton")
    at = sorted(chance.randrange(1, count) for _ in range(2 * kills))
    turns = ["hub", "tryton"] * kills
    chance.shuffle(turns)
    killed: Counter[str] = Counter()
    began_s = time.monotonic()
    with Progress() as progress, contextlib.ExitStack() as house:
        bar = progress.add_task("planted" if blind else "taken through kills", total=count)
        house.callback(server.stop)
        server.start()
        hub = house.enter_context(hub_process(folder, server, count, blind))
        while (taken := states(state)["taken"]) < count:
            progress.update(bar, completed=taken)
            if at and taken >= at[0]:
                at.pop(0)
                # Just after a delivery was seen is always the same moment of the next one.
                NEVER.wait(chance.uniform(0, 0.2))
                turn = turns.pop()
                killed[turn] += 1
                if turn == "hub":
                    hub.kill()
                    hub.wait()
                    hub = house.enter_context(hub_process(folder, server, count, blind))
                else:
                    server.kill()
                    server.start()
            NEVER.wait(0.02)
            if hub.poll() is not None or time.monotonic() - began_s > WITHIN_S:
                raise SystemExit(f"{states(state)}; {(folder / 'hub.log').read_text()[-2000:]}")
        took_s = time.monotonic() - began_s
        return {
            "count": count,
            "kills": dict(killed),
            "seconds": round(took_s, 1),
            "verdicts_per_s_kills_included": round(count / took_s, 1),
            **counted(server, state),
        }


@contextlib.contextmanager
def hub_process(
    folder: Path, server: TrytonServer, count: int, blind: bool
) -> Iterator["subprocess.Popen[bytes]"]:
    serving = ["--serve", str(folder / "state"), server.url, server.key, "--count", str(count)]
    command = [PYTHON, str(Path(__file__).resolve()), *serving, *(["--blind"] if blind else [])]
    with process(command, folder / "hub.log") as child:
        yield child


def serve(state: Path, url: str, key: str, count: int, blind: bool) -> None:
    """The hub's side: decide up to *count* verdicts, and deliver, until told to stop."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    clock = HubClock()
    settings = TrytonSettings(
        url=url, key="k", company="GAS", allow_plain_http=True, lan=("127.0.0.0/8",),
        settle_s=0 if blind else SETTLE_S, retry_first_s=0.1, retry_most_s=2,
    )  # fmt: skip
    if blind:
        plant_blindness()
    sink = Tryton("tryton", settings, Site("gw-bench", clock, lambda _: key))
    with Scribe(state, clock) as scribe:
        outbox = Outbox([Consignee("tryton", sink, settings)], state, scribe.submit, clock)
        scribe.outbox = outbox
        outbox.start()
        first = sum(states(state).values())
        while not stop.wait(0.02):
            if first < count and states(state)["waiting"] < CHUNK:

                def act(tx: Transaction, first: int = first) -> list[Event]:
                    return [
                        scribe.verdict(
                            tx, outbox, f"O-{n % ORDERS:04d}", verdict=WORDS[n % len(WORDS)]
                        )
                        for n in range(first, min(count, first + CHUNK))
                    ]

                first += len(scribe.do(act))
        outbox.stop(30)


def plant_blindness() -> None:
    """A plugin that does not look whether an inspection is there."""
    look = Rest.find

    def blind(self: Rest, model: str, domain: Any, *fields: str, **page: int) -> list[Record]:
        return [] if model == "quality.inspection" else look(self, model, domain, *fields, **page)

    Rest.find = blind  # type: ignore[method-assign]


def states(state: Path) -> Counter[str]:
    if not (state / "ledger.db").exists():
        return Counter()
    with LedgerReader(state) as reader:
        rows = listing.sinks(reader.sql)
        return Counter({w: getattr(r, w) for r in rows for w in ("waiting", "taken", "refused")})


def counted(server: TrytonServer, state: Path) -> dict[str, int]:
    """What Tryton holds, against what the ledger says was decided."""
    with LedgerReader(state) as reader:
        rows = reader.sql.execute("SELECT order_number, key, body FROM parcels").fetchall()
    words = {
        f"{order} {key}": json.loads(body)["data"]["verdict"]["verdict"]
        for order, key, body in rows
    }
    found = server.find("quality.inspection", "reference", "state")
    times = Counter(one["reference"] for one in found)
    files = Counter(one["resource"] for one in server.find("ir.attachment", "resource"))
    notes = Counter(
        one["message"].partition("]")[0].lstrip("[") for one in server.find("ir.note", "message")
    )
    mine = [one for one in found if one["reference"] in words]
    return {
        "missing": len(words.keys() - times.keys()),
        "foreign": len(found) - len(mine),
        "duplicates": sum(n - 1 for n in times.values()),
        "files": sum(files[f"quality.inspection,{one['id']}"] != 2 for one in mine),
        "notes": sum(notes[reference.rpartition(" ")[2]] != 1 for reference in words),
        "wrong_state": sum(one["state"] != STATES[words[one["reference"]]] for one in mine),
    }


if __name__ == "__main__":
    sys.exit(main())
