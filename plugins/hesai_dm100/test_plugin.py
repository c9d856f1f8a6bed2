"""The DM100 driver: lines of the documented form become readings, once somebody vouches for it."""

import os
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, Intake, Port, Reading, xor8
from hub.testing import (
    HandClock,
    PtyPair,
    ScriptedPort,
    golden_cases,
    misread,
    replay_golden,
    site,
)
from plugins.hesai_dm100 import register_drivers
from plugins.hesai_dm100.driver import LENGTH, Dm100, Scan, build, decode
from plugins.hesai_dm100.settings import Dm100Settings
from plugins.hesai_dm100.simulator import Simulator, TelemeterFacts

GOLDEN = golden_cases(Path(__file__).parent)
FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
BODY = "00318,02147,00735,00999,00036,00024,-0078,00000,003,000,011,000"


def line(ppm_m: str = "00318", body: str = BODY) -> bytes:
    body = body.replace("00318", ppm_m)
    return f"${body}*{xor8(body.encode()):02X}".encode()


def laser(clock: HandClock | None = None, **settings: Any) -> Dm100:
    given = {"unproved": "accept", **settings}
    return build("laser", Dm100Settings(**given), site(clock or HandClock(now_us=7)))


def hear(*parts: bytes, instrument: Dm100 | None = None) -> list[Intake]:
    """What the driver makes of *parts*, each one read."""
    driver = instrument or laser()
    port = ScriptedPort(stream=parts)
    return [intake for _ in parts for intake in driver.read(port)]


def readings(intakes: list[Intake]) -> list[Reading]:
    return [reading for intake in intakes for reading in intake.readings]


def values(intakes: list[Intake]) -> list[str]:
    return [reading.value or reading.quality for reading in readings(intakes)]


def drops(intakes: list[Intake]) -> list[str]:
    return [intake.dropped for intake in intakes]


# ---------------------------------------------------------------------- golden frames


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["id"])
def test_golden_frames(case: dict[str, Any]) -> None:
    """The corrected line reads as printed; what must be refused gives no number."""
    replay_golden(register_drivers()[0], case)


def test_the_corrected_line_decodes_and_the_printed_one_does_not() -> None:
    """The example of the manual, with the version that its text names, and as it is printed."""
    assert decode(line()) == Scan("00318", 2147, 999, "011", 0, (735, 36, 24, -78, 0, 3, 0))
    with pytest.raises(BadFrame, match="checksum is 3C, the bytes give 3D"):
        decode(line().replace(b",011,", b",010,"))


# ---------------------------------------------------------------------- readings


def test_without_somebody_to_vouch_for_it_every_line_is_dropped_by_name() -> None:
    """The format is not proved: refused is what it is by default."""
    driver = build("laser", Dm100Settings(), site())
    assert drops(hear(line(), line("99999"), instrument=driver)) == ["unproved", "unproved"]


