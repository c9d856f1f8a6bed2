"""Filings by SFTP: each file as `.part` and then renamed, the digests last.

    filing-ID.json (or .json.sealed), filing-ID.sig, filing-ID.sm3 (or .sha256)

A filing is complete when its digest file is there, and is looked for before anything is sent. The
server's key is pinned. Where the profile names a folder of receipts, the filing waits for its own;
elsewhere it is submitted, and the answer is typed in.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Container, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from hashlib import sha256
from typing import Any, Final, TypeVar, cast

from hub import (
    ConfigError,
    Delivery,
    Filed,
    Parcel,
    Profile,
    Said,
    SealBroken,
    SftpOf,
    SinkPaused,
    SinkUnavailable,
    Site,
    dial,
    digest_of,
    lan_of,
)
from plugins.filing.answers import Heard, heard, is_duplicate, of_original
from plugins.filing.package import Filing, Keys, filing_of, read_profile
from plugins.filing.settings import SftpFilingSettings
from plugins.filing.sink import Learnt

try:
    import asyncssh
except ImportError:
    raise ConfigError(
        "asyncssh is not installed, and SFTP needs it; install the extra into gashub's "
        "environment: pip install --require-hashes -r requirements/filing.txt"
    ) from None

LARGEST_RECEIPT_BYTES: Final = 65536
LARGEST_FILING_BYTES: Final = 64 << 20
_OK: Final = 200
_NAME: Final = re.compile(r"filing-([0-9A-Z]{26})\.")
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
"""What may stand in the name of a file; a filing's id comes from the authority here."""
_T = TypeVar("_T")


