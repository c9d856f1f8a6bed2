"""Run every long figure, compare it with its target, write JSON and a table.

    python bench/prove.py                 all at full count (`make prove`)
    python bench/prove.py --reduced       the same code at the counts CI has time for
    python bench/prove.py --only crash --only tamper
    python bench/prove.py --only speed    a whole group
    python bench/prove.py --at-once 2     two side by side, but for those that are times

Each figure is a program of its own that writes JSON; what is compared stands in FIGURES.
Exit 1 when a target is missed or a program fails. A reduced run shows the figures of group
`speed` and fails only for those marked `always`: a short run on a busy machine says little about
speed.
"""

import argparse
import json
import operator
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

BENCH = Path(__file__).parent
OUT = BENCH / "out"
RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class Target(NamedTuple):
    """`path` leads to the figure in the program's JSON: keys with dots between.

    always  counts in a reduced run of group `speed` too, since no busy machine excuses it
    spare   may be absent: what it is compared with is not installed everywhere
    """

    what: str
    path: str
    relation: str
    value: object
    always: bool = False
    spare: bool = False


class Figure(NamedTuple):
    """A program, its arguments at full and at reduced count, and what must come out."""

    name: str
    group: str
    program: str
    full: str
    reduced: str
    targets: tuple[Target, ...]
    timed: bool = False
    """A target is a time, so nothing else may run meanwhile."""

    def alone(self, reduced: bool) -> bool:
        """Speed counts in a full run only; see above."""
        return self.timed or (self.group == "speed" and not reduced)


