"""The Modbus driver: answers to our own request become numbers, nothing else does."""

import json
import os
import random
import re
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
from hypothesis import given
from hypothesis import strategies as st

from hub import BadFrame, ConfigError, InstrumentSilent, Intake, Port, Reading, crc16_modbus
from hub.testing import HandClock, PtyPair, ScriptedPort, misread, site
from plugins.modbus import register_drivers
from plugins.modbus.driver import ModbusInstrument, build
from plugins.modbus.profile import SHIPPED, Measurand, Place, Status, load, shortest, spans
from plugins.modbus.settings import ModbusSettings
from plugins.modbus.wire import EXCEPTIONS, Refused, Request, decode, find

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())
FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
HD402 = Request(1, 4, 4, 23)


def checked(body: bytes) -> bytes:
    return body + crc16_modbus(body)


def block(value: int = 2000, errors: int = 0) -> bytes:
    """The answer of a HD402ST to a read of its registers 4 to 26."""
    words = [value & 0xFFFF, *[0x8000] * 21, errors]
    return checked(bytes((1, 4, 46)) + b"".join(word.to_bytes(2) for word in words))


def gauge(**settings: Any) -> ModbusInstrument:
    given = {"address": 1, "profile": "delta_ohm_hd402st", "serial": "D1", **settings}
    return build("riser-3", ModbusSettings(**given), site(HandClock(now_us=7)))


def poll(*answer: bytes, instrument: ModbusInstrument | None = None) -> Sequence[Intake]:
    return (instrument or gauge()).read(ScriptedPort([(HD402.frame, answer)]))


def reading(intakes: Sequence[Intake]) -> Reading:
    ((single,),) = (intake.readings for intake in intakes)
    return single


# ---------------------------------------------------------------------- golden frames


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda vector: vector["id"])
def test_golden_frames(vector: dict[str, Any]) -> None:
    """Requests are built as published, answers read as published, a wrong CRC is refused."""
    frame, expect = bytes.fromhex(vector["frame"]), vector["expect"]
    if not vector["accept"]:
        with pytest.raises(BadFrame, match="CRC"):
            decode(frame, Request(frame[0], frame[1], 0, 1))
        return
    assert checked(frame[:-2]) == frame
    if vector["direction"] == "host->device":
        if frame[1] in (3, 4):
            ours = Request(expect["unit"], expect["fc"], expect["start"], expect["count"])
            assert ours.frame == frame
        return
    asked = Request(frame[0], frame[1] & 0x7F, 0, max(1, frame[2] // 2))
    assert find(frame, asked) == frame
    if "exception" in expect:
        with pytest.raises(Refused) as refused:
            decode(frame, asked)
        assert refused.value.code == expect["exception"]
        return
    registers = decode(frame, asked)
    known = {(asked.function, at): value for at, value in enumerate(registers)}
    if "registers" in expect:
        assert list(registers) == expect["registers"]
    if "float" in expect:
        assert _value(known, type="float32", order=expect["order"]) == str(expect["float"])
    if "int32_low_word_first" in expect:
        value = _value(known, function=3, type="int32", order="CDAB")
        assert value == str(expect["int32_low_word_first"])
    if "pressure_pa" in expect:
        assert _value(known, type="int16") == str(expect["pressure_pa"])


def _value(known: dict[tuple[int, int], int], **place: Any) -> str:
    field = Measurand.model_validate(
        {"register": 0, "name": "x", "quantity": "pressure", "unit": "Pa", **place}
    )
    text, quality = field.value(known)
    assert quality == "good"
    return text


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
    words = [20001, *[0] * 23]
    answer = checked(bytes((1, 4, 48)) + b"".join(word.to_bytes(2) for word in words))
    said = reading(instrument.read(ScriptedPort([(asked.frame, (answer,))])))
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
    for errors, quality in ((0, "good"), (1, "fault")):
        port = ScriptedPort(
            [
                (value.frame, (checked(bytes((1, 4, 2)) + (1500).to_bytes(2)),)),
                (status.frame, (checked(bytes((1, 4, 2)) + errors.to_bytes(2)),)),
            ]
        )
        assert reading(instrument.read(port)).quality == quality


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
    answer = checked(bytes((1, 4, 2)) + (1500).to_bytes(2))
    with pytest.raises(InstrumentSilent):
        instrument.read(ScriptedPort([(value.frame, (answer,)), (status.frame, ())]))


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
    ("answer", "says"),
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
def test_what_is_not_our_answer_is_a_bad_frame_that_says_why(answer: bytes, says: str) -> None:
    with pytest.raises(BadFrame, match=says):
        poll(answer)


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
    whole = decode(block(), HD402)
    false = 0
    for _ in range(FUZZ):
        bent = _bent(dice, block())
        frame = find(bent, HD402)
        if frame is not None:
            try:
                false += decode(frame, HD402) != whole
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


# ---------------------------------------------------------------------- profiles


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_profile_builds_and_names_its_source(path: Path) -> None:
    profile = load(path.stem)
    assert len(profile.source) > 20
    for field in profile.field:
        assert gauge(profile=path.stem, publish=[field.name]).poll_every_s == 1.0


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2031.25, "2031.25"),
        (0.1, "0.1"),
        (981.719970703125, "981.72"),
        (16777216.0, "16777216"),
        (-0.0, "0"),
        (3.4028234663852886e38, "340282350000000000000000000000000000000"),
    ],
)
def test_a_float_is_its_shortest_decimal(number: float, text: str) -> None:
    found = shortest(struct.pack(">f", number))
    assert found is not None
    assert format(found, "f") == text


