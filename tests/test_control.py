"""The control socket answers the right callers, and survives the wrong bytes."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.control import LONGEST_LINE, ControlSocket, call
from hub.errors import CommandRefused


def echo(request: Mapping[str, Any]) -> Any:
    return dict(request)


def refuse(_: Mapping[str, Any]) -> Any:
    raise CommandRefused("not today; come back tomorrow")


def broken(_: Mapping[str, Any]) -> Any:
    raise AttributeError("a bug of ours")


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "hub.sock"
    control = ControlSocket(path, {"echo": echo, "refuse": refuse, "broken": broken}, None)
    stop = threading.Event()
    thread = threading.Thread(target=control.serve, args=(stop,))
    thread.start()
    yield path
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert not path.exists()


def test_a_command_is_answered(door: Path) -> None:
    """Arguments arrive as sent."""
    assert call(door, "echo", number="A-1", deep={"x": [1, 2]}) == {
        "number": "A-1",
        "deep": {"x": [1, 2]},
    }


def test_a_refusal_comes_back_in_the_hubs_words(door: Path) -> None:
    """The caller's exception carries the text."""
    with pytest.raises(CommandRefused, match="come back tomorrow"):
        call(door, "refuse")


@pytest.mark.parametrize(
    "line", [b"\n", b"garbage\n", b"[]\n", b'{"do": "nothing"}\n', b"\xff\xfe\n", b'{"do":[]}\n']
)
def test_a_wrong_request_is_told_what_was_expected(door: Path, line: bytes) -> None:
    """The socket stays open for the next request on the same connection."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(5)
        caller.connect(str(door))
        caller.sendall(line)
        answer = json.loads(caller.recv(65536))
        assert answer["ok"] is False
        assert "broken, echo, refuse" in answer["error"]
        caller.sendall(b'{"do": "echo"}\n')
        assert json.loads(caller.recv(65536))["ok"] is True


def test_an_endless_line_is_cut_off_and_others_are_served(door: Path) -> None:
    """A caller that never ends its line loses its connection, nobody else does."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(5)
        caller.connect(str(door))
        try:
            caller.sendall(b"x" * (LONGEST_LINE + 65536 + 1))
            caller.recv(65536)
            assert caller.recv(65536) == b""
        except (BrokenPipeError, ConnectionResetError):
            pass  # cut off while still sending: as good
    assert call(door, "echo") == {}


def test_no_hub_is_said_plainly(tmp_path: Path) -> None:
    """The path is named, so that a wrong --config is seen at once."""
    with pytest.raises(ConnectionError, match=r"no hub listens at .*absent\.sock"):
        call(tmp_path / "absent.sock", "status")


def test_only_the_owner_may_open_the_socket(door: Path) -> None:
    """Without an admin group the file mode keeps everybody else out before the kernel check."""
    assert door.stat().st_mode & 0o777 == 0o600


def test_half_a_character_and_no_number_are_no_request(door: Path) -> None:
    """Neither a file nor an entry could hold them."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(5)
        caller.connect(str(door))
        for odd in (b'"\\ud800"', b"NaN", b"[" * 5000 + b"]" * 5000):
            caller.sendall(b'{"do": "echo", "x": ' + odd + b"}\n")
            assert json.loads(caller.recv(65536))["ok"] is False


def test_whoever_hangs_up_before_being_turned_away_takes_nobody_along(door: Path) -> None:
    held = []
    for _ in range(16):
        caller = socket.socket(socket.AF_UNIX)
        caller.settimeout(5)
        caller.connect(str(door))
        caller.sendall(b'{"do": "echo"}\n')
        assert caller.recv(65536)
        held.append(caller)
    with socket.socket(socket.AF_UNIX) as hasty:
        hasty.connect(str(door))
    for caller in held:
        caller.sendall(b'{"do": "echo"}\n')
        assert json.loads(caller.recv(65536))["ok"] is True
    for caller in held:
        caller.close()


def test_a_bug_costs_its_request_alone(door: Path) -> None:
    with pytest.raises(CommandRefused, match="AttributeError"):
        call(door, "broken")
    assert call(door, "echo", x="1") == {"x": "1"}
