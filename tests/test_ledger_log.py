"""The ledger: what is in a transaction is in the record whole, or not at all."""

import sqlite3
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from hub.clock import HandClock
from hub.errors import CommandRefused, StoreUnavailable
from hub.ledger import Head, Ledger, LedgerReader, encode_block, read_checkpoint, signed_by, verify
from hub.ledger.merkle import Frontier, leaf_hash
from hub.ledger.store import HEAD_FILE
from hub.model import Intake, Reading


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: HandClock) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path, clock, "gw-1")
    yield opened
    opened.close()


def block(n: int, at_us: int) -> bytes:
    reading = Reading("g", "S", "point_gas", str(n), "%LEL", Decimal(n), "%LEL", at_us)
    return encode_block([Intake("m", b"%d" % n, at_us, (reading,))])


def note(ledger: Ledger, clock: HandClock, text: str) -> int:
    with ledger.transaction() as tx:
        return tx.append("notice", {"text": text}, clock.now_us())


def test_the_first_entry_names_gateway_key_and_origin(ledger: Ledger) -> None:
    """Entry 0 says whose log it is; everything later can be checked against its key."""
    with LedgerReader(ledger.folder) as reader:
        genesis = reader.read(0)

    assert genesis.kind == "genesis"
    assert orjson.loads(genesis.body or b"") == {
        "gateway": "gw-1",
        "origin": ledger.origin,
        "public_key": ledger.public_key.line(),
        "schema": orjson.loads(genesis.body or b"")["schema"],
    }
    assert ledger.origin.startswith("gashub/gw-1/")


def test_entries_are_read_back_as_they_were_appended(ledger: Ledger, clock: HandClock) -> None:
    """Index, kind, time, refs and body; bytes stay bytes, mappings become canonical JSON."""
    with ledger.transaction() as tx:
        first = tx.append("order", {"b": 1, "a": "漏"}, clock.now_us(), {"order": "X"})
        second = tx.append("rule_pack", b"\0raw" * 300, clock.now_us() + 5)
    with LedgerReader(ledger.folder) as reader:
        order, pack = reader.read(first), reader.read(second)

    assert (first, second, ledger.head().size) == (1, 2, 3)
    assert (order.kind, order.at_us, order.refs) == ("order", clock.now_us(), {"order": "X"})
    assert order.body == '{"a":"漏","b":1}'.encode()
    assert (pack.at_us, pack.body) == (clock.now_us() + 5, b"\0raw" * 300)


def test_the_head_inside_a_transaction_covers_what_it_appended(
    ledger: Ledger, clock: HandClock
) -> None:
    """So an event can carry a head that proves its own verdict."""
    with ledger.transaction() as tx:
        tx.append("verdict", {"verdict": "PASS"}, clock.now_us())
        head = tx.head()
        checkpoint = read_checkpoint(tx.checkpoint())
        assert ledger.head().size == 1  # nothing is committed yet

    frontier = Frontier()
    with LedgerReader(ledger.folder) as reader:
        for entry in reader.entries():
            frontier.append(leaf_hash(entry.head))
        kept = reader.last_checkpoint()
    assert head == ledger.head() == Head(2, frontier.root())
    assert (checkpoint.size, checkpoint.root) == head
    assert kept == checkpoint
    assert signed_by(checkpoint, ledger.public_key)


def test_a_failed_transaction_leaves_nothing(ledger: Ledger, clock: HandClock) -> None:
    """Entries, side tables, the head and the calls for afterwards: all as before."""
    before = ledger.head()
    called: list[int] = []

    def fail() -> None:
        with ledger.transaction() as tx:
            tx.append("notice", {}, clock.now_us())
            tx.sql.execute("CREATE TABLE side (n)")
            tx.checkpoint()
            tx.then(lambda: called.append(1))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert ledger.head() == before
    assert called == []
    index = note(ledger, clock, "after")
    with LedgerReader(ledger.folder) as reader:
        assert (index, reader.size()) == (1, 2)
        assert reader.rows("SELECT 1 FROM sqlite_schema WHERE name='side'") == []
    assert verify(ledger.folder).ok


