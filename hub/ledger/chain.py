"""Chains: entries that count themselves, so that one that is left out shows.

A log proves that an entry is in it. It does not prove that a selection of its entries is whole.
So the entries of one job, and those of one attempt, carry their place: `seq` from 0, and `prev`,
the index of the entry before. Whoever is shown a part of the chain sees where it has a gap.
"""

import sqlite3
from collections.abc import Mapping
from typing import Final

FIRST: Final = -1
"""`prev` of the first link."""


def job_chain(number: str) -> str:
    """Whatever happens to a job, refusals included."""
    return f"job {number}"


def attempt_chain(id: str) -> str:
    """From the opening of an attempt, over its events, to its verdict, which ends the chain."""
    return f"attempt {id}"


def linked(
    sql: sqlite3.Connection, chain: str, index: int, body: Mapping[str, object]
) -> dict[str, object]:
    """*body*, which is to be entry *index*, with its place in *chain*."""
    row = sql.execute("SELECT seq, entry FROM chains WHERE name=?", (chain,)).fetchone()
    seq, prev = (0, FIRST) if row is None else (row[0] + 1, row[1])
    sql.execute("INSERT OR REPLACE INTO chains VALUES (?,?,?)", (chain, seq, index))
    return {**body, "seq": seq, "prev": prev}


def ended(sql: sqlite3.Connection, chain: str) -> None:
    """Forget a chain that has had its last link."""
    sql.execute("DELETE FROM chains WHERE name=?", (chain,))
