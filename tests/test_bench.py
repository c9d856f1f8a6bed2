"""The benches' own instruments: a trace is put together right, a disk keeps what was synced."""

import importlib
import random
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = str(Path(__file__).parent.parent / "bench")
FILE = "/state/ledger.db-wal"


@pytest.fixture(autouse=True)
def bench_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [BENCH, *sys.path])


def module(name: str) -> Any:
    return importlib.import_module(name)


def quoted(text: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in text) + '"'


def disk_after(tmp_path: Path, *lines: str) -> Any:
    """A disk that has seen a trace. Its folder is called /state there."""
    disk = module("disk").Disk(tmp_path)
    disk.folder = "/state"
    for event in module("tracing").events(lines):
        disk.see(event)
    return disk


OPEN = f"7 openat(AT_FDCWD, {quoted(FILE.encode())}, O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 5"


def test_a_call_that_another_thread_interrupted_is_put_together() -> None:
    """Its begin stands where its first line is, its end and result where the second is."""
    tracing = module("tracing")
    events = list(
        tracing.events(
            [
                "7 pwrite64(5, " + quoted(b"ab") + ", 2, 4096 <unfinished ...>",
                "8 write(1, " + quoted(b"x") + ", 1) = 1",
                "7 <... pwrite64 resumed>) = 2",
            ]
        )
    )

    assert [(type(e).__name__, e.call.name) for e in events] == [
        ("Begun", "pwrite64"),
        ("Begun", "write"),
        ("Done", "write"),
        ("Done", "pwrite64"),
    ]
    written = events[3].call
    assert (written.fd, written.texts(), written.last_number(), written.result) == (
        5,
        [b"ab"],
        4096,
        2,
    )


def test_a_string_that_strace_cut_short_is_an_error() -> None:
    """Half a write would be taken for a whole one."""
    with pytest.raises(ValueError, match="LONGEST"):
        module("tracing").Call("write", '5, "\\x61"..., 9').texts()


def test_a_line_that_is_not_understood_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a line of strace"):
        list(module("tracing").events(["7 what is this"]))


def test_what_was_not_synced_is_not_on_the_disk(tmp_path: Path) -> None:
    """The first write was synced, the second was not."""
    disk = disk_after(
        tmp_path,
        OPEN,
        "7 pwrite64(5, " + quoted(b"one") + ", 3, 0) = 3",
        "7 fdatasync(5) = 0",
        "7 pwrite64(5, " + quoted(b"two") + ", 3, 3) = 3",
    )
    into = tmp_path / "image"
    into.mkdir()

    disk.image(into, "drop", random.Random(1))

    assert (into / "ledger.db-wal").read_bytes() == b"one"


def test_a_sync_does_not_cover_a_write_that_came_while_it_ran(tmp_path: Path) -> None:
    """Another thread's write between the sync's begin and its end is not promised."""
    disk = disk_after(
        tmp_path,
        OPEN,
        "7 pwrite64(5, " + quoted(b"one") + ", 3, 0) = 3",
        "7 fdatasync(5 <unfinished ...>",
        "8 pwrite64(5, " + quoted(b"two") + ", 3, 3) = 3",
        "7 <... fdatasync resumed>) = 0",
    )

    assert bytes(disk.files["ledger.db-wal"].durable) == b"one"
    assert disk.files["ledger.db-wal"].cached == [(3, b"two")]


def test_a_sync_that_has_not_returned_promises_nothing(tmp_path: Path) -> None:
    disk = disk_after(
        tmp_path,
        OPEN,
        "7 pwrite64(5, " + quoted(b"one") + ", 3, 0) = 3",
        "7 fdatasync(5 <unfinished ...>",
    )

    assert bytes(disk.files["ledger.db-wal"].durable) == b""


def test_an_acknowledgement_is_counted_from_the_moment_it_is_sent() -> None:
    """PUBLISH 9 is read, then PUBACK 9 is being written: the broker may have it from here."""
    tracing, wire = module("tracing"), module("powerloss").Wire(1883)
    body = b'{"instrument":"g-1","seq":4}'
    publish = b"\x00\x01t\x00\x09\x00" + body
    for event in tracing.events(
        [
            "7 connect(6, {sa_family=AF_INET, sin_port=htons(1883)}, 16) = -1 EINPROGRESS (now)",
            "7 recvfrom(6, "
            + quoted(bytes([0x32, len(publish)]) + publish)
            + ", 65536, 0, NULL, NULL) = "
            + str(len(publish) + 2),
            "7 sendto(6, " + quoted(b"\x40\x02\x00\x09") + ", 4, 0, NULL, 0 <unfinished ...>",
        ]
    ):
        wire.see(event)

    assert wire.acknowledged == {("g-1", "4")}


SHOWN = """# hub.procedures.windows.xǁTrackǁrise_ends__mutmut_10: survived
--- hub/procedures/windows.py
+++ hub/procedures/windows.py
@@ -7,7 +7,7 @@
             continue
         until_us = self.at[k] + still_us
-        if self.at[end - 1] < until_us:
+        if self.at[end - 2] < until_us:
             return None
"""
DOCUMENT = """# Survivors

## hub.procedures.windows rise_ends
- `if self.at[end - 1] < until_us:` -> `if self.at[end - 2] < until_us:`
- `gone = True` -> ``
  Why it survives: `end` is - for a test - of no use.

## hub.procedures judge
- `a -> b` -> `b -> a`
"""


