"""Profiles of Modbus instruments: the language, the shipped files, and a simulator made of them."""

import re
import struct
import tomllib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import ConfigError, InstrumentSilent, Reading, crc16_modbus
from hub.model import Intake
from hub.testing import HandClock, ScriptedPort, on_the_wire, site
from plugins.modbus.driver import ModbusInstrument, build
from plugins.modbus.loading import SHIPPED, load
from plugins.modbus.numbers import number, shortest
from plugins.modbus.profile import Place, Profile, Status
from plugins.modbus.settings import ModbusSettings
from plugins.modbus.simulator import Simulator, Specimen
from plugins.modbus.values import Decoder, quality, stretches
from plugins.modbus.wire import Request

HD402 = Request(1, 4, 4, 23)
FITTING = [(words, dict(settings)) for words, settings in Simulator.fitting.items()]
SPECIMENS = pytest.mark.parametrize(
    ("facts", "settings"), FITTING, ids=[words or "delta_ohm_hd402st" for words, _ in FITTING]
)


def checked(body: bytes) -> bytes:
    return body + crc16_modbus(body)


def gauge(clock: HandClock | None = None, **settings: Any) -> ModbusInstrument:
    given = {"address": 1, "profile": "delta_ohm_hd402st", **settings}
    return build("riser-3", ModbusSettings(**given), site(clock or HandClock(now_us=7)))


def reading(intakes: Sequence[Intake]) -> Reading:
    ((single,),) = (intake.readings for intake in intakes)
    return single


class Cable(ScriptedPort):
    """A port with simulated slaves at its other end; what they sense is set by hand."""

    def __init__(self, *slaves: Simulator) -> None:
        super().__init__()
        self.slaves = slaves
        self.sensed = Decimal(0)

    def write(self, sent: bytes) -> None:
        self.sent.append(sent)
        heard = [slave.hear(sent, self.sensed) for slave in self.slaves]
        self._coming += [answer for answer in heard if answer]


def specimen(words: str, **more: Any) -> Simulator:
    facts: dict[str, Any] = dict(word.split("=") for word in words.split())
    if "decimals" in facts:
        facts["decimals"] = int(facts["decimals"])
    return Simulator(Specimen(**facts, **more))


# ---------------------------------------------------------------------- profiles


@SPECIMENS
def test_every_shipped_profile_builds_and_names_its_source(
    facts: str, settings: dict[str, Any]
) -> None:
    profile = load(settings.get("profile", "delta_ohm_hd402st"), specimen(facts).facts.answers)
    assert len(profile.source) > 20
    assert gauge(**settings).poll_every_s == 1.0


