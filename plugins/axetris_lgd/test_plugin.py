"""The LGD driver: measurement packets of the module that was ordered become readings."""

import os
import random
import struct
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, Intake, Port, Reading, float32_text
from hub.testing import HandClock, PtyPair, ScriptedPort, golden_cases, misread, replay_golden, site
from plugins.axetris_lgd import register_drivers
from plugins.axetris_lgd.driver import AxetrisLgd, build
from plugins.axetris_lgd.packet import (
    ASK_VERSION,
    Measured,
    Packet,
    Version,
    decode,
    measured,
    version,
)
from plugins.axetris_lgd.settings import AxetrisSettings
from plugins.axetris_lgd.simulator import LgdFacts, Simulator

GOLDEN = golden_cases(Path(__file__).parent)
FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))


def packet(kind: str, data: bytes = b"", flags: int = 0, code: int = 0) -> bytes:
    body = struct.pack("<ccHBB", b"{", kind.encode(), len(data) + 8, flags, code) + data
    return body + bytes([-sum(body) % 256]) + b"}"


def gas(number: float, flags: int = 0, code: int = 0) -> bytes:
    """A measurement packet with one gas."""
    return packet("M", struct.pack("<f4x", number), flags, code)


def two_gases(first: float, second: float) -> bytes:
    return packet("M", struct.pack("<fff4x", first, second, 30.6))


def introduction(serial: str = "LGD-10023") -> bytes:
    return packet("V", struct.pack("<16s32s8x", b"1.08", serial.encode()))


def module(clock: HandClock | None = None, **settings: Any) -> AxetrisLgd:
    given = {"unit": "ppm", "ask_serial": False, **settings}
    return build("riser-3", AxetrisSettings(**given), site(clock or HandClock(now_us=7)))


def hear(*parts: bytes, instrument: AxetrisLgd | None = None) -> list[Intake]:
    """What the driver makes of *parts*, each one read."""
    driver = instrument or module()
    port = ScriptedPort(stream=parts)
    return [intake for _ in parts for intake in driver.read(port)]


def readings(intakes: list[Intake]) -> list[Reading]:
    return [reading for intake in intakes for reading in intake.readings]


def values(intakes: list[Intake]) -> list[str]:
    return [reading.value for reading in readings(intakes)]


def drops(intakes: list[Intake]) -> list[str]:
    return [intake.dropped for intake in intakes]


# ---------------------------------------------------------------------- golden frames


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["id"])
def test_golden_frames(case: dict[str, Any]) -> None:
    """What was printed reads as printed; what must be refused gives no number."""
    replay_golden(register_drivers()[0], case)


@pytest.mark.parametrize(
    ("name", "flags", "code"),
    [
        ("axetris-ping-cmd", 16, 0),
        ("axetris-version-cmd", 0, 0),
        ("axetris-start-cmd", 1, 0xEA),
        ("axetris-idle-cmd", 0, 0xEA),
        ("axetris-error", 206, 244),
        ("axetris-failure", 0xC1, 0x0F),
        ("axetris-ping-resp", 0, 0),
    ],
)
def test_a_published_packet_decodes(name: str, flags: int, code: int) -> None:
    """Kind, flags and code of those packets that carry no gas; commands have parameters there."""
    (case,) = (case for case in GOLDEN if case["id"] == name)
    frame = bytes.fromhex(case["exchange"][0]["device"])
    assert decode(frame) == Packet(chr(frame[1]), flags, code, frame[6:-2])
    assert decode(frame).size == len(frame)


def test_the_printed_measurements_decode_to_the_printed_numbers() -> None:
    """7626.52; and 49.9 ppm, 13167 ppm humidity, 30.6 degC."""
    one, two = (
        bytes.fromhex(case["exchange"][0]["device"])
        for case in GOLDEN
        if case["id"] in ("axetris-1gas", "axetris-2gas")
    )
    assert measured(decode(one)) == Measured((7626.51953125,), None)
    found = measured(decode(two))
    assert found is not None
    assert found.gases == pytest.approx((49.9, 13167.0), rel=1e-3)
    assert found.temperature_c == pytest.approx(30.6, rel=1e-3)


