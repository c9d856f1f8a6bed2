"""The MIPEX driver: answers to its own question become readings, negative numbers never do."""

import os
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, Fault, InstrumentSilent, Intake, Port, Reading, xor8
from hub.testing import (
    HandClock,
    PtyPair,
    ScriptedPort,
    golden_cases,
    misread,
    replay_golden,
    site,
)
from plugins.mipex import register_drivers
from plugins.mipex.driver import Mipex, build
from plugins.mipex.settings import MipexSettings
from plugins.mipex.simulator import MipexFacts, Simulator
from plugins.mipex.wire import Answer, decode, decode_serial, request

GOLDEN = golden_cases(Path(__file__).parent)
FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))


def summed(*body: int) -> bytes:
    """A binary answer: the bytes, their XOR, CR."""
    return bytes(body) + bytes([xor8(bytes(body))]) + b"\r"


def text(hundredths: int = 198) -> bytes:
    return b"%05d\r" % hundredths


def datae(hundredths: int = 198, status: int = 0) -> bytes:
    return summed(*hundredths.to_bytes(2), status)


def datae2(hundredths: int = 198, status: int = 0) -> bytes:
    return summed(*hundredths.to_bytes(2), *status.to_bytes(2))


def sensor(clock: HandClock | None = None, **settings: Any) -> Mipex:
    given = {"ask_serial": False, **settings}
    return build("riser-3", MipexSettings(**given), site(clock or HandClock(now_us=7)))


def poll(
    *answers: bytes | Sequence[bytes], instrument: Mipex | None = None, query: str = "DATA"
) -> list[Intake]:
    """What the driver makes of *answers*, one for each turn; parts of one in a tuple."""
    driver = instrument or sensor(query=query)
    script = [
        (request(query), (answer,) if isinstance(answer, bytes) else answer) for answer in answers
    ]
    port = ScriptedPort(script)
    intakes: list[Intake] = []
    for _ in answers:
        with suppress(BadFrame, InstrumentSilent):
            intakes += driver.read(port)
    return intakes


def readings(intakes: list[Intake]) -> list[Reading]:
    return [reading for intake in intakes for reading in intake.readings]


def values(intakes: list[Intake]) -> list[str]:
    return [reading.value or reading.quality for reading in readings(intakes)]


def drops(intakes: list[Intake]) -> list[str]:
    return [intake.dropped for intake in intakes]


# ---------------------------------------------------------------------- golden frames


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["id"])
def test_golden_exchanges(case: dict[str, Any]) -> None:
    """What is sent, and what becomes of the answers; what must be refused gives no number."""
    replay_golden(register_drivers()[0], case)


def test_published_answers_decode() -> None:
    """1.98 %vol, and the code for warming up, in each form that is documented."""
    assert decode(b"00198\r") == Answer("1.98", "good")
    assert decode(b"-0001\r") == Answer("", "warming_up")
    assert decode(summed(0x00, 0xC6, 0x00), "DATAE") == Answer("1.98", "good")
    assert decode(summed(0x80, 0x01, 0x01), "DATAE") == Answer("", "warming_up", 1)
    assert decode(summed(0x7F, 0xFF, 0, 2), "DATAE2") == Answer("", "over_range", 2)


# ---------------------------------------------------------------------- readings


def test_an_answer_becomes_a_reading_in_pct_vol() -> None:
    """Exact hundredths; hub time; the serial of the settings; the raw answer is kept."""
    intakes = poll(text(), text(), instrument=sensor(serial="M7"))
    assert intakes == [
        Intake("riser-3", text(), 7, dropped="unconfirmed"),
        Intake(
            "riser-3",
            text(),
            7,
            (
                Reading(
                    instrument="riser-3",
                    serial="M7",
                    quantity="gas",
                    value="1.98",
                    unit="%vol",
                    canonical=Decimal("1.98"),
                    canonical_unit="%vol",
                    at_us=7,
                ),
            ),
        ),
    ]


def test_a_negative_number_is_never_a_concentration() -> None:
    """All ten thousand of the text, and all codes of the binary form."""
    for number in range(10_000):
        answer = decode(b"-%04d\r" % number)
        assert (answer.pct_vol, answer.quality != "good") == ("", True)
    for raw in range(0x8000, 0x10000):
        answer = decode(datae(raw), "DATAE")
        assert (answer.pct_vol, answer.quality != "good") == ("", True)


