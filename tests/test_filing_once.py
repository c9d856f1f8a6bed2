"""Show 4 and rows O7, O8: each filing once and with its receipt, cut at every step.

For both city profiles, by each transport. Filings are counted where they arrive, and by their
documents, never by what the hub believes; the figures are printed (`pytest -s`).
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count, product
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from hub.filing.listing import filing
from hub.ledger import verify
from hub.signing import open_sealed
from hub.simulate.authority import Authority
from plugins.filing import folder as folder_sink
from tests.filing_rig import PROFILES
from tests.filing_ways import (
    SM4_KEY,
    Cutter,
    Killed,
    Way,
    by_folder,
    by_https,
    by_sftp,
    city,
    day_of_work,
    stored,
)
from tests.sshd_rig import Sshd

KILLS: Final = ("before_deliver", "after_deliver", "before_commit", "after_commit")
CUTS: Final = ("before_take", "after_take", "in_answer")
ORIGINAL: Final = "01JDVR1G1NA000000000000000"
pytestmark = pytest.mark.timeout(300)


class Figures(NamedTuple):
    """Of a whole matrix of cuts."""

    cuts: int = 0
    there: int = 0
    twice: int = 0
    lost: int = 0
    receipts: int = 0
    unknown: int = 0
    resolved: int = 0

    def plus(self, way: Way, documents: list[Any]) -> "Figures":
        """With one more cut, after which *documents* of the filing lie at the authority."""
        steps = filing(way.yard.folder, way.filing)["steps"]
        unknown = any(one["state"] == "submitted_unknown" for one in steps)
        receipt = bool(steps[-1].get("receipt"))
        assert verify(way.yard.folder).ok
        told = [one["stands"] for one in way.office.told(way.filing)]
        states = [one["state"] for one in steps if one.get("fits", True)]
        changes = [b for a, b in zip(["", *states], states, strict=False) if a != b]
        assert told == changes, "each state is told once, whatever was cut"
        return Figures(
            self.cuts + 1,
            self.there + (way.document() in documents),
            self.twice + max(0, len(documents) - 1),
            self.lost + (way.document() not in documents),
            self.receipts + receipt,
            self.unknown + unknown,
            self.resolved + (unknown and steps[-1]["state"] == "accepted"),
        )

    def shown(self, *what: str) -> "Figures":
        print(*what, self._asdict())
        return self


@contextmanager
def place(tmp_path: Path, number: int) -> Iterator[tuple[Any, Path]]:
    """A record and a folder of their own for one cut."""
    folder = tmp_path / f"{number}"
    folder.mkdir()
    with day_of_work(folder) as yard:
        yield yard, folder


# -- over HTTPS


@pytest.mark.parametrize("name", PROFILES)
def test_show_4_over_https_cut_at_every_step(tmp_path: Path, name: str) -> None:
    """The line at each place of question and sending, the process at each step, and both."""
    figures, number = Figures(), count()
    lines = [("", ""), *product(("cut_posts", "cut_gets"), CUTS)]
    for (where, cut), kill in product(lines, ("", *KILLS)):
        with place(tmp_path, next(number)) as (yard, folder), city(folder, name) as authority:
            authority.faults.look_after = 2
            if where:
                getattr(authority.faults, where).append(cut)
            way = by_https(yard, authority, folder, name)
            way.kill_at = kill
            way.until("accepted")
            assert way.kill_at == "", "it was killed"
            assert authority.posts == {way.filing: 1}, (where, cut, kill)
            figures = figures.plus(way, [one["document"] for one in stored(authority)])
    figures.shown("https", name)
    assert figures[:5] == (35, 35, 0, 0, 35)


# -- over SFTP


def up_there(sshd: Sshd, way: Way) -> list[Any]:
    """The documents of complete filings that lie there, opened: what a person would count."""
    found = []
    incoming = sshd.folder / "incoming"
    for path in sorted(incoming.glob("filing-*.json*")):
        stem = path.name.split(".")[0]
        if (
            path.suffix == ".part"
            or not (incoming / f"{stem}.{way.office.profile.digest}").exists()
        ):
            continue
        mode, body = way.office.profile.envelope, path.read_bytes()
        found.append(json.loads(open_sealed(mode, bytes.fromhex(SM4_KEY), body) if mode else body))
    return found


def sent_by_sftp(
    tmp_path: Path, name: str, number: int, cut: Any = None, kill: str = ""
) -> tuple[dict[str, int], Callable[[Figures], Figures]]:
    """One filing through the cutter, to its receipt; the bytes of the turn that sent it."""
    with ExitStack() as house:
        yard, folder = house.enter_context(place(tmp_path, number))
        sshd = house.enter_context(Sshd(folder))
        cutter = house.enter_context(Cutter(sshd.port))
        way = by_sftp(yard, sshd, folder, name, port=cutter.port)
        cutter.cut, way.kill_at = cut, kill
        way.turn()
        passed = dict(cutter.passed)
        way.until("submitted")
        assert (cutter.cut, way.kill_at) == (None, ""), "it was cut"
        receipt = {"filing": way.filing, "status": "accepted", "receipt": "SF-1"}
        sshd.put(f"receipts/filing-{way.filing}.receipt.json", json.dumps(receipt))
        way.until("accepted")
        assert [name for name in sshd.names() if name.endswith(".part")] == []
        documents = up_there(sshd, way)
        made = Figures().plus(way, documents)
    return passed, lambda so_far: Figures(*(a + b for a, b in zip(so_far, made, strict=True)))


@pytest.mark.parametrize("name", PROFILES)
def test_show_4_over_sftp_cut_at_every_step(tmp_path: Path, name: str) -> None:
    """A real sshd. The connection at places evenly spread from login to goodbye, both ways, and
    the process at each step.
    """
    number = count()
    whole, _ = sent_by_sftp(tmp_path, name, next(number))
    # The goodbye comes after all is told; a cut in it cuts nothing.
    cuts = [(way, whole[way] * at // 10 + 1) for way in ("up", "down") for at in range(9)]
    figures = Figures()
    for cut, kill in [*((cut, "") for cut in cuts), *((None, kill) for kill in KILLS)]:
        _, plus = sent_by_sftp(tmp_path, name, next(number), cut, kill)
        figures = plus(figures)
    figures.shown("sftp", name)
    assert figures[:5] == (22, 22, 0, 0, 22)


# -- into a folder


@pytest.mark.parametrize("name", PROFILES)
def test_show_4_into_a_folder_cut_at_every_step(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process before each of the six syncs, which lie between any two steps on the disk."""
    figures, number = Figures(), count()
    for sync, kill in [*((at, "") for at in range(6)), *((None, kill) for kill in KILLS)]:
        with place(tmp_path, next(number)) as (yard, folder):
            way = by_folder(yard, folder, name)
            way.kill_at = kill
            with monkeypatch.context() as patched:
                seen: list[str] = []

                def mortal(path: Path, seen: list[str] = seen, sync: Any = sync) -> None:
                    seen.append(path.name)
                    if len(seen) - 1 == sync:
                        seen.append("killed")
                        raise Killed(f"before sync {sync} of {path.name}")

                patched.setattr(folder_sink, "_sync", mortal)
                way.until("submitted")
                assert ("killed" in seen) == (sync is not None)
                assert way.kill_at == ""
            request = {"filing": way.filing, "by": "S-1", "step": "accepted", "receipt": "H-1"}
            way.office.door.answer(request)
            names = sorted(path.name for path in (folder / "filing").iterdir())
            assert len(names) == 3
            documents = [json.loads(path.read_bytes()) for path in
                         (folder / "filing").glob("filing-*.json")]  # fmt: skip
            figures = figures.plus(way, documents)
    figures.shown("folder", name)
    assert figures[:5] == (10, 10, 0, 0, 10)


