"""`gashub check`: one line for each fault or doubt, with file, table, key and remedy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.clock import HandClock
from hub.config import load_config
from hub.credentials import is_name, secret
from hub.doubts import known_names, look_over
from hub.errors import ConfigError
from hub.parts import Parts, nowhere

HUB = """
[hub]
gateway = "gw-0001"
state_dir = "state"
plugins = ["modbus", "mqtt", "crm", "filing"]
"""
LINE = """
[[line]]
name = "line-a"
port = "/dev/ttyUSB0"
[[line.instrument]]
name = "pm-1"
kind = "modbus"
address = 1
profile = "delta_ohm_hd402st"
"""
FACTS = """
[[instrument]]
name = "pm-1"
quantity = "pressure"
unit = "Pa"
"""
TOPIC = """
[[link.topics]]
decoder = "plain_json"
filter = "gas/kitchen/reading"
"""
LINK = '[[link]]\nname = "site"\nkind = "mqtt"\nhost = "broker.lan"\n' + TOPIC
CRM = """
[[sink]]
name = "crm"
kind = "crm"
url = "https://crm.example/hook"
secrets = ["crm-signing"]
"""


@pytest.fixture(autouse=True)
def no_secrets_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The place that LoadCredential lines name is a folder of the test's."""
    place = tmp_path / "secrets"
    place.mkdir()
    monkeypatch.setattr("hub.credentials.SOURCE", place)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return place


def write(folder: Path, *parts: str) -> Path:
    file = folder / "gateway.toml"
    file.write_text("\n".join((HUB, *parts)), encoding="utf-8")
    return file


def doubts(folder: Path, *parts: str) -> list[str]:
    _, found = look_over(write(folder, *parts))
    assert all(line.startswith(f"{folder}/gateway.toml: ") for line in found)
    return found


def faults(folder: Path, *parts: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        look_over(write(folder, *parts))
    lines = str(refused.value).splitlines()
    assert all(line.startswith(f"{folder}/gateway.toml: ") for line in lines)
    return lines


def test_a_whole_configuration_raises_no_doubt(tmp_path: Path) -> None:
    summary, found = look_over(write(tmp_path, FACTS, LINE))

    assert found == []
    assert "good. 1 line(s) with 1 instrument(s), 0 link(s), 0 sink(s)" in summary


# -- instruments


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ('"pressure"', '"presure"', ['"quantity"', "'presure'", 'did you mean "pressure"?']),
        ('"Pa"', '"kpa"', ['"unit"', "'kpa' is not a unit of pressure", 'did you mean "kPa"?']),
        ('"Pa"', '"%LEL"', ['"unit"', "use one of Pa, hPa, kPa"]),
    ],
)
def test_a_wrong_unit_or_quantity_is_a_fault_with_the_nearest_known(
    tmp_path: Path, wrong: str, right: str, said: list[str]
) -> None:
    """File, table and key in one line."""
    (line,) = faults(tmp_path, FACTS.replace(wrong, right), LINE)

    assert ': instrument "pm-1": ' in line
    assert all(part in line for part in said)


def test_facts_that_nothing_reads_are_doubted(tmp_path: Path) -> None:
    """A mistyped name in either place gives both doubts."""
    unread, factless = doubts(tmp_path, FACTS.replace("pm-1", "pm-7"), LINE)

    assert 'instrument "pm-7": no line reads it' in unread
    assert 'line "line-a" instrument "pm-1": no [[instrument]]' in factless
    assert "each order must carry" in factless


@pytest.mark.parametrize(
    ("topic", "doubted"),
    [
        ("", False),
        ('instrument = "key:device"', False),
        ('instrument = "topic:2"', True),
        ('instrument = "topic:9"', True),
        ('instrument = "const:meter"', True),
        ('instrument = "const:det-7"', False),
        ('instrument = "const:x"\ninstruments = { x = "det-7" }', False),
        ('instrument = "topic:2"\ninstruments = { kitchen = "det-7" }', False),
    ],
)
def test_facts_are_doubted_only_if_no_topic_can_bring_the_name(
    tmp_path: Path, topic: str, doubted: bool
) -> None:
    """Names that messages or wildcards bring are not known before; fixed ones are."""
    facts = '[[instrument]]\nname = "det-7"\nquantity = "gas"\n'

    found = doubts(tmp_path, facts, LINK, topic)

    assert [True for line in found if "det-7" in line] == [True] * doubted


