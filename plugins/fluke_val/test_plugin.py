"""The VAL? driver: whole lines in the documented form become readings, nothing else does."""

import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, InstrumentSilent, Intake, Port, Reading
from hub.testing import (
    HandClock,
    PtyPair,
    ScriptedPort,
    golden_cases,
    misread,
    replay_golden,
    site,
)
from plugins.fluke_val import register_drivers
from plugins.fluke_val.driver import (
    ASK_IDENTITY,
    ASK_VALUE,
    UNITS,
    Display,
    FlukeVal,
    Identity,
    build,
    decode,
    decode_identity,
)
from plugins.fluke_val.settings import FlukeValSettings
from plugins.fluke_val.simulator import CalibratorFacts, Simulator

FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
WHO = b"FLUKE,719PRO,1234567,1.00\r\n"
OVER = Decimal(50)


def shown(value: str = "2.000000E00", unit: str = "KPA", end: str = "\r\n") -> bytes:
    return f"{value},{unit},0.000000E00,PSI,0.000000E+00,A{end}".encode()


def gauge(**settings: Any) -> FlukeVal:
    given = {"quantity": "pressure", "ask_serial": False, **settings}
    return build("riser-3", FlukeValSettings(**given), site(HandClock(now_us=7)))


def poll(*answers: bytes, instrument: FlukeVal | None = None) -> Sequence[Intake]:
    """One poll: each of *answers* is for one request."""
    script = [(ASK_VALUE, (answer,)) for answer in answers]
    return (instrument or gauge()).read(ScriptedPort(script))


def steady(value: str = "2.000000E00", **settings: Any) -> FlukeVal:
    """One that has been read before, and showed *value* kPa."""
    instrument = gauge(**settings)
    assert values(poll(shown(value), shown(value), instrument=instrument)) == [value]
    return instrument


def met(who: bytes = WHO) -> list[tuple[bytes, Sequence[bytes]]]:
    return [(ASK_IDENTITY, (who,)), (ASK_IDENTITY, (who,))]


def looked() -> list[tuple[bytes, Sequence[bytes]]]:
    return [(ASK_VALUE, (shown(),)), (ASK_VALUE, (shown(),))]


def readings(intakes: Sequence[Intake]) -> list[Reading]:
    return [reading for intake in intakes for reading in intake.readings]


def values(intakes: Sequence[Intake]) -> list[str]:
    return [reading.value for reading in readings(intakes)]


# ---------------------------------------------------------------------- golden frames


@pytest.mark.parametrize("case", golden_cases(Path(__file__).parent), ids=lambda case: case["id"])
def test_golden_exchanges(case: dict[str, Any]) -> None:
    """What is sent and what becomes of the answers, as written down; refused gives no number."""
    (kind,) = register_drivers()
    replay_golden(kind, case)


def test_the_published_lines_decode_field_by_field() -> None:
    """Both spellings of the exponent are in one line of the manual."""
    assert decode(b"5.830000E01,PSI,0.000000E00,PSI,0.000000E+00,A\r\n") == (
        Display("5.830000E01", "PSI"),
        Display("0.000000E00", "PSI"),
        Display("0.000000E+00", "A"),
    )
    assert decode_identity(WHO) == Identity("FLUKE", "719PRO", "1234567", "1.00")
    assert decode_identity(b"Fluke, 3130, 1234567, 1.00\r").model == "3130"
    assert decode(b"OL,PSI\r") == (Display("", "PSI", "OL"),)


@pytest.mark.parametrize(
    "line", [b"", b"FLUKE,719PRO,1234567\r", b"FLUKE,719PRO,,1.00\r", b"VAL?\r", b"1,2,3,4,5\r"]
)
def test_what_is_no_identity_is_refused(line: bytes) -> None:
    with pytest.raises(BadFrame):
        decode_identity(line)


def test_a_poll_becomes_a_reading_with_its_own_serial() -> None:
    """Hub time; value and unit as sent, canonical Pa; the first value is looked at twice."""
    port = ScriptedPort([*met(), *looked()])
    doubted, taken = gauge(ask_serial=True).read(port)
    assert doubted == Intake("riser-3", shown()[:-1], 7, dropped="unconfirmed")
    assert taken == Intake(
        "riser-3",
        shown()[:-1],
        7,
        (
            Reading(
                instrument="riser-3",
                serial="1234567",
                quantity="pressure",
                value="2.000000E00",
                unit="kPa",
                canonical=Decimal(2000),
                canonical_unit="Pa",
                at_us=7,
            ),
        ),
    )
    assert set(port.sent) == {b"*IDN?\r", b"VAL?\r"}


