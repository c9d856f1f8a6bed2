"""The Modbus driver: answers to our own request become numbers, nothing else does."""

import os
import random
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, InstrumentSilent, Intake, Port, Reading, crc16_modbus
from hub.testing import (
    HandClock,
    PtyPair,
    ScriptedPort,
    golden_cases,
    misread,
    replay_golden,
    site,
)
from plugins.modbus import register_drivers
from plugins.modbus.driver import ModbusInstrument, build
from plugins.modbus.loading import SHIPPED, load
from plugins.modbus.settings import ModbusSettings
from plugins.modbus.values import Decoder
from plugins.modbus.wire import EXCEPTIONS, Refused, Request, decode, find

FOLDER = Path(__file__).parent
FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
HD402 = Request(1, 4, 4, 23)
XNX = Request(1, 3, 0, 11)


def checked(body: bytes) -> bytes:
    return body + crc16_modbus(body)


def answer(asked: Request, words: Sequence[int]) -> bytes:
    data = b"".join((word & 0xFFFF).to_bytes(2) for word in words)
    return checked(bytes((asked.address, asked.function, len(data))) + data)


def block(value: int = 2000, errors: int = 0) -> bytes:
    """The answer of a HD402ST to a read of its registers 4 to 26."""
    return answer(HD402, [value, *[0x8000] * 21, errors])


def xnx_words(value: float, state: int = 1, beat: int = 1, unit: int = 5) -> list[int]:
    raw = struct.pack(">f", value)
    high, low = int.from_bytes(raw[:2]), int.from_bytes(raw[2:])
    return [0x2401, 0x2401, high, low, 0, 0, state, beat, 0, 0, unit]


def gauge(clock: HandClock | None = None, **settings: Any) -> ModbusInstrument:
    given = {"address": 1, "profile": "delta_ohm_hd402st", **settings}
    if given["profile"] == "delta_ohm_hd402st":
        given = {"serial": "D1", **given}
    return build("riser-3", ModbusSettings(**given), site(clock or HandClock(now_us=7)))


def poll(*answer: bytes, instrument: ModbusInstrument | None = None) -> Sequence[Intake]:
    return (instrument or gauge()).read(ScriptedPort([(HD402.frame, answer)]))


def reading(intakes: Sequence[Intake]) -> Reading:
    ((single,),) = (intake.readings for intake in intakes)
    return single


# ---------------------------------------------------------------------- golden frames


@pytest.mark.parametrize("case", golden_cases(FOLDER), ids=lambda case: case["id"])
def test_golden_cases(case: dict[str, Any]) -> None:
    """Requests go out as documented; answers become what the document says, or are refused."""
    (kind,) = register_drivers()
    replay_golden(kind, case)


# ---------------------------------------------------------------------- the HD402ST


def test_one_poll_is_one_request_and_one_reading() -> None:
    """Pressure and error bits come in one block; hub time, and the serial of the settings."""
    (intake,) = poll(block(2000))
    assert intake == Intake(
        "riser-3",
        block(2000),
        7,
        (
            Reading(
                instrument="riser-3",
                serial="D1",
                quantity="pressure",
                value="2000",
                unit="Pa",
                canonical=Decimal(2000),
                canonical_unit="Pa",
                at_us=7,
            ),
        ),
    )


def test_negative_pressure_is_signed() -> None:
    assert reading(poll(block(-50))).canonical == Decimal(-50)


def test_zero_is_a_number_like_any_other() -> None:
    assert reading(poll(block(0))).canonical == Decimal(0)


def test_tenths_are_exact_decimals() -> None:
    instrument = gauge(publish=["pressure_tenth_pa"])
    asked = Request(1, 4, 3, 24)
    frame = answer(asked, [20001, *[0] * 23])
    said = reading(instrument.read(ScriptedPort([(asked.frame, (frame,))])))
    assert (said.value, said.canonical) == ("2000.1", Decimal("2000.1"))


