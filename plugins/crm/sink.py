"""Post the stored body of each event, signed, and read the answer."""

import json
import time
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from hub import (
    Answer,
    ConfigError,
    Delivery,
    Egress,
    Limits,
    Mapped,
    NoAnswer,
    Parcel,
    SinkPaused,
    Site,
    Trust,
    lan_of,
)
from plugins.crm.answers import meaning
from plugins.crm.settings import CrmSettings
from plugins.crm.signature import key_of, signature


class Crm:
    """One CRM. The body goes out as stored, or as the mapping file makes it of what is stored;
    only time and signature are new each time.
    """

    def __init__(self, name: str, settings: CrmSettings, site: Site) -> None:
        self._name = name
        self._settings = settings
        self._site = site
        self._mapped = Mapped(settings.mapping) if settings.mapping else None
        self._keys: list[bytes] = []
        self._token = ""
        self._ways: dict[str, Egress] = {}

    def open(self) -> None:
        """Read the secrets; connections are made when there is something to send."""
        asked = self._settings
        try:
            self._keys = [self._key(name) for name in asked.secrets]
            self._token = self._site.secret(asked.token) if asked.token else ""
        except ConfigError as missing:
            raise SinkPaused(str(missing)) from missing

    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery:
        """Post each parcel. `batch` has no meaning here: a CRM takes events one by one."""
        taken: dict[str, str] = {}
        refused: dict[str, str] = {}
        waiting: dict[str, str] = {}
        for parcel in parcels:
            url = self._settings.routes.get(parcel.kind, self._settings.url)  # type: ignore[call-overload]  # a kind of a later hub has no route
            try:
                way = self._way(url)
                answer = self._post(parcel, way)
            except NoAnswer as fault:
                # It may have been taken: only the far side knows, and the key will tell it.
                waiting[parcel.id] = str(fault)
                continue
            except ConfigError as unmapped:
                refused[parcel.id] = str(unmapped)
                continue
            word, text = meaning(
                answer.status, answer.headers, answer.body, parcel.key, way.url, time.time()
            )
            {"taken": taken, "refused": refused, "waiting": waiting}[word][parcel.id] = text
        return Delivery(taken, refused, waiting)

    def close(self) -> None:
        ways, self._ways = self._ways, {}
        for way in ways.values():
            way.close()

    def _way(self, url: str) -> Egress:
        asked = self._settings
        if url not in self._ways:
            self._ways[url] = Egress(
                url,
                limits=Limits(
                    asked.connect_within_s, asked.answer_within_s, asked.answer_max_bytes
                ),
                trust=Trust(asked.ca_file, asked.cert_file, asked.key_file),
                lan=lan_of(asked.lan),
            )
        return self._ways[url]

    def _post(self, parcel: Parcel, way: Egress) -> Answer:
        assert self._keys, "deliver() before open()"
        body, headers = parcel.body, {"content-type": "application/cloudevents+json"}
        if self._mapped is not None and parcel.kind in self._mapped.kinds:
            event = json.loads(body)
            body, headers = self._mapped.body(parcel.kind, event), _about(event)
        # The receiver holds the signature's time against its own wall clock, not against hub time.
        at_s = int(time.time())
        headers |= {
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "gashub",
            "idempotency-key": parcel.key,
            "webhook-id": parcel.key,
            "webhook-timestamp": str(at_s),
            "webhook-signature": signature(self._keys, parcel.key, at_s, body),
        }
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        return way.send("POST", headers, body)

    def _key(self, name: str) -> bytes:
        try:
            return key_of(self._site.secret(name))
        except ValueError as wrong:
            raise SinkPaused(
                f'secret "{name}" is no signing secret: {wrong}; put in the one the CRM shows'
            ) from wrong


def _about(event: Mapping[str, object]) -> dict[str, str]:
    """What a mapped body no longer says of itself: the event's attributes, as the CloudEvents
    HTTP binding has them in its binary mode, and the ledger's head, so that outsiders hold it.
    """
    names = ("specversion", "id", "source", "type", "subject", "time", "contractversion")
    said = {f"ce-{name}": quote(str(event[name]), safe=" !#$&'()*+,-./:;=?@[]^_`{|}~")
            for name in names if name in event}  # fmt: skip
    data = event["data"]
    head = data.get("ledger", {}) if isinstance(data, dict) else {}
    return {
        "content-type": "application/json",
        **said,
        "gashub-ledger-head": f"{head.get('size', 0)} {head.get('root', '')}",
    }