@pytest.mark.parametrize(
    ("value", "unit", "pascal"),
    [
        ("0.000000E00", "KPA", "0"),
        ("-5.000000E-02", "KPA", "-50"),
        ("2.000000E+01", "MBAR", "2000"),
        ("2.0E-2", "BAR", "2000"),
        ("2.000000E-03", "MPA", "2000"),
        ("5.830000E01", "PSI", "401964.3501917154463"),
    ],
)
def test_each_unit_is_converted_exactly(value: str, unit: str, pascal: str) -> None:
    (reading,) = readings(poll(shown(value, unit), shown(value, unit)))
    assert reading.canonical == Decimal(pascal)


@pytest.mark.parametrize("word", ["OL", "-OL", "OVER", "ERR", "NAN", "INF", "+INF", "----", "****"])
def test_a_word_in_place_of_the_value_is_bad_and_no_number(word: str) -> None:
    """The text of an overload is not documented: whatever it is, it is not a pressure."""
    (reading,) = readings(poll(shown(word), instrument=steady()))
    assert (reading.quality, reading.value, reading.canonical) == ("bad", "", None)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (shown(unit="INHG"), "unit 'INHG'"),
        (shown(unit="INH2O"), "unit 'INH2O'"),
        (shown(unit="V"), "unit 'V'"),
    ],
)
def test_an_unknown_unit_is_a_dead_letter_that_says_so(answer: bytes, why: str) -> None:
    (intake,) = poll(answer, instrument=steady())
    assert (intake.readings, why in intake.dead) == ((), True)


def test_a_display_that_is_not_there_is_a_dead_letter() -> None:
    (intake,) = poll(b"2.000000E00,KPA\r", instrument=gauge(display=2))
    assert intake.dead == "1 display(s), and display = 2"


# ---------------------------------------------------------------------- identity


def test_another_specimen_than_configured_is_a_named_drop_at_every_poll() -> None:
    instrument = gauge(ask_serial=True, serial="99")
    for _ in range(3):
        (intake,) = instrument.read(ScriptedPort(met()))
        assert (intake.dropped, intake.readings) == ("other_instrument", ())


def test_one_swapped_during_a_silence_brings_its_own_serial() -> None:
    """The port stays open when a cable is moved: silence is all there is to see of it."""
    instrument = gauge(ask_serial=True)
    for serial in (b"1234567", b"7654321"):
        port = ScriptedPort([*met(WHO.replace(b"1234567", serial)), *looked(), (ASK_VALUE, ())])
        assert [reading.serial.encode() for reading in readings(instrument.read(port))] == [serial]
        with pytest.raises(InstrumentSilent, match="check power, wiring"):
            instrument.read(port)


def test_a_serial_number_is_believed_only_when_told_twice_alike() -> None:
    instrument = gauge(ask_serial=True)
    bent = WHO.replace(b"4567", b"4566")
    with pytest.raises(BadFrame, match=r"two answers to \*IDN\? differ"):
        instrument.read(ScriptedPort([(ASK_IDENTITY, (WHO,)), (ASK_IDENTITY, (bent,))]))
    (reading,) = readings(instrument.read(ScriptedPort([*met(), *looked()])))
    assert reading.serial == "1234567"


def test_one_that_cannot_tell_bears_the_serial_of_its_plate() -> None:
    (reading,) = readings(poll(shown(), shown(), instrument=gauge(serial="P-7")))
    assert reading.serial == "P-7"


# ---------------------------------------------------------------------- the second look


def test_a_wrong_exponent_is_dropped_and_the_second_look_goes_out() -> None:
    intakes = poll(shown("2.000000E01"), shown("2.000100E00"), instrument=steady())
    assert [intake.dropped for intake in intakes] == ["unconfirmed", ""]
    assert values(intakes) == ["2.000100E00"]


def test_a_doubt_stands_when_the_second_look_fails() -> None:
    for failure in (b"", b"\xff\xff:\0"):
        instrument = steady()
        (intake,) = poll(shown("6.000000E00"), failure, instrument=instrument)
        assert intake.dropped == "unconfirmed"
        again = poll(shown("6.000000E00"), instrument=instrument)
        assert values(again) == ["6.000000E00"]