@pytest.mark.parametrize(
    ("value", "errors"),
    [
        pytest.param(0x8000, 0, id="the register this model lacks"),
        pytest.param(2000, 1, id="measurement error"),
        pytest.param(2000, 0x4000, id="an error bit the manual page does not explain"),
        pytest.param(0x8000, 1, id="both"),
    ],
)
def test_a_sentinel_or_an_error_bit_is_a_fault_and_no_number(value: int, errors: int) -> None:
    said = reading(poll(block(value, errors)))
    assert (said.quality, said.canonical, said.value) == ("fault", None, "")


def test_a_device_without_the_registers_in_between_is_asked_in_pieces() -> None:
    """Refused once as one block, then two requests, value before status, for good."""
    instrument = gauge()
    refusal = checked(bytes((1, 0x84, 2)))
    (refused,) = poll(refusal, instrument=instrument)
    assert (refused.dropped, refused.readings) == ("modbus_illegal_data_address", ())
    value, status = Request(1, 4, 4, 1), Request(1, 4, 26, 1)
    for errors, word in ((0, "good"), (1, "fault")):
        port = ScriptedPort(
            [
                (value.frame, (answer(value, [1500]),)),
                (status.frame, (answer(status, [errors]),)),
            ]
        )
        assert reading(instrument.read(port)).quality == word


def test_after_a_replug_it_is_asked_as_one_block_again() -> None:
    """Another specimen may answer, and then value and status should be of one moment."""
    instrument = gauge()
    poll(checked(bytes((1, 0x84, 2))), instrument=instrument)
    instrument.reset()
    instrument.reset()
    assert reading(poll(block(), instrument=instrument)).value == "2000"


def test_a_busy_device_is_asked_the_same_again() -> None:
    instrument = gauge()
    assert (
        poll(checked(bytes((1, 0x84, 6))), instrument=instrument)[0].dropped == "modbus_device_busy"
    )
    assert reading(poll(block(), instrument=instrument)).value == "2000"


def test_half_a_poll_is_no_reading() -> None:
    """The value came, its status did not: no number goes out without its status."""
    instrument = gauge()
    poll(checked(bytes((1, 0x84, 2))), instrument=instrument)
    value, status = Request(1, 4, 4, 1), Request(1, 4, 26, 1)
    script = [(value.frame, (answer(value, [1500]),)), (status.frame, ())]
    with pytest.raises(InstrumentSilent):
        instrument.read(ScriptedPort(script))


# ---------------------------------------------------------------------- a gas transmitter


def xnx(clock: HandClock | None = None, **settings: Any) -> ModbusInstrument:
    return gauge(clock, profile="honeywell_xnx", unit="%LEL", **settings)


def xnx_port(*polls: Sequence[int] | None, serial: int | None = 123456) -> ScriptedPort:
    """Its serial first, where it is to be asked, then *polls*; None is silence."""
    script: list[tuple[bytes, Sequence[bytes]]] = []
    if serial is not None:
        asked = Request(1, 3, 79, 2)
        script.append((asked.frame, (answer(asked, [serial >> 16, serial & 0xFFFF]),)))
    script += [(XNX.frame, () if words is None else (answer(XNX, words),)) for words in polls]
    return ScriptedPort(script)


def test_state_unit_and_heartbeat_come_in_one_block_with_the_value() -> None:
    """One request after the serial: no other moment can speak for the value."""
    port = xnx_port(xnx_words(50.0))
    said = reading(xnx(lel_basis_pct_vol="4.4").read(port))
    assert (said.value, said.unit, said.serial) == ("50", "%LEL", "123456")
    assert said.lel_basis_pct_vol == "4.4"
    assert len(port.sent) == 2


def test_without_a_basis_no_basis_is_told() -> None:
    assert reading(xnx().read(xnx_port(xnx_words(50.0)))).lel_basis_pct_vol == ""


def test_a_block_that_is_refused_is_not_asked_in_pieces() -> None:
    """Read one after the other a zero of the inhibit could meet the state after it."""
    instrument = xnx()
    refusal = checked(bytes((1, 0x83, 2)))
    for _ in range(3):
        port = ScriptedPort([*xnx_port()._script, (XNX.frame, (refusal,))])
        (intake,) = instrument.read(port)
        assert (intake.dropped, intake.readings) == ("modbus_illegal_data_address", ())


