"""Schema steps: `migrations/NNNN_name.sql`, each one transaction, counted in user_version."""

import re
import sqlite3
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from hub.errors import CommandRefused

_NAME = re.compile(r"(\d{4})_\w+\.sql")


class Step(NamedTuple):
    number: int
    name: str
    sql: str


@cache
def steps() -> tuple[Step, ...]:
    """All steps of this program, in order of their numbers."""
    found = [
        Step(int(match[1]), file.name, file.read_text("utf-8"))
        for file in files("hub.ledger").joinpath("migrations").iterdir()
        if (match := _NAME.fullmatch(file.name))
    ]
    numbers = [step.number for step in found]
    if len(set(numbers)) != len(numbers):
        raise RuntimeError(f"two migrations share a number: {sorted(s.name for s in found)}")
    return tuple(sorted(found))


def newest() -> int:
    return steps()[-1].number


def refuse_newer(schema: int, where: str) -> None:
    if schema > newest():
        raise CommandRefused(
            f"{where}: written by a newer gashub (schema {schema}, this one knows {newest()});"
            " install that version again, or put back the backup made before its upgrade"
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Take the missing steps. A kill between or within steps leaves a whole schema behind."""
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    for step in steps():
        if step.number <= schema:
            continue
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{step.sql}\nPRAGMA user_version={step.number};\nCOMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
