"""A filing by the command line, through a real hub that is killed on the way, to its receipt."""

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from hub.filing.profile import load_profile
from hub.ledger import verify
from hub.signing import Scheme, open_sealed, signing_key
from hub.simulate.authority import Authority
from hub.simulate.receiver import Receiver
from hub.simulate.receiver import stored as received
from hub.testing import wait_until
from tests.filing_rig import PROFILES, REFUSED, WHO, profile_file, refused
from tests.filing_ways import HTTPS, SFTP, SM4_KEY, city, made_keys, stored, variant
from tests.foreman_rig import Yard
from tests.sshd_rig import Sshd
from tests.test_app import GASHUB, Hub

PRIVATE: Final = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
KILLS: Final = 8
FEWER_KILLS: Final = 4
SINK: Final = """
[[sink]]
name = "city"
kind = "filing_https"
profile = "{profile}"
company = "某某燃气有限公司"
credit_code = "91110000101623741K"
division_code = "110105"
url = "{url}"
allow_plain_http = true
lan = ["127.0.0.0/8"]
signing_key = "filing-sign"
retry_first_s = 0.05
retry_most_s = 0.2
"""


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    monkeypatch.setenv("GASHUB_SECRET_FILING_SIGN", PRIVATE)
    public = signing_key(Scheme(), PRIVATE).public
    with Authority(tmp_path / "authority.jsonl", public=public) as made:
        yield made


@pytest.fixture
def hub(tmp_path: Path, authority: Authority) -> Iterator[Hub]:
    """Its record has one refused inspection, days ago."""
    (tmp_path / "state").mkdir()
    with Yard(tmp_path / "state") as yard:
        refused(yard.staffed())
    text = profile_file(PROFILES[0]).read_text(encoding="utf-8")
    profile = tmp_path / "profile.toml"
    profile.write_text(
        text.replace('every = "month"', 'every = "day"').replace("/api/v1/filings", "/f"), "utf-8"
    )
    made = Hub(tmp_path, '"filing"', SINK.format(profile=profile, url=authority.url))
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def said(hub: Hub, *words: str) -> Any:
    done = hub.cli("filing", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def checked(hub: Hub) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GASHUB, "check", str(hub.config)], capture_output=True, text=True, timeout=60, check=False
    )


def approved(hub: Hub, period: str) -> str:
    """A filing of that day, drafted and approved by the command line."""
    made = said(hub, "draft", "city", "--period", period, "--by", "T-1")
    assert made["faults"] == 0, made
    said(hub, "approve", made["filing"], "--by", "S-1", "--digest", made["digest"][:8])
    return str(made["filing"])


def day_of_work(hub: Hub) -> str:
    """The day on which the Yard's clock stands, as a period."""
    from hub.jobs.timing import day_of  # noqa: PLC0415
    from tests.job_rig import NOON_US  # noqa: PLC0415

    return day_of(NOON_US).isoformat()


def test_check_says_what_would_keep_a_sink_from_filing(hub: Hub) -> None:
    """Without touching the far side."""
    check = checked(hub)
    assert (check.returncode, check.stderr) == (0, "")
    text = hub.config.read_text(encoding="utf-8")
    hub.config.write_text(
        text.replace('"110105"', '"110199"').replace("623741K", "623741A"), encoding="utf-8"
    )
    told = checked(hub).stderr
    assert 'sink "city": division_code 110199 is not among' in told
    assert "the check digit of credit_code does not fit" in told
    hub.config.write_text(text.replace("profile.toml", "none.toml"), encoding="utf-8")
    assert "none.toml: cannot be read" in checked(hub).stderr