def test_a_heartbeat_that_stops_is_a_fault_with_its_reason() -> None:
    """A hung transmitter answers all the same; 15 s without a change, and no number any more."""
    clock = HandClock(now_us=0)
    instrument = xnx(clock)
    assert reading(instrument.read(xnx_port(xnx_words(1.0, beat=7)))).quality == "good"
    clock.move(15)  # so long that it is asked who it is
    assert reading(instrument.read(xnx_port(xnx_words(1.0, beat=7)))).value == "1"
    clock.move(0.1)
    silenced, why = instrument.read(xnx_port(xnx_words(1.0, beat=7), serial=None))
    (said,) = silenced.readings
    assert (said.quality, said.canonical, said.value) == ("fault", None, "")
    assert (why.dropped, why.frame, why.readings) == ("heartbeat_stopped", b"", ())
    clock.move(1)
    assert reading(instrument.read(xnx_port(xnx_words(1.0, beat=8), serial=None))).value == "1"


def test_a_hung_transmitter_wins_no_time_by_being_plugged_in_again() -> None:
    clock = HandClock(now_us=0)
    instrument = xnx(clock, heartbeat_within_s=5)
    instrument.read(xnx_port(xnx_words(1.0)))
    clock.move(6)
    instrument.reset()
    assert instrument.read(xnx_port(xnx_words(1.0)))[1].dropped == "heartbeat_stopped"


@pytest.mark.parametrize("happened", ["reset", "silence", "noise", "warm-up"])
def test_who_it_is_is_asked_again_when_it_may_be_another(happened: str) -> None:
    """The plug was pulled, a poll failed, or the instrument says that it has just started."""
    instrument = xnx()
    instrument.read(xnx_port(xnx_words(1.0)))
    match happened:
        case "reset":
            instrument.reset()
        case "silence":
            with pytest.raises(InstrumentSilent):
                instrument.read(xnx_port(None, serial=None))
        case "noise":
            with pytest.raises(BadFrame):
                instrument.read(ScriptedPort([(XNX.frame, (b"\x01\x03\x16",))]))
        case _:
            said = reading(instrument.read(xnx_port(xnx_words(1.0, state=2), serial=None)))
            assert (said.quality, said.serial) == ("warming_up", "123456")
    assert reading(instrument.read(xnx_port(xnx_words(2.0), serial=654321))).serial == "654321"


def test_another_specimen_than_configured_gives_nothing_until_the_right_one_is_back() -> None:
    instrument = xnx(serial="123456")
    for _ in range(3):
        (intake,) = instrument.read(xnx_port(serial=654321))
        assert (intake.dropped, intake.readings) == ("other_instrument", ())
    assert reading(instrument.read(xnx_port(xnx_words(2.0)))).serial == "123456"


def test_a_busy_answer_to_the_serial_is_no_reason_to_go_on_without_it() -> None:
    asked = Request(1, 3, 79, 2)
    port = ScriptedPort([(asked.frame, (checked(bytes((1, 0x83, 6))),))])
    (intake,) = xnx(serial="9").read(port)
    assert (intake.dropped, intake.readings) == ("modbus_device_busy", ())


def test_a_unit_changed_in_mid_hold_is_never_the_old_one() -> None:
    """Each reading bears its own unit; with `unit` set, only that one is taken."""
    asked = Request(1, 3, 2, 3)
    free, strict = (gauge(profile="rs485_transmitter_mpa_first", unit=unit) for unit in ("", "kPa"))
    said = []
    for code in (1, 0, 2):
        script = [(asked.frame, (answer(asked, [code, 0, 5]),))]
        said.append(reading(free.read(ScriptedPort(script))))
        (intake,) = strict.read(ScriptedPort(script))
        assert (intake.dropped == "other_unit") == (code != 1)
    assert [one.canonical for one in said] == [5000, 5_000_000, 5]


