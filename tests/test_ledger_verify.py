"""Verify: what was changed is found and named; what cannot be known is said to be unknown."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from hub.clock import HandClock
from hub.errors import CommandRefused, StoreUnavailable
from hub.ledger import Ledger, PublicKey, check_export, encode_block, export, verify
from hub.ledger.canonical import canonical
from hub.ledger.checkpoint import Head, sign_checkpoint
from hub.ledger.entry import pack, seal
from hub.ledger.keys import DeviceKey
from hub.model import Intake

ENTRIES = 40
Change = Callable[[sqlite3.Connection], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed ledger: checkpoints of 1, 11, 21, 31 and 40 entries; entry 5 erased by entry 12."""
    clock = HandClock()
    folder = tmp_path / "state"
    ledger = Ledger.open(folder, clock, "gw", checkpoint_every=10)
    for n in range(1, ENTRIES):
        clock.move(1)
        with ledger.transaction() as tx:
            if n == 12:
                tx.erase(5, "asked for", "li.na")
            elif n % 3:
                tx.append("notice", {"n": n}, clock.now_us())
            else:
                frame = Intake("m", b"%d" % n, clock.now_us())
                tx.append("readings", encode_block([frame]), clock.now_us())
    ledger.close()
    return folder


def head(folder: Path, size: int = ENTRIES) -> str:
    """The checkpoint of that size, as it left the gateway."""
    db = sqlite3.connect(folder / "ledger.db")
    (note,) = db.execute("SELECT note FROM checkpoints WHERE size=?", (size,)).fetchone()
    db.close()
    return str(note)


def tamper(folder: Path, change: Change) -> None:
    db = sqlite3.connect(folder / "ledger.db")
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    change(db)
    db.commit()
    db.close()


def sql(statement: str) -> Change:
    return lambda db: db.executescript(statement)


def column(change: str, index: int = 7) -> Change:
    return sql(f"UPDATE entries SET {change} WHERE idx={index}")  # noqa: S608 - both are ours


def rewrite(index: int) -> Change:
    """Forge one entry so that it is whole by itself: new body, new salt, new digest."""

    def change(db: sqlite3.Connection) -> None:
        body = canonical({"n": "forged"})
        new, salt = seal(index, "notice", 1, body, {})
        stored, codec = pack(body)
        db.execute(
            "UPDATE entries SET head=?, salt=?, body=?, codec=? WHERE idx=?",
            (new, salt, stored, codec, index),
        )

    return change


def put_in(index: int) -> Change:
    """Forge a whole entry and push the others up."""

    def change(db: sqlite3.Connection) -> None:
        db.execute("UPDATE entries SET idx=-idx-1 WHERE idx>=?", (index,))
        db.execute("UPDATE entries SET idx=-idx WHERE idx<0")
        new, salt = seal(index, "notice", 1, b"{}", {})
        db.execute("INSERT INTO entries VALUES (?,?,?,?,?)", (index, new, salt, b"{}", "plain"))

    return change


def test_an_untouched_ledger_verifies(folder: Path) -> None:
    """Every entry, checkpoint and erasure holds, and the report says what it could not know."""
    report = verify(folder)

    assert (report.ok, report.findings) == (True, ())
    assert (report.head.size, report.checkpoints, report.erased) == (ENTRIES, 5, 1)
    assert not report.provable
    assert any("no outside head" in note for note in report.notes)
    assert any("public key" in note for note in report.notes)


def test_a_bare_file_and_an_outside_key_and_head_are_enough(folder: Path, tmp_path: Path) -> None:
    """An auditor with a copy of the file, the public key and one head can check everything."""
    shutil.copy(folder / "ledger.db", tmp_path / "copy.db")
    key = PublicKey.from_line((folder / "device.pub").read_text())
    report = verify(tmp_path / "copy.db", [head(folder), head(folder, 21)], key)

    assert (report.ok, report.provable, report.outside, report.notes) == (True, True, 2, ())