def test_no_shipped_profile_is_left_out_of_these_tests() -> None:
    named = {settings.get("profile", "delta_ohm_hd402st") for _, settings in FITTING}
    assert named == {path.stem for path in SHIPPED.glob("*.toml")}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"profile": "sts_dtm"}, "set `unit = ...`"),
        ({"profile": "sts_dtm", "unit": "psia"}, "unit 'psia' is not a unit of pressure"),
        ({"profile": "huba_699m"}, "numbers = { reliable = ... }"),
        ({"profile": "oldham_itrans2", "unit": "%LEL"}, "set `type = ...`"),
        ({"profile": "honeywell_xnx"}, "not beyond doubt; set `unit`"),
        ({"profile": "honeywell_xnx", "unit": "LEL.m"}, "none of this profile's"),
        ({"profile": "honeywell_xnx", "unit": "ppm.m"}, "not beyond doubt"),
        ({"unit": "kPa"}, "none of this profile's; it has Pa"),
        ({"order": "CDAB"}, "does not ask for order"),
        ({"type": "int16"}, "does not ask for type"),
        ({"numbers": {"mode": 3}}, "does not ask for numbers.mode"),
        ({"unit_codes": {12: "Pa"}}, "does not ask for unit_codes.12"),
        (
            {"profile": "rs485_transmitter_kpa_first", "unit_codes": {12: "ppm"}},
            "does not ask for unit_codes.12",
        ),
        ({"profile": "rs485_transmitter_kpa_first", "most": 5}, "least and most need"),
        ({"publish": ["pressure_pa", "pressure_hpa"]}, "two series of one quantity"),
        ({"profile": "hd402"}, "shipped are plain, delta_ohm_hd402st"),
    ],
)
def test_what_no_document_settles_is_a_setting_and_what_changes_nothing_is_refused(
    settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        gauge(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"profile": "plain"},
        {"value": {"register": 0, "type": "int16", "quantity": "pressure", "unit": "Pa"}},
        {
            "profile": "plain",
            "order": "CDAB",
            "value": {"register": 0, "type": "int32", "quantity": "pressure", "unit": "Pa"},
        },
        {"poll_every_s": 0.5, "answer_within_s": 0.3},  # a late answer would be taken for the next
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"give both|stand in `value`|poll less often"):
        gauge(**settings)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('unit = "Pa"', 'unit = "ppm"'), "pressure"),
        (('unit = "Pa"', 'unit = "pascal"'), "pascal"),
        (('type = "int16"', 'type = "int24"'), "field.0.type"),
        (("register = 4", "register = 70000"), "field.0.register"),
        (("[line]", "[lime]"), "lime"),
        (('publish = ["pressure_pa"]', 'publish = ["preassure"]'), "no field 'preassure'"),
        (("title =", "title ="), ""),
        (("bridge = 24", "bridge ="), "profile"),
        (("in_pieces = true", "in_pieces = false"), ""),
        (("bridge = 24\nin_pieces = true", "bridge = 3"), "raise `bridge`"),
        (('bits = { 0 = "fault" }\n', ""), "give bits"),
        (('other_bits = "fault"', 'of = ["presure"]'), "no such fields"),
        (("sentinels = [0x8000]", "sentinels = [0x18000]"), "no unsigned value of 2 bytes"),
        (('type = "int16"', 'type = "int16"\nbyte = "low"'), "is for uint16"),
        (('type = "int16"', 'type = "int16"\norder = "CDAB"'), "needs two registers"),
    ],
)
def test_a_wrong_profile_is_a_config_error_that_names_the_place(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    text = (SHIPPED / "delta_ohm_hd402st.toml").read_text()
    assert change[0] in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace(*change))
    if not says:
        assert gauge(profile=str(path)).poll_every_s == 1.0
        return
    with pytest.raises(ConfigError, match=re.escape(says)):
        gauge(profile=str(path))


OWN = """
title = "test"
source = "test"
publish = ["value"]
[[field]]
name = "value"
register = 0
function = 3
type = "int16"
quantity = "gas"
unit = "%LEL"
"""


NEXT, THEN = "{ register = 1, function = 3 }", "{ register = 2, function = 3 }"
SPAN = f"span = {{ steps = 10, low = {NEXT}, high = {THEN} }}"
ID = "[[id]]\nregister = 1\nfunction = 3\n"
STATUS = "[[status]]\nregister = 1\nfunction = 3\nnormal = [1]"


def own(more: str, words: Sequence[int]) -> str:
    """What a profile of OWN and *more* makes of registers from 0: value, quality or drop."""
    profile = Profile.model_validate(tomllib.loads(OWN + more, parse_float=Decimal))
    decoder = Decoder(profile, profile.field, 1, bridge=125)
    data = b"".join((word & 0xFFFF).to_bytes(2) for word in words)
    assert sum(2 * asked.count for asked in decoder.requests) == len(data)
    poll = decoder.decode(data)
    return poll.dropped or poll.said[0].value or poll.said[0].quality


@pytest.mark.parametrize(
    ("more", "words", "said"),
    [
        ("scale = 0.25", [10], "2.50"),
        (f"scale = {NEXT}", [10, 3], "30"),
        (f"scale = {NEXT}", [10, 0], "bad_scale"),
        ("scale = { register = 1, function = 3, type = 'float32' }", [10, 0x3F00, 0], "5.0"),
        (f"divisor = {NEXT}", [25, 10], "2.5"),
        (f"divisor = {NEXT}", [25, 0], "bad_divisor"),
        (f"divisor = {NEXT}", [25, -1], "bad_divisor"),
        (f"decimals = {NEXT}", [-25, 2], "-0.25"),
        (f"decimals = {NEXT}", [25, 7], "bad_decimals"),
        (f"decimals = {NEXT}", [25, -1], "bad_decimals"),
        (SPAN, [5, -10, 30], "10"),
        (SPAN, [5, 30, 30], "bad_span"),
        (SPAN, [5, 30, -10], "bad_span"),
        ("least = -5\nmost = 100", [101], "over_range"),
        ("least = -5\nmost = 100", [100], "100"),
        ("least = -5\nmost = 100", [-6], "under_range"),
        ("least = -5\nmost = 100", [-5], "-5"),
        ("scale = 0.01\nfinest = 0.05", [4], "bad"),
        ("scale = 0.01\nfinest = 0.05", [0], "0.00"),
        ("sentinels = [77]\nsentinel_quality = 'low_battery'", [77], "low_battery"),
        (f"{ID}least = 5\nmost = 7", [1, 5], "1"),
        (f"{ID}least = 5\nmost = 7", [1, 8], "other_model"),
        (f"{ID}of = ['value']\nvalues = [9]", [1, 8], "other_model"),
        (STATUS, [9, 1], "9"),
        (STATUS, [9, 0], "fault"),
    ],
)
def test_the_language_of_profiles(more: str, words: list[int], said: str) -> None:
    """Each key, on both sides of its rule."""
    assert own(more, words) == said


