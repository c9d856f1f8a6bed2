"""Delta OHM HD402ST pressure transmitters on one RS-485 line: Modbus RTU slaves on a pty.

Wire (HD402 manual V1.1, Tab 6.1, and the Modbus serial-line specification): function 04 reads
input registers by zero-based address, signed 16-bit; 3 = 0.1 Pa, 4 = Pa, 5 = daPa, 6 = hPa,
7 = kPa, 26 = error bits (bit 0: measurement error). A register the model lacks reads 0x8000;
past the last one the answer is exception 2. CRC-16, low byte first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from fastcrc import crc16

from hub.simulate.noise import draw
from hub.simulate.pipe import Pipe, PipeFacts
from hub.simulate.script import Action, Faults
from hub.simulate.stand import Stand
from hub.simulate.wire import Cable

_LACKS = 0x8000
_ERROR_BITS = 26
_STEPS_PA = {3: Decimal("0.1"), 4: Decimal(1), 5: Decimal(10), 6: Decimal(100), 7: Decimal(1000)}
_MODELS = {1: (3, 4), 2: (4, 5), 3: (4, 5, 6), 4: (5, 6, 7), 5: (6, 7)}
_READ_INPUT = 4
_REQUEST_BYTES = 8
_MOST_REGISTERS = 125
_SILENCE_S = 0.02
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE = 1, 2, 3


@dataclass(frozen=True, slots=True)
class SlaveFacts:
    """A transmitter: its address, which registers its model has, and its range."""

    unit: int = 1
    model: int = 3
    range_pa: int = 10_000


class Slave:
    """One transmitter on one pipe."""

    def __init__(self, facts: SlaveFacts, pipe: Pipe) -> None:
        if facts.model not in _MODELS:
            raise ValueError(f"model {facts.model}: the HD402ST has models 1 to 5")
        self.facts = facts
        self.pipe = pipe
        self.faults = Faults()
        self._frozen_pa = Decimal(0)

    def perform(self, action: Action) -> None:
        """Raises ValueError for an action that a pipe and its transmitter do not know."""
        if self.faults.take(action):
            if action.verb == "frozen":
                self._frozen_pa = self.pipe.shown_pa()
        elif action.verb in ("pump", "leak"):
            if action.number is None:
                raise ValueError(f"{action.verb} needs a number: pump PASCAL, leak LITRE_PER_HOUR")
            move = self.pipe.pump if action.verb == "pump" else self.pipe.leak
            move(action.number)
        elif action.verb == "pump_off":
            self.pipe.pump_off()
        elif action.verb == "vent":
            self.pipe.vent()
        else:
            raise ValueError("known here: pump, pump_off, vent, leak, the faults, unplug, plug")

    def answer(self, request: bytes, now_us: int) -> bytes:
        """The frame for *request*, whose address and CRC are right already; empty: silence."""
        if self.faults.silence:
            return b""
        self.pipe.advance(now_us)
        function = request[1]
        first, count = (int.from_bytes(request[at : at + 2]) for at in (2, 4))
        if function != _READ_INPUT:
            answer = self._exception(function, _ILLEGAL_FUNCTION)
        elif not 1 <= count <= _MOST_REGISTERS:
            answer = self._exception(function, _ILLEGAL_VALUE)
        elif first + count - 1 > _ERROR_BITS:
            answer = self._exception(function, _ILLEGAL_ADDRESS)
        else:
            words = [self._register(first + at) for at in range(count)]
            body = b"".join(word.to_bytes(2) for word in words)
            answer = _sealed(bytes([self.facts.unit, function, len(body)]) + body)
        if self.faults.garbage:
            return draw(self.facts.unit, now_us, 1).randbytes(len(answer))
        return answer

    def _exception(self, function: int, code: int) -> bytes:
        return _sealed(bytes([self.facts.unit, function | 0x80, code]))

    def _register(self, address: int) -> int:
        shown_pa = self._frozen_pa if self.faults.frozen else self.pipe.shown_pa()
        over = self.faults.over_range or shown_pa > self.facts.range_pa
        if address == _ERROR_BITS:
            return int(over)
        if address not in _MODELS[self.facts.model]:
            return _LACKS
        if over:
            shown_pa = Decimal(self.facts.range_pa)
        steps = round(shown_pa / _STEPS_PA[address])
        return max(-0x7FFF, min(0x7FFF, steps)) & 0xFFFF


class Line:
    """Several slaves on one cable: finds requests in the bytes, answers for who is addressed."""

    def __init__(self, slaves: Sequence[Slave]) -> None:
        self._slaves: Mapping[int, Slave] = {slave.facts.unit: slave for slave in slaves}
        self._heard = b""

    def silence(self) -> None:
        """The line fell silent: what was heard so far is no request."""
        self._heard = b""

    def hear(self, received: bytes, now_us: int) -> bytes:
        """Take bytes from the master; returns what the addressed slaves answer."""
        self._heard += received
        answers = b""
        while len(self._heard) >= _REQUEST_BYTES:
            request = self._heard[:_REQUEST_BYTES]
            if _sealed(request[:-2]) != request:
                self._heard = self._heard[1:]
                continue
            self._heard = self._heard[_REQUEST_BYTES:]
            slave = self._slaves.get(request[0])
            if slave is not None:
                answers += slave.answer(request, now_us)
        return answers

    def perform(self, action: Action, at_us: int) -> None:
        """Do *action* to the slave whose address is its target, or to all of them."""
        meant = [s for s in self._slaves.values() if action.target in ("", str(s.facts.unit))]
        if not meant:
            units = ", ".join(f"@{unit}" for unit in self._slaves)
            raise ValueError(f"no slave @{action.target} on this line; there are {units}")
        for slave in meant:
            slave.pipe.advance(at_us)
            slave.perform(action)


def run(link: Path, slaves: Sequence[tuple[SlaveFacts, PipeFacts]], stand: Stand) -> None:
    """Serve the line until the stand is stopped. Polled, so the master's clock paces it."""
    clock = stand.clock
    line = Line([Slave(facts, Pipe(pipe, clock.now_us())) for facts, pipe in slaves])
    cable = Cable(link)

    def perform(action: Action, at_us: int) -> None:
        if action.verb == "unplug":
            cable.unplug()
        elif action.verb == "plug":
            cable.plug()
        else:
            line.perform(action, at_us)

    cable.plug()
    stand.ready(link=str(link))
    try:
        while not stand.stop.is_set():
            stand.turn(perform)
            if not cable.plugged:
                stand.pause(_SILENCE_S)
                continue
            received = cable.read(_SILENCE_S)
            if not received:
                line.silence()
                continue
            answers = line.hear(received, clock.now_us())
            if answers:
                cable.write(answers)
    finally:
        cable.unplug()


def _sealed(body: bytes) -> bytes:
    return body + crc16.modbus(body).to_bytes(2, "little")
