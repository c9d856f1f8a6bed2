"""The Keller driver: answers to its own request become readings, nothing else does."""

import math
import os
import random
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, InstrumentSilent, Intake, Port, Reading, crc16_modbus
from hub.testing import (
    HandClock,
    PtyPair,
    ScriptedPort,
    golden_cases,
    misread,
    replay_golden,
    site,
)
from plugins.keller import register_drivers
from plugins.keller.driver import Answer, Keller, build, decode, framer, request
from plugins.keller.settings import KellerSettings
from plugins.keller.simulator import Simulator, TransmitterFacts

FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
ASK = request(1, 73, b"\x01")
INIT, WHO = request(1, 48), request(1, 69)


def message(*body: int) -> bytes:
    return bytes(body) + crc16_modbus(bytes(body))[::-1]


def shown(bar: float = 0.02, status: int = 0, address: int = 1) -> bytes:
    return message(address, 73, *struct.pack(">f", bar), status)


def met(serial: int = 127_812) -> list[tuple[bytes, Sequence[bytes]]]:
    """What is said at first contact."""
    return [
        (INIT, (message(1, 48, 5, 20, 5, 50, 10, 1),)),
        (WHO, (message(1, 69, *serial.to_bytes(4)),)),
    ]


def transmitter(**settings: Any) -> Keller:
    given = {"quantity": "pressure", "address": 1, **settings}
    return build("riser-3", KellerSettings(**given), site(HandClock(now_us=7)))


def known(**settings: Any) -> Keller:
    """A transmitter that has been read before."""
    instrument = transmitter(**settings)
    instrument.read(ScriptedPort([*met(), (ASK, (shown(),))]))
    return instrument


def poll(*answer: bytes, instrument: Keller | None = None) -> Sequence[Intake]:
    return (instrument or known()).read(ScriptedPort([(ASK, answer)]))


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
    ("address", "channel", "published"),
    [
        (250, 1, "FA 49 01 A1 A7"),
        (1, 1, "01 49 01 50 D6"),
        (1, 2, "01 49 02 51 96"),
        (250, 4, "FA 49 04 A2 67"),
        (1, 4, "01 49 04 53 16"),
    ],
)
def test_requests_are_built_as_published(address: int, channel: int, published: str) -> None:
    """keller-f73-req1, req2, req3, req4 and req5; the last two, of a temperature, are not sent."""
    assert request(address, 73, bytes((channel,))) == bytes.fromhex(published)


@pytest.mark.parametrize(
    ("frame", "printed"),
    [
        ("FA 49 3F 6D BA AC 00 1A 1B", 0.9286296),
        ("01 49 3F 6D B1 53 00 E7 61", 0.9284870),
        ("01 49 3F 6D B2 F2 00 77 E8", 0.9285117),
        ("FA 49 41 C9 B8 00 00 E0 CC", 25.21484),
        ("01 49 41 CA 51 80 00 5F 36", 25.28979),
    ],
)
def test_published_answers_read_as_printed(frame: str, printed: float) -> None:
    """Within the seven digits that were printed: four of the five were rounded."""
    answer = decode(bytes.fromhex(frame))
    assert answer.value is not None
    assert float(answer.value) == pytest.approx(printed, rel=3e-7)
    assert (answer.function, answer.status) == (73, 0)


def test_an_answer_decodes_field_by_field() -> None:
    who = decode(message(1, 69, 0, 1, 0xF3, 0x44))
    assert (who.address, who.serial) == (1, "127812")
    assert decode(message(1, 48, 5, 20, 5, 50, 10, 1)).device_class == 5
    assert decode(bytes.fromhex("01C9208877")) == Answer(1, 73, exception=32)


def test_a_poll_becomes_a_reading_with_the_transmitters_own_serial() -> None:
    """Initialised and identified first; hub time; bar as sent and exact Pa."""
    instrument = transmitter()
    (intake,) = instrument.read(ScriptedPort([*met(), (ASK, (shown(0.0203125),))]))
    assert intake == Intake(
        "riser-3",
        shown(0.0203125),
        7,
        (
            Reading(
                instrument="riser-3",
                serial="127812",
                quantity="pressure",
                value="0.0203125",
                unit="bar",
                canonical=Decimal("2031.25"),
                canonical_unit="Pa",
                at_us=7,
            ),
        ),
    )
    assert values(poll(shown(0.02), instrument=instrument)) == ["0.02"]


