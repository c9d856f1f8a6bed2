"""The nine-byte driver: answers to its own question become readings in the unit that was set."""

import os
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, Fault, InstrumentSilent, Intake, Port, Reading
from hub.testing import (
    HandClock,
    PtyPair,
    ScriptedPort,
    golden_cases,
    misread,
    replay_golden,
    site,
)
from plugins.winsen_9byte import register_drivers
from plugins.winsen_9byte.driver import (
    LENGTH,
    Answer,
    Request,
    Winsen9Byte,
    build,
    decode,
    decode_request,
    request,
)
from plugins.winsen_9byte.settings import Winsen9ByteSettings
from plugins.winsen_9byte.simulator import CountFacts, Simulator

GOLDEN = golden_cases(Path(__file__).parent)
FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
ASK = bytes.fromhex("FF0186000000000079")


def frame(*body: int) -> bytes:
    """FF, the bytes, and their check."""
    return bytes((0xFF, *body, -sum(body) % 256))


def answer(raw: int = 608) -> bytes:
    return frame(0x86, *raw.to_bytes(2), 0x47, 0, 0, 0)


def sensor(clock: HandClock | None = None, **settings: Any) -> Winsen9Byte:
    given = {"unit": "%LEL", "scale": "0.1", **settings}
    return build("riser-3", Winsen9ByteSettings(**given), site(clock or HandClock(now_us=7)))


def poll(
    *answers: bytes | Sequence[bytes], instrument: Winsen9Byte | None = None
) -> Sequence[Intake]:
    """One poll; each of *answers* to one question, parts of one in a tuple."""
    script = [(ASK, (a,) if isinstance(a, bytes) else a) for a in answers]
    return (instrument or sensor()).read(ScriptedPort(script))


def readings(intakes: Sequence[Intake]) -> list[Reading]:
    return [reading for intake in intakes for reading in intake.readings]


def values(intakes: Sequence[Intake]) -> list[str]:
    return [reading.value or reading.quality for reading in readings(intakes)]


def drops(intakes: Sequence[Intake]) -> list[str]:
    return [intake.dropped for intake in intakes]


# ---------------------------------------------------------------------- golden frames


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["id"])
def test_golden_exchanges(case: dict[str, Any]) -> None:
    """What is sent, and what becomes of the answers; what must be refused gives no number."""
    replay_golden(register_drivers()[0], case)


def test_the_published_question_and_answer() -> None:
    """winsen-read-cmd and winsen-read-resp, both ways."""
    assert request(1) == ASK
    assert decode_request(ASK) == Request(sensor=1, command=134)
    assert decode(bytes.fromhex("FF86026047000000D1")) == Answer(608, b"\x47\0\0\0")


# ---------------------------------------------------------------------- readings


def test_an_answer_becomes_a_reading_in_the_unit_of_the_settings() -> None:
    """Count times scale, exact; hub time; the serial of the settings; the raw answer is kept."""
    assert poll(answer(), instrument=sensor(serial="W3")) == [
        Intake(
            "riser-3",
            answer(),
            7,
            (
                Reading(
                    instrument="riser-3",
                    serial="W3",
                    quantity="gas",
                    value="60.8",
                    unit="%LEL",
                    canonical=Decimal("60.8"),
                    canonical_unit="%LEL",
                    at_us=7,
                ),
            ),
        )
    ]


@pytest.mark.parametrize("absent", ["unit", "scale"])
def test_without_unit_and_scale_there_is_no_driver(absent: str) -> None:
    """The answer says neither, the data sheet contradicts itself, and nothing is guessed."""
    given = {"unit": "%LEL", "scale": "0.1"}
    del given[absent]
    with pytest.raises(ValueError, match=absent):
        Winsen9ByteSettings.model_validate(given)


@pytest.mark.parametrize("scale", ["0", "-0.1", "nan", "inf"])
def test_a_scale_that_is_none_is_refused(scale: str) -> None:
    with pytest.raises(ValueError, match="scale"):
        Winsen9ByteSettings(unit="%LEL", scale=Decimal(scale))


@pytest.mark.parametrize(
    ("settings", "raw", "said"),
    [
        ({}, 1000, "100.0"),
        ({}, 1001, "over_range"),
        ({}, 0, "0.0"),
        ({}, 0xFFFF, "fault"),
        ({}, 0xFFFE, "over_range"),
        ({"unit": "ppm", "scale": "500"}, 608, "304000"),
        ({"unit": "ppm", "scale": "500", "most": "50000"}, 608, "over_range"),
        ({"unit": "%vol", "scale": "0.01"}, 132, "1.32"),
        ({"scale": "1e-3"}, 12345, "12.345"),
    ],
)
def test_counts_become_exact_decimals_or_a_quality(
    settings: dict[str, Any], raw: int, said: str
) -> None:
    (reading,) = readings(poll(answer(raw), instrument=sensor(**settings)))
    assert (reading.value or reading.quality) == said
    assert (reading.canonical is None) == (reading.quality != "good")


