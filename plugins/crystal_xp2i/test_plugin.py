"""The XP2i driver: two lines of ten characters become a reading, nothing else does."""

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
from plugins.crystal_xp2i import register_drivers
from plugins.crystal_xp2i.driver import (
    ASK_PRESSURE,
    ASK_SERIAL,
    UNITS,
    WATER_UNITS,
    Answer,
    CrystalXp2i,
    build,
    decode,
)
from plugins.crystal_xp2i.settings import CrystalXp2iSettings
from plugins.crystal_xp2i.simulator import GaugeFacts, Simulator

FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
BOOT = b"=XP2I FW R0204000X=\r"
SERIAL = b"826104\r\n"
OVER = Decimal(50)


def shown(value: str = "20.00", unit: str = "mbar") -> bytes:
    return f"{value:>10}\r\n{unit:>10}\r\n".encode()


def gauge(**settings: Any) -> CrystalXp2i:
    given = {"quantity": "pressure", **settings}
    return build("riser-3", CrystalXp2iSettings(**given), site(HandClock(now_us=7)))


def poll(*answers: bytes, instrument: CrystalXp2i | None = None) -> Sequence[Intake]:
    """One poll: each of *answers* is for one request."""
    script = [(ASK_PRESSURE, (answer,)) for answer in answers]
    return (instrument or gauge()).read(ScriptedPort(script))


def steady(value: str = "20.00", **settings: Any) -> CrystalXp2i:
    """A gauge that has been read before, and showed *value*."""
    instrument = gauge(**settings)
    assert values(poll(shown(value), shown(value), instrument=instrument)) == [value]
    return instrument


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


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (b"     2478.\r\n      mbar\r\n", Answer(value="2478.", unit="mbar")),
        (b"      BATT\r\n      mbar\r\n", Answer(word="BATT", unit="mbar")),
        (b"     ERR 1\r\n      mbar\r\n", Answer(word="ERR 1", unit="mbar")),
        (b"A,0\r\n", Answer(status="A,0")),
        (b"N,4\r\n", Answer(status="N,4")),
        (b"X,0\r\n", Answer(status="X,0")),
        (BOOT, Answer(boot="=XP2I FW R0204000X=")),
        (b"  826104\r\n", Answer(serial="826104")),
    ],
)
def test_an_answer_decodes_field_by_field(frame: bytes, answer: Answer) -> None:
    assert decode(frame) == answer


@pytest.mark.parametrize(
    "frame",
    [
        b"    2478.\r\n       mbar\r\n",
        b"      2478.\r\n     mbar\r\n",
        b"     2478.\r\n      mbar\r",
        b"     2478.\n\r      mbar\r\n",
        b"=XP2I FW R0204000X\r",
        b"N,4\r",
        b"n,4\r\n",
        b"",
    ],
)
def test_a_width_or_an_end_that_is_not_documented_is_refused(frame: bytes) -> None:
    with pytest.raises(BadFrame):
        decode(frame)