def test_every_single_bit_of_a_block_matters() -> None:
    """Each bit of an answer of 27 bytes, flipped: nothing is read, whatever it meant."""
    whole = answer(XNX, xnx_words(12.3))
    for at in range(8 * len(whole)):
        bent = bytearray(whole)
        bent[at // 8] ^= 1 << at % 8
        port = ScriptedPort([*xnx_port()._script, (XNX.frame, (bytes(bent),))])
        with pytest.raises(BadFrame):
            xnx().read(port)


def test_a_wrong_word_order_never_makes_a_number_of_a_tenth() -> None:
    """All tenths up to 100 %LEL with the words the other way: a quality, not a number near zero."""
    profile = load("honeywell_xnx")
    (field,) = profile.chosen(())
    decoder = Decoder(profile, (field,), 1, profile.bridge)
    for tenths in range(1, 1001):
        right = struct.pack(">f", tenths / 10)
        for order in ("CDAB", "DCBA"):
            words = xnx_words(0)
            bent = bytes(right["ABCD".index(letter)] for letter in order)
            words[2:4] = int.from_bytes(bent[:2]), int.from_bytes(bent[2:])
            poll = decoder.decode(b"".join(word.to_bytes(2) for word in words))
            assert poll.said[0].quality != "good", (tenths, order)


# ---------------------------------------------------------------------- bad input


def test_silence_is_told_apart_from_noise() -> None:
    with pytest.raises(InstrumentSilent, match="check power, wiring"):
        poll()
    with pytest.raises(BadFrame):
        poll(b"\xff\x00")


@pytest.mark.parametrize("code", [*EXCEPTIONS, 7, 99])
def test_every_exception_is_a_named_drop(code: int) -> None:
    (intake,) = poll(checked(bytes((1, 0x84, code))))
    assert intake.dropped == f"modbus_{EXCEPTIONS.get(code, f'exception_{code}')}"
    assert intake.readings == ()


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        pytest.param(checked(b"\x02" + block()[1:-2]), "slave 2 answered", id="address"),
        pytest.param(checked(b"\x01\x03" + block()[2:-2]), "function 03", id="function"),
        pytest.param(
            checked(bytes((1, 4, 2, 7, 208))), "expected 46 data bytes, got 2", id="short"
        ),
        pytest.param(checked(bytes((1, 4, 44)) + block()[3:-2]), "byte count of 44", id="count"),
        pytest.param(block()[:-2] + block()[:-3:-1], "CRC is", id="CRC bytes swapped"),
        pytest.param(block()[:-1] + b"\x00", "CRC is", id="CRC"),
        pytest.param(b"\x01\x04", "2 bytes are no answer", id="two bytes"),
    ],
)
def test_what_is_not_our_answer_is_a_bad_frame_that_says_why(frame: bytes, says: str) -> None:
    with pytest.raises(BadFrame, match=says):
        poll(frame)


def test_truncated_at_every_byte_it_is_never_a_reading() -> None:
    for cut in range(1, len(block())):
        with pytest.raises(BadFrame):
            poll(block()[:cut])


def test_a_cut_answer_whose_data_look_like_a_crc_is_waited_for() -> None:
    """The first seven of nine bytes are an answer with a right CRC, but of the wrong length."""
    head = bytes((1, 4, 4, 7, 208))
    whole, asked = checked(head + crc16_modbus(head)), Request(1, 4, 0, 2)
    assert find(whole[:7], asked) is None
    assert find(whole, asked) == whole


def test_wherever_the_reads_cut_the_reading_is_the_same() -> None:
    for first in range(1, len(block())):
        assert reading(poll(block()[:first], block()[first:])).value == "2000"


def test_an_echo_that_nobody_configured_is_passed_over_at_every_cut() -> None:
    """The adapter repeats our request before the answer, in any pieces."""
    stream = HD402.frame + block()
    for cut in range(1, len(stream)):
        assert reading(poll(stream[:cut], stream[cut:])).value == "2000"


def test_an_echo_alone_is_silence() -> None:
    with pytest.raises(InstrumentSilent):
        poll(HD402.frame)
    with pytest.raises(BadFrame):
        poll(HD402.frame[:5])