@pytest.mark.parametrize(
    ("change", "index", "what"),
    [
        pytest.param(column("body=x'7b7d'"), 7, "digest", id="body"),
        pytest.param(column("salt=zeroblob(16)"), 7, "digest", id="salt"),
        pytest.param(column("head=CAST(head||' ' AS BLOB)"), 7, "canonical form", id="blank"),
        pytest.param(column("head=x'7b7d'"), 7, "JSON", id="no head"),
        pytest.param(column("head='text'"), 7, "blob", id="type"),
        pytest.param(column("codec='zip'"), 7, "codec", id="codec"),
        pytest.param(column("salt=NULL"), 7, "without salt", id="no salt"),
        pytest.param(column("body=NULL"), 7, "without body", id="no body"),
        pytest.param(column("body=NULL, salt=NULL"), 7, "no entry says", id="erased"),
        pytest.param(sql("DELETE FROM entries WHERE idx=7"), 7, "missing", id="deleted"),
        pytest.param(
            sql("UPDATE entries SET idx=-1 WHERE idx=7; UPDATE entries SET idx=7 WHERE idx=9;"
                "UPDATE entries SET idx=9 WHERE idx=-1"),
            7, "entry 9 stands at 7", id="swapped",
        ),
        pytest.param(
            sql("INSERT INTO entries SELECT -3, head, salt, body, codec FROM entries WHERE idx=7"),
            -3, "begin at 0", id="before the first",
        ),
        pytest.param(put_in(7), 7, "entry 7 stands at 8", id="forged and put in"),
        pytest.param(column("body=x'00'", 0), 0, "genesis", id="genesis"),
        pytest.param(
            column("head=CAST(replace(CAST(head AS TEXT),'notice','notide') AS BLOB)", 5),
            5, "not the one that was there when erased", id="head of an erased entry",
        ),
        pytest.param(
            column("body=x'7b7d', salt=zeroblob(16)", 5),
            5, "digest", id="another body for an erased entry",
        ),
    ],
)  # fmt: skip
def test_a_changed_entry_is_named(folder: Path, change: Change, index: int, what: str) -> None:
    """The index is the first entry concerned, and the text says what is wrong with it."""
    tamper(folder, change)
    found = verify(folder).first_bad

    assert found is not None
    assert (found.index, found.until) == (index, index)
    assert what in found.what


def test_a_body_that_came_back_after_its_erasure_is_named(folder: Path, tmp_path: Path) -> None:
    """An erasure is final: the old body put back, though it fits its digest, is a finding."""
    state = tmp_path / "other"
    ledger = Ledger.open(state, HandClock())
    with ledger.transaction() as tx:
        tx.append("notice", {"n": 1}, 1)
    db = sqlite3.connect(state / "ledger.db")
    salt, body = db.execute("SELECT salt, body FROM entries WHERE idx=1").fetchone()
    db.close()
    with ledger.transaction() as tx:
        tx.erase(1, "why", "who")
    ledger.close()
    tamper(
        state,
        lambda db: db.execute("UPDATE entries SET salt=?, body=? WHERE idx=1", (salt, body)),
    )
    found = verify(state).first_bad

    assert found is not None
    assert (found.index, found.where) == (1, "erasure")


def test_a_whole_forgery_is_narrowed_down_to_two_signatures(folder: Path) -> None:
    """An entry rewritten with all its hashes is caught by the next signed root, and not before."""
    tamper(folder, rewrite(25))
    found = verify(folder).first_bad

    assert found is not None
    assert (found.index, found.until, found.where) == (21, 30, "entry")


