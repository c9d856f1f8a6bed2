"""Things planted in everything that comes in, and a search through everything that is there."""

import gzip
import json
import sqlite3
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote
from zipfile import ZipFile, is_zipfile

from hub.ledger import LedgerReader

CUSTOMER: Final = {
    "user_no": "8899001122334", "name": "钱多多鸟", "phone": "13987654321",
    "address": "金丝雀路 77 弄 9 号", "building": "7 栋", "unit": "金丝雀单元",
    "room": "九〇九鸟室", "meter_no": "M7766554433",
}  # fmt: skip
CUSTOMERS: Final = {name: text for name, text in CUSTOMER.items() if name != "building"}
"""What must not leave the customer's own entry. Down to the building an address may be told."""
MISPLACED: Final = {
    "identity number": "110105199003070018", "name in a wrong place": "孙悟雀",
    "phone in a wrong place": "13711112222",
}  # fmt: skip
"""What the contract has no place for: it is refused wherever it comes in."""
WRITTEN: Final = {"written freely": "雀先生说晚上来电话"}
"""A person's own words, which are evidence."""


class Found(NamedTuple):
    """A canary, by its name, and the place where it sits."""

    what: str
    place: str


def forms(text: str) -> set[bytes]:
    """How a text may stand somewhere: plain, as JSON escapes it, as an address does, in base64."""
    plain = text.encode()
    return {
        plain,
        json.dumps(text)[1:-1].encode(),
        quote(text).encode(),
        b64encode(plain).rstrip(b"="),
    }


def search(canaries: Mapping[str, str | bytes], places: Iterable[tuple[str, bytes]]) -> set[Found]:
    """Every canary in every place, in whatever form."""
    wanted = [
        (what, form)
        for what, canary in canaries.items()
        for form in (
            forms(canary)
            if isinstance(canary, str)
            else {canary, canary.hex().encode(), b64encode(canary).rstrip(b"=")}
        )
    ]
    return {Found(what, place) for place, data in places for what, form in wanted if form in data}


def but(found: set[Found], allowed: Mapping[str, str]) -> list[Found]:
    """Those that do not stand where they may; *allowed* has the reason for each pattern."""
    return sorted(one for one in found if not any(fnmatch(one.place, at) for at in allowed))


def files(folder: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """Every file below *folder* with its name; what is zipped is opened as well."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield from opened(f"{name}/{path.relative_to(folder)}", path.read_bytes())


def opened(place: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    yield place, place.encode() + b"\n" + data
    if data[:2] == b"\x1f\x8b":
        yield f"{place}:", gzip.decompress(data)
    if is_zipfile(BytesIO(data)):
        with ZipFile(BytesIO(data)) as inside:
            for name in inside.namelist():
                yield from opened(f"{place}:{name}", inside.read(name))


def record(state: Path) -> Iterator[tuple[str, bytes]]:
    """Every column of every row of every table; of the log each entry by its kind, unpacked."""
    with LedgerReader(state) as reader:
        for entry in reader.entries():
            yield f"entries:{entry.kind}.head", entry.head
            yield f"entries:{entry.kind}.body", entry.body or b""
    for path in state.rglob("*"):
        if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3":
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as sql:
                yield from _tables(sql, path.name)


def _tables(sql: sqlite3.Connection, name: str) -> Iterator[tuple[str, bytes]]:
    tables = sql.execute("SELECT name FROM sqlite_schema WHERE type='table'").fetchall()
    assert tables
    for (table,) in tables:
        if table == "entries":  # compressed where it stands; read above
            continue
        rows = sql.execute(f'SELECT * FROM "{table}"')  # noqa: S608  as SQLite told it
        columns = [one[0] for one in rows.description]
        for row in rows:
            named = dict(zip(columns, row, strict=True))
            sort = f"({named['kind']})" if "kind" in named else ""
            for column, value in zip(columns, row, strict=True):
                data = value if isinstance(value, bytes) else str(value).encode()
                yield f"{name}:{table}{sort}.{column}", data
