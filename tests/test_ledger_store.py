"""The store under stress: damage is told and never starts empty, trouble passes by itself."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.clock import HandClock
from hub.errors import CommandRefused, ConfigError, StoreDamaged, StoreUnavailable
from hub.ledger import Ledger, LedgerReader, State, verify
from hub.ledger import migrate as migrations
from hub.ledger.migrate import Step
from hub.ledger.store import assert_durable

WRITER = Path(__file__).with_name("ledger_writer.py")


class Talk:
    """A conversation with `ledger_writer.py` in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.acked: list[int] = []

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> list[str]:
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        assert words, f"the writer ended with {self.process.wait()}"
        if words[0] == "ACK":
            self.acked.append(int(words[1]))
        return words

    def ask(self, line: str) -> list[str]:
        self.send(line)
        return self.hear()

    def append(self, count: int) -> list[str]:
        """Append up to *count* readings; the last answer."""
        self.send(f"append {count}")
        words: list[str] = []
        for _ in range(count):
            words = self.hear()
            if words[0] == "FAULT":
                break
        return words


@contextmanager
def writer(folder: Path, *wrap: str, reserve_mib: int = 0) -> Iterator[Talk]:
    process = subprocess.Popen(
        [*wrap, sys.executable, str(WRITER), str(folder), str(reserve_mib)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Talk(process)
    finally:
        process.communicate()
    assert process.returncode in (0, -9)


def on_tmpfs(folder: Path, size: str) -> tuple[str, ...]:
    """Run a command with a small file system of its own on *folder*."""
    mount = f'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"'
    return ("unshare", "-Urm", "sh", "-c", mount, str(folder))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with a ledger of 31 entries, closed."""
    ledger = Ledger.open(tmp_path, HandClock(), "gw", checkpoint_every=10)
    for n in range(30):
        with ledger.transaction() as tx:
            tx.append("notice", {"n": n, "pad": "x" * 400}, n)
    ledger.close()
    return tmp_path


def damaged(folder: Path) -> str:
    """Open a folder that must be found damaged, with the file left alone; the reason."""
    db = folder / "ledger.db"
    before = db.read_bytes() if db.exists() else None
    ledger = Ledger.open(folder, HandClock())
    with pytest.raises(StoreDamaged) as caught, ledger.transaction():
        pass
    assert ledger.state == "damaged"
    assert not ledger.try_recover()
    ledger.close()
    assert (db.read_bytes() if db.exists() else None) == before
    return str(caught.value)


def test_synchronous_full_and_wal_hold(tmp_path: Path) -> None:
    """The writing connection really has the settings that make a commit durable."""
    ledger = Ledger.open(tmp_path, HandClock())
    with ledger.transaction() as tx:
        settings = [
            tx.sql.execute(f"PRAGMA {p}").fetchone()[0] for p in ("journal_mode", "synchronous")
        ]
    ledger.close()

    assert settings == ["wal", 2]


def test_a_place_where_commits_are_not_durable_is_refused(tmp_path: Path) -> None:
    """A VFS without shared memory cannot do WAL, and NORMAL does not sync each commit."""
    odd = sqlite3.connect(f"file:{tmp_path}/odd.db?vfs=unix-dotfile", uri=True)
    odd.execute("PRAGMA journal_mode=WAL")
    with pytest.raises(ConfigError, match="journal_mode is 'delete'"):
        assert_durable(odd, tmp_path)
    odd.close()
    fast = sqlite3.connect(tmp_path / "fast.db")
    fast.execute("PRAGMA journal_mode=WAL")
    fast.execute("PRAGMA synchronous=NORMAL")
    with pytest.raises(ConfigError, match="synchronous 1"):
        assert_durable(fast, tmp_path)
    fast.close()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda _: b"", "is empty", id="empty"),
        pytest.param(lambda raw: b"\0" * len(raw), "NUL bytes", id="NUL"),
        pytest.param(lambda raw: b"\0" * 100 + raw[100:], "NUL bytes", id="NUL at the head"),
        pytest.param(lambda _: b"not a ledger\n" * 99, "does not begin", id="another file"),
        pytest.param(lambda raw: raw[:50], "does not begin", id="half a header"),
        pytest.param(lambda raw: raw[: len(raw) // 2], "its end is missing", id="truncated"),
        pytest.param(lambda raw: raw[:-1], "its end is missing", id="one byte short"),
    ],
)
def test_a_spoilt_file_never_starts_empty(made: Path, spoil: object, reason: str) -> None:
    """Damaged, with the reason, and the bad file kept byte for byte."""
    assert callable(spoil)
    db = made / "ledger.db"
    db.write_bytes(spoil(db.read_bytes()))

    assert reason in damaged(made)


def test_another_programs_database_is_not_taken(made: Path) -> None:
    """A sound SQLite file that is no ledger is not written to."""
    (made / "ledger.db").unlink()
    other = sqlite3.connect(made / "ledger.db")
    other.execute("CREATE TABLE t (n)")
    other.close()

    assert "not a ledger's" in damaged(made)


@pytest.mark.parametrize("witness", ["ledger.head", "device.key"])
def test_a_missing_file_is_damage_when_something_says_it_existed(made: Path, witness: str) -> None:
    """The head kept beside the file, or the key alone, is enough to know."""
    for name in ("ledger.db", "ledger.head", "device.key"):
        if name != witness:
            (made / name).unlink()

    assert witness in damaged(made)


def test_an_older_copy_put_back_is_damage(
    made: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The head file remembers more than the copy has."""
    older = tmp_path_factory.mktemp("older") / "ledger.db"
    shutil.copy(made / "ledger.db", older)
    ledger = Ledger.open(made, HandClock())
    with ledger.transaction() as tx:
        tx.append("notice", {}, 99)
    ledger.close()
    shutil.copy(older, made / "ledger.db")

    assert "older copy" in damaged(made)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param("DELETE FROM entries WHERE idx=27", "entry 27 is missing", id="in the tail"),
        pytest.param("UPDATE entries SET body=x'00' WHERE idx=27", "entry 27: digest", id="body"),
        pytest.param("UPDATE entries SET idx=99 WHERE idx=30", "entry 30 is missing", id="moved"),
        pytest.param(
            "DELETE FROM checkpoints WHERE size<31", "no signed checkpoint", id="checkpoints"
        ),
        pytest.param("DELETE FROM entries WHERE idx=0", "genesis", id="genesis"),
        pytest.param("ALTER TABLE entries DROP COLUMN codec", "no such column", id="schema"),
    ],
)
def test_a_start_checks_what_came_after_the_last_checkpoint(
    made: Path, change: str, reason: str
) -> None:
    """The tail is recomputed at every start, so recent damage is known before new entries."""
    db = sqlite3.connect(made / "ledger.db")
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    # As after a kill: the last signature is not there yet, the head file is an earlier one.
    note = db.execute("SELECT note FROM checkpoints WHERE size=21").fetchone()[0]
    db.execute("DELETE FROM checkpoints WHERE size>21")
    (made / "ledger.head").write_text(note, "utf-8")
    db.execute(change)
    db.commit()
    db.close()

    assert reason in damaged(made)