def test_a_line_becomes_a_path_reading() -> None:
    """In ppm·m and never a concentration; hub time, serial of the settings, raw line kept."""
    (intake,) = hear(line(), instrument=laser(serial="H9"))
    assert intake == Intake(
        "laser",
        line(),
        7,
        (
            Reading(
                instrument="laser",
                serial="H9",
                quantity="gas_path",
                value="00318",
                unit="ppm.m",
                canonical=Decimal(318),
                canonical_unit="ppm.m",
                at_us=7,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("change", "quality"),
    [
        pytest.param((",000*", ",001*"), "fault", id="error code"),
        pytest.param((",000*", ",999*"), "fault", id="highest error code"),
        pytest.param((",00999,", ",00979,"), "bad", id="distorted"),
        pytest.param((",00999,", ",-0999,"), "bad", id="negative relevancy"),
        pytest.param((",00999,", ",00980,"), "good", id="relevancy at the limit"),
        pytest.param(("$00318,", "$02001,"), "over_range", id="over its range"),
        pytest.param(("$00318,", "$02000,"), "good", id="end of its range"),
        pytest.param(("$00318,", "$-0101,"), "under_range", id="too far below zero"),
        pytest.param(("$00318,", "$-0100,"), "good", id="drift"),
    ],
)
def test_a_doubtful_scan_is_a_quality_and_no_number(change: tuple[str, str], quality: str) -> None:
    body = f"${BODY}*".replace(*change)[1:-1]
    (reading,) = readings(hear(line(body=body), instrument=laser(most_ppm_m=2000)))
    assert reading.quality == quality
    assert (reading.canonical is not None) == (reading.value != "") == (quality == "good")


@pytest.mark.parametrize(
    "body",
    [
        BODY.replace("00318", "0318"),
        BODY.replace("00318", "000318"),
        BODY.replace("00318", "+0318"),
        BODY.replace("00318", "   318"),
        BODY.replace("00318", "003.8"),
        BODY.replace("00318", "  nan"),
        BODY.replace("00318", "0-318"),
        BODY.replace(",003,", ",-03,"),
        BODY.replace(",", ";"),
        BODY + ",000",
        BODY[4:],
        "GFDTA,7.2,98,3.0,5527,2019/01/22 16:04:58,CH4AB-1047,1",
    ],
)
def test_a_right_checksum_does_not_save_a_wrong_form(body: str) -> None:
    """One byte of XOR is weak: every field must also have its width and its digits."""
    frame = f"${body}*{xor8(body.encode()):02X}".encode()
    with pytest.raises(BadFrame):
        decode(frame)
    assert readings(hear(frame + b"\r\n")) == []


# ---------------------------------------------------------------------- peaks


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        pytest.param("60 560 60", "60 560 60", id="a step at the limit"),
        pytest.param("60 561 60", "60 over_range 60", id="a lone peak"),
        pytest.param("60 3000 3100 60 60", "60 3000 3100 60 60", id="a plume"),
        pytest.param("60 900 3000 900 60 61", "60 900 3000 900 60 61", id="a sweep"),
        pytest.param("60 3000 700 60 60", "60 3000 700 60 60", id="a fast sweep"),
        pytest.param("60 3000 60 3000 60", "60 over_range 60 over_range 60", id="two lone peaks"),
        pytest.param("60 3000 9000 60 60", "60 3000 9000 60 60", id="a steep rise"),
        pytest.param("3000 60 3000", "3000 bad 3000", id="a lone dip"),
    ],
)
def test_a_peak_needs_a_neighbour_and_is_never_hidden(sent: str, said: str) -> None:
    """Shared, it goes out as a number; alone, as a quality that spoils the sweep. In order."""
    heard = hear(*(line(ppm_m.zfill(5)) for ppm_m in sent.split()))
    assert [value.lstrip("0") for value in values(heard)] == said.split()


def test_a_peak_that_is_followed_by_a_fault_goes_out_without_its_number() -> None:
    """So does one that is followed by nothing, or by another cable: it came, so it is told."""
    clock = HandClock()
    driver = laser(clock)
    fault = line(body=BODY.removesuffix("000") + "001")
    assert values(hear(line("00060"), line("03000"), fault, instrument=driver)) == [
        "00060",
        "over_range",
        "fault",
    ]
    assert hear(line("03000"), instrument=driver) == []
    clock.move(5.1)
    assert values(hear(b"", instrument=driver)) == ["over_range"]
    assert hear(line("03000"), instrument=driver) == []
    driver.reset()
    driver.reset()
    assert values(hear(line("09000"), instrument=driver)) == ["over_range", "09000"]


# ---------------------------------------------------------------------- the stream


@pytest.mark.parametrize("end", [b"", b"\r", b"\n", b"\r\n"])
def test_every_split_of_two_lines_gives_the_same_readings(end: bytes) -> None:
    """Whatever ends a line, wherever the reads cut; and an end is no noise."""
    stream = line() + end + line("00319") + end
    for cut in range(len(stream)):
        intakes = hear(stream[:cut], stream[cut:])
        assert values(intakes) == ["00318", "00319"]
        assert drops(intakes) == ["", ""]


def test_truncated_at_every_byte_it_is_no_reading_and_spares_the_next() -> None:
    for cut in range(1, LENGTH):
        assert values(hear(line()[:cut] + line("00319"))) == ["00319"]
        assert values(hear(line()[cut:] + line("00319"))) == ["00319"]


