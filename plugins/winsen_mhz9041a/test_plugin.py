"""The MH-Z9041A driver: its 44 bytes become readings, nothing else does."""

import os
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, Intake, Port, Reading, crc16_modbus, xor8
from hub.testing import HandClock, PtyPair, ScriptedPort, golden_cases, misread, replay_golden, site
from plugins.winsen_mhz9041a import register_drivers
from plugins.winsen_mhz9041a.driver import LENGTH, MhZ9041a, Sample, build, decode
from plugins.winsen_mhz9041a.register import Request, decode_request
from plugins.winsen_mhz9041a.settings import MhZ9041aSettings
from plugins.winsen_mhz9041a.simulator import MhZ9041aFacts, Simulator

GOLDEN = golden_cases(Path(__file__).parent)
FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
WITHOUT, WITH = 39, 40


def line(gas: str = "+007.20", error: str = "00", covers: int = WITHOUT) -> bytes:
    body = f"A{gas} +23.7 0666.22 +16.1 B+066.0 {error} ".encode()
    return body + f"{xor8(body[:covers]):02X}\r\n".encode()


def sensor(clock: HandClock | None = None, **settings: Any) -> MhZ9041a:
    return build("riser-3", MhZ9041aSettings(**settings), site(clock or HandClock(now_us=7)))


def hear(*parts: bytes, instrument: MhZ9041a | None = None) -> list[Intake]:
    """What the driver makes of *parts*, each one read."""
    driver = instrument or sensor()
    port = ScriptedPort(stream=parts)
    return [intake for _ in parts for intake in driver.read(port)]


def readings(intakes: list[Intake]) -> list[Reading]:
    return [reading for intake in intakes for reading in intake.readings]


def values(intakes: list[Intake]) -> list[str]:
    return [reading.value for reading in readings(intakes)]


# ---------------------------------------------------------------------- golden frames


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["id"])
def test_golden_frames(case: dict[str, Any]) -> None:
    """What was published reads as published; what must be refused gives no number."""
    replay_golden(register_drivers()[0], case)


def test_a_published_line_decodes_field_by_field() -> None:
    """The example of the wiki; the reserved fields under the names that public code gives them."""
    assert decode(b"A+000.00 +23.7 0666.22 +16.1 B+066.0 00 3B\r\n") == Sample(
        "+000.00", "+23.7", "0666.22", "+16.1", "+066.0", "00", WITHOUT
    )


def test_a_request_of_the_register_mode_is_known_for_what_it_is() -> None:
    """The shared vector, and a write beside it; no bit of either may differ."""
    read = bytes.fromhex("AA55000C00C0740D0A")
    write = b"\xaa\x55" + (body := b"\x00\x91\x01\x01") + crc16_modbus(body)[::-1] + b"\r\n"
    assert decode_request(read) == Request("read", 0x0C, b"")
    assert decode_request(write) == Request("write", 0x11, b"\x01")
    for frame in (read, write):
        for bent in [*flips(frame), *(frame[:cut] for cut in range(len(frame)))]:
            with pytest.raises(BadFrame):
                decode_request(bent)


# ---------------------------------------------------------------------- readings


def test_a_line_becomes_a_reading_in_pct_lel() -> None:
    """Hub time, the serial of the settings, the value as sent; the raw line is kept."""
    (intake,) = hear(line(), instrument=sensor(serial="W17"))
    assert intake == Intake(
        "riser-3",
        line(),
        7,
        (
            Reading(
                instrument="riser-3",
                serial="W17",
                quantity="gas",
                value="+007.20",
                unit="%LEL",
                canonical=Decimal("7.20"),
                canonical_unit="%LEL",
                at_us=7,
            ),
        ),
    )


def test_any_error_code_is_a_fault_and_no_number() -> None:
    """Its sources disagree about the bits, so that none of them is harmless."""
    for code in range(1, 256):
        (reading,) = readings(hear(line(error=f"{code:02X}")))
        assert (reading.quality, reading.canonical, reading.value) == ("fault", None, "")


@pytest.mark.parametrize(
    ("gas", "quality"),
    [
        ("+100.00", "good"),
        ("+100.10", "over_range"),
        ("+999.90", "over_range"),
        ("-005.00", "good"),
        ("-005.10", "under_range"),
    ],
)
def test_beyond_its_range_it_is_a_quality_and_no_number(gas: str, quality: str) -> None:
    (reading,) = readings(hear(line(gas)))
    assert (reading.quality, reading.value) == (quality, gas if quality == "good" else "")


