"""Filings on a real ledger: days of work, a profile, a door, and an outbox beside them."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from hub.filing import book
from hub.filing.door import FilingDoor
from hub.filing.drafting import Draft
from hub.filing.period import Span, span
from hub.filing.profile import load_profile
from hub.filing.settings import FilingSinkSettings
from hub.jobs.timing import day_of
from hub.model import Parcel, Said
from hub.outbox import Consignee, Outbox
from hub.records import Record
from hub.records.filing import draft
from hub.records.filing.drafting import handed_in
from hub.settings import SinkSettings
from tests.foreman_rig import Yard
from tests.outbox_rig import ObedientSink
from tests.records_rig import CUSTOMER

ROOT: Final = Path(__file__).parent.parent
PROFILES: Final = ("example_city", "example_county")
WHO: Final = {
    "example_city": {"division_code": "110105"}, "example_county": {"division_code": "330482"},
}  # fmt: skip
PERIOD: Final = {"example_city": "2026-11", "example_county": "2026-Q4"}
REFUSED: Final = "2026-3003"
DAY_S: Final = 86_400


def profile_file(name: str) -> Path:
    return ROOT / "config" / "filing" / f"{name}.toml"


def settings_of(name: str, **more: Any) -> FilingSinkSettings:
    given = {
        "profile": profile_file(name), "company": "某某燃气有限公司",
        "credit_code": "91110000101623741K", **WHO[name], **more,
    }  # fmt: skip
    return FilingSinkSettings.model_validate(given)


def refused(
    yard: Yard,
    number: str = REFUSED,
    words: str = "不让进门",
    *,
    trial: bool = False,
    **customer: str,
) -> None:
    """An inspection that the customer refused."""
    yard.open(
        {
            "number": number, "job": "inspection", "user_class": "residential",
            "facts": {"cycle": "2026"}, "customer": {**CUSTOMER, **customer}, "trial": trial,
        }
    )  # fmt: skip
    photo = yard.photo()
    yard.step(number, "visit", outcome="refused", refusal=words, refusal_scan=photo)
    yard.step(number, "refused")


class Office:
    """Drafts and answers, for one authority called "city"."""

    def __init__(
        self, yard: Yard, name: str = "example_city", profile: Path | None = None, **settings: Any
    ) -> None:
        path = profile or profile_file(name)
        self.yard = yard
        self.name = name
        self.profile = load_profile(path)
        self.who = settings_of(name, **settings)
        self.span: Span = span(load_profile(profile_file(name)).schedule.every, PERIOD[name])
        # Never started: what the CRM would be sent lies there as parcels.
        crm = Consignee("crm", ObedientSink(), SinkSettings(events=("filing",)))
        self.outbox = Outbox(
            [crm], yard.folder, yard.submit, yard.clock, hear=book.hear, gateway="gw-test"
        )
        self.door = FilingDoor(
            {"city": path}, self.outbox.address_to, yard.folder, "gw-test", yard.clock,
            lambda act: yard.submit(act).result(), self.outbox.tell_filing,
        )  # fmt: skip

    def wait_until_over(self) -> None:
        """Let time pass until the period is over."""
        over = date.fromordinal(self.span.last.toordinal() + 1)
        while day_of(self.yard.clock.now_us()) < over:
            self.yard.wait(DAY_S)

    def due(self, corrects: str = "") -> Draft:
        with Record(self.yard.folder) as record:
            return draft(
                record, self.profile, self.who, "city", self.span, self.yard.clock.now_us(),
                corrects,
            )  # fmt: skip

    def hand_in(self, made: Draft, corrects: str = "", by: str = "T-1") -> Mapping[str, Any]:
        told = handed_in(made, self.profile, "city", self.span, corrects)
        return self.hand_in_raw(json.dumps(told, ensure_ascii=False).encode(), by)

    def hand_in_raw(self, content: bytes, by: str = "T-1") -> Mapping[str, Any]:
        digest = sha256(content).hexdigest()
        self.door.put(
            {"sha256": digest, "size": str(len(content)), "offset": "0",
             "base64": b64encode(content).decode()}
        )  # fmt: skip
        return self.door.draft({"sha256": digest, "by": by})

    def draft(self, corrects: str = "") -> Mapping[str, Any]:
        return self.hand_in(self.due(corrects), corrects)

    def approve(self, made: Mapping[str, Any], by: str = "S-1") -> Any:
        request = {"filing": made["filing"], "by": by, "digest": made["digest"][:12]}
        return self.door.approve(request)

    def submit(self, made: Mapping[str, Any]) -> Any:
        return self.door.submit({"filing": made["filing"], "by": "S-1"})

    def sent(self) -> str:
        """A filing that is with the outbox."""
        made = self.draft()
        self.approve(made)
        self.submit(made)
        return str(made["filing"])

    def parcels(self) -> Sequence[Parcel]:
        rows = self.yard.ledger_sql(
            "SELECT id, sink, key, order_number, kind, body, created_us FROM parcels"
            " WHERE kind='filing_document'"
        )
        return [Parcel(*row) for row in rows]

    def hear(self, said: Said) -> None:
        (parcel,) = self.parcels()
        with self.yard.ledger.transaction() as tx:
            now_us = self.yard.clock.now_us()
            book.hear(tx, parcel, said, now_us, self.outbox.tell_filing)

    def told(self, filing: str = "") -> list[dict[str, Any]]:
        """`data` of every event for the CRM, of all filings or one, in their order."""
        rows = self.yard.ledger_sql(
            "SELECT body FROM parcels WHERE sink='crm' AND kind='filing' ORDER BY seq"
        )
        found = [json.loads(row[0])["data"] for row in rows]
        return [one for one in found if filing in ("", one["filing"])]

    def state(self, filing: str) -> str:
        return str(self.yard.ledger_sql("SELECT state FROM filings WHERE id=?", filing)[0][0])