def test_a_mistake_in_side_sql_is_the_callers_error(ledger: Ledger, clock: HandClock) -> None:
    """A bug is raised as what it is, and the store stays ok."""

    def mistake() -> None:
        with ledger.transaction() as tx:
            tx.append("notice", {}, clock.now_us())
            tx.sql.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        mistake()
    assert ledger.state == "ok"
    assert note(ledger, clock, "goes on") == 1


def test_calls_for_afterwards_see_the_commit(ledger: Ledger, clock: HandClock) -> None:
    """`then` runs in order, once the transaction is durable."""
    seen: list[tuple[str, int]] = []
    with ledger.transaction() as tx:
        tx.append("notice", {}, clock.now_us())
        tx.then(lambda: seen.append(("a", ledger.head().size)))
        tx.then(lambda: seen.append(("b", ledger.head().size)))
        assert seen == []

    assert seen == [("a", 2), ("b", 2)]


@pytest.mark.parametrize("table", ["entries", "checkpoints"])
def test_the_tables_of_the_log_refuse_changes(ledger: Ledger, table: str) -> None:
    """Append-only is also the database's rule: no UPDATE, no DELETE."""
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid=rowid+1"):  # noqa: S608
        with (
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
            ledger.transaction() as tx,
        ):
            tx.sql.execute(statement)


def test_a_signed_head_is_kept_every_so_many_entries_and_at_the_end(
    tmp_path: Path, clock: HandClock
) -> None:
    """Verdicts sign at once; a quiet log is signed too, so that a start reads little."""
    ledger = Ledger.open(tmp_path, clock, checkpoint_every=10)
    for n in range(25):
        note(ledger, clock, str(n))
    with LedgerReader(tmp_path) as reader:
        periodic = [kept.size for kept in reader.checkpoints()]
        ledger.close()
        closed = [kept.size for kept in reader.checkpoints()]

    assert periodic == [1, 11, 21]
    assert closed == [1, 11, 21, 26]
    assert read_checkpoint((tmp_path / "ledger.head").read_text()).size == 26


def test_a_start_goes_on_where_the_log_ended(tmp_path: Path, clock: HandClock) -> None:
    """Head and index are those of one uninterrupted log, signed tail or not."""
    ledger = Ledger.open(tmp_path, clock, "gw")
    for n in range(5):
        note(ledger, clock, str(n))
    head, origin = ledger.head(), ledger.origin
    ledger.close()
    again = Ledger.open(tmp_path, clock, "renamed")

    assert (again.head(), again.origin) == (head, origin)
    assert note(again, clock, "next") == 6
    again.close()
    assert verify(tmp_path).ok


def test_a_second_opener_is_refused_with_the_holders_pid(ledger: Ledger) -> None:
    """One writer per folder; the message says which process has it."""
    pid = (ledger.folder / "lock").read_text().strip()

    with pytest.raises(CommandRefused, match=rf"in use by process {pid}\b"):
        Ledger.open(ledger.folder, HandClock())


def test_a_closed_ledger_says_so(ledger: Ledger) -> None:
    """Closing twice is safe, writing afterwards is refused, and the folder is free again."""
    ledger.close()
    ledger.close()

    assert (ledger.takes_input(), ledger.try_recover()) == (False, False)
    with pytest.raises(StoreUnavailable, match="closed"), ledger.transaction():
        pass
    Ledger.open(ledger.folder, HandClock()).close()