@given(st.binary(min_size=4, max_size=4))
def test_every_float_comes_back_to_its_own_bytes(raw: bytes) -> None:
    """Or is no number at all: NaN and the infinities."""
    found = shortest(raw)
    (number,) = struct.unpack(">f", raw)
    if found is None:
        assert number - number != 0
    elif number == 0:
        assert found == 0
    else:
        assert struct.pack(">f", float(found)) == raw


@pytest.mark.parametrize("bits", [0x7FC00000, 0xFFC00001, 0x7F800000, 0xFF800000])
def test_nan_and_infinity_are_a_fault_and_no_number(bits: int) -> None:
    field = Measurand.model_validate(
        {"register": 0, "name": "x", "quantity": "gas", "unit": "%LEL", "type": "float32"}
    )
    assert field.value({(4, 0): bits >> 16, (4, 1): bits & 0xFFFF}) == ("", "fault")


def test_limits_of_a_field_are_over_and_under_range() -> None:
    field = Measurand.model_validate(
        {
            "register": 0,
            "name": "x",
            "quantity": "pressure",
            "unit": "Pa",
            "scale": Decimal("0.1"),
            "least": Decimal(-5),
            "most": Decimal(100),
        }
    )
    said = [field.value({(4, 0): raw & 0xFFFF})[1] for raw in (-51, -50, 1000, 1001)]
    assert said == ["under_range", "good", "good", "over_range"]


@pytest.mark.parametrize(
    ("value", "quality"),
    [(1, None), (2, "warming_up"), (3, "inhibited"), (9, "bad"), (77, "fault")],
)
def test_a_state_register_turns_into_a_quality(value: int, quality: str | None) -> None:
    """An unknown state is never taken for a good one."""
    states = {2: "warming_up", 3: "inhibited", 9: "bad"}
    status = Status.model_validate({"register": 7, "states": states, "normal": [1]})
    assert status.quality({(4, 7): value}) == quality


def test_requests_join_what_is_near_and_never_exceed_125_registers() -> None:
    places = [Place.model_validate({"register": at}) for at in (0, 1, 5, 124, 125, 400)]
    assert spans(places, 0) == [(4, 0, 2), (4, 5, 1), (4, 124, 2), (4, 400, 1)]
    assert spans(places, 200) == [(4, 0, 125), (4, 125, 1), (4, 400, 1)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('unit = "Pa"', 'unit = "ppm"'), "pressure"),
        (('unit = "Pa"', 'unit = "pascal"'), "pascal"),
        (('type = "int16"', 'type = "int24"'), "field.0.type"),
        (("register = 4", "register = 70000"), "field.0.register"),
        (("[line]", "[lime]"), "lime"),
        (('publish = ["pressure_pa"]', 'publish = ["preassure"]'), "no field 'preassure'"),
        (("title =", "title ="), ""),
        (("bridge = 24", "bridge ="), "profile"),
    ],
)
def test_a_wrong_profile_is_a_config_error_that_names_the_place(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    text = (SHIPPED / "delta_ohm_hd402st.toml").read_text()
    path = tmp_path / "own.toml"
    path.write_text(text.replace(*change))
    if not says:
        assert gauge(profile=str(path)).poll_every_s == 1.0
        return
    with pytest.raises(ConfigError, match=re.escape(says)):
        gauge(profile=str(path))


def test_an_unknown_profile_lists_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"shipped are .*delta_ohm_hd402st"):
        gauge(profile="hd402")


def test_two_fields_of_one_quantity_are_refused() -> None:
    with pytest.raises(ConfigError, match="two series of one quantity"):
        gauge(publish=["pressure_pa", "pressure_hpa"])


def test_polling_faster_than_twice_the_answer_time_is_refused() -> None:
    """An answer that comes late would be taken for the next one."""
    with pytest.raises(ValueError, match="poll less often"):
        ModbusSettings(address=1, profile="x", poll_every_s=0.5, answer_within_s=0.3)


def test_the_plugin_registers_one_kind() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("modbus", ModbusSettings)


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
