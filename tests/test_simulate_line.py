"""Any device on a pty: its faults of the wire, its pace, its help."""

import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest

from hub.clock import HandClock, HubClock
from hub.errors import PortGone
from hub.port import Port
from hub.simulate import OWN_FAULTS, Device, Sense
from hub.simulate.commands import main
from hub.simulate.faults import WIRE_FAULTS, spoilt
from hub.simulate.finding import simulators
from hub.simulate.instrument import instrument_from
from hub.simulate.line import Line
from hub.simulate.script import Action
from hub.simulate.sensing import SURROUNDINGS
from hub.simulate.wire import Cable
from hub.testing import on_the_wire

ASK = b"?\n"
FLIPS = 200


@dataclass(frozen=True)
class MeterFacts:
    address: int = 1


class Meter(Device):
    """Answers `?` with what it senses, in Pa."""

    sense: ClassVar[Sense] = "pressure"
    own_faults: ClassVar[tuple[str, ...]] = ("over_range", "restart")
    Facts = MeterFacts

    def __init__(self, facts: MeterFacts) -> None:
        super().__init__(facts)
        self._heard = b""
        self.restarts = 0

    def hear(self, received: bytes, sensed: Decimal) -> bytes:
        self._heard += received
        if ASK not in self._heard:
            return b""
        self._heard = b""
        if "restart" in self.faults:
            self.faults.discard("restart")
            self.restarts += 1
        shown = "OL" if "over_range" in self.faults else str(sensed)
        return f"{self.facts.address}={shown}\n".encode()

    def silence(self) -> None:
        self._heard = b""


class Talker(Device):
    """Says what it senses, twenty times a second."""

    sense: ClassVar[Sense] = "gas_path"
    every_s = 0.05
    Facts = MeterFacts

    def speak(self, sensed: Decimal, at_us: int) -> bytes:
        return f"{sensed}\n".encode()

    def silence(self) -> None:
        """It never listens."""


# ---------------------------------------------------------------------- what is done to bytes

MESSAGE = b"$LASER,7.2,10470001,00*4D\r\n"


def differing_bits(one: bytes, other: bytes) -> int:
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))


def test_garbage_flips_one_bit_of_every_message_and_not_always_the_same() -> None:
    bent = [spoilt(MESSAGE, {"garbage"}, number) for number in range(FLIPS)]
    assert {differing_bits(MESSAGE, each) for each in bent} == {1}
    assert len(set(bent)) > FLIPS / 2


def test_a_cut_message_is_never_whole_and_never_empty() -> None:
    cut = [spoilt(MESSAGE, {"truncate"}, number) for number in range(FLIPS)]
    assert all(MESSAGE.startswith(each) and 0 < len(each) < len(MESSAGE) for each in cut)
    assert len({len(each) for each in cut}) == len(MESSAGE) - 1


def test_noise_comes_before_the_message_and_leaves_it_whole() -> None:
    noisy = [spoilt(MESSAGE, {"noise"}, number) for number in range(FLIPS)]
    assert all(each.endswith(MESSAGE) and len(each) > len(MESSAGE) for each in noisy)


def test_a_run_can_be_repeated() -> None:
    """What is done to a message depends on its number alone."""
    faults = {"garbage", "noise", "truncate"}
    assert spoilt(MESSAGE, faults, 7) == spoilt(MESSAGE, faults, 7) != spoilt(MESSAGE, faults, 8)


def test_double_silence_and_nothing_at_all() -> None:
    assert spoilt(MESSAGE, {"double"}, 1) == MESSAGE * 2
    assert spoilt(MESSAGE, {"silence", "noise"}, 1) == b""
    assert spoilt(b"", {"noise"}, 1) == b""
    assert spoilt(b"x", {"truncate"}, 1) == b""


# ---------------------------------------------------------------------- what it senses


@pytest.mark.parametrize("sense", SURROUNDINGS)
def test_what_is_set_is_held_exactly_until_something_moves_it(sense: Sense) -> None:
    around = SURROUNDINGS[sense]
    place = around(around.Facts(), 0)
    assert place.perform(Action("set", 0.1), 0)
    assert place.sensed(10**9) == Decimal("0.1")
    verb = next(iter(around.actions))
    assert place.perform(Action(verb, 5.0), 10**9)
    assert place.sensed(10**9) != Decimal("0.1")
    assert not place.perform(Action("dance"), 0)
    with pytest.raises(ValueError, match="set VALUE"):
        place.perform(Action("set"), 0)


def test_a_frozen_instrument_goes_on_with_what_it_measured_last() -> None:
    meter = instrument_from(Meter, "noise_pa=0", 0)
    meter.perform(Action("set", 5.0), 0)
    meter.perform(Action("frozen"), 0)
    meter.perform(Action("set", 9.0), 0)
    meter.perform(Action("frozen"), 0)
    assert meter.hear(ASK, 0) == b"1=5.0\n"
    meter.perform(Action("frozen", 0), 0)
    assert meter.hear(ASK, 0) == b"1=9.0\n"


def test_a_device_may_mend_a_fault_that_is_over_by_itself() -> None:
    meter = instrument_from(Meter, "", 0)
    meter.perform(Action("restart"), 0)
    for _ in range(3):
        meter.hear(ASK, 0)
    assert isinstance(meter.device, Meter)
    assert meter.device.restarts == 1


def test_an_unknown_action_says_everything_that_is_known_here() -> None:
    with pytest.raises(ValueError, match=r"set, pump, .*silence, .*over_range, restart, clear"):
        instrument_from(Meter, "", 0).perform(Action("explode"), 0)


