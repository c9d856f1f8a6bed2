"""Post the stored body of each event, signed, and read the answer."""

import time
from collections.abc import Sequence

from hub import Answer, ConfigError, Delivery, NoAnswer, Parcel, SinkPaused, Site, Wire
from plugins.crm.answers import meaning
from plugins.crm.settings import CrmSettings
from plugins.crm.signature import key_of, signature


class Crm:
    """One CRM webhook. The body goes out as stored; only time and signature are new each time."""

    def __init__(self, name: str, settings: CrmSettings, site: Site) -> None:
        self._name = name
        self._settings = settings
        self._site = site
        self._keys: list[bytes] = []
        self._token = ""
        self._wire: Wire | None = None

    def open(self) -> None:
        """Read the secrets and prepare the connection; nothing is sent yet."""
        asked = self._settings
        try:
            self._keys = [self._key(name) for name in asked.secrets]
            self._token = self._site.secret(asked.token) if asked.token else ""
        except ConfigError as missing:
            raise SinkPaused(str(missing)) from missing
        self._wire = Wire(
            asked.url,
            connect_within_s=asked.connect_within_s,
            answer_within_s=asked.answer_within_s,
            max_bytes=asked.answer_max_bytes,
            ca_certs=str(asked.ca_file) if asked.ca_file else None,
            cert_file=str(asked.cert_file) if asked.cert_file else None,
            key_file=str(asked.key_file) if asked.key_file else None,
        )

    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery:
        """Post each parcel. `batch` has no meaning here: a CRM takes events one by one."""
        taken: dict[str, str] = {}
        refused: dict[str, str] = {}
        waiting: dict[str, str] = {}
        for parcel in parcels:
            try:
                answer = self._post(parcel)
            except NoAnswer as fault:
                # It may have been taken: only the far side knows, and the key will tell it.
                waiting[parcel.id] = str(fault)
                continue
            word, text = meaning(
                answer.status,
                answer.headers,
                answer.body,
                parcel.key,
                self._settings.url,
                time.time(),
            )
            {"taken": taken, "refused": refused, "waiting": waiting}[word][parcel.id] = text
        return Delivery(taken, refused, waiting)

    def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _post(self, parcel: Parcel) -> Answer:
        assert self._wire is not None, "deliver() before open()"
        # The receiver holds the signature's time against its own wall clock, not against hub time.
        at_s = int(time.time())
        headers = {
            "content-type": "application/cloudevents+json",
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "gashub",
            "idempotency-key": parcel.key,
            "webhook-id": parcel.key,
            "webhook-timestamp": str(at_s),
            "webhook-signature": signature(self._keys, parcel.key, at_s, parcel.body),
        }
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        return self._wire.post(headers, parcel.body)

    def _key(self, name: str) -> bytes:
        try:
            return key_of(self._site.secret(name))
        except ValueError as wrong:
            raise SinkPaused(
                f'secret "{name}" is no signing secret: {wrong}; put in the one the CRM shows'
            ) from wrong