@pytest.mark.parametrize("bit", range(16))
def test_every_status_bit_but_two_takes_the_number_away(bit: int) -> None:
    """Reserved, and a temperature that moves slowly, leave it to specification."""
    quality = {0: "warming_up", 3: "good", 4: "good", 7: "fault", 11: "fault"}.get(bit, "bad")
    (reading,) = readings(poll(datae2(198, 1 << bit), query="DATAE2"))
    assert (reading.quality, reading.value) == (quality, "1.98" if quality == "good" else "")
    if bit < 8:
        assert decode(datae(198, 1 << bit), "DATAE").quality == quality


def test_warming_up_lasts_longer_than_its_code() -> None:
    """40 s with the code, to specification after 120 s only."""
    clock = HandClock()
    driver = sensor(clock, query="DATAE")
    said = []
    for code in (0x8001, 198, 198, 198):
        said += values(poll(datae(code), instrument=driver, query="DATAE"))
        clock.move(40)
    assert said == ["warming_up", "warming_up", "1.98", "1.98"]


@pytest.mark.parametrize(("most", "quality"), [(5, "good"), ("4.99", "over_range"), (100, "good")])
def test_beyond_its_range_it_is_a_quality_and_no_number(most: Any, quality: str) -> None:
    driver = sensor(query="DATAE", most_pct_vol=most)
    (reading,) = readings(poll(datae(500), instrument=driver, query="DATAE"))
    assert (reading.quality, reading.canonical is not None) == (quality, quality == "good")


# ---------------------------------------------------------------------- second looks


def test_text_without_a_check_is_asked_twice_before_its_first_value() -> None:
    assert drops(poll(text(), text(), text(199))) == ["unconfirmed", "", ""]


def test_a_large_step_goes_out_once_the_next_answer_agrees() -> None:
    """A single one never does; a state between the two looks confirms nothing."""
    assert values(poll(text(0), text(0), text(400), b"-0003\r", text(401))) == [
        "0.00",
        "bad",
        "4.01",
    ]
    assert values(poll(text(0), text(0), text(400), text(1))) == ["0.00", "0.01"]
    assert values(poll(datae(0), datae(400), datae(1), query="DATAE")) == ["0.00", "0.01"]


# ---------------------------------------------------------------------- identity


def meeting(*serials: bytes) -> list[tuple[bytes, Sequence[bytes]]]:
    return [(b"SRAL?\r", (serial + b"\r",)) for serial in serials]


def test_who_it_is_is_asked_until_it_says_the_same_twice() -> None:
    """One command a turn, as it bears no more than one a second."""
    driver = sensor(ask_serial=True, query="DATAE")
    port = ScriptedPort([*meeting(b"10023456", b"10023456"), (b"DATAE\r", (datae(),))])
    intakes = [intake for _ in range(3) for intake in driver.read(port)]
    assert drops(intakes) == ["serial_number", "serial_number", ""]
    assert [(r.value, r.serial) for r in readings(intakes)] == [("1.98", "10023456")]


def test_a_sensor_that_cannot_tell_goes_on_under_the_serial_of_its_plate() -> None:
    """Older firmware does not know the command, and a wrong command gets no answer."""
    driver = sensor(ask_serial=True, serial="P7", query="DATAE")
    port = ScriptedPort([*[(b"SRAL?\r", ())] * 3, (b"DATAE\r", (datae(),))])
    for _ in range(3):
        with pytest.raises(InstrumentSilent):
            driver.read(port)
    assert [r.serial for r in readings(list(driver.read(port)))] == ["P7"]


def test_another_sensor_than_the_settings_name_is_never_used() -> None:
    """Asked at every turn until the right one is there again."""
    driver = sensor(ask_serial=True, serial="10023456", query="DATAE")
    port = ScriptedPort(
        [*meeting(*[b"99999999"] * 5, *[b"10023456"] * 2), (b"DATAE\r", (datae(),))]
    )
    intakes = [intake for _ in range(8) for intake in driver.read(port)]
    assert drops(intakes) == [
        "serial_number",
        *["other_instrument"] * 4,
        "serial_number",
        "serial_number",
        "",
    ]


@pytest.mark.parametrize("event", ["silence", "warm-up", "reset"])
def test_after_silence_warm_up_or_reset_it_is_asked_again(event: str) -> None:
    """Whoever answers then may be another one."""
    driver = sensor(HandClock(), ask_serial=True, query="DATAE", settle_s=0)
    port = ScriptedPort([*meeting(*[b"10023456"] * 2), (b"DATAE\r", (datae(),))])
    for _ in range(3):
        driver.read(port)
    if event == "silence":
        with pytest.raises(InstrumentSilent):
            driver.read(ScriptedPort([(b"DATAE\r", ())]))
    elif event == "warm-up":
        driver.read(ScriptedPort([(b"DATAE\r", (datae(0x8001),))]))
    else:
        driver.reset()
        driver.reset()
    port = ScriptedPort([*meeting(*[b"20000000"] * 2), (b"DATAE\r", (datae(400),))])
    intakes = [intake for _ in range(3) for intake in driver.read(port)]
    assert [r.serial for r in readings(intakes)] == ["20000000"]