@pytest.mark.parametrize("level", ["gas/+/reading", "gas/#", "#"])
def test_a_wildcard_can_bring_any_name(tmp_path: Path, level: str) -> None:
    facts = '[[instrument]]\nname = "det-7"\nquantity = "gas"\n'
    link = LINK.replace("gas/kitchen/reading", level)

    assert doubts(tmp_path, facts, link, 'instrument = "topic:2"') == []


def test_the_names_a_gateway_knows_come_from_facts_lines_and_links(tmp_path: Path) -> None:
    facts = '[[instrument]]\nname = "det-7"\nquantity = "gas"\n'
    config = load_config(write(tmp_path, facts, LINE, LINK, 'instruments = { k = "det-8" }'))

    assert known_names(config, Parts(config, HandClock(), nowhere)) == {"det-7", "pm-1", "det-8"}


# -- secrets


def test_a_secret_that_is_not_there_is_doubted_with_both_places(
    tmp_path: Path, no_secrets_of_this_machine: Path
) -> None:
    """Named: sink, key, secret, the file and the variable it could come from."""
    (line,) = doubts(tmp_path, CRM)

    assert 'sink "crm": "secrets": secret "crm-signing"' in line
    assert str(no_secrets_of_this_machine / "crm-signing") in line
    assert "$GASHUB_SECRET_CRM_SIGNING" in line
    assert "LoadCredential=crm-signing:" in line


def test_a_secret_that_is_there_is_not_doubted(
    tmp_path: Path, no_secrets_of_this_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the file that the unit loads, in the environment, or in the unit's credentials."""
    (no_secrets_of_this_machine / "crm-signing").write_text("whsec_x")
    assert doubts(tmp_path, CRM) == []
    (no_secrets_of_this_machine / "crm-signing").unlink()
    monkeypatch.setenv("GASHUB_SECRET_CRM_SIGNING", "whsec_x")
    assert doubts(tmp_path, CRM) == []
    monkeypatch.delenv("GASHUB_SECRET_CRM_SIGNING")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert len(doubts(tmp_path, CRM)) == 1
    (tmp_path / "crm-signing").write_text("whsec_x")
    assert doubts(tmp_path, CRM) == []


PASTED = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "4f1c9be07d2a4f1c9be07d2a",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "correct horse battery staple",
]


@pytest.mark.parametrize("pasted", PASTED)
def test_a_secret_written_where_its_name_belongs_is_doubted_and_never_shown(
    tmp_path: Path, pasted: str
) -> None:
    """Neither by check nor by the hub that then looks for it."""
    (line,) = doubts(tmp_path, CRM.replace("crm-signing", pasted))

    assert 'sink "crm": "secrets" holds what looks like a secret itself' in line
    assert "LoadCredential" in line
    assert pasted not in line
    with pytest.raises(ConfigError) as refused:
        secret(pasted)
    assert pasted not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["crm-signing", "mqtt_password", "crm.token.2026", "k", "site2-broker-password-2026"]
)
def test_a_name_is_taken_for_a_name(name: str) -> None:
    assert is_name(name)