def test_a_heartbeat_that_comes_in_another_answer_is_refused() -> None:
    """It could not say whether this value is a living one."""
    table = tomllib.loads(OWN + "[heartbeat]\nregister = 9\nfunction = 3")
    profile = Profile.model_validate(table)
    with pytest.raises(ValueError, match="raise `bridge`"):
        Decoder(profile, profile.field, 1, bridge=7)
    assert len(Decoder(profile, profile.field, 1, bridge=8).requests) == 1


def test_the_example_in_the_readme_is_a_profile_that_reads(tmp_path: Path) -> None:
    """What a newcomer copies works: 209 with divisor 10, then a status that is not the good one."""
    readme = (SHIPPED.parent / "README.md").read_text(encoding="utf-8")
    example, settings = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    path = tmp_path / "e3point.toml"
    path.write_text(example)
    given = {**tomllib.loads(settings), "profile": str(path)}
    asked = Request(1, 3, 20, 6)
    for status, said in ((0, ("20.9", "good")), (3, ("", "fault"))):
        words = b"".join(word.to_bytes(2) for word in (209, 0, 10, 0, 0, status))
        frame = checked(bytes((1, 3, 12)) + words)
        one = reading(gauge(**given).read(ScriptedPort([(asked.frame, (frame,))])))
        assert (one.value, one.quality) == said


@pytest.mark.parametrize(
    ("value", "word"),
    [(1, None), (2, "warming_up"), (3, "inhibited"), (9, "bad"), (77, "fault")],
)
def test_a_state_register_turns_into_a_quality(value: int, word: str | None) -> None:
    """An unknown state is never taken for a good one."""
    states = {2: "warming_up", 3: "inhibited", 9: "bad"}
    status = Status.model_validate({"register": 7, "states": states, "normal": [1]})
    assert quality(value, status) == word


def test_the_first_bit_of_the_list_speaks_and_unknown_bits_are_a_fault() -> None:
    bits = {"register": 7, "bits": {4: "bad", 0: "inhibited"}, "normal_bits": [1]}
    status = Status.model_validate(bits)
    said = [quality(value, status) for value in (0, 2, 0x11, 1, 4, 6)]
    assert said == [None, None, "bad", "inhibited", "fault", "fault"]


def test_requests_join_what_is_near_and_never_exceed_125_registers() -> None:
    places = [Place.model_validate({"register": at}) for at in (0, 1, 5, 124, 125, 400)]
    assert stretches(places, 0) == [(4, 0, 2), (4, 5, 1), (4, 124, 2), (4, 400, 1)]
    assert stretches(places, 200) == [(4, 0, 125), (4, 125, 1), (4, 400, 1)]


# ---------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2031.25, "2031.25"),
        (0.1, "0.1"),
        (981.719970703125, "981.72"),
        (16777216.0, "16777216"),
        (-0.0, "0"),
        (3.4028234663852886e38, "340282350000000000000000000000000000000"),
    ],
)
def test_a_float_is_its_shortest_decimal(value: float, text: str) -> None:
    found = shortest(struct.pack(">f", value))
    assert isinstance(found, Decimal)
    assert format(found, "f") == text


@given(st.binary(min_size=4, max_size=4))
def test_every_float_comes_back_to_its_own_bytes(raw: bytes) -> None:
    """Or is no number at all: NaN, the infinities, and what is below the normal range."""
    found = shortest(raw)
    (value,) = struct.unpack(">f", raw)
    if isinstance(found, str):
        assert value - value != 0 or 0 < abs(value) < 2**-126
    elif value == 0:
        assert found == 0
    else:
        assert struct.pack(">f", float(found)) == raw


