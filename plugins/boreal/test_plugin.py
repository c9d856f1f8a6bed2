"""The GasFinder driver: the manual's lines become readings, nothing else does."""

import os
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, ConfigError, Intake, Port, Reading, xor8
from hub.testing import (
    HandClock,
    PtyPair,
    ScriptedPort,
    golden_cases,
    misread,
    replay_golden,
    site,
)
from plugins.boreal import register_drivers
from plugins.boreal.driver import GasFinder, Scan, build, decode
from plugins.boreal.settings import BorealSettings
from plugins.boreal.simulator import LaserFacts, Simulator

GOLDEN = golden_cases(Path(__file__).parent)
FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
BODY = "GFDTA,7.2,98,3.0,5527,2019/01/22 16:04:58,CH4AB-1047,1"


def line(body: str = BODY) -> bytes:
    return f"${body}*{xor8(body.encode()):02X}\r\n".encode()


def laser(**settings: Any) -> GasFinder:
    return build("laser", BorealSettings(**settings), site(HandClock(now_us=7)))


def hear(*parts: bytes, instrument: GasFinder | None = None) -> list[Intake]:
    """What the driver makes of *parts*, each one read."""
    driver = instrument or laser()
    port = ScriptedPort(stream=parts)
    return [intake for _ in parts for intake in driver.read(port)]


def readings(intakes: list[Intake]) -> list[Reading]:
    return [reading for intake in intakes for reading in intake.readings]


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["id"])
def test_golden_frames(case: dict[str, Any]) -> None:
    """Published lines read as published; what must be refused gives no number."""
    replay_golden(register_drivers()[0], case)


def test_published_lines_decode_field_by_field() -> None:
    """Both of the shared vectors; the third, with one digit changed, does not."""
    hf = b"$GFDTA,7.7,98,600,5527,2011/01/27 13:29:28,HFH2O-1xxx,1*2B\r\n"
    ch4 = b"$GFDTA,7.2,98,3.0,16380,2019/01/22 16:04:58,CH4AB-1047,1*40\r\n"
    assert decode(hf) == Scan(
        "GFDTA", None, "7.7", 98, "600", 5527, "2011/01/27 13:29:28", "HFH2O-1xxx", 1
    )
    assert decode(ch4) == Scan(
        "GFDTA", None, "7.2", 98, "3.0", 16380, "2019/01/22 16:04:58", "CH4AB-1047", 1
    )
    with pytest.raises(BadFrame, match="checksum"):
        decode(ch4.replace(b"16380", b"16381"))


def test_a_line_becomes_a_reading_with_the_instruments_own_serial() -> None:
    """Hub time decides; the laser's clock stays beside it; the raw line is kept."""
    (intake,) = hear(line())
    assert intake == Intake(
        "laser",
        line(),
        7,
        (
            Reading(
                instrument="laser",
                serial="CH4AB-1047",
                quantity="gas_path",
                value="7.2",
                unit="ppm.m",
                canonical=Decimal("7.2"),
                canonical_unit="ppm.m",
                at_us=7,
                device_time="2019/01/22 16:04:58",
            ),
        ),
    )


@pytest.mark.parametrize("channel", range(1, 9))
def test_eight_fields_carry_a_channel_that_is_an_instrument_of_its_own(channel: int) -> None:
    (reading,) = readings(hear(line(BODY.replace("GFDTA,", f"GFDTA,{channel},"))))
    assert (reading.instrument, reading.value) == (f"laser/{channel}", "7.2")


@pytest.mark.parametrize(
    ("change", "quality"),
    [
        pytest.param((",1", ",2"), "fault", id="status not normal"),
        pytest.param((",1", ",8001"), "fault", id="status bits in hex"),
        pytest.param((",98,", ",49,"), "bad", id="fit too low"),
        pytest.param((",98,", ",50,"), "good", id="fit at the limit"),
        pytest.param((",5527,", ",49,"), "bad", id="beam blocked"),
        pytest.param((",5527,", ",0,"), "bad", id="no light"),
        pytest.param((",5527,", ",16299,"), "good", id="light at the limit"),
        pytest.param((",5527,", ",16300,"), "over_range", id="saturated"),
        pytest.param((",7.2,", ",2000.1,"), "over_range", id="over its range"),
        pytest.param((",7.2,", ",2000.0,"), "good", id="end of its range"),
    ],
)
def test_a_doubtful_scan_is_a_quality_and_no_number(change: tuple[str, str], quality: str) -> None:
    """The last occurrence is changed: the status is the last field."""
    head, tail = BODY.rsplit(change[0], 1)
    driver = laser(most_ppm_m=2000)
    (reading,) = readings(hear(line(head + change[1] + tail), instrument=driver))
    assert reading.quality == quality
    assert (reading.canonical is not None) == (quality == "good")
    assert (reading.value != "") == (quality == "good")