def test_a_device_with_a_fault_nobody_knows_is_refused() -> None:
    """With the simulator's class, all words, and the one that was meant."""

    class Odd(Meter):
        own_faults: ClassVar[tuple[str, ...]] = ("over_range", "low_batery")

    with pytest.raises(ValueError, match="Odd: own fault") as refused:
        instrument_from(Odd, "", 0)
    said = str(refused.value)
    assert said.startswith(f"{Odd.__module__}.{Odd.__qualname__}: own fault 'low_batery' is none")
    assert f" {', '.join(OWN_FAULTS)}; " in said
    assert said.endswith('did you mean "low_battery"?')


# ---------------------------------------------------------------------- on a real terminal


def heard(port_reads: list[bytes]) -> bytes:
    return b"".join(port_reads)


def read_on(port: Port) -> None:
    while True:
        port.read(5)


def test_echo_brings_back_what_was_sent_before_the_answer() -> None:
    with on_the_wire(Meter) as wire, wire.port() as port:
        wire.do("set 5", "echo")
        port.write(ASK)
        got = b""
        while b"1=" not in got or not got.endswith(b"\n"):
            got += port.read(5)
        assert got == ASK + b"1=5.0\n"


def test_split_messages_come_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen where they are put on the line: who reads late finds several bytes at once."""
    put: list[bytes] = []
    write = Cable.write

    def noted(cable: Cable, sent: bytes) -> None:
        put.append(sent)
        write(cable, sent)

    monkeypatch.setattr(Cable, "write", noted)
    with on_the_wire(Meter) as wire, wire.port() as port:
        for action, pieces in (
            ("set 5", [b"1=5.0\n"]),
            ("split", [b"1", b"=", b"5", b".", b"0", b"\n"]),
        ):
            put.clear()
            wire.do(action)
            port.write(ASK)
            parts: list[bytes] = []
            while not heard(parts).endswith(b"\n"):
                parts.append(port.read(5))
            assert heard(parts) == b"1=5.0\n"
            assert put == pieces


def test_one_of_two_on_a_line_is_meant_by_its_number() -> None:
    with on_the_wire(Meter, "address=1", "address=2") as wire, wire.port() as port:
        wire.do("set 5", "set 7 @2", "silence @1")
        port.write(ASK)
        assert port.read(5) == b"2=7.0\n"
        assert (wire.sensed(1), wire.sensed(2)) == (5, 7)
        with pytest.raises(ValueError, match="no instrument @3 on this line; there are @1, @2"):
            wire.do("silence @3")


def test_a_pulled_cable_breaks_the_port_and_another_one_takes_its_name() -> None:
    with on_the_wire(Talker) as wire:
        with wire.port() as port:
            assert port.read(5)
            wire.do("unplug")
            with pytest.raises(PortGone):
                read_on(port)
        assert not Path(wire.path).exists()
        wire.do("plug")
        with wire.port() as port:
            assert port.read(5)


@pytest.mark.parametrize("baud", [300, 1200])
def test_bytes_take_as_long_as_on_a_line_of_that_speed(baud: int) -> None:
    """Request and answer, ten bits a character."""
    with on_the_wire(Meter, baud=baud) as wire, wire.port() as port:
        wire.do("set 5")
        began_s = time.monotonic()
        port.write(ASK)
        got = b""
        while not got.endswith(b"\n"):
            got += port.read(5)
        taken_s = time.monotonic() - began_s
    assert taken_s >= (len(ASK) + len(got)) * 10 / baud


def test_a_hurried_stream_comes_so_much_faster() -> None:
    """At fifty times its pace a hundred messages of 0.05 s take a tenth of a second, not five."""
    with on_the_wire(Talker, hurry=50) as wire, wire.port() as port:
        began_s = time.monotonic()
        count = 0
        while count < 100:
            count += port.read(5).count(b"\n")
        assert time.monotonic() - began_s < 2.5


@pytest.mark.parametrize(
    ("devices", "says"),
    [
        ([(Meter, ""), (Meter, "")], "addresses .1, 1. are not all different"),
        ([(Talker, ""), (Meter, "")], "sends unasked"),
    ],
)
def test_instruments_that_would_talk_at_once_share_no_line(
    devices: list[tuple[type[Device], str]], says: str, tmp_path: Path
) -> None:
    made = [instrument_from(kind, text, 0) for kind, text in devices]
    with pytest.raises(ValueError, match=says):
        Line(tmp_path / "port", made, HubClock())


def test_what_came_due_while_it_was_away_is_sent_with_its_own_time() -> None:
    """No message of a stream is left out, however late the simulator comes to it."""
    clock = HandClock(0)
    talker = instrument_from(Talker, "", clock.now_us())
    clock.move(0.21)
    said = []
    while message := talker.speak(clock.now_us()):
        said.append(message)
    assert len(said) == 5
    assert talker.next_us == 250_000


# ---------------------------------------------------------------------- help


def test_help_says_what_each_plugin_senses_and_can_suffer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    found = simulators()
    assert {"modbus", "boreal"} <= set(found)
    for name, simulator in found.items():
        assert not isinstance(simulator, str), simulator
        own = ", ".join(simulator.own_faults) or "none"
        assert f"{name} {simulator.sense}; {own}" in said
    assert all(f"{fault} {what}" in said for fault, what in WIRE_FAULTS.items())


def test_help_of_one_plugin_shows_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["boreal", "--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert "serial=CH4AB-1047" in said
    assert "sweep_s=6.0" in said
    assert "aim [PPM_M], set VALUE" in said
