"""Filings by HTTPS: asked for first, sent once, and asked for again until there is a result.

    POST url + submit_path      the document, perhaps framed and sealed
    GET  url + query_path       what has become of it

Headers of each: x-filing, x-timestamp (s), x-nonce, x-key-id, x-digest (METHOD:hex of the body as
sent), x-envelope, x-signature: base64 over the lines method, target, timestamp, nonce, digest.
An answer is signed, where authority_key is set, over the lines status, our nonce, digest.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Final, Literal
from urllib.parse import quote

from hub import (
    Answer,
    Delivery,
    Egress,
    Filed,
    HttpsOf,
    Limits,
    NoAnswer,
    Parcel,
    Profile,
    Said,
    SinkPaused,
    Site,
    Trust,
    digest_of,
    lan_of,
)
from plugins.filing.answers import Heard, heard, is_duplicate, of_original
from plugins.filing.hj212 import LONGEST, frame
from plugins.filing.package import Filing, Keys, filing_of, read_profile
from plugins.filing.settings import HttpsFilingSettings
from plugins.filing.sink import Learnt

ANSWER_MAX_BYTES: Final = 65536
_NONCE_BYTES: Final = 16


class HttpsFiling:
    """One authority. It knows nothing between two calls: what was sent is asked for."""

    def __init__(self, name: str, settings: HttpsFilingSettings, site: Site) -> None:
        self._name = name
        self._settings = settings
        self._site = site
        self._profile: Profile | None = None
        self._way: Egress | None = None
        self._keys: Keys | None = None

    def open(self) -> None:
        """Read profile and keys, and prepare the connection; nothing is sent yet.

        raises  SinkPaused
        """
        asked = self._settings
        self._profile = read_profile(asked.profile, HttpsOf)
        self._keys = Keys(self._profile, asked, self._site.secret)
        self._way = Egress(
            asked.url,
            limits=Limits(asked.connect_within_s, asked.answer_within_s, ANSWER_MAX_BYTES),
            trust=Trust(asked.ca_file),
            lan=lan_of(asked.lan),
        )

    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery:
        """Ask for each filing; send it if the authority has none of it."""
        self._ready()
        learnt = Learnt()
        for parcel in parcels:
            filing = filing_of(parcel)
            if isinstance(filing, str):
                learnt.refused[parcel.id] = filing
                continue
            found, sent = self._carry(filing)
            if found.said is not None:
                learnt.of(parcel, found.said, to_come="the authority has not said what of it")
                continue
            learnt.waiting[parcel.id] = found.why
            if sent:
                learnt.said[parcel.id] = Said("unknown")
        return learnt.delivery()

    def filed(self, filings: Sequence[str]) -> Iterator[Filed]:
        """Ask for each filing, by a connection of its own; see `hub.holdings.TellsFilings`."""
        beside = HttpsFiling(self._name, self._settings, self._site)
        try:
            beside.open()
            for filing in filings:
                found = beside._asked(filing)
                there = {"said": True, "absent": False}.get(found.kind)
                yield Filed(filing, there, found.said, place=found.why or self._settings.url)
        finally:
            beside.close()

    def close(self) -> None:
        way, self._way = self._way, None
        if way is not None:
            way.close()

    def _carry(self, filing: Filing) -> tuple[Heard, bool]:
        """What is known of a filing now, and whether it was sent to find out."""
        profile, keys, _ = self._ready()
        transport = profile.transport
        assert isinstance(transport, HttpsOf), "read_profile has looked"
        try:
            found = self._followed(self._asked(filing.id))
        except NoAnswer as fault:
            # Nothing was sent, but something may have been sent before: it stays as it is.
            return Heard("nothing", why=str(fault)), False
        if found.kind != "absent":
            return found, False
        body = filing.body
        if transport.framing == "hj212":
            if len(body) > LONGEST:
                told = f"{len(body)} bytes do not fit a frame of HJ 212 ({LONGEST})"
                return Heard("said", Said("rejected", reasons=(told,))), False
            body = frame(body)
        try:
            found = self._ask("POST", transport.submit_path, filing.id, keys.sealed(body))
            found = self._followed(found)
        except NoAnswer as fault:
            return Heard("nothing", why=f"{fault}; it may have been taken"), True
        if found.kind == "absent":
            return Heard("nothing", why="the authority says of what it was sent: not found"), True
        return found, True

    def _followed(self, found: Heard) -> Heard:
        """What was heard, of a duplicate with the receipt of the filing that it repeats."""
        if not is_duplicate(found) or found.said is None:
            return found
        return of_original(found, self._asked(found.said.of))

    def _asked(self, filing: str) -> Heard:
        """What the authority says of a filing. raises NoAnswer, SinkPaused, SinkUnavailable"""
        profile, _, _ = self._ready()
        assert isinstance(profile.transport, HttpsOf), "read_profile has looked"
        target = profile.transport.query_path.replace("{filing}", quote(filing, safe=""))
        return self._ask("GET", target, filing, b"")

    def _ask(self, method: Literal["GET", "POST"], target: str, filing: str, body: bytes) -> Heard:
        profile, keys, way = self._ready()
        transport = profile.transport
        assert isinstance(transport, HttpsOf), "read_profile has looked"
        # Their clock, not hub time, is what the timestamp is held against.
        at_s, nonce = str(int(time.time())), secrets.token_hex(_NONCE_BYTES)
        digest = f"{profile.digest}:{digest_of(profile.digest, body)}"
        headers = {
            "content-type": "application/octet-stream" if profile.envelope else "application/json",
            "accept": "application/json",
            "x-filing": filing,
            "x-timestamp": at_s,
            "x-nonce": nonce,
            "x-digest": digest,
            "x-key-id": self._settings.key_id,
            "x-envelope": profile.envelope or "",
            "x-signature": keys.sign(f"{method}\n{target}\n{at_s}\n{nonce}\n{digest}".encode()),
        }
        sent = {name: value for name, value in headers.items() if value}
        answer = way.send(method, sent, body if method == "POST" else b"", target)
        return self._believed(answer, profile, keys, filing, nonce)

    @staticmethod
    def _believed(answer: Answer, profile: Profile, keys: Keys, filing: str, nonce: str) -> Heard:
        """What an answer says, if the authority has said it."""
        transport = profile.transport
        assert isinstance(transport, HttpsOf), "read_profile has looked"
        found = heard(transport, filing, answer.status, answer.headers, answer.body)
        if found.kind == "nothing":
            return found
        digest = f"{profile.digest}:{digest_of(profile.digest, answer.body)}"
        signature = answer.headers.get("x-signature", "")
        if not keys.theirs(f"{answer.status}\n{nonce}\n{digest}".encode(), signature):
            return Heard("nothing", why="the answer is not signed by the authority's key")
        if found.said is not None:
            proof = answer.body.decode("utf-8", "replace") + (f"\n{signature}" if signature else "")
            return found._replace(said=found.said._replace(proof=proof[:ANSWER_MAX_BYTES]))
        return found

    def _ready(self) -> tuple[Profile, Keys, Egress]:
        if self._profile is None or self._keys is None or self._way is None:
            raise SinkPaused("the sink is not open; what kept it so was said before")
        return self._profile, self._keys, self._way