def test_a_forged_block_that_does_not_decode_is_named(folder: Path) -> None:
    """Contents count too: a readings entry must hold a block."""

    def change(db: sqlite3.Connection) -> None:
        new, salt = seal(6, "readings", 1, b"[]", {})
        db.execute(
            "UPDATE entries SET head=?, salt=?, body='[]', codec='plain' WHERE idx=6", (new, salt)
        )
        db.execute("UPDATE entries SET body=CAST(body AS BLOB) WHERE idx=6")

    tamper(folder, change)
    found = verify(folder).first_bad

    assert found is not None
    assert (found.index, found.until) == (6, 6)
    assert "not a block" in found.what


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param("note=replace(note,'time 2026','time 2027')", "signature", id="note"),
        pytest.param("note='x'", "ends in a blank line", id="no note"),
        pytest.param("frontier=zeroblob(length(frontier))", "frontier", id="frontier"),
    ],
)
def test_a_changed_checkpoint_is_named(folder: Path, change: str, what: str) -> None:
    """Also what is only kept to start sooner is checked."""
    tamper(folder, sql(f"UPDATE checkpoints SET {change} WHERE size=21"))  # noqa: S608 - ours
    found = verify(folder).first_bad

    assert found is not None
    assert (found.index, found.where) == (20, "checkpoint")
    assert what in found.what


def test_a_cut_tail_is_unprovable_alone_and_found_with_an_outside_head(folder: Path) -> None:
    """Entries and their checkpoints gone together leave no trace in the file."""
    outside = head(folder)
    tamper(folder, sql("DELETE FROM entries WHERE idx>=33; DELETE FROM checkpoints WHERE size>33;"))
    alone, told = verify(folder), verify(folder, [outside])

    assert (alone.ok, alone.provable) == (True, False)
    assert told.first_bad is not None
    assert (told.first_bad.index, told.first_bad.until, told.first_bad.where) == (33, 39, "tail")


def test_a_tail_cut_without_its_checkpoints_is_found_alone(folder: Path) -> None:
    """The ledger's own last signature covers more than is there."""
    tamper(folder, sql("DELETE FROM entries WHERE idx>=33"))
    found = verify(folder).first_bad

    assert found is not None
    assert (found.index, found.until, found.where) == (33, 39, "tail")


def test_a_rewritten_log_is_found_with_an_outside_head(folder: Path, tmp_path: Path) -> None:
    """The holder of the device key can forge a whole log, but not the head that left the box."""
    outside = head(folder)
    key = DeviceKey.load(folder, outside.split("\n")[0])

    def change(db: sqlite3.Connection) -> None:
        rewrite(25)(db)
        db.execute("DELETE FROM checkpoints WHERE size>21")

    tamper(folder, change)
    alone = verify(folder)
    forged = sign_checkpoint(key, alone.head, 1)
    told = verify(folder, [outside])
    split = verify(folder, [outside, forged])

    assert alone.ok
    assert told.first_bad is not None
    assert (told.first_bad.index, told.first_bad.until) == (21, 39)
    assert any(
        "split view" in f.what and outside in f.what and forged in f.what for f in split.findings
    )


def test_another_gateways_ledger_is_found_with_an_outside_head(
    folder: Path, tmp_path: Path
) -> None:
    """A file replaced whole has another origin; with the outside key that shows too."""
    key = PublicKey.from_line((folder / "device.pub").read_text())
    Ledger.open(tmp_path / "other", HandClock(), "gw").close()
    by_head = verify(tmp_path / "other", [head(folder)]).first_bad
    by_key = verify(tmp_path / "other", public_key=key).first_bad

    assert by_head is not None
    assert "another gateway" in by_head.what
    assert by_key is not None
    assert (by_key.index, by_key.where) == (0, "entry")


def test_a_forged_outside_head_is_told_apart(folder: Path) -> None:
    """A head of this log's name that its key did not sign proves nothing, and says so."""
    origin = head(folder).split("\n")[0]
    other = DeviceKey.make("gw")
    other.public.origin = origin
    found = verify(folder, [sign_checkpoint(other, Head(ENTRIES, b"\1" * 32), 1)]).findings

    assert any("not signed by the key" in finding.what for finding in found)


def test_an_outside_head_that_is_none_is_the_callers_mistake(folder: Path) -> None:
    """A pasted text with a line missing is refused, not counted as tampering."""
    with pytest.raises(CommandRefused, match="outside head"):
        verify(folder, ["gashub/gw/1\n40\n"])