FIGURES = (
    Figure(
        "crash", "faults", "crash.py", "--cycles 200", "--cycles 15 --planted-cycles 10",
        (
            Target("acknowledged but missing", "acknowledged_but_missing", "=", 0),
            Target("twice in the ledger", "duplicates_in_ledger", "=", 0),
            Target("verify not clean", "verify_not_clean", "=", 0),
            Target(
                "planted early acknowledgement: missing",
                "planted.missing_when_acknowledged_early", ">", 0,
            ),
            Target(
                "planted forgetfulness: twice", "planted.duplicates_when_forgetful", ">", 0
            ),
        ),
    ),
    Figure(
        "powerloss", "faults", "powerloss.py", "--images 200", "--images 40 --seconds 5",
        (
            *(
                Target(f"{what}, {model}", f"product.{model}.{key}", "=", 0)
                for model in ("drop", "subset")
                for what, key in (
                    ("images that lost an acknowledged reading", "images_with_loss"),
                    ("images that do not open", "images_that_do_not_open"),
                )
            ),
            Target(
                "planted NORMAL: images with loss",
                "planted_synchronous_normal.drop.images_with_loss", ">", 0,
            ),
        ),
    ),
    Figure(
        "tamper", "faults", "tamper.py", "--trials 1000", "--trials 150",
        (Target("trials that were not found, or not named", "missed", "=", []),),
    ),
    Figure(
        "bundle", "faults", "bundle.py", "--mutations 10000 --pairs 200",
        "--mutations 340 --pairs 48 --entries 0",
        (
            Target("bent bundles accepted", "mutations.accepted_in_all", "=", 0),
            Target("planted blindness to the seal: accepted", "planted.accepted_in_all", ">", 0),
            Target("bundles on which a second verifier disagrees", "second.disagreements", "=", []),
            Target("a hold of 30 minutes verified, s", "hold_30_min.verify_s", "<", 2),
        ),
        timed=True,
    ),
    Figure(
        "signatures", "faults", "signatures.py", "--count 10000", "--count 300",
        (
            Target("changed signatures and bodies accepted", "accepted", "=", 0),
            Target("exceptions", "raised", "=", 0),
            Target("good ones refused", "good_refused", "=", 0),
            Target("planted: the library alone, exceptions", "planted.raised", ">", 0),
        ),
    ),
    Figure(
        "outage", "faults", "outage.py", "--count 1000 --kills 5", "--count 150 --kills 2",
        (
            Target("verdicts that the CRM never had", "missing", "=", 0),
            Target("verdicts acted on twice", "duplicates", "=", 0),
            Target("keys with more than one body", "changed_bodies", "=", 0),
            Target("out of order within a work order", "out_of_order", "=", 0),
        ),
    ),
    Figure(
        "tryton", "faults", "tryton.py", "--count 1000 --kills 20",
        "--count 32 --kills 2 --planted 24",
        (
            Target("verdicts that Tryton never had", "missing", "=", 0),
            Target("inspections beyond one for a verdict", "duplicates", "=", 0),
            Target("inspections of no verdict", "foreign", "=", 0),
            Target("verdicts without their two files", "files", "=", 0),
            Target("verdicts without their one note", "notes", "=", 0),
            Target("inspections in another state than their verdict's", "wrong_state", "=", 0),
            Target("an order from Tryton, its verdict there", "show.state", "=", "passed"),
            Target("planted blindness: duplicates", "planted.duplicates", ">", 0),
        ),
    ),
    Figure(
        "fuzz", "faults", "fuzz.py", "--bytes 10000000", "--bytes 500000",
        (
            Target("bent bytes, of each protocol", "bytes_per_protocol_at_least", ">=", 500_000),
            Target("false beyond the checksums' odds", "false_beyond_the_odds", "=", 0),
            Target("exceptions", "raised", "=", 0),
            Target("dead afterwards, or not by chance", "not_alive_or_not_by_chance", "=", []),
            Target("planted blindness: false and not owed", "planted_unowed", ">", 0),
        ),
    ),
    Figure(
        "replug", "faults", "replug.py", "--cycles 1000", "--cycles 40 --planted-cycles 40",
        (
            Target("from the plug to a reading, p99, s", "reconnect_p99_s", "<", 3),
            Target("glued from halves", "glued_from_halves", "=", 0),
            Target("recorded, but not as sent", "not_as_sent", "=", 0),
            Target("never came back", "given_up", "=", 0),
            Target("the hub restarted", "restarted", "=", False),
            Target("descriptors more than before", "descriptors_more", "<=", 0),
            Target("threads more than before", "threads_more", "<=", 0),
            Target("planted forgetfulness: glued", "planted.glued", ">", 0),
        ),
        timed=True,
    ),
    Figure(
        "api_schema", "faults", "api_schema.py", "--examples 400", "--examples 5",
        (Target("answers that the document does not promise, or 5xx", "failed", "=", 0),),
    ),
    Figure(
        "api", "speed", "api.py", "--orders 1000", "--orders 200",
        (
            Target("orders by HTTP, of those by the socket", "ratio", ">=", 0.05),
            Target("memory of the API's process, MiB", "api_rss_mib", "<=", 128, always=True),
        ),
    ),
    Figure(
        "jobs_kill", "faults", "jobs_kill.py", "--kills 200", "--kills 12",
        (
            Target("lost, changed or done twice in a job", "wrong", "=", []),
            Target("verify not clean", "verify_not_clean", "=", False),
            Target("planted early answer: lost", "planted.lost", ">", []),
        ),
    ),
    Figure(
        "mutation", "rules", "mutation.py", "", "--sample 20",
        (
            Target("mutants of the rules killed: 95 %, less a sample's error", "enough", "=", True),
            Target("survivors without an explanation", "unexplained", "=", []),
        ),
    ),
    Figure(
        "again", "rules", "again.py", "", "--every 12 --without-jobs",
        (
            Target("verdicts that a ledger alone gives otherwise", "differing.ledgers", "=", []),
            Target("verdicts that a bundle alone gives otherwise", "differing.bundles", "=", []),
            Target("planted blindness to the last row: verdicts that differ", "planted", ">", 0),
        ),
    ),
    Figure(
        "jobs", "rules", "jobs.py", "--walks 100000", "--walks 10000",
        (
            Target("walks in which something was wrong", "walks_with_something_wrong", "=", 0),
            Target("reachable moves that were taken, least job", "ratio", "=", 1),
            Target("phases that were reached, least job", "phases_ratio", "=", 1),
            Target("moves that cannot be, and were taken", "beyond_the_map", "=", []),
            Target("steps that no way leads to", "never_reachable", "=", []),
            Target("states from which no step leads on to the end", "dead_ends", "=", []),
            Target("planted faults that were not found", "planted_missed", "=", []),
        ),
    ),
    Figure(
        "ingest", "speed", "ingest.py", "", "--count 8000 --rounds 1 --alarm-s 4",
        (
            Target("durable readings/s : bare client", "ratio", ">=", 0.65),
            Target("alarm durable at 100/s, p99 ms", "alarm.at_100_per_s.p99_ms", "<", 20),
            Target("alarm durable at 1000/s, p99 ms", "alarm.at_1000_per_s.p99_ms", "<", 20),
        ),
    ),
    Figure(
        "footprint", "speed", "footprint.py", "", "--starts 2 --wear-s 10",
        (
            Target("idle memory, MB", "idle_rss_mb", "<", 60),
            Target("start to first reading, s", "start_to_first_reading_s", "<", 1.5),
            Target(
                "bytes written per reading at 50/s",
                "writing.at_50_per_s.bytes_per_reading", "<", 1229,
            ),
        ),
    ),
    Figure(
        "deliveries", "speed", "deliveries.py", "", "--count 400 --waiting 10000",
        (
            Target("deliveries/s to a CRM : a bare httpx loop", "crm.ratio", ">=", 0.6),
            Target("verdicts that the CRM never had", "crm.missing", "=", 0, always=True),
            Target("of a long queue: never delivered", "queue.missing", "=", 0, always=True),
            Target("of a long queue: out of order within a work order", "queue.out_of_order",
                   "=", 0, always=True),
            Target("memory while it drains, MiB above that before", "queue.rss_mib_most_above",
                   "<", 16, always=True),
        ),
    ),
    Figure(
        "lines", "speed", "lines.py", "--seconds 30", "--seconds 8",
        (
            Target("one of 32 dead: period of the slowest of the others, to that of all alive",
                   "slowest_of_31_to_period", "<=", 1.1, always=True),
            Target("slaves that kept answering", "one_line.slaves", "=", 32, always=True),
            Target("one line of 32 at 1 Hz: p99 delay, ms", "one_line.delay_p99_ms", "<", 100),
            Target("16 ports at 10 Hz: p99 delay, ms", "ports_16.delay_p99_ms", "<", 50),
            Target("16 ports at 10 Hz: share of a core, %", "ports_16.cpu_share_pct", "<", 50),
            Target("16 ports at 10 Hz: memory, MB", "ports_16.rss_mb", "<", 80),
            Target("read(2) of all threads per reading of 7 bytes",
                   "one_line.reads_per_reading", "<", 7, always=True),
        ),
        timed=True,
    ),
    Figure(
        "filing", "speed", "filing.py", "--rows 20000", "--rows 500",
        (
            Target("faults in the draft", "office.faults", "=", 0, always=True),
            Target("the record verifies", "hub.verified", "=", True, always=True),
            Target("assembled and checked, peak MB", "office.peak_mb", "<", 300),
            Target("signed, sealed and written, peak MB", "hub.peak_mb", "<", 300),
        ),
    ),
    Figure(
        "decode", "speed", "decode.py", "", "--rounds 2",
        (
            Target("slowest driver, one whole read, µs", "slowest_read_us", "<", 100),
            Target("modbus : pymodbus' framer", "bare.modbus.ratio", "<=", 1),
            Target("keller : keller-protocol", "bare.keller.ratio", "<=", 1.1, spare=True),
        ),
    ),
)  # fmt: skip