# ---------------------------------------------------------------------- power and identity


def test_a_power_cut_is_a_named_drop_and_costs_no_poll() -> None:
    """Exception 32: initialised and identified again at once, and read in the same poll."""
    port = ScriptedPort([(ASK, (message(1, 0xC9, 32),)), *met(), (ASK, (shown(0.021),))])
    lost, back = known().read(port)
    assert (lost.dropped, lost.readings) == ("keller_not_initialised", ())
    assert values([back]) == ["0.021"]


def test_a_power_cut_is_kept_when_what_follows_fails() -> None:
    """One attempt a poll; the next one begins at first contact."""
    for failure in ((), (b"\x01\x02",)):
        instrument = known()
        port = ScriptedPort([(ASK, (message(1, 0xC9, 32),)), (INIT, failure)])
        assert [intake.dropped for intake in instrument.read(port)] == ["keller_not_initialised"]
        said = instrument.read(ScriptedPort([*met(), (ASK, (shown(),))]))
        assert values(said) == ["0.02"]


def test_a_transmitter_that_never_stays_initialised_is_asked_twice_a_poll_and_no_more() -> None:
    cut = message(1, 0xC9, 32)
    port = ScriptedPort([(ASK, (cut,)), *met(), (ASK, (cut,))])
    assert [i.dropped for i in known().read(port)] == ["keller_not_initialised"] * 2


def test_a_transmitter_swapped_during_a_silence_brings_its_own_serial() -> None:
    instrument = known()
    with pytest.raises(InstrumentSilent, match="check power, wiring"):
        poll(instrument=instrument)
    (reading,) = readings(instrument.read(ScriptedPort([*met(99), (ASK, (shown(),))])))
    assert reading.serial == "99"


def test_another_transmitter_than_configured_is_a_named_drop_at_every_poll() -> None:
    instrument = transmitter(serial="1")
    for _ in range(3):
        (intake,) = instrument.read(ScriptedPort(met()))
        assert (intake.dropped, intake.readings) == ("other_instrument", ())


def test_another_device_class_is_a_named_drop_at_every_poll() -> None:
    instrument = transmitter()
    for _ in range(2):
        (intake,) = instrument.read(ScriptedPort([(INIT, (message(1, 48, 10, 1, 5, 50, 10, 1),))]))
        assert (intake.dropped, intake.readings) == ("other_model", ())


@pytest.mark.parametrize(
    ("code", "drop"),
    [
        (1, "keller_not_implemented"),
        (2, "keller_wrong_parameter"),
        (3, "keller_wrong_length"),
        (4, "keller_no_valid_data"),
        (77, "keller_exception_77"),
    ],
)
def test_an_exception_is_a_drop_with_its_name(code: int, drop: str) -> None:
    (intake,) = poll(message(1, 0xC9, code))
    assert (intake.dropped, intake.readings) == (drop, ())


@pytest.mark.parametrize("function", [48, 69])
def test_an_exception_at_first_contact_is_a_drop_too(function: int) -> None:
    script = met()[: [48, 69].index(function)]
    script.append((request(1, function), (message(1, function | 0x80, 3),)))
    (intake,) = transmitter().read(ScriptedPort(script))
    assert (intake.dropped, intake.readings) == ("keller_wrong_length", ())


def test_the_hub_sends_only_initialise_serial_and_read() -> None:
    """Never 31, 33, 66 or 95: no coefficient, no configuration, no address, no zero."""
    port = ScriptedPort([*met(), (ASK, (message(1, 0xC9, 32),)), *met(), (ASK, (shown(),))])
    transmitter().read(port)
    assert [sent[1] for sent in port.sent] == [48, 69, 73, 48, 69, 73]


# ---------------------------------------------------------------------- status


