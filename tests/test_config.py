"""A config is accepted whole or refused with every fault named: file, path, value, remedy."""

from decimal import Decimal
from pathlib import Path

import pytest

from hub.config import load_config
from hub.credentials import secret
from hub.errors import ConfigError

GOOD = """
[hub]
gateway = "gw-0001"
state_dir = "state"
plugins = ["modbus"]

[[instrument]]
name = "pm-1"
quantity = "pressure"
range_pa = 10000
resolution_pa = 0.1
calibrated_until = 2027-05-01

[[line]]
name = "line-a"
port = "/dev/ttyUSB0"
[[line.instrument]]
name = "pm-1"
kind = "modbus"

[[sink]]
name = "crm"
kind = "crm"
url = "https://crm.example/hook"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    return file


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load_config(write(folder, text))
    return str(refused.value).splitlines()


def test_a_good_config_is_read_with_exact_numbers(tmp_path: Path) -> None:
    """0.1 in the file is Decimal 0.1, never a binary fraction."""
    config = load_config(write(tmp_path, GOOD))

    assert config.facts()["pm-1"].resolution_pa == Decimal("0.1")
    assert config.facts()["pm-1"].as_order()["calibrated_until"] == "2027-05-01"
    assert config.sink[0].settings == {"url": "https://crm.example/hook"}


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ('gateway = "gw-0001"', 'gatway = "gw-0001"', ['"gatway"', 'did you mean "gateway"']),
        ('gateway = "gw-0001"', 'gateway = "GW 1"', ["hub", "\"gateway\" is 'GW 1'"]),
        ('quantity = "pressure"', 'quantity = "presure"', ['instrument "pm-1"', "presure"]),
        ("range_pa = 10000", "range_pa = -1", ['"range_pa" is -1', "greater than 0"]),
        ("[[sink]]", "[[sinks]]", ['"sinks"', 'did you mean "sink"']),
        ('state_dir = "state"', "", ['"state_dir" is missing']),
        ('kind = "crm"', "", ['sink "crm"', '"kind" is missing']),
    ],
)
def test_a_fault_is_named_with_its_place_and_a_remedy(
    tmp_path: Path, wrong: str, right: str, said: list[str]
) -> None:
    """One line per fault, beginning with the file."""
    lines = faults(tmp_path, GOOD.replace(wrong, right))

    line = next(line for line in lines if said[0] in line)
    assert line.startswith(str(tmp_path))
    assert all(part in line for part in said)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """An operator mends the file in one go."""
    text = GOOD.replace("gw-0001", "GW 1").replace('"pressure"', '"presure"')

    assert len(faults(tmp_path, text)) == 2


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    """Names are how everything refers to everything."""
    again = GOOD + '[[sink]]\nname = "crm"\nkind = "crm"\n'

    assert "stands there twice" in faults(tmp_path, again)[0]


@pytest.mark.parametrize("text", ["", "[hub", "hub = 3", "[[hub]]\n"])
def test_no_text_makes_the_reader_stumble(tmp_path: Path, text: str) -> None:
    """Bad input is a ConfigError, whatever it is."""
    assert faults(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path is in the message."""
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read"):
        load_config(tmp_path / "absent.toml")


def test_a_secret_comes_from_the_credentials_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd's folder first, then GASHUB_SECRET_NAME; absent in both names both."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("GASHUB_SECRET_CRM_KEY", "from-environment")
    assert secret("crm-key") == "from-environment"
    (tmp_path / "crm-key").write_text("from-systemd\n", encoding="utf-8")
    assert secret("crm-key") == "from-systemd"
    with pytest.raises(ConfigError, match="GASHUB_SECRET_OTHER"):
        secret("other")