@pytest.mark.parametrize(
    "body",
    [
        BODY.replace("7.2", ""),
        BODY.replace("7.2", "-7.2"),
        BODY.replace("7.2", "+7.2"),
        BODY.replace("7.2", "7.2.1"),
        BODY.replace("7.2", "7e2"),
        BODY.replace("7.2", "nan"),
        BODY.replace("7.2", "123456789"),
        BODY.replace("7.2", "7 2"),
        BODY.replace(",98,", ",100,"),
        BODY.replace(",98,", ",9.8,"),
        BODY.replace(",3.0,", ",0.9,"),
        BODY.replace(",3.0,", ",12345,"),
        BODY.replace(",5527,", ",16385,"),
        BODY.replace("2019/01/22", "2019-01-22"),
        BODY.replace("16:04:58", "16:04"),
        BODY.replace("CH4AB-1047", "CH4AB-10471"),
        BODY.replace("CH4AB-1047", ""),
        BODY[:-1] + "0",
        BODY[:-1] + "G",
        BODY[:-1] + "10001",
        BODY + ",1",
        BODY.replace("GFDTA,", "GFDTA,9,"),
        BODY.replace("GFDTA,", "GFDTA,0,"),
        BODY.rsplit(",", 1)[0],
        BODY.replace("7.2", "7.２"),
    ],
)
def test_a_right_checksum_does_not_save_a_wrong_form(body: str) -> None:
    """One byte of XOR is weak: fields must have the manual's form and range as well."""
    with pytest.raises(BadFrame):
        decode(line(body))
    (intake,) = hear(line(body))
    assert (intake.dropped, intake.readings) == ("bad_frame", ())


def test_blanks_pad_a_field_and_count_for_the_checksum() -> None:
    padded = BODY.replace("7.2", "   7.2").replace("CH4AB", " CH4AB").replace("3.0", " 3.0 ")
    (reading,) = readings(hear(line(padded)))
    assert (reading.value, reading.serial) == ("7.2", "CH4AB-1047")


@pytest.mark.parametrize("body", ["GFDBG,25.1,50,98,97,1,12.1,2019/01/22 16:04:58", "GFLCA,1,2"])
def test_other_sentences_are_a_named_drop(body: str) -> None:
    assert [i.dropped for i in hear(line(body) + line())] == ["other_sentence", ""]


@pytest.mark.parametrize("serial", ["HFH2O-1xxx", "NH3AB-0001", "xCH4-0001"])
def test_another_gas_is_a_named_drop_unless_someone_vouches(serial: str) -> None:
    """The header is the same for every gas; only the serial tells."""
    foreign = line(BODY.replace("CH4AB-1047", serial))
    assert [i.dropped for i in hear(foreign)] == ["other_gas"]
    (reading,) = readings(hear(foreign, instrument=laser(gas="CH4")))
    assert reading.serial == serial


def test_another_laser_than_the_settings_name_is_never_used() -> None:
    """Every line of it is a named drop; the right one is taken up again at once."""
    driver = laser(serial="CH4AB-1047")
    heard = hear(line(BODY.replace("1047", "2001")), line(), instrument=driver)
    assert [intake.dropped for intake in heard] == ["other_instrument", ""]


def test_the_second_gas_is_read_only_when_configured_and_vouched_for() -> None:
    second = line(BODY.replace("GFDTA", "GFDTB"))
    assert [i.dropped for i in hear(second)] == ["other_sentence"]
    both = laser(sentence="GFDTB", gas="CH4")
    assert [i.dropped for i in hear(line() + second, instrument=both)] == ["other_sentence", ""]
    with pytest.raises(ConfigError, match="GFDTB is a second gas"):
        laser(sentence="GFDTB")