@pytest.mark.parametrize("channel", ["P1", "P2"])
@pytest.mark.parametrize("status", range(256))
def test_every_status_byte_has_the_documented_meaning(channel: Any, status: int) -> None:
    """Power-up first; then the bit of the sensor and of its temperature; all else is no matter."""
    number, bits = {"P1": (1, 0x12), "P2": (2, 0x24)}[channel]
    instrument = transmitter(channel=channel)
    port = ScriptedPort([*met(), (request(1, 73, bytes((number,))), (shown(0.02, status),))])
    (reading,) = readings(instrument.read(port))
    want = "warming_up" if status & 0x80 else "fault" if status & bits else "good"
    assert reading.quality == want
    assert (reading.canonical, reading.value) == (
        (Decimal(2000), "0.02") if want == "good" else (None, "")
    )


@pytest.mark.parametrize(
    "bits", [0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 0x7F800001, 0xFFFFFFFF]
)
def test_a_float_that_is_no_finite_number_is_a_fault(bits: int) -> None:
    (reading,) = readings(poll(message(1, 73, *bits.to_bytes(4), 0)))
    assert (reading.quality, reading.canonical, reading.value) == ("fault", None, "")


@pytest.mark.parametrize(
    ("bar", "quality"),
    [(0.03, "good"), (0.030001, "over_range"), (-0.0005, "good"), (-0.00051, "under_range")],
)
def test_beyond_its_range_is_a_quality_and_no_number(bar: float, quality: str) -> None:
    (reading,) = readings(poll(shown(bar), instrument=known(most_pa=3000, least_pa=-50)))
    assert reading.quality == quality
    assert (reading.canonical is None) == (quality != "good")


def test_a_number_far_too_small_or_large_is_no_pressure() -> None:
    (reading,) = readings(poll(shown(3.4e38)))
    assert reading.quality == "over_range"
    assert math.isclose(float(readings(poll(shown(1e-38)))[0].value), 1e-38)


# ---------------------------------------------------------------------- bad input


def test_every_split_of_an_answer_gives_the_same_reading() -> None:
    """With and without the echo before it, and a second answer behind it."""
    for stream in (shown(), ASK + shown(), ASK + shown() + shown(9.0)):
        for cut in range(1, len(stream)):
            assert values(poll(stream[:cut], stream[cut:])) == ["0.02"]
        assert values(poll(*(bytes((byte,)) for byte in stream))) == ["0.02"]


def test_an_echo_alone_is_silence() -> None:
    with pytest.raises(InstrumentSilent):
        poll(ASK)


@pytest.mark.parametrize("function", [48, 69, 73])
@pytest.mark.parametrize("address", range(1, 251))
def test_the_echo_is_never_part_of_an_answer(address: int, function: int) -> None:
    """At 26 addresses the echo and the head of some true answer carry a right CRC together.

    Without knowledge of the echo such an answer, 0.934 bar at address 137, reads as nothing.
    """
    asked = request(address, function, b"\x01" if function == 73 else b"")
    head = asked + bytes((address, function))
    collide = crc16_modbus(head)[::-1]
    length = {48: 6, 69: 4, 73: 5}[function]
    answer = message(address, function, *(collide + bytes(length - 2)))
    assert framer(asked).feed(asked + answer) == [asked, answer]
    assert framer(asked).feed(answer) == [answer]


def test_noise_before_an_answer_is_passed_over() -> None:
    for noise in (b"\x00", b"\x01", b"\x01\x49", b"\x01\x49\x3f", b"\xff" * 9, ASK[:3]):
        assert values(poll(noise + shown())) == ["0.02"]


def test_truncated_at_every_byte_it_is_no_reading_and_the_next_poll_is_fine() -> None:
    instrument = known()
    for cut in range(1, len(shown())):
        with pytest.raises(BadFrame, match="no whole answer"):
            poll(shown()[:cut], instrument=instrument)
        assert values(poll(shown(), instrument=instrument)) == ["0.02"]