def test_a_filing_goes_by_the_command_line_from_due_to_receipt(
    hub: Hub, authority: Authority
) -> None:
    """Drafted without a hub, sent by one."""
    period = day_of_work(hub)
    due = said(hub, "due", "city", "--period", period)
    assert [one["key"] for one in due["due"]] == [REFUSED, period]
    assert due["findings"] == []
    filing = approved(hub, period)
    assert said(hub, "due", "city", "--period", period)["due"] == []
    hub.start()
    said(hub, "submit", filing, "--by", "S-1")
    wait_until(lambda: said(hub, "show", filing)["state"] == "accepted", "the receipt", 30)

    (row,) = said(hub, "list", "--state", "accepted")
    assert (row["filing"], row["receipt"]) == (filing, "BA-000001")
    shown = said(hub, "show", filing, "--document")
    assert shown["document"] == json.loads(authority.file.read_text("utf-8"))["document"]
    refused_twice = hub.cli("filing", "submit", filing, "--by", "S-1")
    assert refused_twice.returncode != 0
    assert "is accepted and cannot be queued" in refused_twice.stderr
    assert hub.stop() == 0
    assert verify(hub.state).ok


@pytest.mark.timeout(180)
def test_a_hub_that_is_killed_again_and_again_files_once(hub: Hub, authority: Authority) -> None:
    """SIGKILL at moments by chance, while the authority takes its time and cuts lines."""
    chance = random.Random(5)
    authority.faults.look_after = 40
    authority.faults.cut_posts.extend(["after_take"])
    filing = approved(hub, day_of_work(hub))
    hub.start()
    said(hub, "submit", filing, "--by", "S-1")
    for _ in range(KILLS):
        until_s = time.monotonic() + chance.uniform(0.02, 0.5)
        wait_until(lambda until_s=until_s: time.monotonic() > until_s, "a moment by chance")
        hub.stop(signal.SIGKILL)
        authority.faults.cut_gets.append(chance.choice(["before_take", "after_take", "in_answer"]))
        hub.start()
    authority.faults.look_after = 1
    wait_until(lambda: said(hub, "show", filing)["state"] == "accepted", "the receipt", 60)

    assert authority.posts == {filing: 1}
    assert len(authority.file.read_text("utf-8").splitlines()) == 1
    assert hub.stop() == 0
    assert verify(hub.state).ok


# -- by every way, for both profiles, with a CRM that listens

COMMON: Final = """
[[sink]]
name = "city"
kind = "filing_{kind}"
profile = "{profile}"
company = "某某燃气有限公司"
credit_code = "91110000101623741K"
division_code = "{division}"
retry_first_s = 0.05
retry_most_s = 0.2
{more}
[[sink]]
name = "crm"
kind = "crm"
url = "{crm}"
secrets = ["crm-signing"]
events = ["filing"]
allow_plain_http = true
lan = ["127.0.0.0/8", "::1/128"]
"""
BY_SFTP: Final = """host = "127.0.0.1"
port = {port}
user = "{user}"
host_key = "{host_key}"
client_key = "filing-ssh"
signing_key = "filing-sign"
envelope_key = "filing-envelope"
lan = ["127.0.0.0/8"]
"""
BY_HTTPS: Final = """url = "{url}"
allow_plain_http = true
lan = ["127.0.0.0/8"]
signing_key = "filing-sign"
envelope_key = "filing-envelope"
"""
TRANSPORT: Final = {"https": HTTPS, "sftp": SFTP, "folder": 'kind = "folder"'}


