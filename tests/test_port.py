"""The port on real pseudo-terminals: exclusive, bounded, and plain about what is wrong."""

import errno
import fcntl
import os
import pwd
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.errors import BadFrame, PortGone
from hub.holder import lock_owner, other_users
from hub.port import Port, PortSettings, refusal
from hub.testing import PtyPair, wait_until

LONG_S = 30.0
"""A wait that ends by an event; the limit is only met when the test is about to fail."""

HOLDER = """
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
print("held", flush=True)
sys.stdin.read()
"""

FAR_SIDE = """
import os, sys
master, slave = os.openpty()
print(os.ttyname(slave), flush=True)
sys.stdin.read()
"""

SECOND = """
import sys
from hub.errors import PortGone
from hub.port import Port, PortSettings
try:
    Port(PortSettings(port=sys.argv[1])).open()
except PortGone as gone:
    print(gone)
else:
    print("opened")
"""


@pytest.fixture
def cable() -> Iterator[PtyPair]:
    with PtyPair() as pair:
        yield pair


@pytest.fixture
def port(cable: PtyPair) -> Iterator[Port]:
    with Port(cable.settings()) as opened:
        yield opened


def test_bytes_go_both_ways_unchanged(cable: PtyPair, port: Port) -> None:
    """All 256 byte values pass: no echo, no line discipline, no flow control."""
    every = bytes(range(256))
    port.write(every)
    assert cable.receive(256) == every
    cable.send(every)
    heard = b""
    while len(heard) < 256:
        heard += port.read(LONG_S)
    assert heard == every


def test_a_read_returns_all_that_is_there_in_one_call(cable: PtyPair, port: Port) -> None:
    cable.send(b"x" * 900)
    wait_until(lambda: _waiting(port) == 900, "900 bytes arrived")
    assert port.read(LONG_S) == b"x" * 900


def test_a_read_takes_no_more_than_asked(cable: PtyPair, port: Port) -> None:
    cable.send(b"abcdef")
    wait_until(lambda: _waiting(port) == 6, "6 bytes arrived")
    assert [port.read(LONG_S, 4), port.read(LONG_S, 4)] == [b"abcd", b"ef"]


def test_silence_is_empty_and_takes_the_time_given(port: Port) -> None:
    before_s = time.monotonic()
    assert port.read(0.05) == b""
    assert time.monotonic() - before_s >= 0.05


def test_discard_counts_what_it_throws_away(cable: PtyPair, port: Port) -> None:
    cable.send(b"y" * 1234)
    wait_until(lambda: _waiting(port) == 1234, "1234 bytes arrived")
    assert port.discard() == 1234
    assert port.read(0.0) == b""


def test_what_came_before_opening_is_not_read(cable: PtyPair) -> None:
    """A value that waited in the kernel's buffer would be stamped as if it were new."""
    cable.send(b"old")
    with Port(cable.settings()) as port:
        cable.send(b"new")
        heard = port.read(LONG_S)
        assert heard == b"new"


def test_stop_cuts_a_read_short(cable: PtyPair) -> None:
    stop = threading.Event()
    heard: list[bytes] = []
    with Port(cable.settings(), stop) as port:
        reader = threading.Thread(target=lambda: heard.append(port.read(LONG_S)))
        reader.start()
        stop.set()
        reader.join(LONG_S / 2)
        assert heard == [b""]


def test_unplugging_ends_a_waiting_read_as_port_gone(cable: PtyPair, port: Port) -> None:
    gone: list[PortGone] = []

    def read() -> None:
        try:
            port.read(LONG_S)
        except PortGone as error:
            gone.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    cable.unplug()
    reader.join(LONG_S)
    assert "plug the adapter in again" in str(gone[0])


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda port: port.read(LONG_S), id="read"),
        pytest.param(lambda port: port.write(b"P?\r\n"), id="write"),
        pytest.param(lambda port: port.discard(), id="discard"),
    ],
)
def test_an_unplugged_port_says_so_whatever_is_called(cable: PtyPair, port: Port, use) -> None:
    cable.unplug()
    with pytest.raises(PortGone, match="plug the adapter in again"):
        use(port)


def test_replugged_under_the_same_name_it_opens_again(cable: PtyPair) -> None:
    """The symlink points to another device afterwards; half a frame from before is not there."""
    port = Port(cable.settings())
    port.open()
    cable.send(b"$half a fr")
    cable.unplug()
    with pytest.raises(PortGone):
        _drain(port)
    port.close()
    with pytest.raises(PortGone, match="no such device"):
        port.open()
    cable.replug()
    port.open()
    cable.send(b"whole")
    assert port.read(LONG_S) == b"whole"
    port.close()


def test_a_hundred_replugs_leave_no_descriptor_behind(cable: PtyPair) -> None:
    port = Port(cable.settings())
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(100):
        port.open()
        cable.unplug()
        with pytest.raises(PortGone):
            port.read(LONG_S)
        port.close()
        cable.replug()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_close_is_safe_twice_and_before_open(cable: PtyPair) -> None:
    port = Port(cable.settings())
    port.close()
    port.open()
    port.close()
    port.close()
    with pytest.raises(PortGone, match="not open"):
        port.read(0.0)