@pytest.mark.parametrize("noise", [b"", b"\x00", b"\x01\x04"])
def test_no_echo_of_any_request_is_ever_taken_for_an_answer(noise: bytes) -> None:
    """Hundreds of requests are, CRC included, an answer to themselves: all slaves are tried.

    Whole or cut by one byte, alone or behind noise. One such: slave 4, function 3, register 688.
    """
    own_answers = 0
    for address in range(1, 248):
        for start in range(0x200, 0x300):
            asked = Request(address, 4, start, 1)
            sent = asked.frame
            own_answers += sent[5:7] == crc16_modbus(sent[:5])
            assert find(noise + sent, asked) is None
            assert find(noise + sent[:7], asked) is None
    assert own_answers > 100


def test_half_an_answer_before_a_replug_does_not_meet_the_next_one() -> None:
    """The first half came, the port was opened again: the next poll reads its own answer."""
    instrument = gauge()
    port = ScriptedPort([(HD402.frame, (block(1)[:20],)), (HD402.frame, (block(2),))])
    with pytest.raises(BadFrame):
        instrument.read(port)
    instrument.reset()
    assert reading(instrument.read(port)).value == "2"


def test_noise_before_the_answer_is_passed_over() -> None:
    """Boards that switch direction by themselves invent a byte."""
    assert reading(poll(b"\x00" + block())).value == "2000"
    assert reading(poll(b"\x01\x04" + block())).value == "2000"


def test_a_doubled_answer_is_one_reading_and_is_not_there_at_the_next_poll() -> None:
    instrument = gauge()
    port = ScriptedPort([(HD402.frame, (block(1) * 2, block(1))), (HD402.frame, (block(2),))])
    assert reading(instrument.read(port)).value == "1"
    assert reading(instrument.read(port)).value == "2"