class Result(NamedTuple):
    """What became of one figure. `missed` are targets; `error` is why there is no figure."""

    figure: Figure
    count: str
    seconds: float
    json: Mapping[str, Any]
    error: str

    def rows(self) -> list[tuple[Target, object, bool]]:
        found = []
        for target in self.figure.targets:
            value: Any = self.json
            for key in target.path.split("."):
                value = value.get(key) if isinstance(value, Mapping) else None
            if value is None:
                good = target.spare
            else:
                good = RELATIONS[target.relation](value, target.value)
            found.append((target, value, good))
        return found

    def ok(self, reduced: bool) -> bool:
        if reduced and self.figure.group == "speed":
            return bool(self.json) and all(good for target, _, good in self.rows() if target.always)
        return not self.error and all(good for *_, good in self.rows())


def measure(figure: Figure, reduced: bool) -> Result:
    count = figure.reduced if reduced else figure.full
    out = OUT / f"{figure.name}.json"
    out.unlink(missing_ok=True)
    command = [sys.executable, str(BENCH / figure.program), *count.split(), "--json", str(out)]
    began_s = time.monotonic()
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=None, check=False)
    seconds = time.monotonic() - began_s
    if not out.exists():
        error = f"exit {ended.returncode} and no {out.name}; run it by hand: {' '.join(command)}"
        return Result(figure, count, seconds, {}, error)
    error = "" if ended.returncode == 0 else f"exit {ended.returncode}"
    return Result(figure, count, seconds, json.loads(out.read_text()), error)


