"""What the hub has of its filings against what the authority has: each planted difference."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.filing.reconciling import filing_subjects
from hub.model import Said
from hub.outbox import Consignee
from hub.reconciling import DAY_US, Digests, Report
from hub.simulate.shared_clock import SharedClock
from tests.filing_rig import PROFILES, Office
from tests.filing_ways import Way, by_folder, by_https, by_sftp, city, day_of_work
from tests.foreman_rig import Yard
from tests.sshd_rig import Sshd
from tests.test_filing_hub import SINK

STRANGER = "01JDSTRANGE000000000000000"


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with day_of_work(tmp_path) as made:
        yield made


def reconciled(way: Way) -> Report:
    """By the sink as it would be built anew, beside the channel's."""
    sink = Consignee("city", way.sink, way.settings)
    now_us = way.yard.clock.now_us()
    compare = filing_subjects(way.yard.folder, [sink])["city"].compare
    report = compare(now_us - 400 * DAY_US, now_us + 1)
    assert not report.asked, report.asked
    return report


def differences(way: Way) -> list[tuple[str, str]]:
    return [(one.kind, one.detail) for one in reconciled(way).differences]


def size_of(yard: Yard) -> int:
    return int(yard.ledger_sql("SELECT MAX(idx) FROM entries")[0][0])


def heard(office: Office, *said: Said) -> None:
    """As if the hub had heard this, whatever the authority has said."""
    for one in said:
        office.hear(one)


# -- over HTTPS


@pytest.mark.parametrize("name", PROFILES)
def test_a_filing_that_both_sides_know_alike_is_no_difference(
    yard: Yard, tmp_path: Path, name: str
) -> None:
    """Queued, submitted, accepted: asked by another connection, and nothing is written or sent."""
    with city(tmp_path, name) as authority:
        authority.faults.look_after = 9
        way = by_https(yard, authority, tmp_path, name)
        assert differences(way) == [], "not sent yet"
        way.until("submitted")
        assert differences(way) == []
        authority.faults.look_after = 1
        way.until("accepted")

        size = size_of(yard)
        report = reconciled(way)
        assert (report.delivered, report.held, report.differences) == (1, 1, [])
        assert authority.posts == {way.filing: 1}
        assert size_of(yard) == size


def test_an_authority_that_is_further_is_told_and_will_be_asked(yard: Yard, tmp_path: Path) -> None:
    with city(tmp_path) as authority:
        authority.faults.look_after = 2
        way = by_https(yard, authority, tmp_path)
        way.until("submitted")
        assert differences(way) == [], "this question is the first"
        assert differences(way) == [
            ("other_state", "submitted here, accepted there; the outbox asks for it by itself")
        ]
        way.until("accepted")
        assert differences(way) == []


def test_an_authority_that_went_back_to_an_old_backup_is_found(yard: Yard, tmp_path: Path) -> None:
    with city(tmp_path) as authority:
        way = by_https(yard, authority, tmp_path)
        way.until("accepted")
        kept = authority.filings.pop(way.filing)
        assert differences(way) == [("missing", "accepted here")]

        authority.filings[way.filing] = {**kept, "receipt": "BA-000099"}
        assert differences(way) == [("other_receipt", "BA-000001 here, BA-000099 there")]
        authority.filings[way.filing] = {**kept, "status": "rejected", "reasons": ["E1"]}
        assert differences(way) == [("other_state", "accepted here, rejected there")]
        authority.filings[way.filing] = {**kept, "status": "odd"}
        assert differences(way) == [("unclear", "")]
        authority.filings[way.filing] = kept
        assert differences(way) == []


def test_an_authority_that_cannot_be_asked_is_no_difference(yard: Yard, tmp_path: Path) -> None:
    with city(tmp_path) as authority:
        way = by_https(yard, authority, tmp_path)
        way.until("accepted")
    with pytest.raises(AssertionError, match="refused"):
        reconciled(way)


# -- over SFTP, into a folder


