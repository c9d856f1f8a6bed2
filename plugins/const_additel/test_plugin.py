"""The ConST and Additel driver: answers in the documented form become readings, nothing else."""

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
from plugins.const_additel import register_drivers
from plugins.const_additel.driver import (
    REQUEST_FORMS,
    UNITS,
    WATER_UNITS,
    Answer,
    ConstAdditel,
    build,
    decode,
    request,
)
from plugins.const_additel.settings import ConstAdditelSettings
from plugins.const_additel.simulator import GaugeFacts, Simulator

FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
WHO = b"255:R:OTYPE:1\r\n"
ASK = b"255:R:MRMD:1\r\n"
SERIAL = b"001:F:OTYPE:21803001\0"
OVER = Decimal(50)


def shown(kpa: str = "2.0000", unit: str = "kPa", end: str = "\0") -> bytes:
    return f"001:F:MRMD:{kpa}:{unit}{end}".encode()


def gauge(**settings: Any) -> ConstAdditel:
    given = {"quantity": "pressure", "ask_serial": False, **settings}
    return build("riser-3", ConstAdditelSettings(**given), site(HandClock(now_us=7)))


def poll(*answers: bytes, instrument: ConstAdditel | None = None) -> Sequence[Intake]:
    """One poll: each of *answers* is for one request."""
    script = [(ASK, (answer,)) for answer in answers]
    return (instrument or gauge()).read(ScriptedPort(script))


def steady(kpa: str = "2.0000", **settings: Any) -> ConstAdditel:
    """A gauge that has been read before, and showed *kpa*."""
    instrument = gauge(**settings)
    assert values(poll(shown(kpa), shown(kpa), instrument=instrument)) == [kpa]
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


def test_an_answer_decodes_field_by_field() -> None:
    assert decode(b"1:F:MRMD:1.23456:kPa\0") == Answer(b"1", "1.23456", "kPa")
    assert decode(b"001:F:OTYPE:21803001\r\n") == Answer(b"001", serial="21803001")
    assert decode(b"\x70:E:MRMD:1018\r") == Answer(b"p", error="1018")


@pytest.mark.parametrize(("form", "end"), REQUEST_FORMS.items())
def test_only_reads_are_ever_sent(form: str, end: str) -> None:
    """MRMD and OTYPE, as reads: no zero, no unit, no address is ever written."""
    instrument = gauge(ask_serial=True, request_form=form, address=7)
    who, ask = f"007:R:OTYPE{end}".encode(), f"007:R:MRMD{end}".encode()
    answer = b"007:F:MRMD:2.0000:kPa\0"
    seven = SERIAL.replace(b"001", b"007")
    port = ScriptedPort([(who, (seven,)), (who, (seven,)), (ask, (answer,)), (ask, (answer,))])
    assert values(instrument.read(port)) == ["2.0000"]
    assert {sent.split(b":")[1] for sent in port.sent} == {b"R"}


def test_a_poll_becomes_a_reading_with_the_gauges_own_serial() -> None:
    """Hub time, unit as sent, canonical Pa; the first value is looked at twice."""
    instrument = gauge(ask_serial=True)
    port = ScriptedPort([(WHO, (SERIAL,)), (WHO, (SERIAL,)), (ASK, (shown(),)), (ASK, (shown(),))])
    doubted, taken = instrument.read(port)
    assert doubted == Intake("riser-3", shown(), 7, dropped="unconfirmed")
    assert taken.frame == shown()
    assert taken.readings == (
        Reading(
            instrument="riser-3",
            serial="21803001",
            quantity="pressure",
            value="2.0000",
            unit="kPa",
            canonical=Decimal(2000),
            canonical_unit="Pa",
            at_us=7,
        ),
    )
    (again,) = poll(shown(), instrument=instrument)
    assert again.readings == taken.readings


@pytest.mark.parametrize(
    ("value", "unit", "pascal"),
    [
        ("0.0000", "kPa", "0"),
        ("-0.0500", "KPA", "-50"),
        ("+0.0500", "KPa", "50"),
        ("2000", "Pa", "2000"),
        ("20.00", "hPa", "2000"),
        ("20.00", "mbar", "2000"),
        ("0.02", "bar", "2000"),
        ("0.002", "MPA", "2000"),
        ("0.29", "PSI", "1999.47961501882469"),
    ],
)
def test_each_unit_is_converted_exactly(value: str, unit: str, pascal: str) -> None:
    answer = shown(value, unit)
    (reading,) = readings(poll(answer, answer))
    assert reading.canonical == Decimal(pascal)


# ---------------------------------------------------------------------- identity