def test_every_one_two_or_three_bit_flip_is_refused() -> None:
    """CRC-16 sees all of them in frames of this length: each single and pair, and a sample."""
    frame, asked = checked(bytes((1, 4, 2, 0x07, 0xD0))), Request(1, 4, 4, 1)
    bits = len(frame) * 8
    dice = random.Random(3)
    triples = [tuple(dice.sample(range(bits), 3)) for _ in range(5000)]
    pairs = [(a, b) for a in range(bits) for b in range(a, bits)]
    for flips in [*pairs, *triples]:
        bent = bytearray(frame)
        for at in set(flips):
            bent[at // 8] ^= 1 << at % 8
        assert find(bytes(bent), asked) is None


@pytest.mark.timeout(3600)
def test_fuzzed_answers_become_no_number_beyond_the_odds_of_the_crc() -> None:
    """Bent answers that are read as other registers: at most what 16 bits of CRC let through.

    The count is printed with the number that pure chance allows (one in 65,536 of those whose
    head is still right); the limit is that number with four standard deviations.
    """
    dice = random.Random(1979)
    kinds = [(HD402, block()), (XNX, answer(XNX, xnx_words(12.3)))]
    whole = [decode(frame, asked) for asked, frame in kinds]
    false = 0
    for turn in range(FUZZ):
        asked, sent = kinds[turn % 2]
        bent = _bent(dice, sent)
        frame = find(bent, asked)
        if frame is not None:
            try:
                false += decode(frame, asked) != whole[turn % 2]
            except Refused:
                continue
    chance = FUZZ / 65536
    print(f"modbus: {false} of {FUZZ} bent answers read as something else; chance is {chance:.1f}")
    assert false <= chance + 4 * chance**0.5 + 1


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_next_poll_is_fine() -> None:
    dice = random.Random(8)
    instrument = gauge()
    for _ in range(max(2000, FUZZ // 50)):
        with pytest.raises((BadFrame, InstrumentSilent)):
            poll(dice.randbytes(dice.randint(0, 300)), instrument=instrument)
    assert reading(poll(block(), instrument=instrument)).value == "2000"


@pytest.mark.parametrize("read_baud", [4800, 9600, 38400, 57600])
def test_an_answer_heard_at_another_speed_is_never_a_reading(read_baud: int) -> None:
    """A thousand values each, their waveform sampled at the wrong rate."""
    for value in range(0, 20_000, 20):
        heard = misread(block(value), sent_baud=19200, read_baud=read_baud)
        with pytest.raises((BadFrame, InstrumentSilent)):
            poll(heard)


def _bent(dice: random.Random, frame: bytes) -> bytes:
    """Four or more bits changed, bytes lost or heard twice: what a CRC may miss."""
    bent = bytearray(frame)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(bent))
        match dice.randrange(4):
            case 0:
                bent[at] ^= dice.randrange(1, 256)
            case 1:
                bent[at] = dice.randrange(256)
            case 2:
                del bent[at]
            case _:
                bent.insert(at, bent[at])
    return bytes(bent)


def test_the_plugin_registers_one_kind_and_shows_every_profile() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("modbus", ModbusSettings)
    assert len(kind.models) == len(list(SHIPPED.glob("*.toml")))
    assert {model.quantity for model in kind.models} == {"pressure", "gas", "gas_path"}


# ---------------------------------------------------------------------- a stranger's slave

SLAVE = """
import asyncio, sys
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

async def main():
    device = SimDevice(1, [SimData(0, values=VALUES, datatype=DataType.REGISTERS)])
    server = ModbusSerialServer(device, framer=FramerType.RTU, port=sys.argv[1], baudrate=19200)
    print("serving", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@contextmanager
def pymodbus_slave(values: list[int]) -> Iterator[Port]:
    """Our port, and pymodbus' RTU server on another terminal, with a wire between the two."""
    stop = threading.Event()
    with PtyPair() as ours, PtyPair() as theirs:

        def wire(source: PtyPair, target: PtyPair) -> None:
            while not stop.is_set():
                if heard := source.hear(0.02):
                    target.send(heard)
                else:
                    stop.wait(0.005)

        wires = [
            threading.Thread(target=wire, args=pair) for pair in ((ours, theirs), (theirs, ours))
        ]
        script = SLAVE.replace("VALUES", repr(values))
        with subprocess.Popen(
            [sys.executable, "-c", script, theirs.path],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as slave:
            assert slave.stdout is not None
            assert slave.stdout.readline() == "serving\n"
            for thread in wires:
                thread.start()
            try:
                with Port(ours.settings(baud=19200, parity="E")) as port:
                    yield port
            finally:
                stop.set()
                for thread in wires:
                    thread.join()
                slave.terminate()


def test_a_strangers_slave_is_read_and_its_refusal_is_understood() -> None:
    """The slave of pymodbus over real terminals: twenty polls, then a register it does not have."""
    with pymodbus_slave([0, 0, 0, 0, 2000, *[0] * 22]) as port:
        instrument = gauge(answer_within_s=5, poll_every_s=10)
        for _ in range(20):
            assert reading(instrument.read(port)).canonical == Decimal(2000)
        far = Request(1, 4, 400, 1)
        port.write(far.frame)
        heard = b""
        while find(heard, far) is None:
            heard += port.read(5)
        with pytest.raises(Refused, match="illegal data address"):
            decode(heard, far)
        assert reading(instrument.read(port)).canonical == Decimal(2000)


def test_a_strangers_slave_without_the_registers_in_between_is_read_in_pieces() -> None:
    """A slave that ends at register 20: first a named drop, then a refusal of the status alone."""
    with pymodbus_slave([0, 0, 0, 0, 2000, *[0] * 16]) as port:
        instrument = gauge(answer_within_s=5, poll_every_s=10)
        for _ in range(3):
            (intake,) = instrument.read(port)
            assert (intake.dropped, intake.readings) == ("modbus_illegal_data_address", ())


def test_a_strangers_error_bit_is_a_fault() -> None:
    with pymodbus_slave([0, 0, 0, 0, 2000, *[0] * 21, 1]) as port:
        said = reading(gauge(answer_within_s=5, poll_every_s=10).read(port))
        assert (said.quality, said.canonical) == ("fault", None)
