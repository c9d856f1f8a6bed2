"""Tamper with a ledger in every way we know, and count what `verify` finds.

    python bench/tamper.py --trials 1000 [--json out.json]

Each trial takes a fresh copy of a ledger written by the real API, changes one thing with SQL (or
raw bytes), and asks `verify`. Entry trials must name the right entry. Tail cuts and replaced
files must be found with an outside head, and must not be claimed without one. Raw flips hit any
bit of the file: either verify or SQLite reports it, or every entry reads as before.
"""

import argparse
import json
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from rich.progress import track

from hub.clock import HandClock
from hub.ledger import Ledger, Report, encode_block, verify
from hub.model import Intake, Reading

ENTRIES = 240
Trial = Callable[[sqlite3.Connection, random.Random], int]
"""Changes the ledger and returns the index of the entry that must be named."""


def build(folder: Path) -> dict[str, str]:
    """A ledger like a working day's: blocks, verdicts, notices, two erasures; heads by name."""
    clock = HandClock()
    heads = {}
    ledger = Ledger.open(folder, clock, "tamper", checkpoint_every=50)
    for turn in range(1, ENTRIES):
        clock.move(1)
        with ledger.transaction() as tx:
            if turn % 12 == 0:
                tx.append("verdict", {"verdict": "PASS", "turn": turn}, clock.now_us())
                heads[f"{turn}"] = tx.checkpoint()
            elif turn % 7 == 0:
                tx.append("notice", {"what": "instrument_lost", "turn": turn}, clock.now_us())
            elif turn in {101, 202}:
                tx.erase(turn - 60, "asked for by the customer", "dpo")
            else:
                tx.append("readings", block(turn, clock.now_us()), clock.now_us())
        if turn == ENTRIES // 2:
            ledger.close()
            shutil.copytree(folder, folder.with_name("older"))
            ledger = Ledger.open(folder, clock, checkpoint_every=50)
    with ledger.transaction() as tx:
        heads["last"] = tx.checkpoint()
    ledger.close()
    return heads


def block(turn: int, at_us: int) -> bytes:
    """One reading or ten, so that plain and packed bodies both occur."""
    intakes = []
    for n in range(1 if turn % 3 else 10):
        value = f"{turn / 10 + n:.1f}"
        reading = Reading(
            "gas-1",
            "SN-7",
            "point_gas",
            value,
            "%LEL",
            Decimal(value),
            "%LEL",
            at_us + n,
            seq=str(n),
        )
        intakes.append(Intake("mqtt", b'{"gas":%s}' % value.encode(), at_us + n, (reading,)))
    return encode_block(intakes)


def flip(stored: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(stored) * 8)
    changed = bytearray(stored)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def flip_column(column: str) -> Trial:
    def trial(db: sqlite3.Connection, rng: random.Random) -> int:
        query = f"SELECT idx, {column} FROM entries WHERE {column} IS NOT NULL"  # noqa: S608 - ours
        index, stored = rng.choice(db.execute(query).fetchall())
        change = f"UPDATE entries SET {column}=? WHERE idx=?"  # noqa: S608 - column is ours
        db.execute(change, (flip(stored, rng), index))
        return int(index)

    return trial


def delete(db: sqlite3.Connection, rng: random.Random) -> int:
    """Take one entry out; the rest closes up, or leaves the gap."""
    index = rng.randrange(ENTRIES - 1)
    db.execute("DELETE FROM entries WHERE idx=?", (index,))
    if rng.random() < 0.5:
        db.execute("UPDATE entries SET idx=-idx WHERE idx>?", (index,))
        db.execute("UPDATE entries SET idx=-idx-1 WHERE idx<0")
    return index


def insert(db: sqlite3.Connection, rng: random.Random) -> int:
    """Put a copy of some entry in between; the rest moves up."""
    index = rng.randrange(ENTRIES)
    other = rng.choice([n for n in range(ENTRIES) if n != index])
    row = db.execute("SELECT head, salt, body, codec FROM entries WHERE idx=?", (other,)).fetchone()
    db.execute("UPDATE entries SET idx=-idx-1 WHERE idx>=?", (index,))
    db.execute("UPDATE entries SET idx=-idx WHERE idx<0")
    db.execute("INSERT INTO entries VALUES (?,?,?,?,?)", (index, *row))
    return index


def swap(db: sqlite3.Connection, rng: random.Random) -> int:
    first, second = sorted(rng.sample(range(ENTRIES), 2))
    db.execute("UPDATE entries SET idx=-1 WHERE idx=?", (first,))
    db.execute("UPDATE entries SET idx=? WHERE idx=?", (first, second))
    db.execute("UPDATE entries SET idx=? WHERE idx=-1", (second,))
    return first


ENTRY_TRIALS: dict[str, Trial] = {
    "flip_head": flip_column("head"),
    "flip_salt": flip_column("salt"),
    "flip_body": flip_column("body"),
    "delete": delete,
    "insert": insert,
    "swap": swap,
}