# -- O7: unknown outcome


@pytest.mark.parametrize("name", PROFILES)
def test_O7_an_unknown_outcome_is_asked_about_before_anything_is_sent(
    tmp_path: Path, name: str
) -> None:
    """The answer to the sending is lost, and then those to the first questions: resolved 100 %."""
    figures, number = Figures(), count()
    for cut, lost in product(("after_take", "in_answer"), range(4)):
        with place(tmp_path, next(number)) as (yard, folder), city(folder, name) as authority:
            authority.faults.cut_posts.append(cut)
            way = by_https(yard, authority, folder, name)
            way.until("submitted_unknown")
            authority.faults.cut_gets.extend(["before_take"] * lost)
            way.until("accepted")
            assert authority.posts == {way.filing: 1}
            figures = figures.plus(way, [one["document"] for one in stored(authority)])
    figures.shown("O7", name)
    assert figures == Figures(8, 8, 0, 0, 8, unknown=8, resolved=8)


def test_O7_what_never_arrived_is_sent_after_the_authority_has_said_so(tmp_path: Path) -> None:
    """Unknown, asked, not found: only then the second sending, which is the first to arrive."""
    with place(tmp_path, 0) as (yard, folder), city(folder) as authority:
        authority.faults.cut_posts.append("before_take")
        way = by_https(yard, authority, folder)
        way.until("submitted_unknown")
        assert (stored(authority), authority.posts) == ([], {})
        authority.faults.answers = [500, 404, 200]  # web pages, which say nothing
        for _ in range(3):
            way.turn()
            assert stored(authority) == []
        way.until("accepted")
        assert authority.posts == {way.filing: 1}


# -- O8: the authority says duplicate