# ---------------------------------------------------------------------- readings


def test_a_measurement_becomes_a_reading_in_the_unit_of_the_settings() -> None:
    """Hub time; the float as the shortest decimal; the raw packet is kept."""
    (intake,) = hear(gas(7626.51953125), instrument=module(serial="LGD-1"))
    assert intake == Intake(
        "riser-3",
        gas(7626.51953125),
        7,
        (
            Reading(
                instrument="riser-3",
                serial="LGD-1",
                quantity="gas",
                value="7626.5195",
                unit="ppm",
                canonical=Decimal("0.76265195"),
                canonical_unit="%vol",
                at_us=7,
            ),
        ),
    )


def test_without_a_unit_there_is_no_driver() -> None:
    """The packets do not say it, and it is not guessed."""
    with pytest.raises(ValueError, match="unit"):
        AxetrisSettings.model_validate({})


@pytest.mark.parametrize(
    ("frame", "quality"),
    [
        pytest.param(packet("E", flags=0xCE, code=0xF4), "bad", id="error packet"),
        pytest.param(packet("E"), "bad", id="error packet without flags"),
        pytest.param(packet("F", flags=0xC1, code=0x0F), "fault", id="failure packet"),
        pytest.param(gas(100, flags=0x80), "bad", id="error flag"),
        pytest.param(gas(100, flags=0x40), "bad", id="warning flag"),
        pytest.param(gas(100, code=1), "bad", id="status code"),
        pytest.param(gas(100, flags=0x3F), "good", id="negligible flags"),
        pytest.param(gas(float("nan")), "fault", id="NaN"),
        pytest.param(gas(float("inf")), "fault", id="infinity"),
        pytest.param(gas(float("-inf")), "fault", id="minus infinity"),
        pytest.param(gas(1_000_001), "over_range", id="more than pure gas"),
        pytest.param(gas(3.4e38), "over_range", id="largest float"),
        pytest.param(gas(-2501), "under_range", id="below drift"),
    ],
)
def test_status_and_sentinels_are_a_quality_and_no_number(frame: bytes, quality: str) -> None:
    (reading,) = readings(hear(frame))
    assert reading.quality == quality
    assert (reading.canonical is not None) == (reading.value != "") == (quality == "good")


@pytest.mark.parametrize(
    ("unit", "step", "canonical"),
    [("ppm", 5000, "%vol"), ("%vol", 0.5, "%vol"), ("%LEL", 10, "%LEL")],
)
def test_each_unit_has_a_step_that_is_believed_at_once(
    unit: str, step: float, canonical: str
) -> None:
    """Half a percent by volume, or ten of the LEL; a hair more waits for the next packet."""
    driver = module(unit=unit)
    intakes = hear(gas(0), gas(step), gas(2.01 * step), instrument=driver)
    assert drops(intakes) == ["", "", "unconfirmed"]
    assert readings(intakes)[0].canonical_unit == canonical


def test_a_large_step_goes_out_once_the_next_packet_agrees() -> None:
    """A single one never does, and an error between the two looks confirms nothing."""
    assert values(hear(gas(0), gas(20000), packet("E"), gas(20100))) == ["0", "", "20100"]
    assert values(hear(gas(0), gas(20000), gas(1))) == ["0", "1"]


# ---------------------------------------------------------------------- identity


def test_the_serial_comes_from_the_version_packet() -> None:
    """Heard after power-up, whether asked for or not; the drop has its name."""
    intakes = hear(introduction(), gas(1))
    assert drops(intakes) == ["version", ""]
    assert [reading.serial for reading in readings(intakes)] == ["LGD-10023"]
    assert version(decode(introduction())) == Version("1.08", "LGD-10023")