@pytest.mark.parametrize(
    "serial", [b"1002345", b"100234567", b"        ", b"1002345\x01", b"-0001"]
)
def test_a_serial_number_that_is_none_is_refused(serial: bytes) -> None:
    with pytest.raises(BadFrame):
        decode_serial(serial + b"\r")


# ---------------------------------------------------------------------- bad answers


@pytest.mark.parametrize(
    "answer",
    [
        b"198\r",
        b"000198\r",
        b"00198\n",
        b"00198",
        b" 0198\r",
        b"+0198\r",
        b"-00198\r",
        b"--001\r",
        b"0-198\r",
        b"001.8\r",
        b"001e2\r",
        b"  nan\r",
        b"00198 00023\t00000\r",
        b"DATA OK\r",
        b"\xff00198\r",
        "0019８\r".encode(),
        datae(),
        datae2(),
        bytes.fromhex("1605010064000080"),
        b"#0A00198\r",
    ],
)
def test_what_is_no_answer_to_our_question_is_refused(answer: bytes) -> None:
    """Twice in a row too, so that no second look can believe it."""
    with pytest.raises(BadFrame):
        decode(answer)
    assert readings(poll(answer, answer)) == []


@pytest.mark.parametrize("query", ["DATAE", "DATAE2"])
def test_text_and_the_other_binary_form_are_no_binary_answer(query: str) -> None:
    other = datae2() if query == "DATAE" else datae()
    for answer in (text(), other, b"-0001\r", b"DATAE OK\r", request(query)):
        assert readings(poll(answer, query=query)) == []


@pytest.mark.parametrize(
    ("query", "answer"), [("DATA", text()), ("DATAE", datae()), ("DATAE2", datae2())]
)
def test_an_answer_may_come_in_pieces_and_behind_our_own_echo(query: str, answer: bytes) -> None:
    """At every cut, whole and behind the question that an adapter repeats."""
    for heard in (answer, request(query) + answer):
        for cut in range(1, len(heard)):
            parts = (heard[:cut], heard[cut:])
            assert values(poll(parts, parts, query=query))[-1:] == ["1.98"]


@pytest.mark.parametrize(
    ("query", "answer"), [("DATA", text()), ("DATAE", datae()), ("DATAE2", datae2())]
)
def test_truncated_at_every_byte_it_is_no_reading_and_spares_the_next(
    query: str, answer: bytes
) -> None:
    """What is left of it is gone before the next question."""
    for cut in range(len(answer)):
        driver = sensor(query=query)
        for part in (answer[:cut], answer[cut + 1 :]):
            assert readings(poll(part, part, instrument=driver, query=query)) == []
        driver.reset()
        assert values(poll(answer, answer, instrument=driver, query=query))[-1:] == ["1.98"]


def test_two_answers_in_one_read_are_one_reading() -> None:
    """The second answers no question of ours."""
    assert values(poll(datae() + datae(300), query="DATAE")) == ["1.98"]


def test_an_answer_of_another_address_is_refused() -> None:
    """Its own, with the prefix or without, is taken."""
    assert decode(b"#0A00198\r", address=10).pct_vol == "1.98"
    assert decode(b"00198\r", address=10).pct_vol == "1.98"
    for wrong in (b"#0B00198\r", b"#0a00198\r", b"#A00198\r"):
        with pytest.raises(BadFrame):
            decode(wrong, address=10)


@pytest.mark.parametrize("query", ["DATAE", "DATAE2"])
def test_every_single_bit_flip_of_a_checked_answer_is_refused(query: str) -> None:
    answer = datae(1234, 0x10) if query == "DATAE" else datae2(1234, 0x10)
    for bent in flips(answer):
        with pytest.raises(BadFrame):
            decode(bent, query)


def test_single_bit_flips_of_text_are_refused_or_held_back() -> None:
    """There is no check, but what goes out is within `confirm_over` of the truth. 15 of 48 do."""
    out = 0
    for bent in flips(text()):
        driver = sensor()
        poll(text(), text(), instrument=driver)
        for value in [v for v in values(poll(bent, instrument=driver)) if v[0].isdigit()]:
            assert abs(Decimal(value) - Decimal("1.98")) <= Decimal("0.5")
            out += 1
    assert out <= 15