def test_warming_up_begins_with_contact_and_after_each_silence() -> None:
    clock = HandClock()
    driver = sensor(clock, warm_up_s=60)
    assert values(poll(answer(), instrument=driver)) == ["warming_up"]
    clock.move(61)
    assert values(poll(answer(), instrument=driver)) == ["60.8"]
    with pytest.raises(InstrumentSilent):
        poll((), instrument=driver)
    assert values(poll(answer(), instrument=driver)) == ["warming_up"]
    clock.move(61)
    driver.reset()
    driver.reset()
    assert values(poll(answer(), instrument=driver)) == ["warming_up"]


# ---------------------------------------------------------------------- second looks


@pytest.mark.parametrize(
    ("unit", "scale", "step"), [("%LEL", "0.1", 100), ("%vol", "0.01", 50), ("ppm", "50", 100)]
)
def test_a_step_is_asked_for_again_at_once(unit: str, scale: str, step: int) -> None:
    """Ten of the LEL or half a percent by volume are taken; one count more needs two answers."""
    driver = sensor(unit=unit, scale=scale)
    poll(answer(0), instrument=driver)
    assert drops(poll(answer(step), instrument=driver)) == [""]
    again = poll(answer(2 * step + 1), answer(2 * step + 2), instrument=driver)
    assert drops(again) == ["unconfirmed", ""]
    assert Decimal(values(again)[0]) == (2 * step + 2) * Decimal(scale)


def test_a_step_whose_second_look_fails_is_no_reading() -> None:
    """Silence, noise or the old value instead."""
    for second in ((), (b"\x00" * 9,), (answer(1),)):
        driver = sensor()
        poll(answer(0), instrument=driver)
        intakes = poll(answer(900), second, instrument=driver)
        assert intakes[0].dropped == "unconfirmed"
        assert values(intakes) == (["0.1"] if second == (answer(1),) else [])


# ---------------------------------------------------------------------- bad answers


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param(ASK, id="our own question, echoed"),
        pytest.param(frame(0x87, 2, 0x60, 0x47, 0, 0, 0), id="another command"),
        pytest.param(frame(4, 3, 1, 0, 0xC8, 7, 0xD0), id="a ZE07-CO"),
        pytest.param(bytes.fromhex("1605010064000080"), id="a Cubic"),
        pytest.param(b"00198\r", id="a MIPEX"),
        pytest.param(answer()[:-1] + b"\xd2", id="wrong check"),
        pytest.param(b"\xff" * 30, id="all bits set"),
        pytest.param(bytes(30), id="all bits clear"),
    ],
)
def test_what_is_no_answer_to_our_question_is_refused(heard: bytes) -> None:
    with pytest.raises(BadFrame):
        decode(heard)
    with pytest.raises((BadFrame, InstrumentSilent)):
        poll(heard)


def test_a_question_for_another_sensor_is_what_is_sent() -> None:
    driver = sensor(sensor=200)
    port = ScriptedPort([(frame(200, 0x86, 0, 0, 0, 0, 0), (answer(),))])
    assert values(driver.read(port)) == ["60.8"]


def test_an_answer_may_come_in_pieces_and_behind_echo_and_noise() -> None:
    """At every cut; a false start before it costs nothing but itself."""
    for heard in (answer(), ASK + answer(), b"\x00\xff\x86\x01" + answer(), b"\xff" + answer()):
        for cut in range(1, len(heard)):
            assert values(poll((heard[:cut], heard[cut:]))) == ["60.8"]


def test_two_answers_in_one_read_are_one_reading() -> None:
    assert values(poll(answer() + answer(300))) == ["60.8"]


def test_truncated_at_every_byte_it_is_no_reading_and_spares_the_next() -> None:
    for cut in range(1, LENGTH):
        driver = sensor()
        for part in (answer()[:cut], answer()[cut:]):
            with pytest.raises(BadFrame):
                poll(part, instrument=driver)
        assert values(poll(answer(), instrument=driver)) == ["60.8"]


def test_every_single_bit_flip_is_refused() -> None:
    """The sum sees each of them, in the answer and in the question."""
    for bent in flips(answer()):
        with pytest.raises(BadFrame):
            decode(bent)
    for bent in flips(ASK):
        with pytest.raises(BadFrame):
            decode_request(bent)


@pytest.mark.parametrize("read_baud", [4800, 19200, 57600])
def test_answers_heard_at_another_speed_are_never_a_reading(read_baud: int) -> None:
    """A thousand values, their waveform sampled at the wrong rate."""
    for raw in range(1000):
        with pytest.raises((BadFrame, InstrumentSilent)):
            poll(misread(answer(raw), 9600, read_baud))