def show(console: Console, results: list[Result]) -> None:
    table = Table(title="figures", title_justify="left")
    for heading in ("figure", "count", "what", "value", "target", "", "time"):
        table.add_column(heading, overflow="fold")
    for result in results:
        name, count = result.figure.name, result.count
        seconds = f"{result.seconds:.0f} s"
        for target, value, good in result.rows():
            wanted = f"{target.relation} {target.value}"
            table.add_row(
                name, count, target.what, str(value), wanted, "ok" if good else "MISSED", seconds
            )
            name = count = seconds = ""
        if result.error:
            table.add_row(name, count, result.error, "", "", "FAILED", seconds)
    console.print(table)


def main() -> int:
    groups = {figure.group for figure in FIGURES}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reduced", action="store_true", help="the counts CI has time for")
    parser.add_argument(
        "--only", action="append", default=[], choices=sorted(groups | {f.name for f in FIGURES})
    )
    parser.add_argument(
        "--at-once", type=int, default=1, help="of the figures that are not times, how many"
    )
    options = parser.parse_args()
    chosen = [f for f in FIGURES if not options.only or {f.name, f.group} & set(options.only)]
    console = Console(width=None if sys.stdout.isatty() else 150)
    OUT.mkdir(exist_ok=True)

    def take(figure: Figure) -> Result:
        count = figure.reduced if options.reduced else figure.full
        console.print(f"{figure.name} {count}", highlight=False)
        return measure(figure, options.reduced)

    made = {figure.name: take(figure) for figure in chosen if figure.alone(options.reduced)}
    with ThreadPoolExecutor(options.at_once) as pool:
        rest = [figure for figure in chosen if figure.name not in made]
        made |= {result.figure.name: result for result in pool.map(take, rest)}
    results = [made[figure.name] for figure in chosen]
    show(console, results)
    summary = {
        "reduced": options.reduced,
        "ok": all(result.ok(options.reduced) for result in results),
        "figures": {
            result.figure.name: {
                "ok": result.ok(options.reduced),
                "count": result.count,
                "seconds": round(result.seconds, 1),
                "error": result.error,
                "result": result.json,
            }
            for result in results
        },
    }
    (OUT / "prove.json").write_text(json.dumps(summary, indent=2) + "\n")
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