def test_every_split_of_two_lines_gives_the_same_readings() -> None:
    """Partial and doubled frames: wherever the reads cut, the same two readings and no drop."""
    stream = line() + line(BODY.replace("7.2", "8.1"))
    whole = [reading.value for reading in readings(hear(stream))]
    assert whole == ["7.2", "8.1"]
    for cut in range(1, len(stream)):
        intakes = hear(stream[:cut], stream[cut:])
        assert [reading.value for reading in readings(intakes)] == whole
        assert [intake.dropped for intake in intakes] == ["", ""]


def test_truncated_at_every_byte_it_is_no_reading_and_spares_the_next() -> None:
    for cut in range(1, len(line())):
        intakes = hear(line()[:cut] + line(BODY.replace("7.2", "8.1")))
        assert [reading.value for reading in readings(intakes)] == ["8.1"]


def test_after_a_reset_a_tail_meets_no_head() -> None:
    """The head before an unplug and the tail after it would make a whole line."""
    driver = laser()
    assert hear(line()[:20], instrument=driver) == []
    driver.reset()
    intakes = hear(line()[20:], line(), instrument=driver)
    assert [reading.value for reading in readings(intakes)] == ["7.2"]
    assert "noise" in [intake.dropped for intake in intakes]


def test_noise_is_told_once_a_second_and_not_once_a_read() -> None:
    """At a wrong speed every read is noise; the record shall not drown in it."""
    clock = HandClock()
    driver = build("laser", BorealSettings(), site(clock))
    told = hear(*[b"\x00\xff" * 30] * 50, instrument=driver)
    clock.move(1.1)
    told += hear(b"\x00", instrument=driver)
    assert [intake.dropped for intake in told] == ["noise", "noise"]


def test_an_instrument_swapped_on_the_same_line_brings_its_own_serial() -> None:
    both = hear(line(), line(BODY.replace("1047", "2001")))
    assert [reading.serial for reading in readings(both)] == ["CH4AB-1047", "CH4AB-2001"]