def test_an_unknown_module_is_asked_before_its_first_reading() -> None:
    """Asked once it is heard; what it measured before it said who it is, is dropped by name."""
    driver = module(ask_serial=True)
    port = ScriptedPort([(ASK_VERSION, (introduction(), gas(2)))], (gas(1),))
    intakes = [intake for _ in range(3) for intake in driver.read(port)]
    assert drops(intakes) == ["unidentified", "version", ""]
    assert [(r.value, r.serial) for r in readings(intakes)] == [("2", "LGD-10023")]


def test_a_module_that_never_answers_goes_on_under_the_serial_of_its_plate() -> None:
    """Asked three times, not for ever; asked again after the port was opened again."""
    driver = module(ask_serial=True, serial="P7")
    for _ in range(2):
        port = ScriptedPort([(ASK_VERSION, (gas(n),)) for n in (2, 3, 4)], (gas(1),))
        intakes = [intake for _ in range(6) for intake in driver.read(port)]
        assert drops(intakes) == ["unidentified"] * 3 + [""]
        assert [(r.value, r.serial) for r in readings(intakes)] == [("4", "P7")]
        driver.reset()


def test_our_own_question_echoed_is_not_an_answer() -> None:
    driver = module(ask_serial=True)
    port = ScriptedPort([(ASK_VERSION, (ASK_VERSION, introduction(), gas(2)))], (gas(1),))
    intakes = [intake for _ in range(4) for intake in driver.read(port)]
    assert drops(intakes) == ["unidentified", "echo", "version", ""]


def test_another_module_than_the_settings_name_is_never_used() -> None:
    driver = module(serial="LGD-10023")
    intakes = hear(
        introduction("LGD-2"), gas(1), packet("E"), introduction(), gas(2), instrument=driver
    )
    assert drops(intakes) == ["version", "other_instrument", "other_instrument", "version", ""]


def test_a_module_swapped_on_the_same_line_brings_its_own_serial() -> None:
    """And no step of the last one holds for it."""
    intakes = hear(introduction(), gas(0), introduction("LGD-2"), gas(90000))
    assert [(r.value, r.serial) for r in readings(intakes)] == [
        ("0", "LGD-10023"),
        ("90000", "LGD-2"),
    ]


@pytest.mark.parametrize("serial", ["", "   ", "LGD\x01", "LGDé"])
def test_a_serial_that_is_no_text_is_refused(serial: str) -> None:
    with pytest.raises(BadFrame):
        version(decode(introduction(serial)))
    assert drops(hear(introduction(serial))) == ["bad_frame"]


# ---------------------------------------------------------------------- other packets


@pytest.mark.parametrize(
    ("frame", "drop"),
    [
        (packet("M", flags=1, code=0xEA), "acknowledgement"),
        (packet("M"), "acknowledgement"),
        (packet("I"), "other_packet"),
        (packet("P", bytes(80)), "other_packet"),
        (packet("D", bytes(24)), "other_packet"),
        (packet("M", bytes(24)), "bad_frame"),
        (packet("M", struct.pack("<f3xB", 1.0, 1)), "bad_frame"),
        (packet("V", bytes(48)), "bad_frame"),
        (two_gases(1, 2), "other_model"),
        (packet("X", bytes(8)), "noise"),
        (bytes.fromhex("FF86026047000000D1"), "noise"),
        (b"$GFDTA,7.2,98,3.0,5527,2019/01/22 16:04:58,CH4AB-1047,1*4F\r\n", "noise"),
    ],
)
def test_what_is_no_measurement_of_this_module_is_a_named_drop(frame: bytes, drop: str) -> None:
    """Also ten times in a row, and it spares the packet behind it."""
    intakes = hear(frame, gas(5))
    assert drops(intakes) == [drop, ""]
    assert readings(hear(frame * 10)) == []


@pytest.mark.parametrize(("methane_is", "value"), [("first", "7.5"), ("second", "900")])
def test_of_two_gases_the_settings_say_which_is_methane(methane_is: str, value: str) -> None:
    """A module with one gas is then another model."""
    driver = module(methane_is=methane_is)
    intakes = hear(two_gases(7.5, 900), gas(1), instrument=driver)
    assert values(intakes) == [value]
    assert drops(intakes) == ["", "other_model"]