def original(authority: Authority, **more: Any) -> None:
    """What was filed before, under another id: by hand, or by a gateway that was lost."""
    known = {"filing": ORIGINAL, "status": "accepted", "receipt": "GZ-471", "asked": 0}
    authority.filings[ORIGINAL] = {**known, "document": {}, **more}
    authority.faults.duplicate_of = ORIGINAL


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("cut", ["", *CUTS])
@pytest.mark.parametrize("status", [200, 409, 440])
def test_O8_a_duplicate_has_the_receipt_of_the_original(
    tmp_path: Path, name: str, cut: Any, status: int
) -> None:
    """Whatever the status, and though the question about the original is cut: without receipt 0."""
    with place(tmp_path, 0) as (yard, folder), city(folder, name) as authority:
        original(authority)
        authority.faults.duplicate_status = status
        way = by_https(yard, authority, folder, name)
        if cut:
            authority.faults.answers.append(503)
            if status == 200:  # else the third question is the one about the original
                authority.faults.cut_posts.append(cut)
            authority.faults.cut_gets.extend([None, None, cut])
        way.until("duplicate_of")
        assert authority.faults.cut_gets == []

        last = filing(yard.folder, way.filing)["steps"][-1]
        assert (last["of"], last["receipt"]) == (ORIGINAL, "GZ-471")
        assert last["proof"].count('"receipt"') == 1
        (told,) = [one for one in way.office.told() if one["state"] == "duplicate"]
        assert (told["duplicate_of"], told["receipt"]) == (ORIGINAL, "GZ-471")
        assert [one["filing"] for one in stored(authority)].count(way.filing) == 1
        assert authority.posts == {way.filing: 1}


def test_O8_a_duplicate_of_itself_gets_its_own_receipt(tmp_path: Path) -> None:
    """It was taken before, and the record of that was lost with a disk."""
    with place(tmp_path, 0) as (yard, folder), city(folder) as authority:
        way = by_https(yard, authority, folder)
        authority.faults.duplicate_of = way.filing
        way.until("submitted")
        authority.filings[way.filing] |= {"status": "received"}
        way.until("accepted")
        assert filing(yard.folder, way.filing)["steps"][-1]["receipt"] == "BA-000001"


def test_O8_an_original_that_is_still_looked_at_is_waited_for(tmp_path: Path) -> None:
    with place(tmp_path, 0) as (yard, folder), city(folder) as authority:
        original(authority, status="received", receipt="")
        authority.faults.look_after = 99
        way = by_https(yard, authority, folder)
        way.until("submitted")
        way.turn()
        assert way.office.state(way.filing) == "submitted"
        original(authority)
        way.until("duplicate_of")
        assert filing(yard.folder, way.filing)["steps"][-1]["receipt"] == "GZ-471"


@pytest.mark.parametrize("name", PROFILES)
def test_O8_over_sftp_the_original_receipt_is_fetched(tmp_path: Path, name: str) -> None:
    """And no name of a file is made of what the authority wrote."""
    with place(tmp_path, 0) as (yard, folder), Sshd(folder) as sshd:
        way = by_sftp(yard, sshd, folder, name)
        way.until("submitted")
        receipt = {"filing": ORIGINAL, "status": "accepted", "receipt": "SF-471"}
        sshd.put(f"receipts/filing-{ORIGINAL}.receipt.json", json.dumps(receipt))
        said = {"filing": way.filing, "status": "duplicate", "duplicate_of": ORIGINAL}
        sshd.put(f"receipts/filing-{way.filing}.receipt.json", json.dumps(said))
        way.until("duplicate_of")
        last = filing(yard.folder, way.filing)["steps"][-1]
        assert (last["of"], last["receipt"]) == (ORIGINAL, "SF-471")


def test_O8_a_name_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    with place(tmp_path, 0) as (yard, folder), Sshd(folder) as sshd:
        way = by_sftp(yard, sshd, folder)
        way.until("submitted")
        of = "/../../incoming/x"
        sshd.put("incoming/x.receipt.json", json.dumps(
            {"filing": of, "status": "accepted", "receipt": "FALSE"}))  # fmt: skip
        said = {"filing": way.filing, "status": "duplicate", "duplicate_of": of}
        sshd.put(f"receipts/filing-{way.filing}.receipt.json", json.dumps(said))
        way.until("duplicate_of")
        assert filing(yard.folder, way.filing)["steps"][-1]["receipt"] == ""


def test_O8_typed_in_by_hand_it_takes_the_receipt(tmp_path: Path) -> None:
    with place(tmp_path, 0) as (yard, folder):
        way = by_folder(yard, folder)
        way.until("submitted")
        way.office.door.answer(
            {"filing": way.filing, "by": "S-1", "step": "duplicate", "of": ORIGINAL,
             "receipt": "H-471"}
        )  # fmt: skip
        assert filing(yard.folder, way.filing)["steps"][-1]["receipt"] == "H-471"