def test_every_single_bit_flip_is_refused_or_harmless() -> None:
    """A flipped bit never gives another number, serial or status."""
    want = decode(line())
    for at in range(len(line()) * 8):
        flipped = bytearray(line())
        flipped[at // 8] ^= 1 << at % 8
        assert _scan(bytes(flipped)) in (None, want)


def test_a_decimal_comma_is_never_a_reading_of_this_instrument() -> None:
    """With 7,2 a line has the form of channel 7 with 2 ppm·m: then it bears that channel's name."""
    (reading,) = readings(hear(line(BODY.replace("7.2", "7,2"))))
    assert reading.instrument == "laser/7"


@pytest.mark.timeout(3600)
def test_fuzzed_lines_pass_less_often_than_their_checksum_lets_them() -> None:
    """Of the bent lines that XOR cannot tell from whole ones, most fail by the form of a field.

    Both counts are printed. Two flips in one column of bits are what XOR is blind to; what then
    remains are digits that became other digits, which no single line can show.
    """
    dice = random.Random(20170717)
    want = decode(line())
    unseen = false = 0
    for _ in range(FUZZ):
        bent = _bent(dice, line())
        if bent != line() and _checksum_holds(bent):
            unseen += 1
            false += _scan(bent) not in (None, want)
    print(f"boreal: of {FUZZ} bent lines {unseen} pass the XOR, {false} read as something else")
    assert unseen > FUZZ / 1000, "too few to say anything"
    assert false <= unseen / 10


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_input_lives_on() -> None:
    dice = random.Random(7)
    driver = laser()
    noise = [dice.randbytes(500) + b"$GFDTA,\r\n" for _ in range(max(200, FUZZ // 500))]
    assert readings(hear(*noise, instrument=driver)) == []
    assert [r.value for r in readings(hear(b"\r\n" + line(), instrument=driver))] == ["7.2"]


@pytest.mark.parametrize("read_baud", [2400, 4800, 19200, 115200])
def test_lines_heard_at_another_speed_are_never_a_reading(read_baud: int) -> None:
    """A thousand different lines, their waveform sampled at the wrong rate; then the right one."""
    driver = laser()
    bodies = [BODY.replace("7.2", f"{ppm_m}.{ppm_m % 10}") for ppm_m in range(1000)]
    heard = [misread(line(body), sent_baud=9600, read_baud=read_baud) for body in bodies]
    assert readings(hear(*heard, instrument=driver)) == []
    assert [r.value for r in readings(hear(b"\r\n" + line(), instrument=driver))] == ["7.2"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        pytest.param("60 560 60", "60 560 60", id="a step at the limit"),
        pytest.param("60 561 60", "60 over_range 60", id="a lone peak"),
        pytest.param("60 3000 3100 60 60", "60 3000 3100 60 60", id="a plume"),
        pytest.param("60 900 3000 900 60 61", "60 900 3000 900 60 61", id="a sweep"),
        pytest.param("60 3000 700 60 60", "60 3000 700 60 60", id="a fast sweep"),
        pytest.param("60 3000 60 3000 60", "60 over_range 60 over_range 60", id="two lone peaks"),
        pytest.param("3000 60 3000", "3000 bad 3000", id="a lone dip"),
    ],
)
def test_a_peak_needs_a_neighbour_and_is_never_hidden(sent: str, said: str) -> None:
    """Shared, it goes out as a number; alone, as a quality that spoils the sweep. In order."""
    heard = hear(*(line(BODY.replace("7.2", ppm_m)) for ppm_m in sent.split()))
    assert [reading.value or reading.quality for reading in readings(heard)] == said.split()


def test_each_channel_and_each_laser_has_peaks_of_its_own() -> None:
    """What another one saw neither confirms nor spoils."""
    far = BODY.replace("7.2", "3000")
    heard = hear(
        line(BODY.replace("GFDTA,", "GFDTA,1,")),
        line(far.replace("GFDTA,", "GFDTA,2,")),
        line(BODY.replace("GFDTA,", "GFDTA,1,")),
        line(far.replace("GFDTA,", "GFDTA,2,").replace("1047", "2001")),
        line(BODY.replace("GFDTA,", "GFDTA,2,").replace("1047", "2002")),
    )
    assert [reading.value for reading in readings(heard)] == ["7.2", "3000", "7.2", "3000", "7.2"]


def test_a_peak_that_nothing_follows_goes_out_without_its_number() -> None:
    """By the time it would be stale, or when the port is opened again: it came, so it is told."""
    clock = HandClock()
    driver = build("laser", BorealSettings(), site(clock))
    far = line(BODY.replace("7.2", "3000"))
    assert len(hear(line(), far, instrument=driver)) == 1
    clock.move(5.1)
    assert [r.quality for r in readings(hear(b"", instrument=driver))] == ["over_range"]
    assert hear(far, instrument=driver) == []
    driver.reset()
    driver.reset()
    said = readings(hear(line(), instrument=driver))
    assert [r.value or r.quality for r in said] == ["over_range", "7.2"]


@pytest.mark.parametrize("facts", [LaserFacts(), LaserFacts(chatty=True), LaserFacts(channel=5)])
def test_driver_and_simulator_agree_on_a_real_terminal(facts: LaserFacts) -> None:
    """Ten values, each own fault, and back: the reading is what the simulator senses."""
    clock = HandClock()
    driver = build("laser", BorealSettings(confirm_over=Decimal(99999)), site(clock))
    device = Simulator(facts)
    with PtyPair() as cable, Port(cable.settings()) as port:

        def say(ppm_m: int) -> list[Intake]:
            cable.send(device.speak(Decimal(ppm_m), clock.now_us()))
            heard = (said for _ in range(10) if (said := driver.read(port)))
            return [i for i in next(heard, []) if i.dropped != "other_sentence"]

        for ppm_m in range(0, 5000, 500):
            assert [r.canonical for r in readings(say(ppm_m))] == [Decimal(ppm_m)]
        for fault, said in [("over_range", "over_range"), ("fault", "fault")]:
            device.faults = {fault}
            assert [r.quality for r in readings(say(1))] == [said]
        device.faults = {"identity"}
        assert [r.serial for r in readings(say(1))] == ["CH4AB-2001"]
        device.faults = {"model"}
        assert [i.dropped for i in say(1)] == ["other_gas"]
        device.silence()
        device.faults = set()
        assert [r.value for r in readings(say(20))] == ["20.0"]


def test_the_plugin_registers_one_kind() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("boreal", BorealSettings)


def _scan(frame: bytes) -> Scan | None:
    try:
        return decode(frame)
    except BadFrame:
        return None


def _checksum_holds(frame: bytes) -> bool:
    body, _, check = frame[1:-2].rpartition(b"*")
    return check.upper() == f"{xor8(body):02X}".encode()


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