def test_a_unit_changed_in_mid_hold_goes_along_with_its_value() -> None:
    instrument = steady()
    (reading,) = readings(poll(shown("2.000000E01", "MBAR"), instrument=instrument))
    assert (reading.unit, reading.canonical) == ("mbar", Decimal(2000))
    late = poll(shown("2.000000E01"), shown("2.000000E01", "MBAR"), instrument=instrument)
    assert [intake.dropped for intake in late] == ["unconfirmed", ""]


@pytest.mark.parametrize(
    ("value", "quality"),
    [("9.000000E00", "over_range"), ("9.9E37", "over_range"), ("-1.000000E-01", "under_range")],
)
def test_beyond_its_range_is_a_quality_after_a_second_look(value: str, quality: str) -> None:
    instrument = steady(most_pa=3000, least_pa=-50)
    (reading,) = readings(poll(shown(value), shown(value), instrument=instrument))
    assert (reading.quality, reading.value, reading.canonical) == (quality, "", None)


# ---------------------------------------------------------------------- bad input


def test_every_split_of_two_answers_gives_the_same_readings() -> None:
    both = shown() + shown("2.001000E00")
    for cut in range(1, len(both)):
        port = ScriptedPort([(ASK_VALUE, (both[:cut], both[cut:]))])
        assert values(steady().read(port)) == ["2.000000E00"]


def test_a_line_feed_that_comes_late_does_no_harm() -> None:
    instrument = steady()
    port = ScriptedPort([(ASK_VALUE, (shown(end="\r"), b"\n")), (ASK_VALUE, (b"\n" + shown(),))])
    assert [values(instrument.read(port)) for _ in range(2)] == [["2.000000E00"]] * 2


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    instrument = steady()
    late = (shown("2.001000E00"), shown("2.002000E00"))
    port = ScriptedPort([(ASK_VALUE, late), (ASK_VALUE, (shown("2.003000E00"),))])
    said = [values(instrument.read(port)) for _ in range(2)]
    assert said == [["2.001000E00"], ["2.003000E00"]]


def test_the_echo_of_the_request_is_passed_over() -> None:
    assert values(poll(ASK_VALUE + shown(), instrument=steady())) == ["2.000000E00"]
    with pytest.raises(InstrumentSilent):
        poll(ASK_VALUE, instrument=steady())


def test_truncated_at_every_byte_it_is_no_reading() -> None:
    """Whether its end or its beginning is lost, and with an end of its own."""
    whole = b"2.000000E00,KPA\r"
    for cut in range(1, len(whole) - 1):
        for part in (whole[:cut], whole[:cut] + b"\r", whole[cut:]):
            said: Sequence[Intake] = ()
            with suppress(BadFrame):
                said = poll(part, instrument=steady())
            assert values(said) == []
    assert [a for a in UNITS for b in UNITS if a != b and b.startswith(a)] == []


def test_what_follows_a_cut_line_is_read_at_the_next_poll() -> None:
    """Not at once: what is glued together is no whole line."""
    instrument = steady()
    with pytest.raises(BadFrame):
        poll(shown()[:5] + shown(), instrument=instrument)
    assert values(poll(shown(), instrument=instrument)) == ["2.000000E00"]


def test_after_a_reset_nothing_of_before_is_believed() -> None:
    instrument = steady()
    with pytest.raises(BadFrame):
        poll(shown()[:9], instrument=instrument)
    instrument.reset()
    instrument.reset()
    assert [i.dropped for i in poll(shown(), shown(), instrument=instrument)] == ["unconfirmed", ""]


