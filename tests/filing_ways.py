"""One filing on its way by each transport, to a real far side, with moments at which to die."""

import json
import re
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self

from hub.filing import book
from hub.filing.listing import filing
from hub.filing.profile import load_profile
from hub.ledger import LedgerReader, Transaction
from hub.model import Delivery, Sink, Site
from hub.outbox import Terms
from hub.outbox.channel import Channel
from hub.simulate.authority import Authority
from plugins.filing import register_sinks
from tests.filing_rig import PROFILES, WHO, Office, profile_file, refused
from tests.foreman_rig import Yard
from tests.sshd_rig import Sshd

TURNS: Final = 60
KIND: Final = {kind.name: kind for kind in register_sinks()}
SM4_KEY: Final = "0123456789abcdeffedcba9876543210"
HTTPS: Final = 'kind = "https"\nsubmit_path = "/f"\nquery_path = "/f/{filing}"'
SFTP: Final = 'kind = "sftp"\nfolder = "incoming"\nreceipts = "receipts"'


class Killed(BaseException):
    """The process is gone: nothing catches it."""


def made_keys(folder: Path, method: str) -> tuple[str, str]:
    """A private key and its public one, made by openssl."""
    options = {
        "sm2-sm3": ["SM2"],
        "ecdsa-p256-sha256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    }
    private, public = folder / f"{method}.key", folder / f"{method}.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", *options[method], "-out", private],
                   check=True, capture_output=True)  # fmt: skip
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public],
                   check=True, capture_output=True)  # fmt: skip
    return private.read_text(), public.read_text()


def variant(name: str, transport: str, folder: Path) -> Path:
    """A profile with another transport."""
    text = profile_file(name).read_text(encoding="utf-8")
    text = re.sub(r"\[transport\]\n(?:.+\n)+", f"[transport]\n{transport}\n", text)
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


class Way:
    """One filing on its way, by a real channel on this thread; after a kill all begins anew."""

    def __init__(self, yard: Yard, name: str, profile: Path, kind: str, **settings: Any) -> None:
        self.yard = yard
        self.office = Office(yard, name, profile)
        self.office.wait_until_over()
        self.filing = self.office.sent()
        self.kind = KIND[kind]
        given = {
            "profile": profile, "company": "某某燃气有限公司",
            "credit_code": "91110000101623741K", **WHO[name], **settings,
        }  # fmt: skip
        self.settings = self.kind.settings.model_validate(given)
        self.secrets: dict[str, str] = {}
        self.kill_at = ""
        """before_deliver, after_deliver, before_commit, after_commit; used up once."""
        self._begin()

    def _begin(self) -> None:
        site = Site("gw-test", self.yard.clock, self.secrets.__getitem__)
        self.sink: Sink = self.kind.build("city", self.settings, site)
        self.channel = Channel(
            "city", _Mortal(self), Terms.of(self.settings), self.yard.folder, self._submit,
            self.yard.clock, book.hear, self.office.outbox.tell_filing,
        )  # fmt: skip

    def dies(self, at: str) -> None:
        if self.kill_at == at:
            self.kill_at = ""
            raise Killed(at)

    def _submit(self, act: Callable[[Transaction], Any]) -> "Future[Any]":
        self.dies("before_commit")
        done = self.yard.submit(act)
        self.dies("after_commit")
        return done

    def turn(self) -> None:
        """One turn of the channel, after every back-off; a kill is a start of everything anew."""
        self.yard.wait(400)
        try:
            with LedgerReader(self.yard.folder) as reader:
                self.channel._turn(reader)
        except Killed:
            self.sink.close()
            self.yard.again()
            self._begin()

    def until(self, *states: str) -> str:
        for _ in range(TURNS):
            if (state := self.office.state(self.filing)) in states:
                return state
            self.turn()
        raise AssertionError(f"{self.office.state(self.filing)} after {TURNS} turns, not {states}")

    def steps(self) -> list[str]:
        return [one["step"] for one in filing(self.yard.folder, self.filing)["steps"]]

    def parcel(self) -> tuple[str, str, str]:
        (row,) = self.yard.ledger_sql(
            "SELECT state, receipt, reason FROM parcels WHERE kind='filing_document'"
        )
        return row[0], row[1], row[2]

    def document(self) -> Any:
        return filing(self.yard.folder, self.filing, with_document=True)["document"]

    def standing(self) -> tuple[str, str]:
        (row,) = self.yard.ledger_sql("SELECT state, reason FROM sink_state WHERE sink='city'")
        return row[0], row[1]