def test_another_gauge_than_configured_is_a_named_drop_at_every_poll() -> None:
    instrument = gauge(ask_serial=True, serial="99")
    for _ in range(3):
        (intake,) = instrument.read(ScriptedPort([(WHO, (SERIAL,)), (WHO, (SERIAL,))]))
        assert (intake.dropped, intake.readings) == ("other_instrument", ())


def test_a_gauge_swapped_during_a_silence_brings_its_own_serial() -> None:
    """The port stays open when a cable is moved: silence is all there is to see of it."""
    instrument = gauge(ask_serial=True)
    for serial in (SERIAL, b"001:F:OTYPE:21803002\0"):
        port = ScriptedPort(
            [(WHO, (serial,)), (WHO, (serial,)), (ASK, (shown(),)), (ASK, (shown(),)), (ASK, ())]
        )
        (reading,) = readings(instrument.read(port))
        assert reading.serial.encode() in serial
        with pytest.raises(InstrumentSilent, match="check power, wiring"):
            instrument.read(port)


def test_a_serial_number_is_believed_only_when_told_twice_alike() -> None:
    instrument = gauge(ask_serial=True)
    bent = SERIAL.replace(b"3001", b"3003")
    with pytest.raises(BadFrame, match="two answers to OTYPE differ"):
        instrument.read(ScriptedPort([(WHO, (SERIAL,)), (WHO, (bent,))]))
    port = ScriptedPort([(WHO, (SERIAL,)), (WHO, (SERIAL,)), (ASK, (shown(),)), (ASK, (shown(),))])
    assert [r.serial for r in readings(instrument.read(port))] == ["21803001"]


def test_an_answer_to_the_other_question_is_refused() -> None:
    """Neither a serial number for a pressure nor a pressure for a serial number."""
    with pytest.raises(BadFrame, match="asked for MRMD"):
        poll(SERIAL, instrument=steady())
    with pytest.raises(BadFrame, match="asked for OTYPE"):
        gauge(ask_serial=True).read(ScriptedPort([(WHO, (shown(),)), (WHO, (shown(),))]))


def test_a_passing_error_to_otype_is_asked_again() -> None:
    """Only "unknown" and "not allowed" mean that it cannot tell."""
    instrument = gauge(ask_serial=True)
    (intake,) = instrument.read(ScriptedPort([(WHO, (b"001:E:OTYPE:1000\0",))] * 2))
    assert intake.dropped == "error_1000"
    (intake,) = instrument.read(ScriptedPort([(WHO, (b"002:E:OTYPE:1000\0",))] * 2))
    assert intake.dropped == "error_1000"


@pytest.mark.parametrize(
    ("address", "sent", "taken"),
    [
        (1, b"1", True),
        (1, b"001", True),
        (1, b"\x01", True),
        (1, b"2", False),
        (1, b"\x02", False),
        (49, b"049", True),
        (49, b"1", False),
        (112, b"p", True),
        (255, b"\x02", True),
        (255, b"007", True),
    ],
)
def test_an_answer_must_come_from_the_address_asked(address: int, sent: bytes, taken: bool) -> None:
    """A single digit is a digit, never the byte 0x31."""
    asked = request(address, "MRMD", "1_crlf")
    answer = shown().replace(b"001", sent)
    intakes = gauge(address=address).read(ScriptedPort([(asked, (answer,)), (asked, (answer,))]))
    assert values(intakes) == (["2.0000"] if taken else [])
    assert {intake.dropped for intake in intakes} == (
        {"unconfirmed", ""} if taken else {"other_address"}
    )


# ---------------------------------------------------------------------- the second look


def test_a_wrong_digit_is_dropped_and_the_second_look_goes_out() -> None:
    instrument = steady()
    intakes = poll(shown("6.0000"), shown("2.0001"), instrument=instrument)
    assert [intake.dropped for intake in intakes] == ["unconfirmed", ""]
    assert values(intakes) == ["2.0001"]


def test_a_doubt_stands_when_the_second_look_fails() -> None:
    """Nothing goes out, the drop is kept, and the next poll goes on."""
    for failure in (b"", b"\xff\xff:\0"):
        instrument = steady()
        (intake,) = poll(shown("6.0000"), failure, instrument=instrument)
        assert intake.dropped == "unconfirmed"
        assert values(poll(shown("6.0000"), instrument=instrument)) == ["6.0000"]


def test_a_unit_changed_in_mid_hold_goes_along_with_its_value() -> None:
    """The same pressure in another unit is no step; a value that kept its digits would be one."""
    instrument = steady()
    (reading,) = readings(poll(shown("20.000", "mbar"), instrument=instrument))
    assert (reading.unit, reading.canonical) == ("mbar", Decimal(2000))
    intakes = poll(shown("20.000", "kPa"), shown("20.000", "mbar"), instrument=instrument)
    assert [intake.dropped for intake in intakes] == ["unconfirmed", ""]