def test_every_single_bit_flip_is_refused_or_stays_within_the_step() -> None:
    """No flip changes the unit, or the value by more than `confirm_over`.

    What remains: 19 flips in the last five digits turn a 0 into a 1, 2, 4 or 8.
    """
    changed = 0
    for at in range(len(shown()) * 8):
        bent = bytearray(shown())
        bent[at // 8] ^= 1 << at % 8
        said: list[Reading] = []
        with suppress(BadFrame):
            said = readings(poll(bytes(bent), shown(), instrument=steady()))
        for reading in said:
            if reading.quality == "good":
                assert reading.canonical is not None
                assert abs(reading.canonical - 2000) <= OVER
                changed += reading.canonical != 2000
    assert changed == 19


@pytest.mark.timeout(3600)
def test_fuzzed_answers_change_nothing_by_more_than_the_step() -> None:
    """Bent answers, each followed by a true second look; the count is printed."""
    dice = random.Random(2700)
    instrument = steady()
    wrong = 0
    for _ in range(FUZZ):
        said: list[Reading] = []
        with suppress(BadFrame, InstrumentSilent):
            bent = _bent(dice, shown(end="\r"))
            said = readings(poll(bent, shown(), instrument=instrument))
        for reading in said:
            if reading.quality == "good":
                assert reading.canonical is not None
                assert abs(reading.canonical - 2000) <= OVER
                wrong += reading.canonical != 2000
        with suppress(BadFrame, InstrumentSilent):
            poll(shown(), shown(), instrument=instrument)
    print(f"fluke_val: of {FUZZ} bent answers {wrong} read as a value less than 50 Pa off")


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_next_poll_is_fine() -> None:
    dice = random.Random(7)
    instrument = steady()
    for _ in range(max(1000, FUZZ // 100)):
        with pytest.raises((BadFrame, InstrumentSilent)):
            poll(dice.randbytes(dice.randint(0, 300)), instrument=instrument)
    assert values(poll(shown(), shown(), instrument=instrument))[-1] == "2.000000E00"


@pytest.mark.parametrize("read_baud", [2400, 4800, 19200])
def test_an_answer_heard_at_another_speed_is_never_a_reading(read_baud: int) -> None:
    for step in range(500):
        heard = misread(shown(f"{step / 100:.6E}"), sent_baud=9600, read_baud=read_baud)
        with pytest.raises((BadFrame, InstrumentSilent)):
            poll(heard)


# ---------------------------------------------------------------------- against the simulator


@contextmanager
def wired(simulator: Simulator, pascal: Decimal) -> Iterator[Port]:
    """Our port and a simulated calibrator at the two ends of a real terminal."""
    with (
        PtyPair() as cable,
        cable.answering(lambda heard: [simulator.hear(heard, pascal)]),
        Port(cable.settings()) as port,
    ):
        yield port


PATIENT = {"ask_serial": True, "answer_within_s": 5, "poll_every_s": 10}


@pytest.mark.parametrize("end", ["cr", "crlf"])
@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_the_simulated_calibrator_is_read(end: Any, pairs: Any) -> None:
    simulator = Simulator(CalibratorFacts(end=end, pairs=pairs))
    instrument = gauge(**PATIENT)
    with wired(simulator, Decimal("-2031.25")) as port:
        said = [reading for _ in range(3) for reading in readings(instrument.read(port))]
    assert [(r.canonical, r.serial) for r in said] == [(Decimal("-2031.25"), "1234567")] * 3


def test_what_the_simulated_calibrator_does_by_itself_never_becomes_a_wrong_number() -> None:
    """Unit changed at its keys, another model in its place, another specimen."""
    simulator = Simulator(CalibratorFacts())
    instrument = gauge(**PATIENT)
    with wired(simulator, Decimal(2000)) as port:
        instrument.read(port)
        simulator.faults = {"unit"}
        (reading,) = readings(instrument.read(port))
        assert (reading.unit, reading.canonical) == ("bar", Decimal(2000))
        simulator.faults = {"model"}
        (intake,) = instrument.read(port)
        assert "unit 'V'" in intake.dead
        simulator.faults = {"identity"}
        instrument.reset()
        assert [r.serial for r in readings(instrument.read(port))] == ["7654321"]


def test_the_simulator_keeps_to_the_manual() -> None:
    """Small letters are understood; what it does not know it does not answer."""
    simulator = Simulator(CalibratorFacts())
    assert simulator.hear(b"\rval?\r", Decimal(0)).startswith(b"0.000000E00,KPA,")
    assert simulator.hear(b"PRES_UNIT 1,BAR\r", Decimal(0)) == b""
    assert simulator.hear(b"VA", Decimal(0)) == b""
    simulator.silence()
    assert simulator.hear(b"L?\r", Decimal(0)) == b""


# ---------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"poll_every_s": 0.5, "answer_within_s": 0.3}, "poll less often"),
        ({"least_pa": 100, "most_pa": 100}, "not below most_pa"),
        ({"quantity": "gas"}, "quantity"),
        ({"display": 4}, "display"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        gauge(**change)


def test_gauge_or_absolute_is_never_guessed() -> None:
    with pytest.raises(ValueError, match="quantity"):
        FlukeValSettings.model_validate({})


def test_the_plugin_registers_one_kind() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("fluke_val", FlukeValSettings)
    assert (gauge().poll_every_s, gauge().stale_after_s) == (1.0, 2.0)
    assert gauge(stale_after_s=9).stale_after_s == 9.0


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