@pytest.mark.parametrize("read_baud", [4800, 19200, 57600])
def test_answers_heard_at_another_speed_are_never_a_reading(read_baud: int) -> None:
    """A thousand values each, asked twice, their waveform sampled at the wrong rate."""
    for query, answer in (("DATA", text), ("DATAE2", datae2)):
        for hundredths in range(0, 10_000, 10):
            heard = misread(answer(hundredths), 9600, read_baud)
            assert readings(poll(heard, heard, query=query)) == []


# ---------------------------------------------------------------------- fuzz


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("query", ["DATA", "DATAE", "DATAE2"])
def test_fuzzed_answers_are_read_as_something_else_no_oftener_than_the_form_lets_them(
    query: str,
) -> None:
    """The count is printed. With DATA, each is a bent answer between true ones."""
    dice = random.Random(4)
    whole = {"DATA": text(), "DATAE": datae(), "DATAE2": datae2()}[query]
    false = far = 0
    count = FUZZ // 10
    for _ in range(count):
        driver = sensor(query=query)
        poll(whole, whole, instrument=driver, query=query)
        for value in values(poll(_bent(dice, whole), whole, instrument=driver, query=query)):
            if value[0].isdigit() and value != "1.98":
                false += 1
                far += abs(Decimal(value) - Decimal("1.98")) > Decimal("0.5")
    print(f"mipex {query}: of {count} bent answers {false} are another number, {far} far off")
    assert false <= count / 20
    assert far == 0


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_next_poll_is_fine() -> None:
    dice = random.Random(8)
    driver = sensor(query="DATAE2", ask_serial=True)
    for _ in range(max(2000, FUZZ // 50)):
        junk = ScriptedPort([(b"SRAL?\r", (dice.randbytes(50),)), (b"DATAE2\r", ())])
        with suppress(Fault, AssertionError):
            assert readings(list(driver.read(junk))) == []
    driver.reset()
    driver._asks_left = 0
    assert values(poll(datae2(), instrument=driver, query="DATAE2")) == ["1.98"]


# ---------------------------------------------------------------------- settings


def test_an_address_with_a_binary_answer_is_refused() -> None:
    """How such an answer bears the address is not documented."""
    with pytest.raises(ValueError, match="use DATA"):
        MipexSettings(address=3, query="DATAE")


def test_asking_faster_than_the_sensor_bears_is_refused() -> None:
    with pytest.raises(ValueError, match="poll_every_s"):
        MipexSettings(poll_every_s=0.9)
    with pytest.raises(ValueError, match="poll less often"):
        MipexSettings(poll_every_s=1, answer_within_s=0.6)


# ---------------------------------------------------------------------- simulator


@pytest.mark.parametrize("query", ["DATA", "DATAE", "DATAE2"])
def test_driver_and_simulator_agree_on_a_real_terminal(query: Any) -> None:
    """It says who it is, ten values, each own fault, and back."""
    driver = sensor(HandClock(), query=query, ask_serial=True, confirm_over=100, settle_s=0)
    device = Simulator(MipexFacts())
    sensed = Decimal(0)
    with (
        PtyPair() as cable,
        cable.answering(lambda heard: [device.hear(heard, sensed)]),
        Port(cable.settings()) as port,
    ):

        def look() -> Reading:
            """The first reading within a few turns, who it is included."""
            for _ in range(8):
                for reading in readings(list(driver.read(port))):
                    return reading
            raise AssertionError("no reading")

        for hundredths in range(0, 500, 50):
            sensed = Decimal(hundredths) / 100
            assert look().canonical == sensed
        for fault, quality in [
            ("warming_up", "warming_up"),
            ("fault", "bad"),
            ("sentinel", "bad"),
            ("over_range", "over_range"),
        ]:
            device.faults = {fault}
            assert look().quality == quality
        device.faults = {"model"}
        with pytest.raises(BadFrame):
            look()
        device.faults = {"identity"}
        driver.reset()
        assert look().serial == "99999999"
        device.silence()
        device.faults = set()
        driver.reset()
        said = look()
        assert (said.serial, said.canonical) == ("10023456", Decimal("4.5"))


def test_the_plugin_registers_one_kind() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("mipex", MipexSettings)


def flips(frame: bytes) -> Iterator[bytes]:
    """*frame* with each of its bits flipped."""
    for bit in range(len(frame) * 8):
        bent = bytearray(frame)
        bent[bit // 8] ^= 1 << bit % 8
        yield bytes(bent)


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
            case 2 if len(bent) > 1:
                del bent[at]
            case _:
                bent.insert(at, bent[at])
    return bytes(bent)