@pytest.mark.parametrize("name", ["device.key", "ledger.head"])
def test_a_spoilt_companion_file_is_named(made: Path, name: str) -> None:
    """Without the key nothing can be signed; an unreadable head is not passed over."""
    (made / name).write_bytes(b"\0" * 64)

    assert name in damaged(made)


def test_any_bit_flipped_in_the_file_is_survived(made: Path) -> None:
    """A start ends in ok with every entry there, or in damaged: no crash, no empty ledger."""
    rng = random.Random(3)
    db = made / "ledger.db"
    sound = db.read_bytes()
    states = set()
    for _ in range(150):
        raw = bytearray(sound)
        bit = rng.randrange(len(raw) * 8)
        raw[bit // 8] ^= 1 << bit % 8
        db.write_bytes(raw)
        try:
            ledger = Ledger.open(made, HandClock())
        except CommandRefused as e:
            assert "newer gashub" in str(e)  # noqa: PT017 - a flipped schema number
            continue
        states.add(ledger.state)
        if ledger.state == "ok":
            assert ledger.head().size == 31
        ledger.close()
        for name in ("ledger.db-wal", "ledger.db-shm"):
            (made / name).unlink(missing_ok=True)

    assert states == {"ok", "damaged"}


def test_a_damaged_ledger_can_still_be_read(made: Path) -> None:
    """Read-only: what is whole can be shown and exported."""
    db = sqlite3.connect(made / "ledger.db")
    db.execute("DROP TRIGGER checkpoints_keep_their_rows")
    db.execute("DELETE FROM checkpoints WHERE size=31")
    db.commit()
    db.close()

    assert "older copy" in damaged(made)
    with LedgerReader(made) as reader:
        assert reader.size() == 31
        assert reader.read(30).kind == "notice"


@pytest.mark.parametrize("left", ["nothing", "half", "whole"])
def test_an_interrupted_first_start_is_finished(tmp_path: Path, left: str) -> None:
    """Killed before the key: begun anew. Killed before the rename: the made ledger is taken."""
    origin = ""
    if left != "nothing":
        ledger = Ledger.open(tmp_path, HandClock(), "gw")
        origin = ledger.origin
        ledger.close()
        (tmp_path / "ledger.db").rename(tmp_path / "ledger.db.new")
        (tmp_path / "ledger.head").unlink()
    if left == "half":
        (tmp_path / "device.key").unlink()
        (tmp_path / "ledger.db.new").write_bytes(b"half")
    ledger = Ledger.open(tmp_path, HandClock(), "gw")

    assert ledger.state == "ok"
    assert (ledger.origin == origin) == (left == "whole")
    ledger.close()
    assert verify(tmp_path).ok


def test_a_newer_schema_is_refused_with_the_remedy(made: Path) -> None:
    """A downgrade must not guess at tables it does not know."""
    db = sqlite3.connect(made / "ledger.db")
    db.execute("PRAGMA user_version=9000")
    db.close()

    with pytest.raises(CommandRefused, match=r"schema 9000.*install that version"):
        Ledger.open(made, HandClock())
    with pytest.raises(CommandRefused, match="schema 9000"):
        LedgerReader(made)


def test_a_migration_is_whole_or_not_at_all(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails half-way leaves the schema before it; a good one is counted."""
    last = migrations.newest()
    good = Step(last + 1, "good.sql", "CREATE TABLE good (n);")
    bad = Step(last + 2, "bad.sql", "CREATE TABLE bad (n);\nINSERT INTO nowhere VALUES (1);")
    known = migrations.steps()
    monkeypatch.setattr(migrations, "steps", lambda: (*known, good, bad))
    db = sqlite3.connect(made / "ledger.db", isolation_level=None)

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrations.migrate(db)
    names = {row[0] for row in db.execute("SELECT name FROM sqlite_schema")}
    assert db.execute("PRAGMA user_version").fetchone() == (last + 1,)
    assert "good" in names
    assert "bad" not in names
    assert not db.in_transaction
    db.close()


def test_below_the_reserve_only_verdicts_and_notices_go_in(tmp_path: Path) -> None:
    """The last megabytes are kept for what must still be said."""
    ledger = Ledger.open(tmp_path, HandClock(), reserve_mib=1 << 30)

    assert (ledger.state, ledger.takes_input()) == (State.FULL, False)
    assert "reserve" in str(ledger.fault)
    with ledger.transaction() as tx:
        tx.append("notice", {}, 1)
        with pytest.raises(StoreUnavailable, match="reserve"):
            tx.append("readings", b"{}", 1)
        assert tx.append("verdict", {}, 1) == 2
    ledger.close()


def test_a_locked_file_refuses_and_stays_ok(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program in the file is named as the trouble; the next commit may go through."""
    monkeypatch.setattr("hub.ledger.store.BUSY_MS", 50)
    ledger = Ledger.open(made, HandClock())
    other = sqlite3.connect(made / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with (
        pytest.raises(StoreUnavailable, match="locked by another program"),
        ledger.transaction(),
    ):
        pass
    other.execute("ROLLBACK")
    other.close()

    with ledger.transaction() as tx:
        assert tx.append("notice", {}, 1) == 31
    ledger.close()


@pytest.mark.parametrize("after", [1, 7, 40, 90])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, after: int) -> None:
    """A writer killed in mid stream leaves a ledger that opens, verifies and goes on."""
    with writer(tmp_path) as talk:
        assert talk.hear() == ["OPEN", "ok"]
        talk.send("append 100000")
        for _ in range(after):
            talk.hear()
        talk.process.kill()
        assert talk.process.stdout is not None
        for line in talk.process.stdout:
            if line.startswith("ACK ") and line.endswith("\n"):
                talk.acked.append(int(line.split()[1]))
    ledger = Ledger.open(tmp_path, HandClock())

    assert ledger.state == "ok"
    assert talk.acked == list(range(1, len(talk.acked) + 1))
    assert ledger.head().size > talk.acked[-1]
    with ledger.transaction() as tx:
        tx.append("notice", {}, 1)
    ledger.close()
    report = verify(tmp_path)
    assert (report.ok, report.first_bad) == (True, None)


def test_a_full_disk_refuses_keeps_what_it_acknowledged_and_recovers(tmp_path: Path) -> None:
    """On a 1 MiB disk: full is a state, and it passes when there is room again."""
    with writer(tmp_path, *on_tmpfs(tmp_path, "1m")) as talk:
        assert talk.hear() == ["OPEN", "ok"]
        talk.append(20)
        talk.ask("fill")
        fault = talk.append(10_000)
        refused = talk.ask("verdict")
        still = talk.ask("recover")
        talk.ask("drain")
        recovered = talk.ask("recover")
        acked = len(talk.acked)
        talk.append(20)
        verified = talk.ask("verify")

    assert fault[:3] == ["FAULT", "full", "StoreUnavailable"]
    assert refused[:3] == ["FAULT", "full", "StoreUnavailable"]
    assert still[:3] == ["RECOVERED", "no", "full"]
    assert recovered[:3] == ["RECOVERED", "yes", "ok"]
    assert len(talk.acked) == acked + 20
    assert talk.acked == list(range(1, len(talk.acked) + 1))
    assert verified == ["VERIFY", "True", str(len(talk.acked) + 1)]


def test_starting_on_a_full_disk_is_a_state_too(tmp_path: Path) -> None:
    """No restart loop: the hub starts, waits, and goes on when there is room."""
    with writer(tmp_path, *on_tmpfs(tmp_path, "1m")) as talk:
        talk.hear()
        talk.append(20)
        talk.ask("fill")
        reopened = talk.ask("reopen")
        talk.ask("drain")
        recovered = talk.ask("recover")
        answer = talk.append(1)

    assert reopened == ["OPEN", "full"]
    assert recovered[:3] == ["RECOVERED", "yes", "ok"]
    assert answer == ["ACK", "21"]


def test_a_disk_down_to_its_reserve_takes_the_verdict(tmp_path: Path) -> None:
    """With a reserve, input stops first, and the verdict is still written."""
    with writer(tmp_path, *on_tmpfs(tmp_path, "4m"), reserve_mib=2) as talk:
        talk.hear()
        fault = talk.append(100_000)
        verdict = talk.ask("verdict")

    assert fault[:3] == ["FAULT", "full", "StoreUnavailable"]
    assert "reserve" in " ".join(fault)
    assert verdict[0] == "ACK"


def test_a_read_only_folder_is_a_state_and_passes(tmp_path: Path) -> None:
    """A card that turned read-only: started, refused, readable, and back when it is writable."""
    with writer(tmp_path, *on_tmpfs(tmp_path, "8m")) as talk:
        talk.hear()
        talk.append(5)
        reopened = talk.ask("ro")
        fault = talk.append(1)
        still = talk.ask("recover")
        readable = talk.ask("verify")
        back = talk.ask("rw")
        answer = talk.append(1)

    assert reopened == ["OPEN", "read_only"]
    assert fault[:3] == ["FAULT", "read_only", "StoreUnavailable"]
    assert still[:3] == ["RECOVERED", "no", "read_only"]
    assert readable[:3] == ["VERIFY", "True", "6"]
    assert back == ["OPEN", "ok"]
    assert answer == ["ACK", "6"]


@pytest.mark.parametrize("when", ["20", "21", "50"])
def test_a_failed_sync_acknowledges_nothing_and_opens_the_file_again(
    tmp_path: Path, when: str
) -> None:
    """EIO from fdatasync: no ack, no retry on the same connection, no acknowledged loss."""
    Ledger.open(tmp_path, HandClock()).close()  # so that a start syncs only a few times
    inject = f"inject=fdatasync:error=EIO:when={when}"
    strace = ("strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=fdatasync", "-e", inject)
    with writer(tmp_path, *strace) as talk:
        talk.hear()
        fault = talk.append(100)
        acked = len(talk.acked)
        again = talk.append(1)
        recovered = talk.ask("recover")
        talk.append(20)
        verified = talk.ask("verify")

    landed = recovered[3] == "landed=True"
    assert fault[:3] == ["FAULT", "io_error", "StoreUnavailable"]
    assert again[:2] == ["FAULT", "io_error"]
    assert acked < 100
    assert recovered[:3] == ["RECOVERED", "yes", "ok"]
    assert len(talk.acked) == acked + 20
    assert talk.acked[acked] == acked + 1 + landed
    assert verified == ["VERIFY", "True", str(acked + 20 + landed + 1)]


def test_a_disk_that_keeps_failing_keeps_refusing(tmp_path: Path) -> None:
    """While every sync fails nothing is acknowledged, however often it is tried."""
    Ledger.open(tmp_path, HandClock()).close()
    inject = "inject=fdatasync:error=EIO:when=30+"
    strace = ("strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=fdatasync", "-e", inject)
    with writer(tmp_path, *strace) as talk:
        talk.hear()
        talk.append(100)
        acked = len(talk.acked)
        answers = [talk.ask("recover") for _ in range(3)]
        fault = talk.append(1)

    assert [answer[:3] for answer in answers] == [["RECOVERED", "no", "io_error"]] * 3
    assert fault[:2] == ["FAULT", "io_error"]
    assert len(talk.acked) == acked < 100