def test_what_was_left_of_an_older_answer_is_thrown_away() -> None:
    instrument = known()
    port = ScriptedPort([(ASK, (shown(0.02), shown(0.03))), (ASK, (shown(0.04),))])
    assert [values(instrument.read(port)) for _ in range(2)] == [["0.02"], ["0.04"]]


def test_after_a_reset_it_is_met_again() -> None:
    """Twice is as good as once."""
    instrument = known()
    with pytest.raises(BadFrame):
        poll(shown()[:5], instrument=instrument)
    instrument.reset()
    instrument.reset()
    port = ScriptedPort([*met(5), (ASK, (shown(),))])
    assert [reading.serial for reading in readings(instrument.read(port))] == ["5"]


def test_every_change_of_up_to_three_bits_is_refused() -> None:
    """All singles and pairs; of triples a sample of 20,000."""
    bits = len(shown()) * 8
    dice = random.Random(3)
    changes = [(a, b) for a in range(bits) for b in range(a, bits)]
    triples = [tuple(dice.sample(range(bits), 3)) for _ in range(20_000)]
    for change in [*changes, *triples]:
        bent = bytearray(shown())
        for at in set(change):
            bent[at // 8] ^= 1 << at % 8
        assert framer(ASK).feed(bytes(bent)) == []


@pytest.mark.timeout(3600)
def test_fuzzed_answers_become_no_number_beyond_the_odds_of_the_crc() -> None:
    """Printed with the number that chance allows: one in 65,536; four deviations are the limit."""
    dice = random.Random(1973)
    instrument = known()
    false = 0
    for _ in range(FUZZ):
        bent = _bent(dice, shown())
        with suppress(BadFrame, InstrumentSilent):
            said = poll(bent, instrument=instrument)
            false += values(said) not in ([], ["0.02"])
        instrument._serial = "127812"
    chance = FUZZ / 65536
    print(f"keller: {false} of {FUZZ} bent answers read as something else; chance is {chance:.1f}")
    assert false <= chance + 4 * chance**0.5 + 1


@pytest.mark.timeout(3600)
def test_random_bytes_never_become_a_reading_and_the_next_poll_is_fine() -> None:
    dice = random.Random(7)
    instrument = known()
    for _ in range(max(1000, FUZZ // 100)):
        with pytest.raises((BadFrame, InstrumentSilent)):
            poll(dice.randbytes(dice.randint(1, 300)), instrument=instrument)
    assert values(poll(shown(), instrument=instrument)) == ["0.02"]


@pytest.mark.parametrize("read_baud", [4800, 19200, 115200])
def test_an_answer_heard_at_another_speed_is_never_a_reading(read_baud: int) -> None:
    instrument = known()
    for step in range(1000):
        heard = misread(shown(step / 10_000), sent_baud=9600, read_baud=read_baud)
        with pytest.raises((BadFrame, InstrumentSilent)):
            poll(heard, instrument=instrument)


# ---------------------------------------------------------------------- against the simulator


@contextmanager
def wired(
    pascal: Decimal, *simulators: Simulator, echoes: bool = False, echo: bool = False
) -> Iterator[Port]:
    """Our port and simulated transmitters at the two ends of a real terminal.

    echoes  the adapter repeats what we send; `echo`: and the settings of the line say so
    """

    def answer(heard: bytes) -> list[bytes]:
        return [heard if echoes else b"", *(s.hear(heard, pascal) for s in simulators)]

    with PtyPair() as cable, cable.answering(answer), Port(cable.settings(echo=echo)) as opened:
        yield opened


PATIENT = {"answer_within_s": 5, "poll_every_s": 10}


@pytest.mark.parametrize(("echoes", "echo"), [(False, False), (True, True), (True, False)])
@pytest.mark.parametrize("address", [1, 137, 250])
def test_the_simulated_transmitter_is_read(address: int, echoes: bool, echo: bool) -> None:
    """With an adapter that echoes too, whether the line knows of it or not."""
    simulator = Simulator(TransmitterFacts(address=137 if address == 250 else address))
    instrument = transmitter(address=address, **PATIENT)
    with wired(Decimal("-2031.25"), simulator, echoes=echoes, echo=echo) as line:
        for _ in range(3):
            (reading,) = readings(instrument.read(line))
            assert (reading.canonical, reading.serial) == (Decimal("-2031.25"), "127812")


def test_two_simulated_transmitters_share_a_line() -> None:
    first = Simulator(TransmitterFacts(address=1, serial=11))
    second = Simulator(TransmitterFacts(address=2, serial=22))
    ones, twos = (transmitter(address=address, **PATIENT) for address in (1, 2))
    with wired(Decimal(2000), first, second) as line:
        for _ in range(2):
            assert [r.serial for r in readings(ones.read(line))] == ["11"]
            assert [r.serial for r in readings(twos.read(line))] == ["22"]


@pytest.mark.parametrize(
    ("fault", "quality"), [("warming_up", "warming_up"), ("fault", "fault"), ("sentinel", "fault")]
)
def test_the_simulated_transmitters_troubles_are_qualities(fault: str, quality: str) -> None:
    simulator = Simulator(TransmitterFacts())
    instrument = transmitter(**PATIENT)
    with wired(Decimal(2000), simulator) as line:
        for faults, want in ((set(), "good"), ({fault}, quality), (set(), "good")):
            simulator.faults = faults
            (reading,) = readings(instrument.read(line))
            assert reading.quality == want
            assert (reading.canonical is not None) == (want == "good")


def test_the_simulated_power_cut_swap_and_stranger() -> None:
    """A cut is read through; a swap shows as a new serial after it; another class is dropped."""
    simulator = Simulator(TransmitterFacts())
    instrument = transmitter(**PATIENT)
    with wired(Decimal(2000), simulator) as line:
        assert [r.serial for r in readings(instrument.read(line))] == ["127812"]
        simulator.faults = {"restart", "identity"}
        cut, read = instrument.read(line)
        assert cut.dropped == "keller_not_initialised"
        assert [r.serial for r in readings([read])] == ["127813"]
        assert len(readings(instrument.read(line))) == 1
        simulator.faults = {"model"}
        instrument.reset()
        assert [i.dropped for i in instrument.read(line)] == ["other_model"]


def test_the_simulator_keeps_to_the_description() -> None:
    """Exceptions 1, 2, 3 and 32; strangers' requests and half ones get no answer."""
    simulator = Simulator(TransmitterFacts())
    none = Decimal(0)
    assert simulator.hear(ASK, none) == message(1, 0xC9, 32)
    assert simulator.hear(INIT, none)[-3] == 0
    assert simulator.hear(INIT, none)[-3] == 1
    assert simulator.hear(request(1, 95, b"\x00"), none) == message(1, 95 | 0x80, 1)
    assert simulator.hear(request(1, 73), none) == message(1, 0xC9, 3)
    assert simulator.hear(request(1, 73, b"\x09"), none) == message(1, 0xC9, 2)
    assert simulator.hear(request(2, 73, b"\x01"), none) == b""
    assert simulator.hear(ASK[:3], none) == b""
    simulator.silence()
    assert simulator.hear(ASK[3:], none) == b""
    assert simulator.hear(ASK[:3], none) + simulator.hear(ASK[3:], none) == shown(0.0)


# ---------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"poll_every_s": 0.5, "answer_within_s": 0.3}, "poll less often"),
        ({"least_pa": 100, "most_pa": 100}, "not below most_pa"),
        ({"address": 251}, "address"),
        ({"quantity": "gas"}, "quantity"),
        ({"device_classes": []}, "device_classes"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        transmitter(**change)


def test_gauge_or_absolute_is_never_guessed() -> None:
    with pytest.raises(ValueError, match="quantity"):
        KellerSettings.model_validate({"address": 1})


def test_the_plugin_registers_one_kind() -> None:
    (kind,) = register_drivers()
    assert (kind.name, kind.settings) == ("keller", KellerSettings)
    instrument = transmitter(stale_after_s=9)
    assert (instrument.poll_every_s, instrument.stale_after_s) == (1.0, 9.0)
    assert transmitter().stale_after_s == 2.0


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
