"""Filings on their way: over HTTPS, over SFTP and into a folder, cut at every step.

Counted at the authority, and from nothing else: no filing is there twice, and none is missing.
"""

import base64
import hashlib
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import openpyxl
import pytest

from hub.dialling import AddressRefused, dial
from hub.errors import SinkPaused, SinkUnavailable
from hub.filing.listing import filing
from hub.formulas import guarded
from hub.ledger import verify
from hub.model import Parcel, Site
from hub.signing import Scheme, digest_of, open_sealed, signing_key, verifying_key
from hub.simulate.authority import Authority
from tests.filing_rig import PROFILES, profile_file
from tests.filing_ways import (
    KIND,
    SM4_KEY,
    TURNS,
    by_folder,
    by_https,
    by_sftp,
    city,
    day_of_work,
    made_keys,
    stored,
)
from tests.foreman_rig import Yard
from tests.sshd_rig import Sshd
from tests.test_egress import SPELLINGS


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with day_of_work(tmp_path) as made:
        yield made


@pytest.fixture
def authority(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Authority]:
    """Of the profile that the test is about (its parameter `name`)."""
    params = getattr(getattr(request.node, "callspec", None), "params", {})
    with city(tmp_path, params.get("name", PROFILES[0])) as made:
        yield made


# -- over HTTPS


@pytest.mark.parametrize("name", PROFILES)
def test_a_filing_goes_from_the_job_to_its_receipt(
    yard: Yard, authority: Authority, tmp_path: Path, name: str
) -> None:
    """Signed and sealed as the profile says, taken as approved, asked for until accepted."""
    authority.faults.look_after = 3
    way = by_https(yard, authority, tmp_path, name)
    assert way.until("submitted") == "submitted"
    assert way.until("accepted") == "accepted"

    (kept,) = stored(authority)
    assert kept["document"] == way.document()
    assert way.steps() == ["drafted", "approved", "queued", "submitted", "accepted"]
    last = filing(yard.folder, way.filing)["steps"][-1]
    assert last["receipt"] == "BA-000001"
    proof, _, signature = last["proof"].rpartition("\n")
    assert json.loads(proof)["status"] == "accepted"
    assert signature
    assert way.parcel()[:2] == ("taken", "BA-000001")
    assert authority.posts == {way.filing: 1}
    assert verify(yard.folder).ok


CUTS: Final = ("before_take", "after_take", "in_answer")
KILLS: Final = ("", "before_deliver", "after_deliver", "before_commit", "after_commit")


@pytest.mark.parametrize("kill", KILLS)
@pytest.mark.parametrize("where", ["cut_posts", "cut_gets"])
@pytest.mark.parametrize("cut", CUTS)
def test_cut_anywhere_and_killed_anywhere_it_is_filed_once(
    yard: Yard, authority: Authority, tmp_path: Path, kill: str, where: str, cut: Any
) -> None:
    """The line is cut twice in a row and the process killed once: sent once, and accepted."""
    getattr(authority.faults, where).extend([cut, cut])
    way = by_https(yard, authority, tmp_path)
    way.kill_at = kill
    way.until("accepted")

    assert [one["filing"] for one in stored(authority)] == [way.filing]
    assert authority.posts == {way.filing: 1}
    assert way.kill_at == ""
    assert yard.ledger_sql("SELECT COUNT(*) FROM filings") == [(1,)]
    assert verify(yard.folder).ok


@pytest.mark.parametrize("at", range(1, 9))
@pytest.mark.parametrize("kill", KILLS[1:])
def test_killed_at_every_turn_it_is_filed_once(
    yard: Yard, authority: Authority, tmp_path: Path, kill: str, at: int
) -> None:
    authority.faults.look_after = 4
    way = by_https(yard, authority, tmp_path)
    for turn in range(1, TURNS):
        way.kill_at = kill if turn == at else ""
        way.turn()
        if way.office.state(way.filing) == "accepted" and turn > at:
            break
    way.kill_at = ""
    way.until("accepted")

    assert [one["filing"] for one in stored(authority)] == [way.filing]
    assert authority.posts == {way.filing: 1}


def test_a_line_that_broke_after_sending_is_told_and_asked_about(
    yard: Yard, authority: Authority, tmp_path: Path
) -> None:
    authority.faults.cut_posts.append("after_take")
    way = by_https(yard, authority, tmp_path)
    way.until("submitted_unknown")
    assert way.until("accepted")

    assert way.steps()[3:] == ["unknown", "accepted"]
    assert authority.posts == {way.filing: 1}


