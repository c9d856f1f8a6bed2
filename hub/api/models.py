"""What the API answers with. Within a major version fields are only added."""

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")
_SUCCESS = "A success is PASS without `outcome` and with `trial` false."
_STATE = "open; or aborted: it was cancelled. No word says that it is done: see its attempts."
_COMPLETED = (
    "null while it runs. true: it did what it was opened for. false: it was given up, or ended "
    "otherwise, by whatever word."
)


class Open(BaseModel):
    """A model that later minor versions may add to."""

    model_config = ConfigDict(extra="allow")


class Page(Open, Generic[T]):
    """Some of many, oldest first."""

    items: list[T]
    next: str | None = Field(description="Cursor of the next page; null: this was the last.")


class Health(Open):
    """Whether anything can be done now."""

    hub: str = Field(description="up, or down: then reading works, and writing is answered by 503.")


class TestName(Open):
    id: str
    step: str
    procedure: str


class OrderTaken(Open):
    """An order as the hub has it now."""

    number: str
    id: str
    version: str = Field(description="What If-Match must say to amend it; the ETag, too.")
    tests: list[TestName]
    warnings: list[str] = Field(description="Instruments that the gateway has not heard of.")


class AttemptShown(Open):
    attempt: str
    test: str
    state: str = Field(description="open, or decided.")
    opened: str
    entry: int | None = Field(description="Ledger entry of the verdict.")
    verdict_id: str
    verdict: dict[str, Any] = Field(
        description="The verdict in full, as in its event; empty while it runs. A success is "
        "`verdict` PASS without `outcome`, of an order whose `trial` is false."
    )


class OrderShown(Open):
    """One order with every attempt at its tests."""

    number: str
    id: str
    site: str
    trial: bool
    state: str = Field(description=_STATE)
    version: str
    added: str
    ordered: dict[str, Any] = Field(
        description="What was ordered, as PUT takes it (steps of tests), with what the gateway "
        "knew of the instruments when it was taken. It has `number`, and `site` and `trial` where "
        "they were said; PUT needs them again."
    )
    tests: list[TestName] = Field(description="Those that are ordered now.")
    attempts: list[AttemptShown] = Field(
        description="Oldest first: of a test the last one that is decided counts. A test is done "
        "by a success; one of laser_screen by an `outcome` other than invalid. An order that is "
        "open is done when all of its `tests` are."
    )


class OrderRow(Open):
    number: str
    site: str
    trial: bool
    state: str = Field(description=_STATE)
    added: str
    verdict: str = Field(
        description="The newest one, of whichever test; empty when there is none. It does not say "
        f"that the order is done. {_SUCCESS}"
    )
    outcome: str | None = Field(
        default=None, description="Of that verdict, if it is of a laser screen: what was found."
    )


class Cancelled(Open):
    order: str
    state: str = Field(description="aborted; also where it was before.")


class JobRow(Open):
    job: str
    kind: str
    site: str
    trial: bool
    phase: str
    ended: str = Field(description="The word with which it has ended; empty while it runs.")
    completed: bool | None = Field(default=None, description=_COMPLETED)
    opened: str
    due: str = Field(description="When its next deadline passes; empty: none runs.")
    parent: str


class JobAnswer(Open):
    """Where a job stands after a request."""

    job: str
    kind: str
    phase: str
    ended: str
    completed: bool | None = Field(default=None, description=_COMPLETED)
    done: bool = Field(
        description="Always true: the request was carried out (otherwise it is a problem). It "
        "says nothing of the job; `completed` does."
    )


class JobShown(Open):
    """A whole job: its steps with what is done, open or refused and why, deadlines, hazards."""

    job: str
    kind: str
    phase: str
    ended: str = Field(description="The word with which it has ended; empty while it runs.")
    completed: bool | None = Field(default=None, description=_COMPLETED)
    steps: list[dict[str, Any]]


class VerdictRow(Open):
    entry: int
    order: str
    step: str
    test: str = Field(default="", description="Id of the test, as in `tests` of the order.")
    attempt: str
    verdict_id: str
    procedure: str
    verdict: str = Field(description=f"PASS, FAIL, INCONCLUSIVE or ABORTED. {_SUCCESS}")
    outcome: str | None = Field(
        default=None,
        description="Of a laser screen: what was found. It is never a success or an inspection.",
    )
    reasons: list[str]
    decided: str
    trial: bool


class CertificateHeld(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: str = Field(min_length=1, max_length=128)
    until: str = Field(pattern=r"^\d{4}-\d\d-\d\d$", description="Last valid day.")


class PersonGiven(BaseModel):
    """Somebody of the register of staff. No names: the register is read by everybody."""

    model_config = ConfigDict(extra="forbid")
    supervisor: bool = False
    hired: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    certificates: dict[str, CertificateHeld] = {}


class Person(Open):
    id: str
    supervisor: bool
    certificates: dict[str, CertificateHeld]


class InstrumentShown(Open):
    name: str
    quantity: str


class FileTaken(Open):
    sha256: str
    bytes: int
    media: str
    whole: bool


class DeliveryRow(Open):
    id: str
    sink: str
    order: str
    kind: str
    state: str = Field(description="waiting, taken, refused or dead.")
    attempts: int
    created: str
    receipt: str
    reason: str
    batch: str
    key: str


class DeliveryShown(DeliveryRow):
    body: dict[str, Any]
    log: list[dict[str, Any]]


class Redelivered(Open):
    parcels: int


class CancelGiven(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", max_length=500, description="For the record; no names.")


class GiveUpGiven(BaseModel):
    """What the step give_up of a job asks."""

    model_config = ConfigDict(extra="forbid")
    by: str = Field(
        min_length=1,
        max_length=32,
        description="Staff id of whoever says so: one of the register (PUT /v1/staff/{id}).",
    )
    reason: str = Field(min_length=1, max_length=500, description="No names.")
    safe: bool = Field(description="Valves closed, ends plugged?")