def test_a_missing_file_is_not_a_verdict(tmp_path: Path) -> None:
    """Nothing there: said as such, not as a broken ledger."""
    with pytest.raises(StoreUnavailable, match="no ledger"):
        verify(tmp_path)


def test_progress_is_told_up_to_the_end(folder: Path) -> None:
    """Long ledgers show a bar; it ends where the log ends."""
    told: list[tuple[int, int]] = []
    verify(folder, progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (ENTRIES, ENTRIES)


def test_an_export_proves_single_entries_without_the_ledger(folder: Path) -> None:
    """Each line leads to the signed root; also the erased entry's, without its body."""
    key = PublicKey.from_line((folder / "device.pub").read_text())
    lines = list(export(folder))
    entries = check_export(lines, key)
    some = check_export(export(folder, 20, 30, kinds=("readings",)), key)

    assert [entry.index for entry in entries] == list(range(ENTRIES))
    assert entries[5].body is None
    assert entries[9].block().frames[0].raw == b"9"
    assert [entry.index for entry in some] == [21, 24, 27]


@pytest.mark.parametrize(
    ("field", "value"),
    [("body", '{"n":2}'), ("salt", "00" * 16), ("proof", []), ("index", 8), ("head", "{}")],
)
def test_a_changed_export_does_not_hold(folder: Path, field: str, value: object) -> None:
    """The first changed line is named."""
    key = PublicKey.from_line((folder / "device.pub").read_text())
    lines = list(export(folder, 7, 10))
    lines[1] = orjson.dumps({**orjson.loads(lines[1]), field: value})

    with pytest.raises(ValueError, match="line 2"):
        check_export(lines, key)


def test_an_export_signed_by_another_key_does_not_hold(folder: Path) -> None:
    """The key comes from whoever checks, never from the export."""
    with pytest.raises(ValueError, match="line 1"):
        check_export(export(folder), DeviceKey.make("gw").public)


def test_an_export_from_beyond_the_last_signature_is_refused(folder: Path) -> None:
    """Nothing unsigned leaves as proof."""
    with pytest.raises(CommandRefused, match="not covered"):
        list(export(folder, ENTRIES))


@pytest.mark.parametrize("name", ["copy.db", "backup-2026-11-23"])
@pytest.mark.parametrize("content", [b"no database at all, by far", b""])
def test_a_file_that_is_no_ledger_is_called_by_its_own_name(
    tmp_path: Path, name: str, content: bytes
) -> None:
    """Not by the name that a gateway's own ledger would have."""
    file = tmp_path / name
    file.write_bytes(content)

    report = verify(file).as_dict()

    assert not report["ok"]
    assert report["file"] == str(file)
    assert report["first_bad"]["what"].startswith(f"{file}: ")
    assert "ledger.db:" not in report["first_bad"]["what"]


def test_a_report_names_the_file_it_is_about(folder: Path, tmp_path: Path) -> None:
    """Of a state folder the ledger in it, of a copy the copy; with findings and without."""
    copy = tmp_path / "copy.db"
    copy.write_bytes((folder / "ledger.db").read_bytes())

    assert verify(folder).file == str(folder / "ledger.db")
    assert verify(copy).as_dict()["file"] == str(copy)
    tamper(folder, lambda db: db.execute("DELETE FROM entries WHERE idx=7"))
    assert verify(folder).as_dict()["file"] == str(folder / "ledger.db")


def test_a_copy_that_cannot_be_read_is_named(folder: Path, tmp_path: Path) -> None:
    """Something stands in SQLite's way beside the copy: the copy's path is in the one line."""
    copy = tmp_path / "copy.db"
    copy.write_bytes((folder / "ledger.db").read_bytes())
    copy.with_name("copy.db-wal").mkdir()

    with pytest.raises(StoreUnavailable) as refused:
        verify(copy)

    assert str(refused.value).startswith(f"{copy}: cannot be read: ")