def test_erasing_leaves_head_and_proofs(ledger: Ledger, clock: HandClock) -> None:
    """The body is gone from the file, the log still verifies, and says who asked for it."""
    secret = "Wang Fang, 8 Lotus Road"
    index = note(ledger, clock, secret)
    before = ledger.head()
    with ledger.transaction() as tx:
        erasure = tx.erase(index, "asked for by the customer", "li.na")

    with LedgerReader(ledger.folder) as reader:
        erased, told = reader.read(index), reader.read(erasure)
        assert not any(
            secret.encode() in str(row).encode() for row in reader.rows("SELECT * FROM entries")
        )
    assert (erased.body, erased.salt, erased.kind) == (None, None, "notice")
    assert orjson.loads(told.body or b"") == {
        "approved_by": "li.na",
        "entry": index,
        "reason": "asked for by the customer",
    }
    assert ledger.head().size == before.size + 1
    for file in ledger.folder.glob("ledger.db*"):
        assert secret.encode() not in file.read_bytes()
    report = verify(ledger.folder)
    assert (report.ok, report.erased) == (True, 1)


def test_what_cannot_be_erased_is_refused(ledger: Ledger, clock: HandClock) -> None:
    """Entry 0, an erasure, an erased entry, a missing one, or one without reason and approver."""
    index = note(ledger, clock, "x")
    with ledger.transaction() as tx:
        erasure = tx.erase(index, "why", "who")
    for target, reason, who in [
        (0, "why", "who"),
        (erasure, "why", "who"),
        (index, "why", "who"),
        (99, "why", "who"),
        (index, "", "who"),
        (index, "why", ""),
    ]:
        with pytest.raises(CommandRefused), ledger.transaction() as tx:
            tx.erase(target, reason, who)

    assert ledger.head().size == 3


def test_readers_see_whole_commits_while_the_hub_writes(ledger: Ledger, clock: HandClock) -> None:
    """A follower on its own thread gets every block once, in order, and never half a commit."""
    commits, seen, done = 150, [], threading.Event()

    def follow() -> None:
        with LedgerReader(ledger.folder) as reader:
            after, ending = 0, False
            while not ending:
                ending = done.is_set()
                assert reader.size() % 2 == 1  # genesis, and two entries a commit
                for index, found in reader.blocks(after, 7):
                    seen.append((index, found.readings[0].value))
                    after = index
                ending = ending and after == reader.size() - 2

    thread = threading.Thread(target=follow, name="follower:test")
    thread.start()
    for n in range(commits):
        with ledger.transaction() as tx:
            tx.append("readings", block(n, clock.now_us()), clock.now_us())
            tx.append("notice", {}, clock.now_us())
    report = verify(ledger.folder)
    done.set()
    thread.join()

    assert report.ok
    assert seen == [(1 + 2 * n, str(n)) for n in range(commits)]


def test_entries_can_be_taken_by_range_and_kind(ledger: Ledger, clock: HandClock) -> None:
    """Replay reads one stretch of the log, from an index up to but not including another."""
    for n in range(600):
        with ledger.transaction() as tx:
            tx.append("event" if n % 100 == 0 else "notice", {"n": n}, clock.now_us())
    with LedgerReader(ledger.folder) as reader:
        events = [entry.index for entry in reader.entries(2, 502, kinds=("event",))]
        stretch = [entry.index for entry in reader.entries(250, 520)]

    assert events == [101, 201, 301, 401, 501]
    assert stretch == list(range(250, 520))


def test_a_clock_that_went_back_between_starts_is_noted_not_refused(
    ledger: Ledger, clock: HandClock
) -> None:
    """A gateway that booted with a wrong clock still records; the report tells it."""
    note(ledger, clock, "before")
    with ledger.transaction() as tx:
        tx.append("notice", {}, clock.now_us() - 60_000_000)
    report = verify(ledger.folder)

    assert report.ok
    assert any("goes back 1 time" in told for told in report.notes)


def test_the_head_beside_the_file_is_the_last_one_even_if_an_event_had_it_signed(
    tmp_path: Path,
) -> None:
    """Else an older copy of the file, put back after a stop, would fit the head beside it."""
    ledger = Ledger.open(tmp_path, HandClock(), "gw-1")
    with ledger.transaction() as tx:
        tx.append("start", {}, 1)
        signed = tx.checkpoint()
    ledger.close()

    assert (tmp_path / HEAD_FILE).read_text() == signed