def test_a_doubtful_value_over_its_range_is_looked_at_twice_too() -> None:
    instrument = steady(most_pa=3000)
    assert values(poll(shown("9.0000"), shown("2.0000"), instrument=instrument)) == ["2.0000"]
    (reading,) = readings(poll(shown("9.0000"), shown("9.0000"), instrument=instrument))
    assert (reading.quality, reading.value, reading.canonical) == ("over_range", "", None)


def test_under_range_is_a_quality_and_no_number() -> None:
    (reading,) = readings(poll(shown("-0.0501"), shown("-0.0501"), instrument=gauge(least_pa=-50)))
    assert (reading.quality, reading.value, reading.canonical) == ("under_range", "", None)


# ---------------------------------------------------------------------- bad input


def test_every_split_of_two_answers_gives_the_same_readings() -> None:
    """Wherever the reads cut, and whatever of a second answer comes in the same read."""
    both = shown("2.0000", end="\r\n") + shown("2.0010", end="\r\n")
    for cut in range(1, len(both)):
        port = ScriptedPort([(ASK, (both[:cut], both[cut:]))])
        assert values(steady().read(port)) == ["2.0000"]


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    """What came before the request is thrown away."""
    instrument = steady()
    port = ScriptedPort([(ASK, (shown("2.0001"), shown("2.0002"))), (ASK, (shown("2.0003"),))])
    assert [values(instrument.read(port)) for _ in range(2)] == [["2.0001"], ["2.0003"]]


def test_the_echo_of_the_request_is_passed_over() -> None:
    assert values(poll(ASK + shown(), instrument=steady())) == ["2.0000"]
    with pytest.raises(InstrumentSilent):
        poll(ASK, instrument=steady())


def test_truncated_at_every_byte_it_is_no_reading() -> None:
    """Not even with an end of its own: it has no unit, or half of one, which is none."""
    for cut in range(1, len(shown())):
        with pytest.raises(BadFrame, match="no whole answer"):
            poll(shown()[:cut], instrument=steady())
        said: Sequence[Intake] = ()
        with suppress(BadFrame):
            said = poll(shown()[:cut] + b"\0", instrument=steady())
        assert values(said) == (["2.0000"] if cut == len(shown()) - 1 else [])
    spellings = [*UNITS, *WATER_UNITS]
    assert [a for a in spellings for b in spellings if a != b and b.startswith(a)] == []


def test_a_cut_answer_does_not_swallow_the_next_one() -> None:
    for cut in range(1, len(b"001:F:MRMD:2.0000:")):
        assert values(poll(shown()[:cut] + b"\0" + shown(), instrument=steady())) == ["2.0000"]


@pytest.mark.parametrize("unit", ["mPa", "kP", "mmHg", "kgf", "inHg", "atm", "mmH2O", "INH2O"])
def test_an_unknown_unit_is_a_dead_letter_that_says_so(unit: str) -> None:
    (intake,) = poll(shown("2.0000", unit), instrument=steady())
    assert (intake.readings, intake.frame) == ((), shown("2.0000", unit))
    assert repr(unit) in intake.dead
    assert ("water_at_4_degc" in intake.dead) == ("H2O" in unit)


def test_after_a_reset_nothing_of_before_is_believed() -> None:
    """Half an answer, a serial number and a last value are forgotten; twice is as good as once."""
    instrument = steady()
    with pytest.raises(BadFrame):
        poll(shown()[:9], instrument=instrument)
    instrument.reset()
    instrument.reset()
    intakes = poll(shown(), shown(), instrument=instrument)
    assert [intake.dropped for intake in intakes] == ["unconfirmed", ""]


def test_noise_then_a_whole_answer_is_read() -> None:
    for noise in (b"\xff\x00", b"\r\n", b"001:F:MR", b"1:", b"9:F:MRMD:9.0:kPa\x80\0"):
        assert values(poll(noise + shown(), instrument=steady())) == ["2.0000"]


