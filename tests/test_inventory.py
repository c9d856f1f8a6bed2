"""What instruments were read with is in the record, and a recorded message is read again by it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import crc16_modbus
from hub.again import difference
from hub.config import load_config
from hub.errors import NeedsEarlier
from hub.inventory import digest_of, inventory, rebuilt, write_down
from hub.ledger import Ledger, LedgerReader
from hub.model import Kept, LineDriverKind, Reading
from hub.parts import Parts, nowhere
from hub.registry import Registry
from hub.testing import HandClock, golden_cases, replay_golden
from plugins.boreal import register_drivers

ROOT = Path(__file__).parent.parent
CONFIG = """
[hub]
gateway = "gw-0001"
state_dir = "state"
plugins = ["keller", "modbus", "mqtt"]

[[line]]
name = "line-a"
port = "/dev/ttyUSB0"
[[line.instrument]]
name = "pm-1"
kind = "keller"
address = 1
quantity = "pressure"
poll_every_s = {poll}

[[line]]
name = "line-b"
port = "/dev/ttyUSB1"
[[line.instrument]]
name = "tx-1"
kind = "modbus"
address = 1
profile = "{profile}"

[[link]]
name = "broker"
kind = "mqtt"
host = "broker.example"
user = "gw-0001-account"
password_secret = "broker-password"
topics = [
  {{ decoder = "plain_json", filter = "instruments/+" }},
  {{ decoder = "wirenboard", filter = "/devices/#", values = [
    {{ key = "CH4", quantity = "gas", unit = "%LEL" }} ] }},
]
"""
PROFILE = """
title = "A transmitter of our own"
source = "its sheet"
publish = ["value"]
[[field]]
name = "value"
register = 0
type = "uint16"
quantity = "pressure"
unit = "Pa"
"""


def parts(folder: Path, poll: str = "1.0") -> Parts:
    profile = folder / "own.toml"
    profile.write_text(PROFILE)
    config = folder / "gateway.toml"
    config.write_text(CONFIG.format(poll=poll, profile=profile))
    return Parts(load_config(config), HandClock(), nowhere)


def recorded(folder: Path) -> list[Any]:
    with LedgerReader(folder) as reader:
        return [entry.record() for entry in reader.entries(kinds=("parts",))]


def test_it_is_written_once_per_content(tmp_path: Path) -> None:
    """A start that changes nothing adds nothing; going back to an older state is news again."""
    clock = HandClock()
    ledger = Ledger.open(tmp_path / "state", clock, "gw-0001")
    with LedgerReader(tmp_path / "state") as reader:
        for poll in ("1.0", "1.0", "2.0", "1.0"):
            write_down(ledger, reader, parts(tmp_path, poll), clock)
    ledger.close()

    polls = [
        body["instruments"]["pm-1"]["settings"]["poll_every_s"]
        for body in recorded(tmp_path / "state")
    ]
    assert polls == [1, 2, 1]


def test_it_holds_what_decides_and_nothing_of_secrets_accounts_and_places(tmp_path: Path) -> None:
    body = inventory(parts(tmp_path))

    assert PROFILE in body["instruments"]["tx-1"]["settings"]["profile_text"]
    assert body["instruments"]["pm-1"]["line"] == "line-a"
    assert set(body["drivers"]) == {"keller", "modbus", "mqtt"}
    for word in ("broker-password", "gw-0001-account", "broker.example", str(tmp_path)):
        assert word not in str(body)


def test_from_the_record_alone_each_driver_is_built_again(tmp_path: Path) -> None:
    """Also the one whose profile was a file that is gone by then."""
    body = inventory(parts(tmp_path))
    (tmp_path / "own.toml").unlink()
    kinds = Registry(["keller", "modbus", "mqtt"]).drivers

    slave = rebuilt(kinds["modbus"], "tx-1", body["instruments"]["tx-1"]["settings"])
    answer = bytes.fromhex("01 04 02 13 88")
    frame = answer + crc16_modbus(answer)
    (reading,) = slave.read_again(Kept("tx-1", frame, 7, "S-1"))
    assert (reading.canonical, reading.serial, reading.at_us) == (Decimal(5000), "S-1", 7)

    link = rebuilt(kinds["mqtt"], "broker", body["links"]["broker"]["settings"])
    sent = b'{"instrument":"g-1","quantity":"gas","value":5.1,"unit":"%LEL"}'
    (reading,) = link.read_again(Kept("broker instruments/g-1", sent, 7))
    assert (reading.instrument, reading.value) == ("g-1", "5.1")
    with pytest.raises(NeedsEarlier, match="earlier messages"):
        link.read_again(Kept("broker /devices/x/controls/CH4", b"5", 7))


def line() -> tuple[Any, Kept, Reading]:
    """A driver, a recorded line of its instrument, and what became of it."""
    (kind,) = register_drivers()
    assert isinstance(kind, LineDriverKind)
    case = next(c for c in golden_cases(ROOT / "plugins" / "boreal") if "readings" in c["expect"])
    intake = next(i for i in replay_golden(kind, case) if i.readings)
    driver = rebuilt(kind, "golden", case.get("settings", {}))
    return driver, Kept(intake.source, intake.frame, intake.at_us, "x"), intake.readings[0]


def test_a_changed_number_is_found(tmp_path: Path) -> None:
    driver, kept, reading = line()
    assert difference(driver, kept, [reading], whole=True) == ""

    value = str(Decimal(reading.value) + 1)
    for changed in (
        {"value": value, "canonical": Decimal(value)},
        {"value": f"{reading.value}0"},
        {"serial": "another"},
        {"at_us": reading.at_us + 1},
        {"quality": "fault"},
    ):
        assert difference(driver, kept, [reading._replace(**changed)], whole=True), changed
    assert difference(driver, kept, [], whole=True)
    assert difference(driver, kept, [reading, reading], whole=True)


def test_memory_may_take_a_number_away_and_never_give_one() -> None:
    """A lone peak goes out without its number, as `over_range`; nothing makes one out of it."""
    driver, kept, reading = line()
    lone = reading._replace(value="", canonical=None, canonical_unit="", quality="over_range")

    assert difference(driver, kept, [lone], whole=True) == ""
    assert difference(driver, kept, [lone._replace(canonical=reading.canonical)], whole=True)
    assert difference(driver, kept, [lone._replace(quality="warming_up")], whole=True)


def test_of_a_brokers_message_a_part_may_be_left_out_but_not_made_up(tmp_path: Path) -> None:
    kinds = Registry(["mqtt"]).drivers
    settings = inventory(parts(tmp_path))["links"]["broker"]["settings"]
    link = rebuilt(kinds["mqtt"], "broker", settings)
    rows = [
        b'{"instrument":"g-1","quantity":"gas","value":%d,"unit":"%%LEL","seq":%d}' % (n, n)
        for n in range(3)
    ]
    kept = Kept("broker instruments/g-1", b"[" + b",".join(rows) + b"]", 7)
    first, second, third = link.read_again(kept)

    assert difference(link, kept, [first, third], whole=False) == ""
    assert difference(link, kept, [third, first], whole=False)
    assert difference(link, kept, [second, second], whole=False)


def test_a_digest_covers_the_plugins_code_and_tables() -> None:
    """Each plugin has one of its own, the same at each look."""
    names = ("boreal", "keller", "mipex", "modbus", "mqtt")
    digests = [digest_of(f"plugins.{name}") for name in names]

    assert len(set(digests)) == len(names)
    assert digests == [digest_of(f"plugins.{name}") for name in names]