def test_a_poll_becomes_a_reading() -> None:
    """Hub time, serial of the settings, unit as sent; the first value is looked at twice."""
    doubted, taken = poll(shown(), shown(), instrument=gauge(serial="P-7"))
    assert doubted == Intake("riser-3", shown(), 7, dropped="unconfirmed")
    assert taken == Intake(
        "riser-3",
        shown(),
        7,
        (
            Reading(
                instrument="riser-3",
                serial="P-7",
                quantity="pressure",
                value="20.00",
                unit="mbar",
                canonical=Decimal(2000),
                canonical_unit="Pa",
                at_us=7,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("value", "unit", "pascal"),
    [
        ("0.", "mbar", "0"),
        ("-.05", "kPa", "-50"),
        ("+2.000", "KPA", "2000"),
        (".02", "bar", "2000"),
        (".0020", "MPa", "2000"),
        (".29", "PSI", "1999.47961501882469"),
    ],
)
def test_each_unit_is_converted_exactly(value: str, unit: str, pascal: str) -> None:
    (reading,) = readings(poll(shown(value, unit), shown(value, unit)))
    assert reading.canonical == Decimal(pascal)


# ---------------------------------------------------------------------- what the gauge says


@pytest.mark.parametrize(
    ("word", "quality"), [("BATT", "low_battery"), ("ERR 1", "fault"), ("ERR 2", "fault")]
)
def test_a_word_in_place_of_the_value_is_a_quality_at_once(word: str, quality: str) -> None:
    """Also in a unit that nobody knows."""
    for unit in ("mbar", "mmHg"):
        (reading,) = readings(poll(shown(word, unit), instrument=steady()))
        assert (reading.quality, reading.value, reading.canonical) == (quality, "", None)


@pytest.mark.parametrize(
    ("status", "drop"),
    [
        ("N,0", "nak_0"),
        ("N,2", "nak_2"),
        ("N,4", "nak_4"),
        ("A,0", "ack_0"),
        ("X,0", "no_effect_0"),
    ],
)
def test_a_status_is_a_drop_with_its_name(status: str, drop: str) -> None:
    (intake,) = poll(f"{status}\r\n".encode(), instrument=steady())
    assert (intake.dropped, intake.readings) == (drop, ())


def test_a_boot_signature_between_two_polls_is_seen_before_the_next_question() -> None:
    """Nothing is asked in that turn: the gauge is booting. Afterwards nothing is believed."""
    for noisy in (BOOT, b"\0" + BOOT, b"\x80" + BOOT[1:], BOOT + BOOT):
        instrument = steady()
        port = ScriptedPort([(ASK_PRESSURE, (shown("21.00"),))] * 2, stream=[noisy])
        (intake,) = instrument.read(port)
        assert (intake.dropped, intake.frame, port.sent) == ("restarted", noisy, [])
        assert [i.dropped for i in instrument.read(port)] == ["unconfirmed", ""]


def test_a_boot_signature_in_place_of_an_answer_is_seen_too() -> None:
    instrument = steady()
    (intake,) = poll(b"\0" + BOOT, instrument=instrument)
    assert intake.dropped == "restarted"
    assert [i.dropped for i in poll(shown(), shown(), instrument=instrument)] == ["unconfirmed", ""]


def test_a_boot_signature_in_place_of_a_second_look_is_kept() -> None:
    instrument = steady()
    intakes = poll(shown("60.00"), BOOT, instrument=instrument)
    assert [intake.dropped for intake in intakes] == ["unconfirmed", "restarted"]


# ---------------------------------------------------------------------- identity


def met(serial: bytes = SERIAL) -> list[tuple[bytes, Sequence[bytes]]]:
    return [(ASK_SERIAL, (serial,)), (ASK_SERIAL, (serial,))]


def looked(answer: bytes = shown()) -> list[tuple[bytes, Sequence[bytes]]]:
    return [(ASK_PRESSURE, (answer,)), (ASK_PRESSURE, (answer,))]


def test_the_serial_number_is_asked_for_only_where_it_is_wished() -> None:
    port = ScriptedPort([*met(), *looked()])
    (reading,) = readings(gauge(ask_serial=True).read(port))
    assert reading.serial == "826104"
    assert {sent[:1] for sent in port.sent} == {b"?"}
    assert readings(poll(shown(), shown()))[0].serial == ""


def test_another_gauge_than_configured_is_a_named_drop_at_every_poll() -> None:
    instrument = gauge(ask_serial=True, serial="99")
    for _ in range(3):
        (intake,) = instrument.read(ScriptedPort(met()))
        assert (intake.dropped, intake.readings) == ("other_instrument", ())


@pytest.mark.parametrize("event", [b"", BOOT])
def test_after_a_silence_and_after_a_boot_the_gauge_is_asked_again_who_it_is(event: bytes) -> None:
    instrument = gauge(ask_serial=True)
    assert values(instrument.read(ScriptedPort([*met(), *looked()]))) == ["20.00"]
    with suppress(InstrumentSilent):
        poll(event, instrument=instrument)
    (reading,) = readings(instrument.read(ScriptedPort([*met(b"826105\r\n"), *looked()])))
    assert reading.serial == "826105"


def test_trouble_while_asking_who_it_is_names_itself() -> None:
    instrument = gauge(ask_serial=True)
    for answer, drop in ((b"N,4\r\n", "nak_4"), (BOOT, "restarted")):
        (intake,) = instrument.read(ScriptedPort([(ASK_SERIAL, (answer,))]))
        assert (intake.dropped, intake.readings) == (drop, ())
    with pytest.raises(BadFrame, match=r"two answers to \?SN# differ"):
        instrument.read(ScriptedPort([(ASK_SERIAL, (SERIAL,)), (ASK_SERIAL, (b"826106\r\n",))]))
    for wrong in (b"BATT\r\n", b"2478.\r\n", b"12,3\r\n", b"\r\n", b"1" * 21 + b"\r\n"):
        with pytest.raises(BadFrame):
            instrument.read(ScriptedPort([(ASK_SERIAL, (wrong,))]))
    echoed = [(ASK_SERIAL, (ASK_SERIAL + SERIAL,))] * 2
    assert values(instrument.read(ScriptedPort([*echoed, *looked()]))) == ["20.00"]


# ---------------------------------------------------------------------- the second look


def test_a_wrong_digit_is_dropped_and_the_second_look_goes_out() -> None:
    intakes = poll(shown("60.00"), shown("20.01"), instrument=steady())
    assert [intake.dropped for intake in intakes] == ["unconfirmed", ""]
    assert values(intakes) == ["20.01"]


def test_a_doubt_stands_when_the_second_look_fails() -> None:
    for failure in (b"", b"\xff\xff:\0"):
        instrument = steady()
        (intake,) = poll(shown("60.00"), failure, instrument=instrument)
        assert intake.dropped == "unconfirmed"
        assert values(poll(shown("60.00"), instrument=instrument)) == ["60.00"]


def test_a_unit_changed_in_mid_hold_goes_along_with_its_value() -> None:
    instrument = steady()
    (reading,) = readings(poll(shown("2.000", "kPa"), instrument=instrument))
    assert (reading.unit, reading.canonical) == ("kPa", Decimal(2000))
    intakes = poll(shown("2.000", "bar"), shown("2.000", "kPa"), instrument=instrument)
    assert [intake.dropped for intake in intakes] == ["unconfirmed", ""]


@pytest.mark.parametrize(("value", "quality"), [("90.00", "over_range"), ("-1.00", "under_range")])
def test_beyond_its_range_is_a_quality_after_a_second_look(value: str, quality: str) -> None:
    instrument = steady(most_pa=3000, least_pa=-50)
    (reading,) = readings(poll(shown(value), shown(value), instrument=instrument))
    assert (reading.quality, reading.value, reading.canonical) == (quality, "", None)


# ---------------------------------------------------------------------- bad input


def test_every_split_of_two_answers_gives_the_same_readings() -> None:
    both = shown() + shown("20.10")
    for cut in range(1, len(both)):
        port = ScriptedPort([(ASK_PRESSURE, (both[:cut], both[cut:]))])
        assert values(steady().read(port)) == ["20.00"]


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    instrument = steady()
    late = (shown("20.01"), shown("20.02"), shown("20.03"))
    port = ScriptedPort([(ASK_PRESSURE, late), (ASK_PRESSURE, (shown("20.04"),))])
    assert [values(instrument.read(port)) for _ in range(2)] == [["20.01"], ["20.04"]]


def test_the_echo_of_the_request_is_passed_over() -> None:
    assert values(poll(ASK_PRESSURE + shown(), instrument=steady())) == ["20.00"]
    with pytest.raises(InstrumentSilent):
        poll(ASK_PRESSURE, instrument=steady())


def test_truncated_at_every_byte_it_is_no_reading_and_spares_what_follows() -> None:
    """Wherever it breaks off: half of one answer and half of the next never make a whole one."""
    for cut in range(1, len(shown())):
        with pytest.raises(BadFrame, match="no whole answer"):
            poll(shown()[:cut], instrument=steady())
        assert values(poll(shown()[:cut] + shown("20.10"), instrument=steady())) == ["20.10"]
    spellings = [*UNITS, *WATER_UNITS]
    assert [a for a in spellings for b in spellings if a != b and b.startswith(a)] == []


@pytest.mark.parametrize("unit", ["mPa", "mmHg", "kg/cm2", "in Hg", "inH2O", "mmH2O", "USER"])
def test_an_unknown_unit_is_a_dead_letter_that_says_so(unit: str) -> None:
    (intake,) = poll(shown("20.00", unit), instrument=steady())
    assert (intake.readings, intake.frame) == ((), shown("20.00", unit))
    assert repr(unit) in intake.dead
    assert ("water_at_4_degc" in intake.dead) == ("H2O" in unit)


def test_after_a_reset_nothing_of_before_is_believed() -> None:
    instrument = steady()
    with pytest.raises(BadFrame):
        poll(shown()[:9], instrument=instrument)
    instrument.reset()
    instrument.reset()
    assert [i.dropped for i in poll(shown(), shown(), instrument=instrument)] == ["unconfirmed", ""]


def test_noise_then_a_whole_answer_is_read() -> None:
    for noise in (b"\xff\x00", b"\r\n", b"N", b"=", b"A,", b"     2478.\r\n", b"  mbar\r\n"):
        assert values(poll(noise + shown(), instrument=steady())) == ["20.00"]


def test_every_single_bit_flip_is_refused_or_stays_within_the_step() -> None:
    """No flip changes the unit, or the value by more than `confirm_over`.

    What remains: 7 flips in the last two digits turn a 0 into a 1, 2, 4 or 8.
    """
    changed = 0
    for at in range(len(shown()) * 8):
        bent = bytearray(shown())
        bent[at // 8] ^= 1 << at % 8
        said: list[Reading] = []
        with suppress(BadFrame):
            said = readings(poll(bytes(bent), shown(), instrument=steady()))
        for reading in said:
            assert reading.canonical is not None
            assert abs(reading.canonical - 2000) <= OVER
            changed += reading.canonical != 2000
    assert changed == 7


@pytest.mark.timeout(3600)
def test_fuzzed_answers_change_nothing_by_more_than_the_step() -> None:
    """Bent answers, each followed by a true second look; the count is printed."""
    dice = random.Random(371539)
    instrument = steady()
    wrong = 0
    for _ in range(FUZZ):
        said: list[Reading] = []
        with suppress(BadFrame, InstrumentSilent):
            said = readings(poll(_bent(dice, shown()), shown(), instrument=instrument))
        for reading in said:
            assert reading.canonical is not None
            assert abs(reading.canonical - 2000) <= OVER
            wrong += reading.canonical != 2000
        with suppress(BadFrame, InstrumentSilent):
            poll(shown(), shown(), instrument=instrument)
    print(f"crystal_xp2i: of {FUZZ} bent answers {wrong} read as a value less than 50 Pa off")


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_next_poll_is_fine() -> None:
    dice = random.Random(7)
    instrument = steady()
    for _ in range(max(1000, FUZZ // 100)):
        with suppress(BadFrame, InstrumentSilent):
            assert values(poll(dice.randbytes(dice.randint(0, 300)), instrument=instrument)) == []
    assert values(poll(shown(), shown(), instrument=instrument))[-1] == "20.00"


@pytest.mark.parametrize("read_baud", [2400, 4800, 19200])
def test_an_answer_heard_at_another_speed_is_never_a_reading(read_baud: int) -> None:
    for step in range(500):
        heard = misread(shown(f"{step / 100:.2f}"), sent_baud=9600, read_baud=read_baud)
        with pytest.raises((BadFrame, InstrumentSilent)):
            poll(heard)


# ---------------------------------------------------------------------- against the simulator


@contextmanager
def wired(simulator: Simulator, pascal: Decimal) -> Iterator[tuple[Port, PtyPair]]:
    """Our port and a simulated gauge at the two ends of a real terminal, and that terminal."""
    with (
        PtyPair() as cable,
        cable.answering(lambda heard: [simulator.hear(heard, pascal)]),
        Port(cable.settings()) as port,
    ):
        yield port, cable


PATIENT = {"answer_within_s": 5, "poll_every_s": 10}


@pytest.mark.parametrize("digits", [0, 1, 3])
def test_the_simulated_gauge_is_read(digits: int) -> None:
    simulator = Simulator(GaugeFacts(digits=digits))
    instrument = gauge(ask_serial=True, **PATIENT)
    with wired(simulator, Decimal(-3100)) as (port, _):
        said = [reading for _ in range(3) for reading in readings(instrument.read(port))]
    assert [(r.canonical, r.serial) for r in said] == [(Decimal(-3100), "826104")] * 3


def test_a_boot_signature_on_a_real_line_is_seen_at_the_next_turn() -> None:
    simulator = Simulator(GaugeFacts())
    instrument = gauge(ask_serial=True, **PATIENT)
    with wired(simulator, Decimal(2000)) as (port, cable):
        instrument.read(port)
        cable.send(BOOT)
        assert [intake.dropped for intake in instrument.read(port)] == ["restarted"]
        assert values(instrument.read(port)) == ["20.00"]


@pytest.mark.parametrize(("fault", "quality"), [("fault", "fault"), ("low_battery", "low_battery")])
def test_the_simulated_gauges_troubles_are_qualities(fault: str, quality: str) -> None:
    simulator = Simulator(GaugeFacts())
    instrument = gauge(**PATIENT)
    with wired(simulator, Decimal(2000)) as (port, _):
        instrument.read(port)
        for faults, want in (({fault}, quality), (set(), "good")):
            simulator.faults = faults
            (reading,) = readings(instrument.read(port))
            assert reading.quality == want
            assert (reading.canonical is not None) == (want == "good")


def test_what_else_the_simulated_gauge_does_never_becomes_a_wrong_number() -> None:
    """Unit changed at its keys, another model, a reset and another specimen after it."""
    simulator = Simulator(GaugeFacts())
    instrument = gauge(ask_serial=True, **PATIENT)
    with wired(simulator, Decimal(2000)) as (port, _):
        instrument.read(port)
        simulator.faults = {"unit"}
        (reading,) = readings(instrument.read(port))
        assert (reading.unit, reading.canonical) == ("kPa", Decimal(2000))
        simulator.faults = {"model"}
        assert [intake.dropped for intake in instrument.read(port)] == ["nak_0"]
        simulator.faults = {"restart", "identity"}
        assert [intake.dropped for intake in instrument.read(port)] == ["restarted"]
        assert [r.serial for r in readings(instrument.read(port))] == ["401628"]


def test_the_simulator_refuses_what_the_hub_would_never_send() -> None:
    simulator = Simulator(GaugeFacts())
    assert simulator.hear(b"!ZER\r", Decimal(0)) == b"X,0\r\n"
    assert simulator.hear(b"?p,u\r\n", Decimal(0)) == b"N,0\r\n"
    assert simulator.hear(b"?P,", Decimal(0)) == b""
    simulator.silence()
    assert simulator.hear(b"U\r", Decimal(0)) == b"N,0\r\n"


# ---------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"poll_every_s": 0.5, "answer_within_s": 0.3}, "poll less often"),
        ({"least_pa": 100, "most_pa": 100}, "not below most_pa"),
        ({"quantity": "gas"}, "quantity"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        gauge(**change)


def test_gauge_or_absolute_is_never_guessed() -> None:
    with pytest.raises(ValueError, match="quantity"):
        CrystalXp2iSettings.model_validate({})


def test_the_plugin_registers_one_kind() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("crystal_xp2i", CrystalXp2iSettings)
    assert (gauge().poll_every_s, gauge().stale_after_s) == (2.0, 4.0)
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