def test_what_lies_there_by_sftp_is_opened_and_compared(yard: Yard, tmp_path: Path) -> None:
    """Sealed anew each time, so what counts is the document inside."""
    with Sshd(tmp_path) as sshd:
        way = by_sftp(yard, sshd, tmp_path)
        assert differences(way) == [], "not sent yet"
        way.until("submitted")
        stem = f"filing-{way.filing}"
        sealed = sshd.folder / "incoming" / f"{stem}.json.sealed"
        whole = sealed.read_bytes()
        assert differences(way) == []

        sealed.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert [kind for kind, _ in differences(way)] == ["other_digest"]
        sealed.unlink()
        assert differences(way) == [("missing", "submitted here")]
        sealed.write_bytes(whole)

        receipt: dict[str, Any] = {"filing": way.filing, "status": "accepted", "receipt": "SF-1"}
        sshd.put(f"receipts/{stem}.receipt.json", json.dumps(receipt))
        assert [kind for kind, _ in differences(way)] == ["other_state"]
        way.until("accepted")
        assert differences(way) == []
        sshd.put(f"receipts/{stem}.receipt.json", json.dumps({**receipt, "receipt": "SF-2"}))
        assert differences(way) == [("other_receipt", "SF-1 here, SF-2 there")]
        sshd.put(f"receipts/{stem}.receipt.json", "<html>")
        assert differences(way) == [("unclear", "")]

        for place in ("incoming", "receipts"):
            for name in sshd.names(place):
                (sshd.folder / place / name).unlink()
        assert differences(way) == [], "answered, and tidied away"
        sshd.put(f"incoming/filing-{STRANGER}.sha256", "x")
        (strange,) = reconciled(way).differences
        assert (strange.kind, strange.key) == ("unknown", STRANGER)


def test_a_folder_can_say_what_lies_in_it_and_no_more(yard: Yard, tmp_path: Path) -> None:
    way = by_folder(yard, tmp_path)
    folder = tmp_path / "filing"
    assert differences(way) == []
    way.until("submitted")
    document = folder / f"filing-{way.filing}.json"
    whole = document.read_bytes()
    assert differences(way) == []

    document.write_bytes(whole + b" ")
    assert [kind for kind, _ in differences(way)] == ["other_digest"]
    document.unlink()
    assert differences(way) == [("missing", "submitted here")]
    way.office.door.answer(
        {"filing": way.filing, "by": "S-1", "step": "accepted", "receipt": "2026-118"}
    )
    assert differences(way) == [], "uploaded, answered, and tidied away"
    document.write_bytes(whole)
    (folder / f"filing-{STRANGER}.json").write_text("{}")
    (folder / f"filing-{STRANGER}.sha256").write_text("x")
    assert differences(way) == [("unknown", "")]


# -- by command, and daily


@pytest.mark.parametrize(
    ("language", "told"), [("en", "delivered, and not there"), ("zh", "已送达，对方没有")]
)
def test_the_command_tells_by_its_exit(
    yard: Yard, tmp_path: Path, language: str, told: str
) -> None:
    """0 when both sides agree, 1 for a difference and when nobody answers."""
    profile = tmp_path / "example_city.toml"
    with city(tmp_path) as authority:
        way = by_https(yard, authority, tmp_path)
        way.until("accepted")
        # The record's time is made by hand, and goes on from there in the command.
        clock = SharedClock.create(tmp_path / "clock", yard.clock.now_us() + 1, 1)
        clock.close()
        text = SINK.format(profile=profile, url=authority.url)
        config = tmp_path / "gateway.toml"
        config.write_text(
            f'[hub]\ngateway = "gw-test"\nstate_dir = "{yard.folder}"\nplugins = ["filing"]\n'
            f'reserve_mib = 0\nlanguage = "{language}"\n{text}',
            encoding="utf-8",
        )

        def run(*words: str) -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [sys.executable, "-m", "hub", "reconcile", "gov", *words, "--config", str(config)],
                capture_output=True, text=True, check=False, timeout=60,
                env={"GASHUB_SECRET_FILING_SIGN": (tmp_path / "ours.key").read_text(),
                     "GASHUB_CLOCK": str(tmp_path / "clock"), "PATH": "/usr/bin:/bin"},
            )  # fmt: skip

        ended = run("--json")
        assert ended.returncode == 0, ended.stderr + ended.stdout
        (report,) = json.loads(ended.stdout)
        assert (report["delivered"], report["held"], report["counts"]) == (1, 1, {})
        authority.filings.clear()
        ended = run("--json", "--sink", "city")
        assert ended.returncode == 1
        (report,) = json.loads(ended.stdout)
        assert report["counts"] == {"missing": 1}
        assert (report["differences"][0]["key"], report["differences"][0]["what"]) == (
            way.filing, told
        )  # fmt: skip
    ended = run("--json")
    assert ended.returncode == 1
    assert "refused" in json.loads(ended.stdout)[0]["not_asked"]


def test_the_daily_digest_has_authorities_beside_erps(yard: Yard, tmp_path: Path) -> None:
    with city(tmp_path) as authority:
        way = by_https(yard, authority, tmp_path)
        way.until("accepted")
        authority.filings.clear()
        far = filing_subjects(yard.folder, [Consignee("city", way.sink, way.settings)])
        digests = Digests(far, yard.clock, "en")
        report = digests.digest("city")
    assert report.counts() == {"missing": 1}
    assert digests.all()["city"]["differences"][0]["detail"] == "accepted here"