@pytest.mark.parametrize(
    "change",
    [
        (b"A+007.20", b"a+007.20"),
        (b"A+007.20", b"A 007.20"),
        (b"A+007.20", b"A+07.200"),
        (b"A+007.20", b"A+007.21"),
        (b"A+007.20", b"A+007,20"),
        (b"A+007.20", b"A+7.2e00"),
        (b"A+007.20", b"A+   nan"),
        (b"+23.7", b"023.7"),
        (b"+23.7", b"+2.37"),
        (b"0666.22", b"066.622"),
        (b"B+066.0", b"C+066.0"),
        (b" 00 ", b" 0G "),
        (b" 00 ", b" 0  "),
        (b" 00 ", b"\t00 "),
    ],
)
def test_a_right_checksum_does_not_save_a_wrong_layout(change: tuple[bytes, bytes]) -> None:
    """One byte of XOR is weak, so signs, points, blanks and digits must stand where they do."""
    body = line()[:40].replace(*change)
    for covers in (WITHOUT, WITH):
        frame = body + f"{xor8(body[:covers]):02X}\r\n".encode()
        with pytest.raises(BadFrame):
            decode(frame)
        assert readings(hear(frame)) == []


# ---------------------------------------------------------------------- the two checksums


@pytest.mark.parametrize(("mine", "other"), [(WITHOUT, WITH), (WITH, WITHOUT)])
def test_three_lines_settle_which_bytes_the_checksum_covers(mine: int, other: int) -> None:
    """From then on a line of the other kind is a named drop, until the port is opened again."""
    driver = sensor()
    assert len(values(hear(*[line(covers=mine)] * 3, instrument=driver))) == 3
    (intake,) = hear(line(covers=other), instrument=driver)
    assert (intake.dropped, intake.readings) == ("other_checksum", ())
    driver.reset()
    assert values(hear(line(covers=other), instrument=driver)) == ["+007.20"]


def test_a_damaged_checksum_in_the_first_line_does_not_teach_the_wrong_span() -> None:
    """One flip in the printed checksum makes a line of the other kind; the data are still right."""
    taught = line()
    wrong = taught[:40] + f"{int(taught[40:42], 16) ^ 0x20:02X}\r\n".encode()
    intakes = hear(wrong, *[taught] * 5)
    assert [intake.dropped for intake in intakes] == [""] * 6


def test_ten_lines_of_the_other_kind_are_another_sensor() -> None:
    driver = sensor()
    hear(*[line()] * 5, instrument=driver)
    swapped = hear(*[line(covers=WITH)] * 11, instrument=driver)
    assert [intake.dropped for intake in swapped] == ["other_checksum"] * 9 + [""] * 2


def test_the_settings_can_say_which_bytes_it_covers() -> None:
    """Then nothing is learned, however often the other kind is heard."""
    told = sensor(checksum_covers="0..38")
    assert readings(hear(*[line(covers=WITH)] * 20, instrument=told)) == []
    assert values(hear(line(), instrument=told)) == ["+007.20"]


# ---------------------------------------------------------------------- steps


def test_a_large_step_goes_out_once_the_next_line_agrees() -> None:
    """The first of the two is a named drop; a fault is told at once and does not confirm."""
    steps = hear(line("+000.00"), line("+040.00"), line(error="10"), line("+041.00"))
    assert [intake.dropped for intake in steps] == ["", "unconfirmed", "", ""]
    assert values(steps) == ["+000.00", "", "+041.00"]


def test_a_single_large_step_never_goes_out() -> None:
    steps = hear(line("+000.00"), line("+040.00"), line("+000.10"))
    assert values(steps) == ["+000.00", "+000.10"]


# ---------------------------------------------------------------------- the stream


def test_every_split_of_two_lines_gives_the_same_readings() -> None:
    """Wherever the reads cut, the same two readings and no drop; both in one read as well."""
    stream = line("+007.20") + line("+008.10")
    for cut in range(len(stream)):
        intakes = hear(stream[:cut], stream[cut:])
        assert values(intakes) == ["+007.20", "+008.10"]
        assert [intake.dropped for intake in intakes] == ["", ""]


def test_truncated_at_every_byte_it_is_no_reading_and_spares_the_next() -> None:
    for cut in range(1, LENGTH):
        assert values(hear(line()[:cut] + line("+008.10"))) == ["+008.10"]
        assert values(hear(line()[cut:] + line("+008.10"))) == ["+008.10"]


def test_after_a_reset_a_tail_meets_no_head() -> None:
    """The head before an unplug and the tail after it would make a whole line. Safe twice."""
    for cut in range(1, LENGTH):
        driver = sensor()
        assert hear(line()[:cut], instrument=driver) == []
        driver.reset()
        driver.reset()
        intakes = hear(line()[cut:] + line("+008.10"), instrument=driver)
        assert values(intakes) == ["+008.10"]
        assert intakes[0].dropped == "noise"


def test_every_single_bit_flip_is_refused_or_harmless() -> None:
    """With the span not yet learned, which is the worst case: never another number or error."""
    for covers in (WITHOUT, WITH):
        want = decode(line(covers=covers))
        for bent in flips(line(covers=covers)):
            assert _sample(bent) in (None, want, want._replace(covers=WITH + WITHOUT - covers))


