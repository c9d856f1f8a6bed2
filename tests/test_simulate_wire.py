"""The serial simulators speak real frames on a real pty, to a stranger's client."""

import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import pytest
import serial
from pymodbus.client import ModbusSerialClient

from hub.simulate.shared_clock import Pacer, SharedClock

START_US = 1_790_000_000_000_000
LONG_S = 20.0


class Simulator:
    """A simulator process and the pipe to it."""

    def __init__(self, *argv: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub.simulate", *argv, "--attended"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def says(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], LONG_S)[0], "the simulator is silent"
        answer = json.loads(self.process.stdout.readline())
        assert isinstance(answer, dict)
        return answer

    def told(self, command: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.says()

    def ended(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(LONG_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


Start = Callable[..., Simulator]


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[SharedClock]:
    """A hundred times as fast as real time, and running."""
    made = SharedClock.create(tmp_path / "clock", START_US, factor=100)
    pacer = Pacer(made)
    pacer.start()
    yield made
    pacer.stop()
    made.close()


@pytest.fixture
def start(clock: SharedClock) -> Iterator[Start]:
    """Start a simulator and wait until it can be used; it is ended after the test."""
    started: list[Simulator] = []

    def begin(*argv: str) -> Simulator:
        simulator = Simulator(*argv, "--clock", str(clock.path))
        started.append(simulator)
        assert "ready" in simulator.says()
        return simulator

    yield begin
    for simulator in started:
        if simulator.process.poll() is None:
            assert simulator.ended() == 0


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "usb-adapter-0"


def master(link: Path) -> ModbusSerialClient:
    # The transmitter's own setting is 8E1, but a pty has no parity and pymodbus insists on it.
    client = ModbusSerialClient(str(link), baudrate=19200, timeout=LONG_S, retries=0)
    assert client.connect()
    return client


def signed(register: int) -> int:
    return register - 0x10000 if register >= 0x8000 else register


def pascal(client: ModbusSerialClient, unit: int = 1) -> int:
    answer = client.read_input_registers(4, count=1, device_id=unit)
    assert not answer.isError(), answer
    return signed(answer.registers[0])


def test_two_slaves_on_one_line_show_their_own_pipes(
    start: Start, link: Path, clock: SharedClock
) -> None:
    """Pumping one pipe leaves the other at zero; a third address is silent."""
    simulator = start(
        "modbus", "--port-link", str(link), "--instrument", "address=1", "--instrument", "address=2"
    )
    assert simulator.told("pump 5200 @1")["done"] == "pump 5200 @1"
    with master(link) as client:
        clock.wait(threading.Event(), 60)
        assert pascal(client, 1) == pytest.approx(5200, abs=10)
        assert pascal(client, 2) == pytest.approx(0, abs=5)


def test_registers_are_those_of_the_manual(start: Start, link: Path, clock: SharedClock) -> None:
    """Model 3 has Pa, daPa and hPa; what it lacks reads 0x8000; past the map is exception 2."""
    has = "has=pressure_pa,pressure_dapa,pressure_hpa"
    simulator = start(
        "modbus", "--port-link", str(link), "--instrument", f"address=1 noise_pa=0 {has}"
    )
    simulator.told("pump 5230")
    clock.wait(threading.Event(), 60)
    with master(link) as client:
        registers = client.read_input_registers(3, count=5, device_id=1).registers
        assert registers[0] == 0x8000
        assert registers[1] == pytest.approx(5230, abs=2)
        assert registers[2] == pytest.approx(523, abs=1)
        assert registers[3] == pytest.approx(52, abs=1)
        assert registers[4] == 0x8000
        assert client.read_input_registers(26, count=1, device_id=1).registers == [0]
        assert client.read_input_registers(27, count=1, device_id=1).exception_code == 2
        assert client.read_input_registers(20, count=10, device_id=1).exception_code == 2
        assert client.read_holding_registers(4, count=1, device_id=1).exception_code == 1


def test_a_gauge_below_zero_is_sent_as_twos_complement(start: Start, link: Path) -> None:
    """-50 Pa is 0xFFCE on the wire (vector hd402-neg)."""
    start("modbus", "--port-link", str(link), "--instrument", "address=1 zero_pa=-50 noise_pa=0")
    with serial.Serial(str(link), 19200, timeout=LONG_S) as port:
        port.write(bytes.fromhex("010400040001700B"))
        assert port.read(7) == bytes.fromhex("010402FFCE7954")


def test_noise_before_a_request_does_not_hide_it(start: Start, link: Path) -> None:
    """A slave finds the frame in the bytes, as a UART full of line noise needs."""
    start("modbus", "--port-link", str(link), "--instrument", "address=1 noise_pa=0")
    with serial.Serial(str(link), 19200, timeout=LONG_S) as port:
        port.write(random.Random(5).randbytes(11) + bytes.fromhex("010400040001700B"))
        assert port.read(7)[:3] == bytes.fromhex("010402")


def test_a_pulled_cable_hangs_up_and_comes_back_under_its_name(start: Start, link: Path) -> None:
    """Unplug: the open port breaks and the name is gone. Plug: a new line, the same name."""
    simulator = start("modbus", "--port-link", str(link), "--instrument", "address=1")
    with serial.Serial(str(link), 19200, timeout=LONG_S) as port:
        simulator.told("unplug")
        assert not link.exists()
        with pytest.raises(serial.SerialException):
            port.read(1)
    simulator.told("plug")
    with master(link) as client:
        assert pascal(client) == pytest.approx(0, abs=5)


def test_a_silent_slave_answers_nothing_until_mended(start: Start, link: Path) -> None:
    """No byte at all, then everything again."""
    simulator = start("modbus", "--port-link", str(link), "--instrument", "address=1")
    simulator.told("silence")
    with serial.Serial(str(link), 19200, timeout=0.2) as port:
        port.write(bytes.fromhex("010400040001700B"))
        assert port.read(7) == b""
        simulator.told("clear")
        port.write(bytes.fromhex("010400040001700B"))
        assert len(port.read(7)) == 7


def test_garbage_is_no_frame(start: Start, link: Path) -> None:
    """Bytes come, and their checksum is wrong."""
    simulator = start("modbus", "--port-link", str(link), "--instrument", "address=1")
    simulator.told("garbage")
    with serial.Serial(str(link), 19200, timeout=LONG_S) as port:
        port.write(bytes.fromhex("010400040001700B"))
        assert port.read(7)[:3] != bytes.fromhex("010402")


def test_a_frozen_gauge_repeats_itself(start: Start, link: Path, clock: SharedClock) -> None:
    """Whatever the pipe does, the number stays, noise and all."""
    simulator = start("modbus", "--port-link", str(link), "--instrument", "address=1")
    simulator.told("frozen")
    simulator.told("pump 5200")
    with master(link) as client:
        shown = set()
        for _ in range(10):
            clock.wait(threading.Event(), 3)
            shown.add(pascal(client))
    assert len(shown) == 1


def test_a_fault_of_its_own_is_in_its_own_words(start: Start, link: Path) -> None:
    """Beyond its range bit 0 of register 26 says not to believe the pressure; so does the fault."""
    simulator = start(
        "modbus", "--port-link", str(link), "--instrument", "address=1 range_most=8000"
    )
    with master(link) as client:
        for command, pa, errors in (("set 9000", 8000, 1), ("set 2000", 2000, 0)):
            simulator.told(command)
            assert pascal(client) == pa
            assert client.read_input_registers(26, count=1, device_id=1).registers == [errors]
        simulator.told("over-range")
        assert client.read_input_registers(26, count=1, device_id=1).registers == [1]


def test_a_script_is_played_by_hub_time(start: Start, link: Path, clock: SharedClock) -> None:
    """Cues come at their instants of the faster clock, each said on stdout."""
    simulator = start("modbus", "--port-link", str(link), "--instrument", "address=1",
                      "--at", "5:pump 5200", "--at", "60:unplug")  # fmt: skip
    first, second = simulator.says(), simulator.says()
    assert (first["done"], second["done"]) == ("pump 5200", "unplug")
    assert second["at_us"] - first["at_us"] == 55_000_000
    assert clock.now_us() >= second["at_us"]


def test_an_unknown_command_is_refused_and_the_rest_goes_on(start: Start, link: Path) -> None:
    """The answer says what there is; the instrument works on."""
    simulator = start("modbus", "--port-link", str(link), "--instrument", "address=1")
    assert "known here" in simulator.told("explode")["why"]
    assert "there are @1" in simulator.told("vent @7")["why"]
    with master(link) as client:
        assert pascal(client) == pytest.approx(0, abs=5)


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(start: Start, link: Path, which: signal.Signals) -> None:
    """Exit 0, and the name of the port is gone."""
    simulator = start("modbus", "--port-link", str(link), "--instrument", "address=1")
    os.kill(simulator.process.pid, which)
    assert simulator.process.wait(LONG_S) == 0
    assert not link.is_symlink()
    simulator.ended()


def lines(port: serial.Serial, count: int, clock: SharedClock | None = None) -> list[bytes]:
    """The next lines; with a clock, time waits for each of them to be read."""
    heard = []
    for _ in range(count):
        if clock is not None:
            clock.beat("reader")
        heard.append(port.read_until(b"\r\n"))
    return heard


def decoded(line: bytes) -> tuple[float, int]:
    """ppm·m and returned light of a line whose checksum is right."""
    body, _, check = line.strip()[1:].partition(b"*")
    assert f"{reduce(xor, body):02X}".encode() == check
    fields = body.split(b",")
    assert fields[0] == b"GFDTA"
    assert len(fields) == 8
    return float(fields[1]), int(fields[4])


def test_the_laser_streams_one_line_a_hub_second(
    start: Start, link: Path, clock: SharedClock
) -> None:
    """Twelve lines span eleven seconds by the device's own clock, and about that by the hub's.

    Sender and reader may each be late by the clock's lead of 2 s, and no more.
    """
    start("boreal", "--port-link", str(link), "--instrument", "distance_m=30")
    with serial.Serial(str(link), 9600, timeout=LONG_S) as port:
        lines(port, 1, clock)
        before_us = clock.now_us()
        heard = lines(port, 12, clock)
        taken_s = (clock.now_us() - before_us) / 1e6
    assert all(decoded(line)[0] == pytest.approx(58.5, abs=12) for line in heard)
    assert 8.9 <= taken_s <= 15
    seconds = [int(line.split(b",")[5][-2:]) for line in heard]
    assert (seconds[-1] - seconds[0]) % 60 == 11


def test_the_laser_sees_the_plume_it_is_aimed_at(start: Start, link: Path) -> None:
    """Over one sweep the greatest reading is background and plume.

    Half a second beside its middle, at worst, which a slow sweep does not notice.
    """
    facts = "distance_m=30 noise_ppm_m=1 sweep_s=30"
    simulator = start("boreal", "--port-link", str(link), "--instrument", facts)
    simulator.told("aim 180")
    with serial.Serial(str(link), 9600, timeout=LONG_S) as port:
        lines(port, 2)
        shown = [decoded(line)[0] for line in lines(port, 32)]
    assert max(shown) == pytest.approx(238, abs=12)


def test_a_spoilt_line_fails_its_checksum(start: Start, link: Path) -> None:
    """One digit is changed on the way; the frame must not be believed."""
    simulator = start("boreal", "--port-link", str(link))
    simulator.told("garbage")
    with serial.Serial(str(link), 9600, timeout=LONG_S) as port:
        spoilt = lines(port, 3)[-1]
    body, _, check = spoilt.strip()[1:].partition(b"*")
    assert f"{reduce(xor, body):02X}".encode() != check


def test_a_saturated_laser_says_so_by_its_light(start: Start, link: Path) -> None:
    """Light at 16300 or over: the reading is not to be believed."""
    simulator = start("boreal", "--port-link", str(link))
    simulator.told("over_range")
    with serial.Serial(str(link), 9600, timeout=LONG_S) as port:
        assert decoded(lines(port, 3)[-1])[1] >= 16300


def test_nobody_listening_loses_old_lines_and_keeps_running(
    start: Start, link: Path, clock: SharedClock
) -> None:
    """An open port hears the present, not what was streamed into the void before."""
    start("boreal", "--port-link", str(link))
    clock.wait(threading.Event(), 120)
    with serial.Serial(str(link), 9600, timeout=LONG_S) as port:
        last = lines(port, 2, clock)[-1]
        now_s = clock.now_us() // 1_000_000
    shown_s = int(last.split(b",")[5][-2:])
    assert (now_s - shown_s) % 60 <= 8