@pytest.mark.parametrize(
    ("bits", "word"),
    [
        (0x7FC00000, "fault"), (0xFFC00001, "fault"), (0x7F800000, "fault"),
        (0xFF800000, "fault"), (0x00000001, "bad"), (0x807FFFFF, "bad"),
    ],
)  # fmt: skip
def test_nan_infinity_and_subnormals_are_no_numbers(bits: int, word: str) -> None:
    assert number(bits.to_bytes(4), "float32") == word


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("int16", "8001", -32767), ("int16", "7ffe", 32766), ("uint16", "fffe", 65534),
        ("int32", "80000001", -2147483647), ("uint32", "fffffffe", 4294967294),
        ("bcd16", "9999", 9999),
    ],
)  # fmt: skip
def test_one_step_inside_its_range_an_integer_is_a_number(kind: Any, raw: str, value: int) -> None:
    """The ends themselves mean saturated, or no value; golden cases have them."""
    assert number(bytes.fromhex(raw), kind) == value


# ---------------------------------------------------------------------- the simulator


def values_of(slave: Simulator) -> tuple[str, ...]:
    points = {
        "pressure": ("0", "-40", "812", "5200"),
        "gas": ("0", "0.2", "2.5"),
        "gas_path": ("0", "7", "4400"),
    }
    return points[slave.sense]


def canonical(slave: Simulator, said: Reading) -> Decimal:
    """The reading in the unit of what the slave senses."""
    assert said.canonical is not None
    if said.canonical_unit == "%LEL":
        return said.canonical * slave.facts.lel_pct_vol / 100
    if said.canonical_unit == "LEL.m":
        return said.canonical * slave.facts.lel_pct_vol * 10_000
    return said.canonical


def fits(slave: Simulator, said: Reading, sensed: Decimal) -> bool:
    """Within one step of the number as it is sent."""
    step = Decimal(10) if slave.facts.profile == "sts_dtm" else Decimal(1)
    allowed = {"pressure": step, "gas": Decimal("0.005"), "gas_path": Decimal("0.01")}
    return abs(canonical(slave, said) - sensed) <= allowed[slave.sense]


@SPECIMENS
def test_the_driver_reads_what_a_specimen_of_each_profile_senses(
    facts: str, settings: dict[str, Any]
) -> None:
    """Registers filled by the simulator's own arithmetic, read by the driver's."""
    slave = specimen(facts)
    instrument, cable = gauge(**settings), Cable(slave)
    for text in values_of(slave):
        cable.sensed = Decimal(text)
        assert fits(slave, reading(instrument.read(cable)), cable.sensed)


@SPECIMENS
@pytest.mark.parametrize(
    "fault",
    ["over_range", "under_range", "warming_up", "fault", "inhibited", "sentinel", "model"],
)
def test_under_no_fault_of_its_own_is_there_a_number(
    facts: str, settings: dict[str, Any], fault: str
) -> None:
    """A quality or a named drop; and when the fault is over, the number is back."""
    slave = specimen(facts)
    instrument, cable = gauge(**settings), Cable(slave)
    cable.sensed = Decimal(values_of(slave)[2])
    assert fits(slave, reading(instrument.read(cable)), cable.sensed)
    slave.faults.add(fault)
    for _ in range(3):
        (intake,) = instrument.read(cable)
        assert intake.dropped or [r.canonical for r in intake.readings] == [None]
    slave.faults.clear()
    instrument.read(cable)  # who it is may have to be asked anew
    assert fits(slave, reading(instrument.read(cable)), cable.sensed)


def test_inhibited_an_xnx_shows_zero_and_an_xrl_stands_still() -> None:
    """What the wire shows meanwhile; the driver calls both inhibited."""
    shown = {}
    for facts, settings in FITTING:
        slave = specimen(facts)
        if slave.facts.profile not in ("honeywell_xnx", "honeywell_sensepoint_xrl"):
            continue
        cable = Cable(slave)
        instrument = gauge(**settings)
        cable.sensed = Decimal(2)
        instrument.read(cable)
        slave.faults.add("inhibited")
        cable.sensed = Decimal(3)
        assert reading(instrument.read(cable)).quality == "inhibited"
        registers = slave.registers(Decimal(3))
        first = 2 if slave.facts.profile == "honeywell_xnx" else 102
        raw = registers[3, first].to_bytes(2) + registers[3, first + 1].to_bytes(2)
        shown[slave.facts.profile] = struct.unpack(">f", raw)[0]
    assert shown == {"honeywell_xnx": 0.0, "honeywell_sensepoint_xrl": 2.0}


def test_a_frozen_transmitter_answers_and_is_a_fault() -> None:
    clock = HandClock(now_us=0)
    slave = specimen("profile=honeywell_xnx unit=%LEL")
    instrument, cable = gauge(clock, profile="honeywell_xnx", unit="%LEL"), Cable(slave)
    assert instrument.read(cable)[0].readings[0].quality == "good"
    slave.faults.add("frozen")
    clock.move(16)
    instrument.read(cable)
    clock.move(16)
    assert [intake.dropped for intake in instrument.read(cable)] == ["", "heartbeat_stopped"]