def test_noise_is_told_once_a_second_and_not_once_a_read() -> None:
    """At a wrong speed every read is noise; the record shall not drown in it."""
    clock = HandClock()
    driver = sensor(clock)
    told = hear(*[b"\x00\xff" * 30] * 50, instrument=driver)
    clock.move(1.1)
    told += hear(b"\x00", instrument=driver)
    assert [intake.dropped for intake in told] == ["noise", "noise"]


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(
            b"$GFDTA,7.2,98,3.0,5527,2019/01/22 16:04:58,CH4AB-1047,1*4F\r\n", id="GasFinder"
        ),
        pytest.param(bytes.fromhex("FF86026047000000D1"), id="MH-441D"),
        pytest.param(bytes.fromhex("AA55000C00C0740D0A"), id="register mode"),
        pytest.param(bytes.fromhex("7B4D100000002854EE45000000007 97D".replace(" ", "")), id="LGD"),
    ],
)
def test_another_model_is_noise_and_no_reading(foreign: bytes) -> None:
    """Also ten times in a row, and it spares the line behind it."""
    intakes = hear(foreign * 10, line())
    assert values(intakes) == ["+007.20"]
    assert [intake.dropped for intake in intakes] == ["noise", ""]


@pytest.mark.parametrize("read_baud", [4800, 19200, 57600, 115200])
def test_lines_heard_at_another_speed_are_never_a_reading(read_baud: int) -> None:
    """A thousand different lines, their waveform sampled at the wrong rate; then the right one."""
    driver = sensor()
    heard = [misread(line(f"+0{n / 100:05.1f}0"[:7]), 9600, read_baud) for n in range(1000)]
    assert readings(hear(*heard, instrument=driver)) == []
    assert values(hear(line(), instrument=driver)) == ["+007.20"]


# ---------------------------------------------------------------------- fuzz


@pytest.mark.timeout(3600)
def test_fuzzed_lines_pass_far_less_often_than_their_checksum_lets_them() -> None:
    """Both counts are printed: what either XOR cannot see, and what the layout leaves of that."""
    dice = random.Random(9041)
    want = decode(line())
    unseen = false = 0
    for _ in range(FUZZ):
        bent = _bent(dice, line())
        check = bent[40:42].upper()
        if bent != line() and check in (f"{xor8(bent[:n]):02X}".encode() for n in (39, 40)):
            unseen += 1
            false += _sample(bent) not in (None, want, want._replace(covers=WITH))
    print(f"mhz9041a: of {FUZZ} bent lines {unseen} pass an XOR, {false} read as something else")
    assert unseen > FUZZ / 1000, "too few to say anything"
    assert false <= unseen / 5


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_input_lives_on() -> None:
    dice = random.Random(7)
    driver = sensor()
    noise = [dice.randbytes(500) + b"A+000.00\r\n" for _ in range(max(200, FUZZ // 500))]
    assert readings(hear(*noise, instrument=driver)) == []
    assert values(hear(line(), instrument=driver)) == ["+007.20"]


# ---------------------------------------------------------------------- simulator


@pytest.mark.parametrize("blank_counts", [False, True])
def test_driver_and_simulator_agree_on_a_real_terminal(blank_counts: bool) -> None:
    """Ten values, each own fault, and back: the reading is what the simulator senses."""
    clock = HandClock()
    driver = sensor(clock, confirm_over=100)
    device = Simulator(MhZ9041aFacts(blank_counts=blank_counts))
    with PtyPair() as cable, Port(cable.settings()) as port:

        def say(pct_vol: str) -> list[Intake]:
            clock.move(1.1)
            cable.send(device.speak(Decimal(pct_vol), clock.now_us()))
            return next((said for _ in range(10) if (said := list(driver.read(port)))), [])

        for thousandths in range(0, 5000, 500):
            (reading,) = readings(say(f"{thousandths / 1000}"))
            assert reading.canonical == Decimal(thousandths) / 50
        device.faults = {"fault"}
        assert [reading.quality for reading in readings(say("1"))] == ["fault"]
        device.faults = {"model"}
        assert [intake.dropped for intake in say("1")] == ["noise"]
        device.silence()
        device.faults = set()
        assert [reading.canonical for reading in readings(say("1"))] == [Decimal(20)]


def test_the_plugin_registers_one_kind() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("winsen_mhz9041a", MhZ9041aSettings)


def flips(frame: bytes) -> Iterator[bytes]:
    """*frame* with each of its bits flipped."""
    for bit in range(len(frame) * 8):
        bent = bytearray(frame)
        bent[bit // 8] ^= 1 << bit % 8
        yield bytes(bent)


def _sample(frame: bytes) -> Sample | None:
    try:
        return decode(frame)
    except BadFrame:
        return None


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