def change(db: Path, trial: Trial, rng: random.Random) -> int:
    connection = sqlite3.connect(db)
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type='trigger'"):
        connection.execute(f"DROP TRIGGER {name}")
    index = trial(connection, rng)
    connection.commit()
    connection.close()
    return index


def content(db: Path) -> list[tuple[object, ...]]:
    """Every entry and checkpoint as SQL sees them."""
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    try:
        return [
            *connection.execute("SELECT * FROM entries ORDER BY idx"),
            *connection.execute("SELECT * FROM checkpoints ORDER BY size"),
        ]
    finally:
        connection.close()


class Bench:
    def __init__(self, work: Path, rng: random.Random) -> None:
        self.rng = rng
        self.origin = work / "origin"
        self.copy = work / "copy"
        self.heads = build(self.origin)
        self.tally: dict[str, Counter[str]] = {}
        self.misses: list[str] = []

    def fresh(self, source: Path | None = None) -> Path:
        shutil.rmtree(self.copy, ignore_errors=True)
        self.copy.mkdir()
        shutil.copy((source or self.origin) / "ledger.db", self.copy)
        return self.copy / "ledger.db"

    def count(self, name: str, result: str) -> None:
        self.tally.setdefault(name, Counter())[result] += 1

    def miss(self, name: str, what: str) -> None:
        self.count(name, "MISSED")
        self.misses.append(f"{name}: {what}")

    def entry_trial(self, name: str) -> None:
        db = self.fresh()
        index = change(db, ENTRY_TRIALS[name], self.rng)
        report = verify(db)
        found = report.first_bad
        if found is None:
            self.miss(name, f"entry {index}: not found")
        elif (found.index, found.until) != (index, index):
            self.miss(name, f"entry {index}: named {found.index} to {found.until}: {found.what}")
        else:
            self.count(name, "found and named")

    def tail_trial(self) -> None:
        """Cut the end, and every checkpoint that would tell."""
        size = self.rng.randrange(1, ENTRIES)
        self.outside_trial("tail_cut", self.fresh(), lambda db, _: cut(db, size), size)

    def older_trial(self) -> None:
        db = self.fresh(self.origin.with_name("older"))
        self.outside_trial("older_copy", db, lambda _, __: 0, ENTRIES // 2 + 1)

    def outside_trial(self, name: str, db: Path, trial: Trial, size: int) -> None:
        change(db, trial, self.rng)
        alone, told = verify(db), verify(db, [self.heads["last"]])
        lost_word = alone.first_bad is not None and alone.first_bad.where == "erasure"
        if (not alone.ok and not lost_word) or alone.provable:
            self.miss(name, f"size {size}: alone: {alone.first_bad}")
        elif told.first_bad is None or told.first_bad.index != size:
            self.miss(name, f"size {size}: with an outside head: {told.first_bad}")
        elif lost_word:
            self.count(name, "found even without an outside head: an erasure lost its entry")
        else:
            self.count(name, "found with an outside head, called unprovable without")

    def raw_trial(self, before: list[tuple[object, ...]]) -> None:
        db = self.fresh()
        raw = db.read_bytes()
        db.write_bytes(flip(raw, self.rng))
        try:
            report: Report | None = verify(db)
        except Exception as e:  # noqa: BLE001 - any refusal to read counts as reported; say which
            self.count("raw_flip", f"reported ({type(e).__name__})")
            return
        if report is not None and not report.ok:
            self.count("raw_flip", "reported by verify")
            return
        try:
            same = content(db) == before
        except sqlite3.Error as e:
            self.miss("raw_flip", f"verify is content, SQL is not: {e}")
            return
        if same:
            self.count("raw_flip", "content unchanged (unused bytes, side tables)")
        else:
            self.miss("raw_flip", "content changed unseen")


def cut(db: sqlite3.Connection, size: int) -> int:
    db.execute("DELETE FROM entries WHERE idx>=?", (size,))
    db.execute("DELETE FROM checkpoints WHERE size>?", (size,))
    return size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="of entries, tails and raw flips")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the counts there")
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), random.Random(options.seed))
        clean = verify(bench.origin, list(bench.heads.values()))
        if not clean.ok:
            sys.exit(f"the untouched ledger does not verify: {clean.first_bad}")
        names = list(ENTRY_TRIALS)
        for turn in track(range(options.trials), "entries"):
            bench.entry_trial(names[turn % len(names)])
        for turn in track(range(max(2, options.trials // 5)), "tails and copies"):
            (bench.tail_trial if turn % 2 else bench.older_trial)()
        before = content(bench.origin / "ledger.db")
        for _ in track(range(options.trials), "raw flips"):
            bench.raw_trial(before)
    counts = {name: dict(tally) for name, tally in sorted(bench.tally.items())}
    found = not bench.misses
    result = {
        "trials": options.trials,
        "entries_in_ledger": clean.head.size,
        "seed": options.seed,
        "counts": counts,
        "missed": bench.misses,
        "took_s": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(result, indent=2, ensure_ascii=False))
    if options.json:
        options.json.write_text(json.dumps(result, ensure_ascii=False), "utf-8")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