def test_an_authority_that_was_restarted_still_knows(
    yard: Yard, authority: Authority, tmp_path: Path
) -> None:
    authority.faults.look_after = 2
    way = by_https(yard, authority, tmp_path)
    way.until("submitted")
    authority.stop()
    way.turn()
    assert way.standing()[0] == "lost"
    authority.start()
    assert way.until("accepted")


def test_a_rejection_has_its_reasons_and_is_corrected_by_a_filing_that_is_accepted(
    yard: Yard, authority: Authority, tmp_path: Path
) -> None:
    authority.faults.reject = ["E12 行政区划代码错误", "E13"]
    way = by_https(yard, authority, tmp_path)
    way.until("rejected")
    assert way.parcel()[0] == "refused"
    assert filing(yard.folder, way.filing)["steps"][-1]["reasons"] == authority.faults.reject
    authority.faults.reject = []
    office = way.office
    new = office.draft(corrects=way.filing)
    office.approve(new)
    office.submit(new)
    old, way.filing = way.filing, str(new["filing"])
    way.until("accepted")

    assert office.state(old) == "corrected"
    assert [one["document"]["header"].get("gzpch", "") for one in stored(authority)] == ["", old]


def test_a_duplicate_names_the_other_filing(
    yard: Yard, authority: Authority, tmp_path: Path
) -> None:
    authority.faults.duplicate_of = "01OTHER"
    way = by_https(yard, authority, tmp_path)
    way.until("duplicate_of")

    assert way.parcel()[0] == "refused"
    assert filing(yard.folder, way.filing)["steps"][-1]["of"] == "01OTHER"


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_no_status_code_is_an_acceptance_or_a_not_found(
    yard: Yard, authority: Authority, tmp_path: Path, status: int
) -> None:
    """With a web page: twice in place of what was asked. Nothing is sent upon it, or lost."""
    authority.faults.answers = [status, status]
    way = by_https(yard, authority, tmp_path)
    way.turn()
    assert way.office.state(way.filing) == "queued"
    assert authority.posts == {}
    way.until("accepted")
    assert authority.posts == {way.filing: 1}


def test_an_answer_that_the_authority_has_not_signed_is_none(
    yard: Yard, authority: Authority, tmp_path: Path
) -> None:
    authority.faults.sign_wrongly = True
    way = by_https(yard, authority, tmp_path)
    for _ in range(5):
        way.turn()
    assert (way.office.state(way.filing), authority.posts) == ("queued", {})
    authority.faults.sign_wrongly = False
    assert way.until("accepted")


def test_another_key_is_refused_and_pauses_the_channel(
    yard: Yard, authority: Authority, tmp_path: Path
) -> None:
    way = by_https(yard, authority, tmp_path)
    way.secrets["sign"] = "11" * 32
    way.turn()

    assert authority.refused == {"signature": 1}
    assert way.standing()[0] == "paused"
    assert "signing_key" in way.standing()[1]


def test_what_is_not_what_was_approved_is_not_sent(
    yard: Yard, authority: Authority, tmp_path: Path
) -> None:
    way = by_https(yard, authority, tmp_path)
    (parcel,) = way.office.parcels()
    for body in (
        parcel.body.replace("不让进门".encode(), "已经进门".encode()),
        b"",
        b"[" * 9999,
        b"{}",
    ):
        way.sink.open()
        bent = parcel._replace(body=body)
        assert list(way.sink.deliver([bent], "").refused) == [parcel.id]
        way.sink.close()
    assert authority.posts == {}


# -- over SFTP


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path) as made:
        yield made


@pytest.mark.parametrize("name", PROFILES)
def test_a_filing_goes_up_whole_and_its_receipt_comes_down(
    yard: Yard, sshd: Sshd, tmp_path: Path, name: str
) -> None:
    """No `.part` is left; the digest is of what lies there; signature and envelope fit."""
    way = by_sftp(yard, sshd, tmp_path, name)
    way.until("submitted")
    profile = way.office.profile
    stem = f"filing-{way.filing}"
    body_name = f"{stem}.json" + (".sealed" if profile.envelope else "")
    body = (sshd.folder / "incoming" / body_name).read_bytes()
    told = (sshd.folder / "incoming" / f"{stem}.{profile.digest}").read_text()

    assert sshd.names() == sorted([body_name, f"{stem}.sig", f"{stem}.{profile.digest}"])
    if profile.digest == "sha256":
        assert told == f"{hashlib.sha256(body).hexdigest()}  {body_name}\n"
    if profile.envelope:
        body = open_sealed(profile.envelope, bytes.fromhex(SM4_KEY), body)
    assert json.loads(body) == way.document()

    way.turn()
    assert way.office.state(way.filing) == "submitted"
    receipt = {"filing": way.filing, "status": "accepted", "receipt": "SF-1"}
    sshd.put(f"receipts/{stem}.receipt.json", json.dumps(receipt))
    way.until("accepted")
    assert way.parcel()[:2] == ("taken", "SF-1")


