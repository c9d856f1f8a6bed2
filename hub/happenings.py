"""Events of orders, hazards, visits, notices, filings, instruments and the hub itself.

As in `hub.events`, each is a CloudEvent over one entry of the ledger, and is told once: a thing
that has happened has one type, the first here that it fits. `news_event` is for what happens to
orders and jobs, `notice_event` for notices of the record.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field
from ulid import ULID

from hub.clock import iso
from hub.events import (
    CloudEvent,
    Event,
    JobData,
    LedgerHead,
    Open,
    canonical_bytes,
    completed_of,
    head_of,
    job_event,
    plain,
    source_of,
)
from hub.model import Notice
from hub.version import VERSION

ORDER: Final = "gashub.order.v1"
HAZARD: Final = "gashub.hazard.v1"
VISIT: Final = "gashub.visit.v1"
NOTICE: Final = "gashub.notice.v1"
FILING: Final = "gashub.filing.v1"
INSTRUMENT: Final = "gashub.instrument.v1"
HUB: Final = "gashub.hub.v1"


class Reason(Open):
    """Why an order was refused; the words of it are in `gashub job show` and on the screen."""

    key: str
    clause: str | None = Field(default=None, description="Clause of the regulations behind it.")


class OrderTest(Open):
    """A test that was ordered. It keeps its id for as long as it is ordered unchanged."""

    id: str = Field(description="ULID of the test, as `test` in its verdicts.")
    step: str
    procedure: str


class OrderData(Open):
    """An order was taken, or the regulations speak against it; or it was changed, or given up."""

    order: str = Field(description="Order number.")
    state: Literal["accepted", "refused"] = Field(
        description="Whether the order stands. One that was amended is accepted, one that was "
        "cancelled is refused."
    )
    change: str | None = Field(
        default=None,
        description="What happened to an order that had been accepted: amended or cancelled. "
        "There may be more words later; go by `state` then.",
    )
    kind: str | None = Field(
        default=None, description="Kind of job, as in the rule pack; absent for an order of tests."
    )
    procedures: list[str] = Field(default=[], description="Of an order of tests, in their order.")
    tests: list[OrderTest] | None = Field(
        default=None,
        description="Of an order of tests: those that are ordered now, in their order.",
    )
    reasons: list[Reason] = Field(default=[], description="Of a refusal.")
    parent: str | None = Field(default=None, description="Job that this one came out of.")
    phase: str | None = Field(default=None, description="Phase in which the job begins.")
    next_due_at: str | None = Field(
        default=None, description="When the first deadline of the job passes, UTC, ISO 8601."
    )
    user_class: str | None = None
    trial: bool | None = Field(
        default=None, description="true: the order is only tried out; act on nothing it says."
    )
    at: str = Field(description="When, UTC, ISO 8601.")
    ledger: LedgerHead


class HazardData(JobData):
    """A hazard, which is a job of its own, was opened, has gone on, or has come to its end."""

    state: Literal["opened", "advanced", "closed"] = Field(
        description="closed: `ended` has the word. Everything else that happens is advanced."
    )
    code: str = Field(description="Code of the catalogue.")
    level: Literal["1", "2", "3"] = Field(description="1 is the gravest.")


class VisitData(JobData):
    """What came of a visit to the customer."""

    outcome: str = Field(
        description="As answered (entered, absent, refused), else the word with which the job has "
        "ended, else the step that ended the visit."
    )


class NoticeData(JobData):
    """A deadline of a job has passed: somebody must be told, or something done."""

    notice: str = Field(description="The deadline, by its name in the rule pack.")
    due_at: str = Field(description="When it passed, UTC, ISO 8601.")
    code: str | None = Field(default=None, description="Of a hazard's deadline: which it is.")
    level: Literal["1", "2", "3"] | None = None


class FilingData(Open):
    """How a filing with an authority stands."""

    filing: str = Field(
        description="ULID of the filing; the same from its draft to its receipt. Of an overdue "
        "period for which nothing was drafted: `channel`, a space, and `period`."
    )
    state: Literal[
        "prepared",
        "approved",
        "submitted",
        "submitted_unknown",
        "accepted",
        "rejected",
        "duplicate",
        "corrected",
    ] = Field(
        description="Only accepted is an acceptance. submitted: handed over, with no word from "
        "the authority yet. submitted_unknown: nobody knows whether it arrived."
    )
    channel: str = Field(description="Name of the sink on the gateway.")
    stands: str | None = Field(
        default=None,
        description="The hub's own word, finer than `state`, which keeps the word before it: "
        "queued (with the outbox, not sent yet), discarded (given up, its records are due again). "
        "none (nothing was drafted for an overdue period; `state` then says prepared). More words "
        "may come.",
    )
    overdue: bool | None = Field(
        default=None,
        description="true: the filing has come into no other state, but its time is over. Told "
        "once for a period.",
    )
    due_at: str | None = Field(
        default=None, description="Of what is overdue: when its time was over, UTC, ISO 8601."
    )
    period: str | None = Field(default=None, description="Such as 2026-11, 2026-Q4, 2026-W48.")
    records: int = Field(ge=0, description="Number of records in it.")
    receipt: str | None = Field(default=None, description="The other side's own name for it.")
    reasons: list[str] = Field(
        default=[],
        description="Codes of a rejection. What was said in words stays with the gateway.",
    )
    duplicate_of: str | None = Field(
        default=None, description="Filing in which the authority has these records already."
    )
    replaces: str | None = Field(default=None, description="Filing that this one corrects.")
    at: str = Field(description="When, UTC, ISO 8601.")
    ledger: LedgerHead


class InstrumentData(Open):
    """An instrument was lost, is back, or another device has come under its name."""

    instrument: str
    state: Literal["lost", "back", "changed"]
    at: str = Field(description="When, UTC, ISO 8601.")
    ledger: LedgerHead


class HubData(Open):
    """How the gateway itself stands."""

    part: Literal["hub", "clock", "line", "link", "driver"]
    name: str = Field(description="Of the line, link or instrument; else the gateway's.")
    state: Literal["started", "stepped", "lost", "back", "refused", "unstable", "failed"]
    clock_trusted: bool | None = Field(
        default=None, description="Of a start: whether the wall clock stands after the record."
    )
    software: str = Field(description="Version of the software.")
    at: str = Field(description="When, UTC, ISO 8601.")
    ledger: LedgerHead


class OrderEvent(CloudEvent):
    """gashub.order.v1"""

    type: Literal["gashub.order.v1"] = ORDER
    dataschema: str = f"urn:gashub:schema:{ORDER}#/$defs/OrderData"
    data: OrderData


class HazardEvent(CloudEvent):
    """gashub.hazard.v1"""

    type: Literal["gashub.hazard.v1"] = HAZARD
    dataschema: str = f"urn:gashub:schema:{HAZARD}#/$defs/HazardData"
    data: HazardData


class VisitEvent(CloudEvent):
    """gashub.visit.v1"""

    type: Literal["gashub.visit.v1"] = VISIT
    dataschema: str = f"urn:gashub:schema:{VISIT}#/$defs/VisitData"
    data: VisitData


class NoticeEvent(CloudEvent):
    """gashub.notice.v1"""

    type: Literal["gashub.notice.v1"] = NOTICE
    dataschema: str = f"urn:gashub:schema:{NOTICE}#/$defs/NoticeData"
    data: NoticeData


class FilingEvent(CloudEvent):
    """gashub.filing.v1"""

    type: Literal["gashub.filing.v1"] = FILING
    dataschema: str = f"urn:gashub:schema:{FILING}#/$defs/FilingData"
    data: FilingData


class InstrumentEvent(CloudEvent):
    """gashub.instrument.v1"""

    type: Literal["gashub.instrument.v1"] = INSTRUMENT
    dataschema: str = f"urn:gashub:schema:{INSTRUMENT}#/$defs/InstrumentData"
    data: InstrumentData


class HubEvent(CloudEvent):
    """gashub.hub.v1"""

    type: Literal["gashub.hub.v1"] = HUB
    dataschema: str = f"urn:gashub:schema:{HUB}#/$defs/HubData"
    data: HubData


_SORTS: Final[Mapping[str, type[CloudEvent]]] = {
    "order": OrderEvent,
    "hazard": HazardEvent,
    "visit": VisitEvent,
    "notice": NoticeEvent,
    "filing": FilingEvent,
    "instrument": InstrumentEvent,
    "hub": HubEvent,
}
_INSTRUMENTS: Final = {
    "instrument_lost": "lost",
    "instrument_back": "back",
    "identity_changed": "changed",
}
"""Word of a notice in the record -> the state that it is."""
_CHANGES: Final = {"amended": "accepted", "cancelled": "refused"}
"""What may happen to an order of tests -> the state that a receiver of contract 1.0 understands."""
_PARTS: Final = {
    "clock_step": ("clock", "stepped"),
    "port_lost": ("line", "lost"),
    "port_back": ("line", "back"),
    "link_lost": ("link", "lost"),
    "link_back": ("link", "back"),
    "link_refused": ("link", "refused"),
    "link_unstable": ("link", "unstable"),
    "driver_failed": ("driver", "failed"),
}


def news_event(gateway: str, body: Mapping[str, Any], entry: int, checkpoint: str) -> Event:
    """The event of something that happened to an order or a job.

    body        what is told of entry *entry*: `what` with the fields of the type that it makes;
                empty texts are left out
    checkpoint  signed after that entry was appended
    raises      pydantic.ValidationError when a key of the contract is missing or of another type
    """
    given = {name: value for name, value in plain(body).items() if value != ""}
    what = given.pop("what")
    if what in _CHANGES:
        changed = {**given, "state": _CHANGES[what], "change": what}
        return _made("order", gateway, changed, entry, checkpoint)
    if what == "refused":
        return _made("order", gateway, {**given, "state": "refused"}, entry, checkpoint)
    given["what"] = what
    if "due_at" in given:
        return _made("notice", gateway, {**given, "notice": given["step"]}, entry, checkpoint)
    if given.get("kind") == "hazard":
        state = "closed" if "ended" in given else "opened" if what == "opened" else "advanced"
        return _made("hazard", gateway, {**given, "state": state}, entry, checkpoint)
    if what == "opened":
        del given["what"]
        return _made("order", gateway, {**given, "state": "accepted"}, entry, checkpoint)
    if "outcome" in given:
        return _made("visit", gateway, given, entry, checkpoint)
    return job_event(gateway, given, entry, checkpoint)


def notice_event(gateway: str, notice: Notice, entry: int, checkpoint: str) -> Event:
    """The event of a notice that is `of_interest`; what it says in words stays in the record."""
    at = iso(notice.at_us)
    if state := _INSTRUMENTS.get(notice.what):
        told = {"instrument": notice.subject, "state": state, "at": at}
        return _made("instrument", gateway, told, entry, checkpoint)
    part, state = _PARTS[notice.what]
    return hub_event(gateway, part, notice.subject, state, at, entry, checkpoint)


def of_interest(notice: Notice) -> bool:
    """Whether outsiders are told of a notice. Those about parcels never are: no end of it."""
    return notice.what in _INSTRUMENTS or notice.what in _PARTS


def hub_event(
    gateway: str,
    part: str,
    name: str,
    state: str,
    at: str,
    entry: int,
    checkpoint: str,
    clock_trusted: bool | None = None,
) -> Event:
    """The event of a change of the gateway; see `HubData`."""
    told = {
        "part": part, "name": name, "state": state, "at": at, "software": VERSION,
        "clock_trusted": clock_trusted,
    }  # fmt: skip
    return _made("hub", gateway, told, entry, checkpoint)


def filing_event(gateway: str, body: Mapping[str, Any], entry: int, checkpoint: str) -> Event:
    """The event of a filing that has come into another state.

    body                fields of `FilingData`; empty texts are left out
    checkpoint, raises  as `news_event`
    """
    given = {name: value for name, value in plain(body).items() if value != ""}
    return _made("filing", gateway, given, entry, checkpoint)


def _made(kind: str, gateway: str, given: Mapping[str, Any], entry: int, checkpoint: str) -> Event:
    order = str(given.get("order", ""))
    made = _SORTS[kind].model_validate(
        {
            "id": str(ULID()),
            "source": source_of(gateway),
            "subject": order or None,
            "time": given["at"],
            "data": {**given, **completed_of(given), "ledger": head_of(checkpoint, entry)},
        }
    )
    return Event(made.id, kind, order, canonical_bytes(made), given.get("trial") is True)