def test_after_a_reset_a_tail_meets_no_head() -> None:
    """The head before an unplug and the tail after it would make a whole line."""
    for cut in range(1, LENGTH):
        driver = laser()
        assert hear(line()[:cut], instrument=driver) == []
        driver.reset()
        intakes = hear(line()[cut:] + line("00319"), instrument=driver)
        assert values(intakes) == ["00319"]
        assert intakes[0].dropped == "noise"


def test_every_single_bit_flip_is_refused_or_harmless() -> None:
    """The XOR sees each of them."""
    want = decode(line())
    for bent in flips(line()):
        assert _scan(bent) in (None, want)


def test_noise_is_told_once_a_second_and_not_once_a_read() -> None:
    """At a wrong speed every read is noise; the record shall not drown in it."""
    clock = HandClock()
    driver = laser(clock)
    told = hear(*[b"\x00\xff" * 30] * 50, instrument=driver)
    clock.move(1.1)
    told += hear(b"\x00", instrument=driver)
    assert drops(told) == ["noise", "noise"]


@pytest.mark.parametrize("read_baud", [9600, 19200, 38400, 115200])
def test_lines_heard_at_another_speed_are_never_a_reading(read_baud: int) -> None:
    """A thousand different lines, their waveform sampled at the wrong rate; then the right one."""
    driver = laser()
    heard = [misread(line(f"{n:05d}"), 57600, read_baud) for n in range(1000)]
    assert readings(hear(*heard, instrument=driver)) == []
    assert values(hear(line(), instrument=driver)) == ["00318"]


# ---------------------------------------------------------------------- fuzz


@pytest.mark.timeout(3600)
def test_fuzzed_lines_pass_far_less_often_than_their_checksum_lets_them() -> None:
    """Both counts are printed: what the XOR cannot see, and what the form leaves of that."""
    dice = random.Random(100)
    want = decode(line())
    unseen = false = 0
    for _ in range(FUZZ):
        bent = _bent(dice, line())
        body, _, check = bent[1:].rpartition(b"*")
        if bent != line() and check == f"{xor8(body):02X}".encode():
            unseen += 1
            false += _scan(bent) not in (None, want)
    print(f"hesai_dm100: of {FUZZ} bent lines {unseen} pass the XOR, {false} as something else")
    assert unseen > FUZZ / 1000, "too few to say anything"
    assert false <= unseen / 3


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_input_lives_on() -> None:
    dice = random.Random(7)
    driver = laser()
    noise = [dice.randbytes(500) + b"$00318,\r\n" for _ in range(max(200, FUZZ // 500))]
    assert readings(hear(*noise, instrument=driver)) == []
    assert values(hear(line(), instrument=driver)) == ["00318"]


# ---------------------------------------------------------------------- simulator


@pytest.mark.parametrize("end", ["crlf", "lf", "none"])
def test_driver_and_simulator_agree_on_a_real_terminal(end: Any) -> None:
    """Ten values, each own fault, and back: the reading is what the simulator senses."""
    clock = HandClock()
    driver = laser(clock, confirm_over=99999)
    device = Simulator(TelemeterFacts(end=end))
    with PtyPair() as cable, Port(cable.settings()) as port:

        def say(ppm_m: int) -> list[Intake]:
            clock.move(1.1)
            cable.send(device.speak(Decimal(ppm_m), clock.now_us()))
            return next((said for _ in range(10) if (said := list(driver.read(port)))), [])

        for ppm_m in range(0, 5000, 500):
            assert [r.canonical for r in readings(say(ppm_m))] == [Decimal(ppm_m)]
        device.faults = {"fault"}
        assert values(say(1)) == ["fault"]
        device.faults = {"model"}
        assert drops(say(1) + say(1)) == ["noise"]
        device.silence()
        device.faults = set()
        assert values(say(20)) == ["00020"]


def test_the_plugin_registers_one_kind_and_calls_it_unproved() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("hesai_dm100", Dm100Settings)
    assert "unproved" in kind.models[0].name


def flips(frame: bytes) -> Iterator[bytes]:
    """*frame* with each of its bits flipped."""
    for bit in range(len(frame) * 8):
        bent = bytearray(frame)
        bent[bit // 8] ^= 1 << bit % 8
        yield bytes(bent)


def _scan(frame: bytes) -> Scan | None:
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