def test_every_single_bit_flip_is_refused_or_stays_within_the_step() -> None:
    """No flip changes the value by more than `confirm_over`, the unit, or the address.

    What remains: 11 flips in the last three digits turn a 0 into a 1, 2, 4 or 8.
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
            changed += reading.value != "2.0000"
    assert changed == 11


@pytest.mark.timeout(3600)
def test_fuzzed_answers_change_nothing_by_more_than_the_step() -> None:
    """Bent answers, each followed by a true second look; the counts are printed."""
    dice = random.Random(681)
    instrument = steady()
    wrong = 0
    for _ in range(FUZZ):
        bent = _bent(dice, shown())
        said: list[Reading] = []
        with suppress(BadFrame, InstrumentSilent):
            said = readings(poll(bent, shown(), instrument=instrument))
        for reading in said:
            assert reading.canonical is not None
            assert abs(reading.canonical - 2000) <= OVER
            wrong += reading.canonical != 2000
        with suppress(BadFrame, InstrumentSilent):
            poll(shown(), shown(), instrument=instrument)
    print(f"const_additel: of {FUZZ} bent answers {wrong} read as a value less than 50 Pa off")


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_next_poll_is_fine() -> None:
    dice = random.Random(7)
    instrument = steady()
    for _ in range(max(1000, FUZZ // 100)):
        with pytest.raises((BadFrame, InstrumentSilent)):
            poll(dice.randbytes(dice.randint(0, 300)), instrument=instrument)
    assert values(poll(shown(), shown(), instrument=instrument))[-1] == "2.0000"


@pytest.mark.parametrize("read_baud", [2400, 4800, 19200])
def test_an_answer_heard_at_another_speed_is_never_a_reading(read_baud: int) -> None:
    for tenths in range(0, 20_000, 40):
        heard = misread(shown(f"{tenths / 10_000:.4f}"), sent_baud=9600, read_baud=read_baud)
        with pytest.raises((BadFrame, InstrumentSilent)):
            poll(heard)


# ---------------------------------------------------------------------- against the simulator


@contextmanager
def wired(simulator: Simulator, pascal: Decimal) -> Iterator[Port]:
    """Our port and a simulated gauge at the two ends of a real terminal."""
    with (
        PtyPair() as cable,
        cable.answering(lambda heard: [simulator.hear(heard, pascal)]),
        Port(cable.settings(stop_bits=2)) as port,
    ):
        yield port


@pytest.mark.parametrize("end", ["nul", "crlf"])
@pytest.mark.parametrize("form", REQUEST_FORMS)
def test_the_simulated_gauge_is_read(end: Any, form: str) -> None:
    simulator = Simulator(GaugeFacts(end=end))
    instrument = gauge(ask_serial=True, request_form=form, answer_within_s=5, poll_every_s=10)
    with wired(simulator, Decimal("-2031.2")) as port:
        said = [reading for _ in range(3) for reading in readings(instrument.read(port))]
    assert [(r.canonical, r.serial) for r in said] == [(Decimal("-2031.2"), "21803001")] * 3


def test_what_the_simulated_gauge_does_by_itself_never_becomes_a_wrong_number() -> None:
    """Unit changed at its keys, another specimen, another model."""
    simulator = Simulator(GaugeFacts())
    instrument = gauge(ask_serial=True, answer_within_s=5, poll_every_s=10)
    with wired(simulator, Decimal(2000)) as port:
        instrument.read(port)
        simulator.faults = {"unit"}
        (reading,) = readings(instrument.read(port))
        assert reading.unit == "psi"
        assert reading.canonical is not None
        assert abs(reading.canonical - 2000) < 1
        simulator.faults = {"model"}
        (intake,) = instrument.read(port)
        assert (intake.dropped, intake.readings) == ("error_1018", ())
        simulator.faults = {"identity"}
        instrument.reset()
        assert readings(instrument.read(port))[-1].serial == "10030812"


def test_the_simulator_refuses_what_the_hub_would_never_send() -> None:
    simulator = Simulator(GaugeFacts())
    assert simulator.hear(b"255:W:OZERO\0", Decimal(0)) == b"001:E:OZERO:1001\0"
    assert simulator.hear(b"002:R:MRMD\0", Decimal(0)) == b""
    assert simulator.hear(b"255:R:NONE\0", Decimal(0)) == b"001:E:NONE:1018\0"
    assert simulator.hear(b"255:R:M", Decimal(0)) == b""
    simulator.silence()
    assert simulator.hear(b"RMD\0", Decimal(0)) == b""


# ---------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"poll_every_s": 0.5, "answer_within_s": 0.3}, "poll less often"),
        ({"least_pa": 100, "most_pa": 100}, "not below most_pa"),
        ({"address": 0}, "address"),
        ({"quantity": "gas"}, "quantity"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        gauge(**change)


def test_gauge_or_absolute_is_never_guessed() -> None:
    with pytest.raises(ValueError, match="quantity"):
        ConstAdditelSettings.model_validate({})


def test_the_plugin_registers_one_kind() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("const_additel", ConstAdditelSettings)
    assert (gauge().poll_every_s, gauge().stale_after_s, gauge(stale_after_s=9).stale_after_s) == (
        1.0,
        2.0,
        9.0,
    )


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
