"""`gashub doctor --bundle`: enough for somebody afar, and nothing of customers or secrets in it."""

import json
import stat
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from hub.credentials import bare
from hub.doctor.support import LOG_LINES
from hub.egress import Egress, Limits
from tests.line_rig import Site
from tests.test_doctor import CRM, FILING, SECRET, SIGNING


def bundled(site: Site, *words: str, **env: str) -> dict[str, str]:
    """What is in the bundle of a site, by name; each file whole, as text."""
    file = site.folder / "support.zip"
    said = site.cli("doctor", "--bundle", str(file), *words, **env)
    assert "Traceback" not in said.stderr, said.stderr
    assert str(file) in said.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with ZipFile(file) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "filing").mkdir()
    text = FILING.format(folder=tmp_path / "filing") + CRM.format(url="https://crm.example/in")
    return Site(tmp_path, ["gov_filing", "crm"], text)


def test_a_bundle_says_how_the_gateway_is(site: Site) -> None:
    """Beside a running hub: findings, status, versions, configuration, plugins, store, log."""
    log = site.folder / "kept.log"
    log.write_text("".join(f"line {n}\n" for n in range(LOG_LINES + 5)))
    site.extra = SECRET
    with site:
        site.start()
        found = bundled(site, "--log", str(log))

    told: dict[str, Any] = {name: json.loads(text) for name, text in found.items()
                            if name.endswith(".json")}  # fmt: skip
    assert [row["key"] for row in told["findings.json"]["findings"]].count("plugin.loads") == 2
    assert told["status.json"]["store"] == "ok"
    assert "instruments" not in told["status.json"], "the newest readings"
    assert {"gashub", "python", "packages"} <= set(told["versions.json"])
    assert told["plugins.json"]["crm"] == {
        "loads": True, "module": "plugins.crm", "kinds": ["crm"], "level": "silver",
    }  # fmt: skip
    assert told["record.json"]["rows"]["entries"] >= 1
    assert told["record.json"]["files"]["ledger.db"]["bytes"] > 0
    gov, crm = told["configuration.json"]["sink"]
    assert (gov["division_code"], crm["url"]) == ("110105", "https://crm.example/in")
    assert crm["secrets"] == "(not shown)"
    lines = found["log.txt"].splitlines()
    assert (len(lines), lines[0], lines[-1]) == (LOG_LINES, "line 5", f"line {LOG_LINES + 4}")


def test_a_secret_is_in_no_bundle_wherever_it_stood(site: Site) -> None:
    """In the log, where a name belongs, in an address, under a key that nobody knows, in a file's
    name: taken out.
    """
    log = site.folder / "hub.log"
    log.write_text(f"somebody logged {SIGNING}\n")
    (site.state / "staging").mkdir(parents=True)
    (site.state / "staging" / "张小明.jpg").write_bytes(b"x")
    found = bundled(site, "--log", str(log), **SECRET)
    assert SIGNING not in "".join(found.values())
    assert "张小明" not in "".join(found.values())
    assert "somebody logged (not shown)" in found["log.txt"]

    text = site.config.read_text()
    planted = (
        ('"crm-signing"', f'"{SIGNING}"'),
        ("crm.example/in", "gas:hunter2secret@crm.example/in"),
        ('kind = "crm"', 'kind = "crm"\npassphrase = "hunter2secret"'),
        ('kind = "crm"', 'kind = "unknown"\nword = "hunter2secret"'),
    )
    for was, now in planted:
        site.config.write_text(text.replace(was, now))
        (site.folder / "support.zip").unlink()
        everything = "".join(bundled(site).values())
        assert SIGNING not in everything, now
        assert "hunter2secret" not in everything, now


def test_a_gateway_that_cannot_start_has_a_bundle_too(site: Site) -> None:
    """The configuration cannot be read: what is wrong with it, and the versions."""
    site.config.write_text("[hub\n")
    assert set(bundled(site)) == {"findings.json", "versions.json"}


def test_a_damaged_record_is_said_and_bundled(site: Site) -> None:
    with site:
        site.extra = SECRET
        site.start()
    (site.state / "ledger.db").write_bytes(b"no database" * 1000)
    found = bundled(site, **SECRET)
    assert json.loads(found["findings.json"])["state"] == "broken"
    assert "not counted" in json.loads(found["record.json"])["record"]


@pytest.mark.parametrize("wrong", ["taken", "no log"])
def test_a_bundle_that_cannot_be_written_says_why(site: Site, wrong: str) -> None:
    file = site.folder / "support.zip"
    words = ["--log", str(site.folder / "none.log")] if wrong == "no log" else []
    if wrong == "taken":
        file.write_text("mine")
    said = site.cli("doctor", "--bundle", str(file), *words, **SECRET)

    assert said.returncode != 0
    assert str(site.folder) in said.stderr
    assert "name " in said.stderr
    assert not file.exists() or file.read_text() == "mine"


@pytest.mark.parametrize(
    "name", ["key", "hook_token", "client_secret", "ticket", "sign", "sig", "auth", "x"]
)
def test_an_address_is_shown_without_its_query(site: Site, name: str) -> None:
    """In the configuration, in why a sink cannot deliver, in the log, in a finding."""
    secret = 'pass"word\\x7'
    log = site.folder / "hub.log"
    text = site.config.read_text()
    address = f"http://who-CANARY@127.0.0.1:1/hooks/x?a=1&{name}=CANARY-1"
    log.write_text(
        f"{json.dumps({'why': f'{address}: refused', 'p': secret})}\n/in?{name}=CANARY\n"
    )
    site.config.write_text(
        text.replace('"https://crm.example/in"', f'"{address.replace("who-CANARY@", "")}"\n'
                     "allow_plain_http = true")
    )  # fmt: skip
    found = bundled(site, "--log", str(log), GASHUB_SECRET_CRM_SIGNING=secret)
    everything = "".join(found.values())
    assert "CANARY" not in everything
    assert "word" not in found["log.txt"]
    assert "127.0.0.1:1/hooks/x" in found["log.txt"]


def test_what_a_channel_says_of_an_address_has_no_query() -> None:
    way = Egress("https://user:pw@crm.example/in/7?sign=CANARY#x", limits=Limits())
    assert way.url == "https://(not shown)@crm.example/in/7?(not shown)"
    assert Egress("https://crm.example/in/7", limits=Limits()).url == "https://crm.example/in/7"


def test_nor_a_step_of_its_path_that_looks_like_a_token() -> None:
    """As in the addresses of many chat services; ids of ours stay, to be looked up."""
    shown = bare("POST https://chat.example/hook/T04QK7Z9WXJ3CANARY8/in: 404")
    assert shown == "POST https://chat.example/hook/(not shown)/in: 404"
    ours = "https://city.example/api/v1/filings/01KBJ6W7M0Q3ZN8T5V2R4X9YAC"
    assert bare(ours) == ours