def test_a_name_that_looks_like_a_secret_still_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found is used; only what is not found is suspected."""
    monkeypatch.setenv("GASHUB_SECRET_CRMSIGNINGKEY2026", "value")

    assert secret("crmsigningkey2026") == "value"


@pytest.mark.parametrize(
    "address", ["https://crm.example/hook?token=abcdef", "https://crm.example/h?a=1&api_key=x1"]
)
def test_a_secret_in_an_address_is_doubted_and_not_shown(tmp_path: Path, address: str) -> None:
    found = doubts(tmp_path, CRM.replace("https://crm.example/hook", address))

    (line,) = (line for line in found if '"url"' in line)
    assert 'sink "crm": "url" carries a secret (not shown)' in line
    assert address not in line


def test_a_fault_shows_no_secret_either(tmp_path: Path) -> None:
    """A key of the wrong type, a password in the address: the line is told without the value."""
    typed = faults(tmp_path, CRM.replace('["crm-signing"]', '"whsec_abc"'))
    inside = faults(tmp_path, CRM.replace("https://crm", "https://joe:hunter2@crm"))

    assert '"secrets"' in typed[0]
    assert "whsec_abc" not in typed[0]
    assert "url carries a user or password" in inside[0]
    assert "hunter2" not in inside[0]


# -- places


def test_an_unknown_profile_is_told_with_file_line_and_instrument(tmp_path: Path) -> None:
    (line,) = faults(tmp_path, LINE.replace("delta_ohm_hd402st", "delta_ohm"))

    assert 'gateway.toml: line "line-a" instrument "pm-1": no profile ' in line
    assert "delta_ohm_hd402st, " in line


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("filter =", "filtr =", 'topics number 1: no setting "filtr"; did you mean "filter"?'),
        ("filter =", 'ts_unti = "s"\nfilter =', 'no setting "ts_unti"; did you mean "ts_unit"?'),
        ('"plain_json"', '"plain_jsn"', "\"decoder\" is 'plain_jsn'; use one of plain_json"),
        ('decoder = "plain_json"', "", '"decoder" is missing'),
        ('filter = "gas/kitchen/reading"', "", 'topics number 1: "filter" is missing'),
        ("filter =", "qualities = { ok = 3 }\nfilter =", 'topics number 1: "qualities.ok" is 3'),
    ],
)
def test_a_mistake_in_a_topic_is_one_line_held_against_the_topics_own_keys(
    tmp_path: Path, wrong: str, right: str, said: str
) -> None:
    """No second line about the list, and no key of the link is proposed for the topic."""
    (line,) = faults(tmp_path, LINK.replace(wrong, right, 1))

    assert ': link "site" topics number 1: ' in line
    assert said in line
    assert "receive_maximum" not in line


def test_two_mistakes_in_two_topics_are_two_lines(tmp_path: Path) -> None:
    """Each with its number."""
    link = (
        LINK
        + TOPIC.replace("filter =", "filtr =")
        + TOPIC.replace("kitchen", "hall").replace("decoder", "decodr")
    )

    lines = faults(tmp_path, link)

    assert len(lines) == 2
    assert "topics number 2" in lines[0]
    assert "topics number 3" in lines[1]


def test_the_command_warns_on_stderr_and_says_good_on_stdout(tmp_path: Path) -> None:
    """Warnings stop nothing: exit 0."""
    said = subprocess.run(
        [sys.executable, "-m", "hub", "check", str(write(tmp_path, LINE))],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip

    assert said.stderr.startswith(f"warning: {tmp_path}/gateway.toml: line ")
    assert "good, with 1 warning(s). 1 line(s)" in said.stdout


def test_sparkplug_without_its_package_is_told_in_one_sentence(tmp_path: Path) -> None:
    """What is missing, what for, and how to install it; on a gateway that was kept small."""
    topic = TOPIC.replace("plain_json", "sparkplug_b").replace("gas/kitchen/reading", "spBv1.0/#")
    value = '[[link.topics.values]]\nkey = "p"\nquantity = "pressure"\nunit = "Pa"\n'
    config = tmp_path / "gateway.toml"
    config.write_text(HUB + LINK.replace(TOPIC, topic) + value)
    (tmp_path / "google").mkdir()
    (tmp_path / "google" / "__init__.py").touch()  # hides the installed one
    said = subprocess.run(
        [sys.executable, "-m", "hub", "check", str(config)],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip

    assert said.returncode == 2
    assert said.stderr.rstrip().endswith(
        'link "site": decoder sparkplug_b reads binary messages with the package protobuf, which '
        "is not installed: pip install --require-hashes -r requirements/sparkplug.txt"
    )
    assert "Traceback" not in said.stderr


def test_a_profile_for_another_transport_is_doubted(tmp_path: Path) -> None:
    """Else the sink would pause after the filing was approved. A folder signs nothing."""
    shipped = Path(__file__).parent.parent / "config" / "filing" / "example_city.toml"
    sink = f"""
[[sink]]
name = "city"
kind = "filing_folder"
profile = "{tmp_path}/city.toml"
company = "某某燃气有限公司"
credit_code = "91110000101623741K"
division_code = "110105"
folder = "{tmp_path}"
"""

    def found(text: str) -> list[str]:
        (tmp_path / "city.toml").write_text(text, encoding="utf-8")
        return doubts(tmp_path, FACTS, LINE, sink)

    text = shipped.read_text("utf-8")
    assert "transport of" in found(text)[-1]
    before, _, after = text.partition("[transport]")
    by_hand = f'{before}[transport]\nkind = "folder"\n# Field{after.partition("# Field")[2]}'
    assert "says signature, and" in found(by_hand)[-1]
    before, _, after = by_hand.partition("[signature]")
    unsigned = f"{before}[transport]{after.partition('[transport]')[2]}"
    assert not any("signature" in one or "transport" in one for one in found(unsigned))