def far_side(
    house: ExitStack, folder: Path, kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Callable[[], list[Any]], Callable[[str], object]]:
    """Settings that lead to it, the documents that lie there, and how it accepts a filing."""
    if kind == "folder":
        place = folder / "filing"
        place.mkdir()
        return (
            f'folder = "{place}"\n',
            lambda: [json.loads(path.read_bytes()) for path in place.glob("filing-*.json")],
            lambda _filing: None,
        )
    if kind == "https":
        authority = house.enter_context(city(folder, name))
        monkeypatch.setenv("GASHUB_SECRET_FILING_SIGN", (folder / "ours.key").read_text())
        return (
            BY_HTTPS.format(url=authority.url),
            lambda: [one["document"] for one in stored(authority)],
            lambda _filing: None,
        )
    sshd = house.enter_context(Sshd(folder))
    profile = load_profile(profile_file(name))
    assert profile.signature is not None
    private, _ = made_keys(folder, profile.signature.method)
    monkeypatch.setenv("GASHUB_SECRET_FILING_SIGN", private)
    monkeypatch.setenv("GASHUB_SECRET_FILING_SSH", sshd.client_key)

    def documents() -> list[Any]:
        paths = (sshd.folder / "incoming").glob("*.json*")
        bodies = [path.read_bytes() for path in paths if path.suffix != ".part"]
        mode = profile.envelope
        opened = [open_sealed(mode, bytes.fromhex(SM4_KEY), one) if mode else one for one in bodies]
        return [json.loads(one) for one in opened]

    def accept(filing: str) -> None:
        receipt = {"filing": filing, "status": "accepted", "receipt": "SF-1"}
        sshd.put(f"receipts/filing-{filing}.receipt.json", json.dumps(receipt))

    given = {"port": sshd.port, "user": sshd.user, "host_key": sshd.host_key}
    return BY_SFTP.format(**given), documents, accept


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("kind", TRANSPORT)
def test_show_4_a_real_hub_is_killed_on_every_way_and_the_crm_hears_each_state_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    """SIGKILL at moments by chance from submitting to the receipt; documents are counted where
    they arrive, events at a receiver, by their key.
    """
    chance = random.Random(f"{kind} {name}")
    monkeypatch.setenv("GASHUB_SECRET_FILING_ENVELOPE", SM4_KEY)
    monkeypatch.setenv("GASHUB_SECRET_CRM_SIGNING", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    (tmp_path / "state").mkdir()
    with Yard(tmp_path / "state") as yard:
        refused(yard.staffed())
    profile = variant(name, TRANSPORT[kind], tmp_path)
    text = profile.read_text(encoding="utf-8")
    every = load_profile(profile).schedule.every
    profile.write_text(text.replace(f'every = "{every}"', 'every = "day"'), encoding="utf-8")
    with ExitStack() as house:
        crm = house.enter_context(Receiver(tmp_path / "crm.jsonl"))
        more, documents, accept = far_side(house, tmp_path, kind, name, monkeypatch)
        made = COMMON.format(
            kind=kind, profile=profile, division=WHO[name]["division_code"], more=more, crm=crm.url
        )
        hub = Hub(tmp_path, '"filing", "crm"', made)
        house.callback(lambda: hub.process and hub.process.poll() is None and hub.process.kill())
        filing = approved(hub, day_of_work(hub))
        hub.start()
        said(hub, "submit", filing, "--by", "S-1")
        for kill in range(FEWER_KILLS):
            until_s = time.monotonic() + chance.uniform(0.0, 0.5)
            wait_until(lambda until_s=until_s: time.monotonic() > until_s, "a moment by chance")
            hub.stop(signal.SIGKILL)
            hub.start()
            if kill == FEWER_KILLS // 2:  # nobody answers what has not arrived
                wait_until(documents, "the document", 60)
                accept(filing)
        if kind == "folder":
            wait_until(lambda: said(hub, "show", filing)["state"] == "submitted", "the files", 30)
            said(hub, "answer", filing, "accepted", "--receipt", "H-1", "--by", "S-1")
        wait_until(lambda: said(hub, "show", filing)["state"] == "accepted", "the receipt", 60)
        wait_until(lambda: heard(tmp_path, filing)[-1:] == ["accepted"], "the CRM", 30)

        document = said(hub, "show", filing, "--document")["document"]
        assert documents() == [document], "there once, as it was approved"
        told = heard(tmp_path, filing)
        assert told[:3] == ["prepared", "approved", "queued"]
        assert len(told) == len(set(told)), "each state once"
        assert hub.stop() == 0
    assert verify(hub.state).ok


def heard(folder: Path, filing: str) -> list[str]:
    """The states of a filing as the CRM has them, by the gateway's order, each key once."""
    events = {one.key: json.loads(one.body)["data"] for one in received(folder / "crm.jsonl")
              if one.accepted}  # fmt: skip
    found = sorted(events.values(), key=lambda one: int(one["ledger"]["size"]))
    return [one["stands"] for one in found if one["filing"] == filing and not one.get("overdue")]