# ---------------------------------------------------------------------- the stream


def test_every_split_of_two_packets_gives_the_same_readings() -> None:
    """Wherever the reads cut, the same two readings and no drop; both in one read as well."""
    stream = gas(7.5) + gas(8.5)
    for cut in range(len(stream)):
        intakes = hear(stream[:cut], stream[cut:])
        assert values(intakes) == ["7.5", "8.5"]
        assert drops(intakes) == ["", ""]


def test_truncated_at_every_byte_it_is_no_reading_and_spares_the_next() -> None:
    for frame in (gas(7.5), introduction(), packet("E")):
        for cut in range(1, len(frame)):
            assert values(hear(frame[:cut] + gas(8.5))) == ["8.5"]
            assert values(hear(frame[cut:] + gas(8.5))) == ["8.5"]


def test_after_a_reset_a_tail_meets_no_head() -> None:
    """The head before an unplug and the tail after it would make a whole packet. Safe twice."""
    for cut in range(1, 16):
        driver = module()
        assert hear(gas(7.5)[:cut], instrument=driver) == []
        driver.reset()
        driver.reset()
        intakes = hear(gas(7.5)[cut:] + gas(8.5), instrument=driver)
        assert values(intakes) == ["8.5"]
        assert intakes[0].dropped == "noise"


def test_a_brace_inside_a_packet_does_not_break_it() -> None:
    """Both braces as data bytes, and a packet within a packet."""
    tricky = [struct.unpack("<f", raw)[0] for raw in (b"{M\x10\x42", b"}{}\x42", b"{{{\x42")]
    for number in tricky:
        assert values(hear(gas(number))) == [float32_text(number)]
    inner = packet("E")
    assert drops(hear(packet("P", inner + bytes(8)))) == ["other_packet"]