def test_another_specimen_tells_another_serial() -> None:
    slave = specimen("profile=sts_dtm unit=mbar")
    assert "identity" in slave.own_faults
    instrument, cable = gauge(profile="sts_dtm", unit="mbar", serial="355220"), Cable(slave)
    assert reading(instrument.read(cable)).serial == "355220"
    slave.faults.add("identity")
    instrument.reset()
    assert instrument.read(cable)[0].dropped == "other_instrument"


def test_slaves_share_a_line_by_their_addresses() -> None:
    """Each answers its own requests only, and one hears those of the others."""
    models = ("", "profile=hk_dpt_dual_mod", "profile=rs485_transmitter_mpa_first unit=Pa")
    slaves = [specimen(words, address=at) for at, words in enumerate(models, 1)]
    cable = Cable(*slaves)
    cable.sensed = Decimal(700)
    for slave in slaves:
        instrument = gauge(profile=slave.facts.profile, address=slave.facts.address)
        assert reading(instrument.read(cable)).canonical == 700


def test_a_hd402st_has_the_registers_of_its_model_and_the_range_of_its_label() -> None:
    """Model 4 has no register in Pa, and beyond its range its error bit is set."""
    slave = specimen("", has="pressure_dapa,pressure_hpa,pressure_kpa", range_most=Decimal(6000))
    cable = Cable(slave)
    cable.sensed = Decimal(2000)
    assert reading(gauge().read(cable)).quality == "fault"
    in_hpa = gauge(publish=["pressure_hpa"])
    assert reading(in_hpa.read(cable)).canonical == 2000
    cable.sensed = Decimal(6001)
    assert reading(in_hpa.read(cable)).quality == "fault"


@pytest.mark.parametrize(
    ("function", "start", "count", "code"),
    [(4, 26, 2, 2), (4, 300, 1, 2), (3, 4, 1, 1), (4, 4, 0, 3), (4, 4, 126, 3)],
)
def test_it_refuses_registers_that_are_not_there(
    function: int, start: int, count: int, code: int
) -> None:
    asked = Request(1, function, start, count)
    frame = specimen("").hear(asked.frame, Decimal(0))
    assert frame == checked(bytes((1, function | 0x80, code)))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("profile=hd402", "no profile 'hd402'"),
        ("profile=sts_dtm", "set `unit"),
        ("publish=x", "no field 'x'"),
        ("profile=sts_dtm unit=mbar publish=temperature", "gas_temperature cannot be simulated"),
    ],
)
def test_facts_that_make_no_specimen_are_refused(words: str, says: str) -> None:
    """In the words of the command line, as a ValueError, which it shows."""
    with pytest.raises(ValueError, match=says):
        specimen(words)


def test_requests_in_pieces_and_after_noise_are_heard_and_half_ones_forgotten() -> None:
    slave = specimen("")
    assert slave.hear(b"\xff" + HD402.frame[:3], Decimal(5)) == b""
    assert slave.hear(HD402.frame[3:], Decimal(5)) == slave.hear(HD402.frame, Decimal(5))
    slave.hear(HD402.frame[:4], Decimal(5))
    slave.silence()
    assert slave.hear(HD402.frame[4:], Decimal(5)) == b""


def test_over_a_real_terminal_two_slaves_are_read_and_one_is_pulled() -> None:
    """The runner's pty: two profiles on one line, then silence, then the cable again."""
    gas = "address=2 profile=honeywell_sensepoint_xrl unit=%vol"
    with on_the_wire(Simulator, "address=1", gas) as wire:
        first = gauge(answer_within_s=2, poll_every_s=10)
        second = gauge(
            address=2, profile="honeywell_sensepoint_xrl", unit="%vol", answer_within_s=2,
            poll_every_s=10,
        )  # fmt: skip
        wire.do("set 1200 @1", "set 1.5 @2")
        with wire.port() as port:
            for _ in range(5):
                assert reading(first.read(port)).canonical == 1200
                assert reading(second.read(port)).canonical == Decimal("1.5")
            wire.do("silence @2")
            with pytest.raises(InstrumentSilent):
                gauge(address=2, answer_within_s=0.1).read(port)
            assert reading(first.read(port)).canonical == 1200
            wire.do("clear")
            assert reading(second.read(port)).canonical == Decimal("1.5")