def test_a_stuck_writer_is_given_up_in_time(cable: PtyPair) -> None:
    """Nobody reads the other end: the write fails after its budget and says how far it came."""
    says = r"took \d+ of 200000 bytes in 0.1 s and is stuck"
    with Port(cable.settings(write_within_s=0.1)) as port, pytest.raises(PortGone, match=says):
        port.write(b"z" * 200_000)


def test_a_second_opener_in_another_process_is_told_the_holders_pid(
    cable: PtyPair, port: Port
) -> None:
    """The first holds the port; the second is refused and names it, and the line stays clean."""
    second = subprocess.run(
        [sys.executable, "-c", SECOND, cable.path],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"busy: held by pid {os.getpid()} (" in second.stdout
    port.write(b"mine")
    assert cable.receive(4) == b"mine"


def test_a_second_owner_in_the_same_process_is_refused_too(cable: PtyPair, port: Port) -> None:
    with pytest.raises(PortGone, match=f"busy: held by pid {os.getpid()}"):
        Port(cable.settings()).open()


def test_a_program_that_takes_no_lock_is_found_by_its_descriptor(cable: PtyPair) -> None:
    """A terminal program that only opens the device keeps the hub out, and is named."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, cable.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as minicom:
        assert minicom.stdout is not None
        assert minicom.stdin is not None
        assert minicom.stdout.readline() == "held\n"
        assert list(other_users(os.path.realpath(cable.path))) == [minicom.pid]
        with pytest.raises(PortGone, match=f"busy: held by pid {minicom.pid} "):
            Port(cable.settings()).open()
        minicom.stdin.close()
        minicom.wait(60)
    with Port(cable.settings()) as port:
        assert port.read(0.0) == b""


def test_the_far_side_of_a_terminal_is_no_rival() -> None:
    """A simulator keeps its own end open as well; that does not make the port busy."""
    with subprocess.Popen(
        [sys.executable, "-c", FAR_SIDE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as simulator:
        assert simulator.stdout is not None
        assert simulator.stdin is not None
        path = simulator.stdout.readline().strip()
        with Port(PortSettings(port=path)) as port:
            assert port.read(0.0) == b""
        simulator.stdin.close()
        simulator.wait(60)


def test_a_lock_file_of_a_terminal_program_counts_while_it_runs(
    cable: PtyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.holder.UUCP_LOCKS", tmp_path)
    lock = tmp_path / f"LCK..{Path(os.path.realpath(cable.path)).name}"
    lock.write_text(f"{os.getppid():10d} minicom root\n")
    with pytest.raises(PortGone, match=f"busy: held by pid {os.getppid()} "):
        Port(cable.settings()).open()
    lock.write_text("99999999\n")  # left behind by a process that is gone
    with Port(cable.settings()) as port:
        assert port.read(0.0) == b""


def test_the_lock_is_free_again_after_close(cable: PtyPair) -> None:
    device = os.path.realpath(cable.path)
    with Port(cable.settings()):
        assert lock_owner(device) == os.getpid()
    assert lock_owner(device) is None


def test_a_missing_device_says_where_to_look() -> None:
    with pytest.raises(PortGone, match=r"no such device; .*correct `port`.*by-id"):
        Port(PortSettings(port="/dev/serial/by-id/none")).open()


def test_a_file_is_not_a_serial_port(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(PortGone, match="is not a serial port"):
        Port(PortSettings(port=str(path))).open()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.EACCES, "add the user the hub runs as to that group"),
        (errno.EBUSY, "busy: held by "),
        (errno.EIO, "pull the adapter out and plug it in again"),
        (errno.ENXIO, "no hardware behind this device"),
        (errno.ENOMEM, "cannot be opened"),
    ],
)
def test_each_cause_has_its_own_sentence_and_remedy(code: int, says: str) -> None:
    assert says in refusal("/dev/ttyS9", OSError(code, os.strerror(code)))


def test_without_permission_the_group_is_named(cable: PtyPair) -> None:
    """Opened for real as a user who may not: EACCES, not a traceback."""
    Path(cable.path).resolve().chmod(0)
    said = _open_as_nobody(cable)
    assert "no permission; the device belongs to group " in said


def test_a_port_in_exclusive_mode_is_busy(cable: PtyPair) -> None:
    """Another program has set TIOCEXCL: EBUSY for whoever is not root."""
    device = os.path.realpath(cable.path)
    Path(device).chmod(0o666)
    held = os.open(device, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.ioctl(held, termios.TIOCEXCL)
        assert "busy: held by " in _open_as_nobody(cable)
    finally:
        os.close(held)


def test_parity_and_dtr_of_the_config_do_not_stop_a_pseudo_terminal(cable: PtyPair) -> None:
    """The one leniency: simulators stand in for 8E1 instruments and DTR-fed converters."""
    with Port(cable.settings(parity="E", data_bits=7, stop_bits=2, dtr=True, rts=False)) as port:
        cable.send(b"\xff\x00")
        assert port.read(LONG_S) == b"\xff\x00"


def test_a_break_on_the_line_does_not_clear_what_was_received(cable: PtyPair) -> None:
    """BRKINT would have the kernel flush the input at every break, and nobody would know."""
    with Path(cable.path).open("rb+", buffering=0) as tty_file:
        mode = termios.tcgetattr(tty_file)
        mode[0] |= termios.BRKINT | termios.PARMRK
        termios.tcsetattr(tty_file, termios.TCSANOW, mode)
        with Port(cable.settings()):
            flags = termios.tcgetattr(tty_file)[0]
    assert flags & (termios.BRKINT | termios.PARMRK) == 0


def test_an_echo_is_read_compared_and_kept_from_the_driver(cable: PtyPair) -> None:
    """The adapter repeats the request, cut anywhere; only the answer behind it is read."""
    for cut in range(5):
        with (
            Port(cable.settings(echo=True)) as port,
            cable.answering(lambda heard, cut=cut: (heard[:cut], heard[cut:] + b"5.012")),
        ):
            port.write(b"P?\r\n")
            answer = b""
            while len(answer) < 5:
                answer += port.read(LONG_S)
            assert answer == b"5.012"


@pytest.mark.parametrize(
    ("echo", "says"), [((b"P!\r\n",), "50 21"), ((), "heard nothing back"), ((b"P",), "heard 50")]
)
def test_a_wrong_echo_is_a_bad_frame(cable: PtyPair, echo: tuple[bytes, ...], says: str) -> None:
    with (
        Port(cable.settings(echo=True, write_within_s=0.2)) as port,
        cable.answering(lambda _: echo),
        pytest.raises(BadFrame, match=says),
    ):
        port.write(b"P?\r\n")


def test_a_request_waits_for_silence_and_drops_what_comes_meanwhile(cable: PtyPair) -> None:
    """A late answer to the last request does not stand before the answer to this one."""
    with Port(cable.settings(inter_frame_silence_s=0.2)) as port:
        cable.send(b"a")
        assert port.read(LONG_S) == b"a"
        quiet_from_s = time.monotonic()
        cable.send(b"late")
        port.write(b"next?")
        assert time.monotonic() - quiet_from_s >= 0.2
        assert port.read(0.0) == b""
        assert cable.receive(5) == b"next?"


def test_two_requests_are_kept_apart_by_the_silence(cable: PtyPair) -> None:
    """Counted from the end of the first on the wire, not from when the adapter took it."""
    with Port(cable.settings(baud=1200, inter_frame_silence_s=0.05)) as port:
        begun_s = time.monotonic()
        port.write(b"0123456789ab")
        port.write(b"next?")
        assert time.monotonic() - begun_s >= 0.05 + 12 * 10 / 1200


def test_a_line_that_is_never_silent_is_a_bad_frame(cable: PtyPair) -> None:
    """Something else talks all the time: the request is not sent into it."""
    stop = threading.Event()

    def chatter() -> None:
        while not stop.wait(0.005):
            cable.send(b"?")

    talker = threading.Thread(target=chatter)
    with Port(cable.settings(inter_frame_silence_s=1.0, write_within_s=0.1)) as port:
        talker.start()
        assert port.read(LONG_S)
        try:
            with pytest.raises(BadFrame, match=r"no silence of 1000\.0 ms"):
                port.write(b"P?")
        finally:
            stop.set()
            talker.join()


@pytest.mark.parametrize(
    ("baud", "parity", "silence_s"),
    [(9600, "N", 3.5 * 10 / 9600), (19200, "E", 3.5 * 11 / 19200), (115200, "N", 0.00175)],
)
def test_silence_is_that_of_the_modbus_specification(
    baud: int, parity: str, silence_s: float
) -> None:
    settings = PortSettings.model_validate({"port": "x", "baud": baud, "parity": parity})
    assert settings.silence_s == pytest.approx(silence_s)


def _drain(port: Port) -> None:
    while port.read(LONG_S):
        pass


def _waiting(port: Port) -> int:
    waiting: int = port._serial.in_waiting
    return waiting


def _open_as_nobody(cable: PtyPair) -> str:
    """What the port says to an unprivileged user; needs no privilege of ours when we are one."""
    Path(cable.path).parent.chmod(0o755)
    if os.geteuid() != 0:
        with pytest.raises(PortGone) as refused:
            Port(cable.settings()).open()
        return str(refused.value)
    nobody = pwd.getpwnam("nobody").pw_uid
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setuid(nobody)
            Port(cable.settings()).open()
        except PortGone as refused:
            os.write(write_end, str(refused).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    os.waitpid(pid, 0)
    with os.fdopen(read_end, "rb") as told:
        return told.read().decode()