class _Mortal:
    """The sink, with the moments at which the process may go."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def open(self) -> None:
        self._way.sink.open()

    def deliver(self, parcels: Any, batch: str) -> Delivery:
        self._way.dies("before_deliver")
        done = self._way.sink.deliver(parcels, batch)
        self._way.dies("after_deliver")
        return done

    def close(self) -> None:
        self._way.sink.close()


@contextmanager
def day_of_work(folder: Path) -> Iterator[Yard]:
    """A record with one refused inspection."""
    (folder / "state").mkdir()
    with Yard(folder / "state") as made:
        refused(made.staffed())
        yield made


@contextmanager
def city(folder: Path, name: str = PROFILES[0]) -> Iterator[Authority]:
    """The authority of a profile, which signs its answers."""
    profile = load_profile(profile_file(name))
    assert profile.signature is not None
    private, public = made_keys(folder, profile.signature.method)
    (folder / "theirs").mkdir()
    theirs, their_public = made_keys(folder / "theirs", profile.signature.method)
    (folder / "ours.key").write_text(private)
    (folder / "authority.pub").write_text(their_public)
    envelope: Any = (profile.envelope, bytes.fromhex(SM4_KEY)) if profile.envelope else None
    with Authority(
        folder / "authority.jsonl", scheme=profile.signature.scheme(), public=public,
        private=theirs, envelope=envelope, digest=profile.digest,
    ) as made:  # fmt: skip
        yield made


def by_https(
    yard: Yard, authority: Authority, tmp_path: Path, name: str = PROFILES[0], more: str = ""
) -> Way:
    way = Way(
        yard, name, variant(name, HTTPS + more, tmp_path), "filing_https", url=authority.url,
        allow_plain_http=True, lan=("127.0.0.0/8",), signing_key="sign", envelope_key="seal",
        authority_key=tmp_path / "authority.pub",
    )  # fmt: skip
    way.secrets |= {"sign": (tmp_path / "ours.key").read_text(), "seal": SM4_KEY}
    return way


def stored(authority: Authority) -> list[dict[str, Any]]:
    """What the authority has, from its file."""
    if not authority.file.exists():
        return []
    return [json.loads(line) for line in authority.file.read_text("utf-8").splitlines()]


def by_sftp(
    yard: Yard, sshd: Sshd, tmp_path: Path, name: str = PROFILES[1], transport: str = SFTP,
    **settings: Any,
) -> Way:  # fmt: skip
    profile = variant(name, transport, tmp_path)
    given = {
        "host": "127.0.0.1", "lan": ("127.0.0.0/8",), "port": sshd.port,
        "user": sshd.user, "host_key": sshd.host_key,
        "client_key": "ssh", "signing_key": "sign", "envelope_key": "seal", **settings,
    }  # fmt: skip
    way = Way(yard, name, profile, "filing_sftp", **given)
    method = load_profile(profile).signature
    assert method is not None
    private, public = made_keys(tmp_path, method.method)
    (tmp_path / "public").write_text(public)
    way.secrets |= {"ssh": sshd.client_key, "sign": private, "seal": SM4_KEY}
    return way


def by_folder(yard: Yard, tmp_path: Path, name: str = PROFILES[0]) -> Way:
    folder = tmp_path / "filing"
    folder.mkdir(exist_ok=True)
    profile = variant(name, 'kind = "folder"', tmp_path)
    return Way(yard, name, profile, "filing_folder", folder=folder)


class Cutter:
    """A TCP relay on loopback which ends one connection after so many bytes, as a line breaks.

    cut  direction (up: to the server) and number of its bytes that still get through; used up once
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self.cut: tuple[Literal["up", "down"], int] | None = None
        self.passed = {"up": 0, "down": 0}
        """Of the last connection."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._to)) as server:
                self._relay(client, server)

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        self.passed = {"up": 0, "down": 0}
        ways: dict[socket.socket, tuple[socket.socket, Literal["up", "down"]]] = {
            client: (server, "up"), server: (client, "down"),
        }  # fmt: skip
        while True:
            for source in select.select(list(ways), [], [])[0]:
                to, way = ways[source]
                try:
                    data = source.recv(4096)
                    if self.cut is not None and self.cut[0] == way:
                        left = self.cut[1] - self.passed[way]
                        if len(data) > left:
                            self.cut = None
                            to.sendall(data[:left])
                            return
                    to.sendall(data)
                except OSError:
                    return
                if not data:
                    return
                self.passed[way] += len(data)