@pytest.mark.parametrize("kill", KILLS[1:])
def test_killed_on_the_way_up_it_is_there_once(
    yard: Yard, sshd: Sshd, tmp_path: Path, kill: str
) -> None:
    way = by_sftp(yard, sshd, tmp_path)
    way.kill_at = kill
    for _ in range(3):
        way.turn()
    first = {name: (sshd.folder / "incoming" / name).read_bytes() for name in sshd.names()}
    for _ in range(3):
        way.turn()

    assert way.office.state(way.filing) == "submitted"
    assert {name: (sshd.folder / "incoming" / name).read_bytes() for name in sshd.names()} == first
    assert len(first) == 3


def test_what_they_took_away_is_not_put_there_again(yard: Yard, sshd: Sshd, tmp_path: Path) -> None:
    way = by_sftp(yard, sshd, tmp_path)
    way.until("submitted")
    for name in sshd.names():
        (sshd.folder / "incoming" / name).unlink()
    for _ in range(3):
        way.turn()

    assert sshd.names() == []
    assert way.office.state(way.filing) == "submitted"


def test_a_half_upload_is_begun_anew(yard: Yard, sshd: Sshd, tmp_path: Path) -> None:
    """As a cut line leaves it: no digest, so it is no filing yet."""
    way = by_sftp(yard, sshd, tmp_path)
    for name in (f"filing-{way.filing}.json.sealed", f"filing-{way.filing}.sig.part"):
        sshd.put(f"incoming/{name}", "half")
    way.until("submitted")

    sealed = (sshd.folder / "incoming" / f"filing-{way.filing}.json.sealed").read_bytes()
    assert json.loads(open_sealed("sm4-gcm", bytes.fromhex(SM4_KEY), sealed)) == way.document()