def test_a_survivor_is_explained_by_its_function_and_both_lines() -> None:
    """Not by its number, which moves with every change of the function."""
    mutation = module("mutation")
    known = mutation.explained(DOCUMENT)
    slip = mutation.slip_of("hub.procedures.windows.xǁTrackǁrise_ends__mutmut_10", SHOWN)

    assert slip in known
    assert (slip[0], "gone = True", "") in known
    assert ("hub.procedures.judge", "a -> b", "b -> a") in known
    assert len(known) == 3


def test_another_slip_in_that_line_or_that_slip_elsewhere_is_not_explained() -> None:
    """One explanation covers one change of one function; a deleted line is a change to nothing."""
    mutation = module("mutation")
    known = mutation.explained(DOCUMENT)
    name = "hub.procedures.windows.xǁTrackǁrise_ends__mutmut_11"

    assert mutation.slip_of(name, SHOWN.replace("end - 2", "end - 3")) not in known
    assert mutation.slip_of(name.replace("rise", "fall"), SHOWN) not in known
    deleted = "".join(line + "\n" for line in SHOWN.splitlines() if "end - 2" not in line)
    plain = mutation.slip_of("hub.procedures.x__rule__mutmut_3", deleted)
    assert plain == ("hub.procedures._rule", "if self.at[end - 1] < until_us:", "")


@pytest.mark.parametrize("name", ["modbus", "boreal", "winsen_9byte", "mipex_datae", "keller"])
def test_a_fuzzed_driver_lets_through_what_chance_owes_it_and_lives(name: str) -> None:
    """With 30,000 bent bytes; the full count is bench/fuzz.py's."""
    fuzz = module("fuzz")
    (protocol,) = (each for each in fuzz.PROTOCOLS if each.name == name)

    figures = fuzz.fuzz(protocol, 30_000, seed=2)

    assert figures["bytes"] >= 30_000
    assert figures["good"] > 100, "too little came through to be misled by"
    assert (figures["beyond_odds"], figures["raised"], figures["alive"]) == (0, 0, True)


def test_fuzz_finds_a_driver_that_looks_at_no_checksum() -> None:
    """And the driver is whole again afterwards."""
    fuzz = module("fuzz")

    assert fuzz.planted(20_000, seed=2)["unowed"]
    assert fuzz.fuzz(fuzz.PROTOCOLS[7], 20_000, seed=2)["unowed"] == 0


@pytest.mark.parametrize(
    ("protocol", "frame"),
    [
        ("modbus", "01 04 02 07 D0 BA 9C"),
        ("keller", "FA 49 3F 6D BA AB 00 2A 19"),
        ("winsen_9byte", "FF 86 02 60 47 00 00 00 D1"),
        ("axetris_lgd", "7B 4D 10 00 00 00 28 54 EE 45 00 00 00 00 79 7D"),
    ],
)
def test_the_checksums_of_fuzz_fit_documented_frames_and_no_flipped_one(
    protocol: str, frame: str
) -> None:
    fuzz = module("fuzz")
    (fits,) = (each.fits for each in fuzz.PROTOCOLS if each.name == protocol)
    sent = bytes.fromhex(frame)

    assert fits(sent)
    # The sum of the nine bytes leaves out the first of them, which is the start mark.
    covered = 8 * (len(sent) - (protocol == "winsen_9byte"))
    for at in range(covered):
        bent = (int.from_bytes(sent) ^ 1 << at).to_bytes(len(sent))
        assert not fits(bent), bent.hex(" ")


def test_every_way_to_bend_changes_the_bytes_and_keeps_its_own_rule() -> None:
    bending = module("bending")
    dice, sent = random.Random(1), b"$GFDTA,7.7,98*2B\r\n"

    bent = {name: [way(dice, sent) for _ in range(200)] for name, way in bending.WAYS.items()}

    assert set(bent) == {"random", "rewritten", "flipped", "swapped", "shifted", "cut", "burst"}
    for name, each in bent.items():
        assert len({*each} - {sent}) > 15, name
    assert all(one[:2] == sent[:2] and len(one) == len(sent) for one in bent["rewritten"])
    assert all(len(one) == len(sent) for one in bent["flipped"] + bent["burst"])
    assert all(sent.startswith(one) for one in bent["cut"])


def test_only_marked_targets_fail_a_reduced_run_of_speed() -> None:
    """What no busy machine excuses counts always; what is not installed is not missed."""
    prove = module("prove")
    slow = prove.Target("slow", "ms", "<", 1)
    late = prove.Target("late", "ratio", "<=", 1.1, always=True)
    peer = prove.Target("peer", "bare.ratio", "<=", 1, spare=True)
    figure = prove.Figure("lines", "speed", "lines.py", "", "", (slow, late, peer))

    def result(**figures: float) -> Any:
        return prove.Result(figure, "", 1.0, figures, "")

    assert result(ms=5, ratio=1.0).ok(reduced=True)
    assert not result(ms=5, ratio=1.0).ok(reduced=False)
    assert not result(ms=5, ratio=1.2).ok(reduced=True)
    assert not result(ms=0).ok(reduced=True), "a figure that is missing is missed"
    assert result(ms=0, ratio=1.0).ok(reduced=False)


def test_decode_measures_every_wire_driver_on_its_golden_frames() -> None:
    decode = module("decode")
    for plugin in decode.PLUGINS:
        (subject,) = decode.subjects(plugin, decode.Options())
        sound = [
            1
            for case, pair in decode.exchanges(subject)
            if decode._works(decode.decoder(plugin, case, pair))
        ]
        assert len(sound) >= 5, plugin
