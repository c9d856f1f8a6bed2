"""An answer that comes late is never taken for another's, nor for the answer to a later question.

Real ports on pseudo-terminals; the instrument speaks when the test says so.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from hub.asking import ask
from hub.clock import HubClock
from hub.doubts import look_over
from hub.errors import ConfigError, InstrumentSilent
from hub.framing import LineFramer, crc16_modbus
from hub.line import Item, Line
from hub.model import Intake
from hub.port import LATE_S, Port
from hub.testing import PtyPair, site, wait_until
from plugins.modbus.driver import ModbusInstrument, build
from plugins.modbus.settings import ModbusSettings
from plugins.modbus.wire import Request

HEAD = """
[hub]
gateway = "gw"
state_dir = "{folder}/state"
plugins = ["modbus", "keller", "mipex", "const_additel", "winsen_9byte", "fluke_val"]
[[line]]
name = "riser"
port = "/dev/ttyUSB0"
"""
PLAIN = """kind = "modbus"
profile = "plain"
address = {address}
value = {{ register = {register}, type = "float32", quantity = "pressure", unit = "kPa", \
function = {function} }}"""
KELLER = 'kind = "keller"\nquantity = "pressure"\naddress = {}\nchannel = "{}"'
CONST = 'kind = "const_additel"\nquantity = "pressure"\naddress = {}'
FLUKE = 'kind = "fluke_val"\nquantity = "pressure"'
MIPEX = 'kind = "mipex"'
WINSEN = 'kind = "winsen_9byte"\nscale = 0.01\nunit = "%vol"'


def plain(address: int, register: int, function: int = 3) -> str:
    return PLAIN.format(address=address, register=register, function=function)


def mipex(address: int, *, in_answers: bool = True) -> str:
    return f"{MIPEX}\naddress = {address}\naddress_in_answers = {str(in_answers).lower()}"


def check(folder: Path, *kinds: str) -> None:
    """What `gashub check` and `gashub run` look at first: inlet, outlet and so on, on one line."""
    text = HEAD.format(folder=folder)
    for name, kind in zip(("inlet", "outlet"), kinds, strict=True):
        text += f'[[line.instrument]]\nname = "{name}"\n{kind}\n'
    file = folder / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    look_over(file)


@pytest.mark.parametrize(
    ("inlet", "outlet", "alike"),
    [
        (plain(1, 0), plain(1, 100), "slave 1, function 03, 2 registers"),
        (KELLER.format(1, "P1"), KELLER.format(1, "P2"), "Keller 1"),
        (CONST.format(7), CONST.format(7), "ConST 7"),
        (mipex(7), mipex(7), "MIPEX 7"),
    ],
)
def test_two_that_are_answered_alike_are_refused_with_the_remedy(
    tmp_path: Path, inlet: str, outlet: str, alike: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        check(tmp_path, inlet, outlet)
    assert f"line riser: inlet and outlet are answered alike ({alike})" in str(refused.value)
    assert "give outlet another address, or a line of its own" in str(refused.value)


@pytest.mark.parametrize(
    ("inlet", "outlet"),
    [
        (WINSEN, WINSEN),
        (MIPEX, MIPEX),
        (mipex(1, in_answers=False), mipex(2, in_answers=False)),
        (FLUKE, FLUKE),
        (CONST.format(255), CONST.format(7)),
        (KELLER.format(250, "P1"), KELLER.format(7, "P1")),
    ],
)
def test_who_cannot_be_told_by_its_answers_is_alone_on_its_line(
    tmp_path: Path, inlet: str, outlet: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        check(tmp_path, inlet, outlet)
    said = str(refused.value)
    assert "line riser: nothing in the answers of inlet says that they are its own" in said
    assert "shares the line with outlet" in said
    assert "set an address for inlet" in said


@pytest.mark.parametrize(
    ("inlet", "outlet"),
    [
        (plain(1, 0), plain(2, 0)),
        (plain(1, 0), plain(1, 100, function=4)),
        (KELLER.format(1, "P1"), KELLER.format(2, "P1")),
        (CONST.format(7), CONST.format(8)),
        (mipex(1), mipex(2)),
        (plain(1, 0), KELLER.format(2, "P1")),
    ],
)
def test_who_can_be_told_apart_shares_a_line(tmp_path: Path, inlet: str, outlet: str) -> None:
    check(tmp_path, inlet, outlet)


# ---------------------------------------------------------------------- one instrument's own


@pytest.fixture
def cable() -> Iterator[PtyPair]:
    with PtyPair() as pair:
        yield pair


def test_a_late_answer_is_waited_for_before_the_next_question(cable: PtyPair) -> None:
    """Who asks again at once would take the answer to its first question."""
    answers: SimpleQueue[bytes] = SimpleQueue()

    def later(heard: bytes) -> list[bytes]:
        """Silent at first; then both answers, so that the first one comes first."""
        answers.put(heard.replace(b"?", b"!"))
        return []

    with cable.answering(later), Port(cable.settings()) as port:
        framer = LineFramer(b"\r", b"", 20)
        with pytest.raises(InstrumentSilent):
            ask("g", port, b"serial?\r", framer, 0.05)
        speaker = threading.Timer(0.2, lambda: cable.send(answers.get()))
        speaker.start()
        try:
            with pytest.raises(InstrumentSilent):  # the second question has no answer yet
                ask("g", port, b"value?\r", framer, 0.3)
        finally:
            speaker.join()
        assert port.take_late("g") == b"serial!\r"
        assert port.take_late("g") == b""


def test_another_on_the_line_is_not_kept_waiting(cable: PtyPair) -> None:
    with (
        cable.answering(lambda heard: [heard.upper()] if heard[:1] == b"b" else []),
        Port(cable.settings()) as port,
    ):
        framer = LineFramer(b"\r", b"", 20)
        with pytest.raises(InstrumentSilent):
            ask("a", port, b"a\r", framer, 0.05)
        asked_s = time.monotonic()
        assert ask("b", port, b"b\r", framer, 30) == b"B\r"
        assert time.monotonic() - asked_s < LATE_S / 2


def test_what_another_says_too_late_is_told_of_it(cable: PtyPair) -> None:
    """It is there when the next one on the line is asked, who is not asked later for it."""

    def answered(heard: bytes) -> list[bytes]:
        return [b"B\r"] if heard[:1] == b"b" else []

    with cable.answering(answered), Port(cable.settings()) as port:
        framer = LineFramer(b"\r", b"", 20)
        with pytest.raises(InstrumentSilent):
            ask("a", port, b"a\r", framer, 0.05)
        cable.send(b"A\r")
        assert ask("b", port, b"b\r", framer, 30) == b"B\r"
        assert (port.take_late("b"), port.take_late("a")) == (b"", b"A\r")


def test_the_wait_for_a_dead_one_is_spent_on_the_others(cable: PtyPair) -> None:
    """Polled five times a second, it would otherwise take the line for most of each second."""
    asked: list[int] = []

    def answered(heard: bytes) -> list[bytes]:
        asked.append(heard[0])
        body = bytes((heard[0], 3, 4)) + bytes(4)
        return [body + crc16_modbus(body)] if heard[0] == 2 else []

    value = {"register": 0, "type": "uint32", "quantity": "pressure", "unit": "Pa"}
    timing = {"poll_every_s": 0.2, "answer_within_s": 0.1}
    drivers = {
        name: build(
            name,
            ModbusSettings.model_validate(
                {"address": address, "profile": "plain", "value": value, **timing}
            ),
            site(),
        )
        for name, address in (("dead", 1), ("alive", 2))
    }
    stop = threading.Event()
    line = Line("riser", cable.settings(), drivers, lambda *_: None, HubClock())
    thread = threading.Thread(target=line.run, args=(stop,), name="line:riser")
    with cable.answering(answered):
        thread.start()
        try:
            wait_until(lambda: asked.count(1) >= 3, "a third question to the dead one")
        finally:
            stop.set()
            thread.join()
    first, second, third = (at for at, address in enumerate(asked) if address == 1)
    assert min(second - first, third - second) > 3


SERIAL = Request(1, 3, 79, 2)
PROFILE = """
title = "Transmitter whose number and value are answered alike"
source = "made for this test"
publish = ["pressure"]
[[field]]
name = "pressure"
register = 0
function = 3
type = "uint32"
quantity = "pressure"
unit = "Pa"
[serial]
register = 79
function = 3
type = "uint32"
"""
NUMBER, PASCAL = 123456, 2000


class Slow:
    """A transmitter that answers its first question late."""

    def __init__(self, cable: PtyPair, late_s: float) -> None:
        self._cable = cable
        self._late_s: float | None = late_s
        self._timers: list[threading.Timer] = []

    def __call__(self, heard: bytes) -> list[bytes]:
        number = NUMBER if heard == SERIAL.frame else PASCAL
        body = bytes((1, 3, 4)) + number.to_bytes(4)
        answer = body + crc16_modbus(body)
        late_s, self._late_s = self._late_s, None
        if late_s is None:
            return [answer]
        self._timers.append(threading.Timer(late_s, self._cable.send, [answer]))
        self._timers[0].start()
        return []

    def end(self) -> None:
        for timer in self._timers:
            timer.join()


@pytest.fixture
def transmitter(tmp_path: Path) -> ModbusInstrument:
    profile = tmp_path / "alike.toml"
    profile.write_text(PROFILE, encoding="utf-8")
    settings = ModbusSettings(
        address=1, profile=str(profile), poll_every_s=0.2, answer_within_s=0.1
    )
    return build("pm-1", settings, site())


def test_a_late_serial_number_is_never_the_pressure(
    cable: PtyPair, transmitter: ModbusInstrument
) -> None:
    """Asked again, the late one would count as the second's, and the second's as the value."""
    slow = Slow(cable, late_s=0.3)
    with cable.answering(slow), Port(cable.settings()) as port:
        with pytest.raises(InstrumentSilent):
            transmitter.read(port)
        (intake,) = transmitter.read(port)
        slow.end()
    (reading,) = intake.readings
    assert (reading.serial, reading.value) == (str(NUMBER), str(PASCAL))


def test_what_came_late_is_a_drop_with_its_bytes(
    cable: PtyPair, transmitter: ModbusInstrument
) -> None:
    """On a running line; the reading that follows is the true one."""
    slow = Slow(cable, late_s=0.3)
    items: list[Item] = []
    stop = threading.Event()
    line = Line(
        "riser",
        cable.settings(),
        {"pm-1": transmitter},
        lambda new, _: items.extend(new),
        HubClock(),
    )
    thread = threading.Thread(target=line.run, args=(stop,), name="line:riser")
    with cable.answering(slow):
        thread.start()
        try:
            wait_until(lambda: line.status()["pm-1"].readings > 0, "a reading")
        finally:
            stop.set()
            thread.join()
            slow.end()
    intakes = [item for item in items if isinstance(item, Intake)]
    late = next(intake for intake in intakes if intake.dropped == "late")
    assert late.frame[3:7] == NUMBER.to_bytes(4)
    assert line.status()["pm-1"].drops == {"silent": 1, "late": 1}
    said = {(r.serial, r.value) for intake in intakes for r in intake.readings}
    assert said == {(str(NUMBER), str(PASCAL))}