def test_every_single_bit_flip_is_refused() -> None:
    """The sum sees each of them: never another number, kind, flag or serial."""
    for frame in (
        gas(7.5),
        two_gases(7.5, 900),
        introduction(),
        packet("E", flags=0xCE, code=0xF4),
    ):
        for bit in range(len(frame) * 8):
            bent = bytearray(frame)
            bent[bit // 8] ^= 1 << bit % 8
            with pytest.raises(BadFrame):
                decode(bytes(bent))
            assert readings(hear(bytes(bent))) == []


def test_noise_is_told_once_a_second_and_not_once_a_read() -> None:
    """At a wrong speed every read is noise; the record shall not drown in it."""
    clock = HandClock()
    driver = module(clock)
    told = hear(*[b"\x00\xff" * 30] * 50, instrument=driver)
    clock.move(1.1)
    told += hear(b"\x00", instrument=driver)
    assert drops(told) == ["noise", "noise"]


@pytest.mark.parametrize("read_baud", [4800, 19200, 57600, 115200])
def test_packets_heard_at_another_speed_are_never_a_reading(read_baud: int) -> None:
    """A thousand different ones, their waveform sampled at the wrong rate; then the right one."""
    driver = module()
    heard = [misread(gas(n * 1.7), 9600, read_baud) for n in range(1000)]
    assert readings(hear(*heard, instrument=driver)) == []
    assert values(hear(gas(5), instrument=driver)) == ["5"]


# ---------------------------------------------------------------------- fuzz


@pytest.mark.timeout(3600)
def test_fuzzed_packets_pass_no_more_often_than_a_sum_of_eight_bits_lets_them() -> None:
    """The count of those read as something else is printed: a byte's sum misses one in 256."""
    dice = random.Random(16)
    false = 0
    for _ in range(FUZZ):
        bent = _bent(dice, gas(7.5))
        false += any(value != "7.5" for value in values(hear(bent)) if value)
    print(f"axetris_lgd: {false} of {FUZZ} bent packets are read as another number")
    assert false <= FUZZ / 50


@pytest.mark.timeout(3600)
def test_two_flipped_bits_in_one_packet_are_held_back_by_the_second_look() -> None:
    """What the sum cannot see is a step; of those that pass, few are near the last value.

    The counts are printed: of all bent packets, those the sum lets through, and those of them
    that go out because they differ little.
    """
    dice = random.Random(24)
    unseen = out = 0
    for _ in range(FUZZ // 4):
        bent = bytearray(gas(1234.5))
        for _flip in range(2):
            bent[dice.randrange(4, 15)] ^= 1 << dice.randrange(8)
        if bytes(bent) == gas(1234.5):
            continue
        intakes = hear(gas(1234.5), bytes(bent))
        unseen += drops(intakes)[-1] in ("", "unconfirmed") and len(intakes) == 2
        out += len([value for value in values(intakes)[1:] if value])
    print(f"axetris_lgd: of {FUZZ // 4} double flips {unseen} pass the sum, {out} go out")
    assert unseen > FUZZ / 4 / 1000, "too few to say anything"
    assert out <= FUZZ / 4 / 50


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_input_lives_on() -> None:
    """With the start of a packet strewn in, so that the framer has something to wait for."""
    dice = random.Random(7)
    driver = module()
    noise = [dice.randbytes(500) + b"{M\x10\x00" for _ in range(max(200, FUZZ // 500))]
    assert readings(hear(*noise, instrument=driver)) == []
    assert values(hear(bytes(256), gas(5), instrument=driver)) == ["5"]


# ---------------------------------------------------------------------- simulator


@pytest.mark.parametrize(("unit", "of_pct_vol"), [("ppm", 10_000), ("%vol", 1), ("%LEL", 20)])
def test_driver_and_simulator_agree_on_a_real_terminal(unit: Any, of_pct_vol: int) -> None:
    """It says who it is, then ten values, each own fault, and back."""
    clock = HandClock()
    driver = module(clock, unit=unit, ask_serial=True, confirm_over=100)
    device = Simulator(LgdFacts(unit=unit))
    with PtyPair() as cable, Port(cable.settings()) as port:

        def say(pct_vol: str) -> list[Intake]:
            clock.move(1.1)
            cable.send(device.speak(Decimal(pct_vol), clock.now_us()))
            return next((said for _ in range(10) if (said := list(driver.read(port)))), [])

        def answer() -> None:
            cable.send(device.hear(cable.receive(8), Decimal(0)))

        device.speak(Decimal(0), 0)  # powered up before the hub listened
        assert drops(say("1")) == ["unidentified"]
        assert driver.read(port) == []
        answer()
        assert drops(list(driver.read(port))) == ["version"]
        for thousandths in range(0, 5000, 500):
            (reading,) = readings(say(f"{thousandths / 1000}"))
            assert reading.serial == "LGD-10023"
            assert Decimal(reading.value) == Decimal(thousandths) * of_pct_vol / 1000
        for fault, said in [
            ("fault", ("", "bad")),
            ("sentinel", ("", "fault")),
            ("model", ("other_model", "")),
        ]:
            device.faults = {fault}
            (intake,) = say("1")
            assert (intake.dropped, "".join(r.quality for r in intake.readings)) == said
        for fault, serial in [("identity", "LGD-99999"), ("restart", "LGD-10023")]:
            device.faults = {fault}
            assert drops(say("1")) == ["version"]
            assert [reading.serial for reading in readings(say("1"))] == [serial]
        device.silence()
        device.faults = set()
        assert [Decimal(v) for v in values(say("1"))] == [Decimal(of_pct_vol)]


def test_the_plugin_registers_one_kind() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("axetris_lgd", AxetrisSettings)


def _bent(dice: random.Random, frame: bytes) -> bytes:
    """One to four of: a bit flipped, a byte changed, lost, or heard twice."""
    bent = bytearray(frame)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(bent))
        match dice.randrange(4):
            case 0:
                bent[at] ^= 1 << dice.randrange(8)
            case 1:
                bent[at] = dice.randrange(256)
            case 2:
                del bent[at]
            case _:
                bent.insert(at, bent[at])
    return bytes(bent)