def test_another_host_key_stops_the_channel_and_sends_nothing(
    yard: Yard, sshd: Sshd, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Sshd(tmp_path / "other").host_key
    way = by_sftp(yard, sshd, tmp_path, host_key=other)
    way.turn()

    assert way.standing()[0] == "paused"
    assert "another key than host_key" in way.standing()[1]
    assert sshd.names() == []


def test_a_server_that_does_not_let_us_in_pauses_and_one_that_is_gone_is_lost(
    yard: Yard, sshd: Sshd, tmp_path: Path
) -> None:
    way = by_sftp(yard, sshd, tmp_path)
    (tmp_path / "authorized").write_text("")
    way.turn()
    assert way.standing()[0] == "paused"
    (tmp_path / "authorized").write_text((tmp_path / "client.pub").read_text())
    sshd.__exit__()
    way.turn()
    assert way.standing()[0] == "lost"
    sshd.__enter__()
    assert way.until("submitted")


def test_without_a_folder_of_receipts_the_answer_is_typed_in(
    yard: Yard, sshd: Sshd, tmp_path: Path
) -> None:
    way = by_sftp(yard, sshd, tmp_path, transport='kind = "sftp"\nfolder = "incoming"')
    way.until("submitted")
    assert way.parcel()[0] == "taken"
    way.office.door.answer(
        {"filing": way.filing, "by": "S-1", "step": "rejected", "reason": "wrong month"}
    )
    assert way.office.state(way.filing) == "rejected"


@pytest.mark.parametrize("name", PROFILES)
def test_O10_sftp_dials_no_inner_address_that_is_not_listed(
    yard: Yard, sshd: Sshd, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty spellings and more, in front of a real server that would take it: sent 0. And a name
    that comes to mean it when it is asked again.
    """
    way = by_sftp(yard, sshd, tmp_path, name, lan=())
    way.turn()
    assert way.standing()[0] == "paused"
    assert "no address of the public Internet; " in way.standing()[1]
    assert "`lan`" in way.standing()[1]
    (parcel,) = way.office.parcels()
    logged = (tmp_path / "log").read_bytes()
    for host in (*(one.strip("[]") for one in SPELLINGS), "authority.example"):
        spelt = way.settings.model_copy(update={"host": host})
        answers = iter((["10.1.2.3"], ["127.0.0.1"], ["::1"]))
        if host == "authority.example":
            changing = partial(dial, resolve=lambda _host, _port, answers=answers: next(answers))
            monkeypatch.setattr("plugins.filing.sftp.dial", changing)
        sink = way.kind.build("city", spelt, Site("gw", yard.clock, way.secrets.__getitem__))
        sink.open()
        for _ in range(3 if host == "authority.example" else 1):
            with pytest.raises((AddressRefused, SinkUnavailable)) as told:
                sink.deliver([parcel], "")
            assert isinstance(told.value, AddressRefused) or "gaierror" in str(told.value), host
    assert sshd.names() == []
    assert (tmp_path / "log").read_bytes() == logged, "nobody has called"


# -- into a folder


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("kill", KILLS)
def test_a_filing_lies_in_the_folder_once_and_whole(
    yard: Yard, tmp_path: Path, name: str, kill: str
) -> None:
    folder = tmp_path / "filing"
    way = by_folder(yard, tmp_path, name)
    way.kill_at = kill
    way.until("submitted")
    stem = f"filing-{way.filing}"

    assert sorted(path.name for path in folder.iterdir()) == [
        f"{stem}.json", f"{stem}.sha256", f"{stem}.xlsx"
    ]  # fmt: skip
    subprocess.run(["sha256sum", "-c", "--quiet", f"{stem}.sha256"], cwd=folder, check=True)
    assert json.loads((folder / f"{stem}.json").read_bytes()) == way.document()
    tables = way.document()["tables"]
    found = openpyxl.load_workbook(folder / f"{stem}.xlsx")
    assert set(found.sheetnames[1:]) == set(tables)
    for title, rows in tables.items():
        columns, *sheet = found[title].iter_rows(values_only=True)
        if rows:
            assert set(columns) == set(rows[0])
            assert [dict(zip(columns, row, strict=True)) for row in sheet] == [
                {key: guarded(value) or None for key, value in row.items()} for row in rows
            ]
    assert way.parcel()[0] == "taken"
    assert way.office.state(way.filing) == "submitted", "a file in a folder is no acceptance"


def test_files_that_were_changed_since_are_told(yard: Yard, tmp_path: Path) -> None:
    folder = tmp_path / "filing"
    way = by_folder(yard, tmp_path)
    way.until("submitted")
    (folder / f"filing-{way.filing}.json").write_text("{}")
    (parcel,) = way.office.parcels()
    way.sink.open()
    with pytest.raises(SinkPaused, match="were changed"):
        way.sink.deliver([parcel], "")


# -- what keeps a sink from being used


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("filing_https", {"url": "https://x.example", "signing_key": None}, "set signing_key"),
        ("filing_https", {"url": "https://x.example", "signing_key": "no"}, "none of SM2"),
        ("filing_sftp", {"host": "x.example"}, "use kind filing_https"),
        ("filing_folder", {"folder": "/nowhere"}, "use kind filing_https"),
    ],
)
def test_a_sink_that_does_not_fit_its_profile_says_so(
    tmp_path: Path, kind: str, given: Mapping[str, Any], said: str
) -> None:
    settings = KIND[kind].settings.model_validate(
        {"profile": profile_file(PROFILES[0]), "company": "x", "division_code": "110105",
         "credit_code": "91110000101623741K", **given}
    )  # fmt: skip
    sink = KIND[kind].build("city", settings, Site("gw", None, lambda name: "no"))  # type: ignore[arg-type]
    with pytest.raises((SinkPaused, SinkUnavailable), match=said):
        sink.open()
    with pytest.raises(SinkPaused, match="not open"):
        sink.deliver([Parcel("P", "city", "K", "", "filing", b"{}", 0)], "")
    sink.close()


def test_the_mock_authority_does_not_believe_a_stranger(tmp_path: Path) -> None:
    """Whatever a second gateway or a replayed request would send."""
    private, public = made_keys(tmp_path, "sm2-sm3")
    key = signing_key(Scheme(), private)
    authority = Authority(tmp_path / "a.jsonl", public=public)
    at, digest = str(int(time.time())), f"sm3:{digest_of('sm3', b'x')}"

    def headers(**changed: str) -> dict[str, str]:
        given = {"x-timestamp": at, "x-nonce": "n", "x-digest": digest, **changed}
        signed = f"POST\n/f\n{given['x-timestamp']}\n{given['x-nonce']}\n{digest}".encode()
        return {**given, "x-signature": base64.b64encode(key.sign(signed)).decode()}

    assert authority.believe("POST", "/f", headers(), b"x") == ""
    assert authority.believe("POST", "/f", headers(), b"x") == "nonce"
    assert authority.believe("POST", "/f", headers(), b"y") == "digest"
    assert authority.believe("POST", "/g", headers(**{"x-nonce": "2"}), b"x") == "signature"
    assert authority.believe("POST", "/f", headers(**{"x-timestamp": "1"}), b"x") == "timestamp"
    assert verifying_key(Scheme(), public).verify(b"", b"") is False