class SftpFiling:
    """One server. A connection lasts for one filing."""

    def __init__(self, name: str, settings: SftpFilingSettings, site: Site) -> None:
        self._name = name
        self._settings = settings
        self._site = site
        self._profile: Profile | None = None
        self._keys: Keys | None = None
        self._login: dict[str, Any] = {}

    def open(self) -> None:
        """Read profile and keys; nobody is called yet.

        raises  SinkPaused
        """
        asked = self._settings
        self._profile = read_profile(asked.profile, SftpOf)
        self._keys = Keys(self._profile, asked, self._site.secret)
        self._login = self._credentials()

    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery:
        """Look for the receipt of each filing, and for the filing; else put it there."""
        if self._profile is None or not self._login:
            raise SinkPaused("the sink is not open; what kept it so was said before")
        learnt = Learnt()
        to_come = "it is there, and no receipt yet" if self._transport.receipts else ""
        for parcel in parcels:
            filing = filing_of(parcel)
            if isinstance(filing, str):
                learnt.refused[parcel.id] = filing
                continue
            found = self._called(filing, sent_before=parcel.said_before)
            if found.said is None:
                learnt.waiting[parcel.id] = found.why
            else:
                learnt.of(parcel, found.said, to_come=to_come)
        return learnt.delivery()

    def filed(self, filings: Sequence[str]) -> Iterator[Filed]:
        """Look for each filing and its receipt; see `hub.holdings.TellsFilings`."""
        beside = SftpFiling(self._name, self._settings, self._site)
        beside.open()
        within_s = self._settings.answer_within_s * (1 + len(filings))
        yield from beside._call(beside._look(filings), within_s)

    def close(self) -> None:
        """No connection is held between two filings."""

    @property
    def _transport(self) -> SftpOf:
        assert self._profile is not None, "deliver has looked"
        assert isinstance(self._profile.transport, SftpOf), "read_profile has looked"
        return self._profile.transport

    def _called(self, filing: Filing, *, sent_before: bool) -> Heard:
        """One connection for one filing. raises SinkPaused, SinkUnavailable"""
        return self._call(self._carry(filing, sent_before), self._settings.answer_within_s)

    @property
    def _where(self) -> str:
        return f"sftp://{self._settings.host}:{self._settings.port}"

    def _call(self, talk: Coroutine[Any, Any, _T], within_s: float) -> _T:
        """Have one conversation with the server. raises SinkPaused, SinkUnavailable"""
        where = self._where
        try:
            return asyncio.run(asyncio.wait_for(talk, within_s))
        except asyncssh.HostKeyNotVerifiable as wrong:
            raise SinkPaused(
                f"{where} has another key than host_key: it may be somebody else. Ask the "
                "authority on another way, set host_key, restart, then `gashub outbox retry`"
            ) from wrong
        except asyncssh.PermissionDenied as wrong:
            raise SinkPaused(
                f"{where} does not let us in: look at user, client_key and password, then `gashub "
                "outbox retry`"
            ) from wrong
        except (asyncssh.Error, OSError, TimeoutError) as fault:
            raise SinkUnavailable(f"{where}: {type(fault).__name__}: {fault}"[:300]) from fault

    async def _carry(self, filing: Filing, sent_before: bool) -> Heard:
        transport = self._transport
        async with self._connected() as connection, connection.start_sftp_client() as sftp:
            stem = f"filing-{filing.id}"
            if transport.receipts:
                answer = await _read(sftp, f"{transport.receipts}/{stem}.receipt.json")
                if answer is not None:
                    return await self._followed(sftp, self._believed(filing.id, answer))
            files = self._files(filing)
            mark = list(files)[-1]
            # Once it was there it is not put there again, though they have taken it away since.
            if not (sent_before or await sftp.exists(f"{transport.folder}/{mark}")):
                for name, content in files.items():
                    await _put(sftp, transport.folder, name, content)
            return Heard("said", Said("submitted", proof=files[mark].decode()))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """Logged in, at an address that was looked at. raises AddressRefused, OSError"""
        asked = self._settings
        sock = dial(asked.host, asked.port, asked.connect_within_s, lan_of(asked.lan))
        with closing(sock):
            async with asyncssh.connect(
                asked.host, asked.port, sock=sock, username=asked.user,
                login_timeout=asked.connect_within_s, **self._login,
            ) as connection:  # fmt: skip
                yield connection

    async def _look(self, filings: Sequence[str]) -> list[Filed]:
        """What lies there of these filings, and of others."""
        transport = self._transport
        async with self._connected() as connection, connection.start_sftp_client() as sftp:
            up = set(await sftp.listdir(transport.folder))
            down = set(await sftp.listdir(transport.receipts)) if transport.receipts else set()
            others = {name[1] for name in map(_NAME.match, sorted(up | down)) if name}
            found = [await self._seen(sftp, filing, up, down) for filing in filings]
            strange = sorted(others - set(filings))
            return found + [Filed(one, True, place=self._where, keeps=False) for one in strange]

    async def _seen(
        self, sftp: asyncssh.SFTPClient, filing: str, up: Container[str], down: Container[str]
    ) -> Filed:
        assert self._profile is not None, "open has read it"
        assert self._keys is not None, "open has read them"
        transport, stem = self._transport, f"filing-{filing}"
        receipt, body_name = f"{stem}.receipt.json", self._body_name(stem)
        answer = digest = None
        if receipt in down:
            answer = await _read(sftp, f"{transport.receipts}/{receipt}")
        if body_name in up and f"{stem}.{self._profile.digest}" in up:
            body = await _read(sftp, f"{transport.folder}/{body_name}", LARGEST_FILING_BYTES)
            digest = None if body is None else self._digest(body)
        said = None
        if answer is not None:
            said = heard(transport, filing, _OK, {}, answer).said
            if said is None:
                place = f"{self._where}/{transport.receipts}/{receipt}"
                return Filed(filing, None, place=place, keeps=False)
        elif digest and transport.receipts:
            said = Said("submitted")
        place = f"{self._where}/{transport.folder}/{body_name}"
        return Filed(filing, bool(answer or digest), said, digest or "", place, keeps=False)

    def _digest(self, body: bytes) -> str:
        """SHA-256 of the document that lies there; of the bytes, where they do not open."""
        assert self._keys is not None, "open has read them"
        try:
            return sha256(self._keys.opened(body)).hexdigest()
        except SealBroken:
            return sha256(body).hexdigest()

    def _body_name(self, stem: str) -> str:
        assert self._profile is not None, "open has read it"
        return f"{stem}.json.sealed" if self._profile.envelope else f"{stem}.json"

    def _files(self, filing: Filing) -> dict[str, bytes]:
        """Name -> content, the digests last."""
        assert self._profile is not None, "deliver has looked"
        assert self._keys is not None, "deliver has looked"
        stem, method = f"filing-{filing.id}", self._profile.digest
        # A sealed body is another one each time, so that its digest tells nothing of a second try.
        body = self._keys.sealed(filing.body)
        name = self._body_name(stem)
        digest = digest_of(method, body)
        files = {name: body}
        if signature := self._keys.sign(f"{method}:{digest}".encode()):
            files[f"{stem}.sig"] = signature.encode()
        files[f"{stem}.{method}"] = f"{digest}  {name}\n".encode()
        return files

    async def _followed(self, sftp: asyncssh.SFTPClient, found: Heard) -> Heard:
        """What was heard, of a duplicate with the receipt of the filing that it repeats."""
        if not is_duplicate(found) or found.said is None or not _ID.fullmatch(found.said.of):
            return found
        name = f"{self._transport.receipts}/filing-{found.said.of}.receipt.json"
        answer = await _read(sftp, name)
        other = Heard("absent") if answer is None else self._believed(found.said.of, answer)
        return of_original(found, other)

    def _believed(self, filing: str, answer: bytes) -> Heard:
        """What a receipt says. It is not signed: what it rests on is the server's pinned key."""
        found = heard(self._transport, filing, _OK, {}, answer)
        if found.said is None:
            return Heard("nothing", why="its receipt has no word of the profile about the filing")
        return found._replace(said=found.said._replace(proof=answer.decode("utf-8", "replace")))

    def _credentials(self) -> dict[str, Any]:
        """For `asyncssh.connect`: the pinned key and ours, and nothing of this machine's own.

        raises  SinkPaused
        """
        asked = self._settings
        if not asked.host_key:
            raise SinkPaused(
                "host_key is not set, and without it nobody knows whom we would talk to; set it "
                "to what the authority told, restart, then `gashub outbox retry`"
            )
        try:
            pinned = asyncssh.import_public_key(asked.host_key)
            login: dict[str, Any] = {
                "known_hosts": ([pinned], [], []), "config": [], "agent_path": None,
                "client_keys": [],
            }  # fmt: skip
            if asked.client_key is not None:
                text = self._site.secret(asked.client_key)
                login["client_keys"] = [asyncssh.import_private_key(text + "\n")]
            if asked.password is not None:
                login["password"] = self._site.secret(asked.password)
        except (ConfigError, asyncssh.KeyImportError) as wrong:
            raise SinkPaused(f"{wrong}; then `gashub outbox retry`") from wrong
        return login


async def _put(sftp: asyncssh.SFTPClient, folder: str, name: str, content: bytes) -> None:
    part = f"{folder}/{name}.part"
    async with sftp.open(part, "wb") as file:
        await file.write(content)
        with suppress(asyncssh.SFTPOpUnsupported):  # then durability is the server's own affair
            await file.fsync()
    await sftp.posix_rename(part, f"{folder}/{name}")


async def _read(
    sftp: asyncssh.SFTPClient, path: str, most: int = LARGEST_RECEIPT_BYTES
) -> bytes | None:
    """A file, cut at *most* bytes; None where there is none."""
    try:
        async with sftp.open(path, "rb") as file:
            # A file opened as binary gives bytes, which its type does not say.
            return cast("bytes", await file.read(most))
    except asyncssh.SFTPNoSuchFile:
        return None