# ---------------------------------------------------------------------- fuzz


@pytest.mark.timeout(3600)
def test_fuzzed_answers_are_read_as_something_else_no_oftener_than_the_sum_lets_them() -> None:
    """Printed: how many pass the sum, and how many go out between true answers."""
    dice = random.Random(441)
    unseen = out = 0
    count = FUZZ // 2
    driver = sensor()
    for _ in range(count):
        bent = _bent(dice, answer())
        with suppress(BadFrame):
            unseen += decode(bent).raw != 608
        poll(answer(), answer(), instrument=driver)
        with suppress(BadFrame, InstrumentSilent):
            said = values(poll(bent, answer(), instrument=driver))
            out += any(value[0].isdigit() and value != "60.8" for value in said)
    print(f"winsen_9byte: of {count} bent answers {unseen} pass the sum, {out} go out")
    assert unseen <= count / 100
    assert out <= count / 500


@pytest.mark.timeout(3600)
def test_of_two_flipped_bits_few_go_out() -> None:
    """The sum misses some three in a hundred; a second look holds the large steps back."""
    dice = random.Random(442)
    unseen = far = 0
    count = FUZZ // 4
    for _ in range(count):
        bent = bytearray(answer())
        for bit in dice.sample(range(LENGTH * 8), 2):
            bent[bit // 8] ^= 1 << bit % 8
        with suppress(BadFrame):
            unseen += decode(bytes(bent)).raw != 608
        driver = sensor()
        poll(answer(), instrument=driver)
        with suppress(BadFrame, InstrumentSilent):
            for reading in readings(poll(bytes(bent), answer(), instrument=driver)):
                far += (
                    reading.canonical is not None and abs(reading.canonical - Decimal("60.8")) > 10
                )
    print(f"winsen_9byte: of {count} double flips {unseen} pass the sum, {far} go out far off")
    assert count / 500 < unseen < count / 20
    assert far == 0


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_next_poll_is_fine() -> None:
    """A start and the right command strewn in; only the sum's own odds could pass."""
    dice = random.Random(8)
    driver = sensor()
    for _ in range(max(2000, FUZZ // 50)):
        with suppress(Fault):
            junk = dice.randbytes(dice.randint(1, 60)) + b"\xff\x86"
            assert readings(poll(junk, instrument=driver)) == []
    assert values(poll(answer(), instrument=driver)) == ["60.8"]


# ---------------------------------------------------------------------- settings


def test_polling_faster_than_twice_the_answer_time_is_refused() -> None:
    """An answer that comes late would be taken for the next one."""
    with pytest.raises(ValueError, match="poll less often"):
        Winsen9ByteSettings(unit="%LEL", scale=Decimal(1), poll_every_s=0.3)


# ---------------------------------------------------------------------- simulator


@pytest.mark.parametrize(
    ("unit", "scale", "of_pct_vol"),
    [("%LEL", "0.1", 20), ("%vol", "0.01", 1), ("ppm", "50", 10_000)],
)
def test_driver_and_simulator_agree_on_a_real_terminal(
    unit: Any, scale: str, of_pct_vol: int
) -> None:
    """Ten values, each own fault, and back: the reading is what the simulator senses."""
    driver = sensor(unit=unit, scale=scale, confirm_over=100)
    device = Simulator(CountFacts(unit=unit, scale=Decimal(scale)))
    sensed = Decimal(0)
    with (
        PtyPair() as cable,
        cable.answering(lambda heard: [device.hear(heard, sensed)]),
        Port(cable.settings()) as port,
    ):
        for hundredths in range(0, 500, 50):
            sensed = Decimal(hundredths) / 100
            (value,) = values(driver.read(port))
            assert Decimal(value) == sensed * of_pct_vol
        device.faults = {"sentinel"}
        assert values(driver.read(port)) == ["fault"]
        device.faults = {"model"}
        with pytest.raises(BadFrame):
            driver.read(port)
        device.silence()
        device.faults = set()
        assert Decimal(values(driver.read(port))[0]) == sensed * of_pct_vol


def test_the_plugin_registers_one_kind() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("winsen_9byte", Winsen9ByteSettings)


def flips(whole: bytes) -> Iterator[bytes]:
    """*whole* with each of its bits flipped."""
    for bit in range(len(whole) * 8):
        bent = bytearray(whole)
        bent[bit // 8] ^= 1 << bit % 8
        yield bytes(bent)


def _bent(dice: random.Random, whole: bytes) -> bytes:
    """One to four of: a bit flipped, a byte changed, lost, or heard twice."""
    bent = bytearray(whole)
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
