"""Events that leave the box: CloudEvents 1.0 in canonical JSON, one immutable body per event.

The models here and in `hub.happenings` are the contract with the other side; `docs/schemas/` is
written from them (`hub.contract`). Within a major version fields are only added, so a receiver
must not stumble over one it does not know.
Types and subjects carry no personal data: the subject is an order number and nothing else.

Source: CloudEvents 1.0.2, JSON event format 1.0.2 (structured mode), RFC 8785.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from ulid import ULID

from hub.ledger import read_checkpoint

CONTENT_TYPE: Final = "application/cloudevents+json"
CONTRACT: Final = "1.1.0"
"""Version of the contract as a whole: a minor step when something was added to it."""
VERDICT: Final = "gashub.verdict.v1"
ALARM: Final = "gashub.alarm.v1"
JOB: Final = "gashub.job.v1"
COMPLETED: Final = frozenset({"done", "inspected", "closed"})
"""Words with which a job ends that did what it was opened for. Any other is none of them."""


class Open(BaseModel):
    """A model that later minor versions may add to."""

    # Built at its first use: a gateway uses few of them, and starts sooner and smaller for it.
    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)


class LedgerHead(Open):
    """The ledger as it stood when the event was made; it covers the event's own entry.

    Whoever keeps these heads can prove later that the gateway's record was not rewritten.
    """

    origin: str = Field(description="Name of the log, as on the first line of its checkpoints.")
    size: int = Field(ge=0, description="Entries in the log. Grows with every event of a gateway.")
    root: str = Field(description="RFC 6962 Merkle root over these entries, as in the checkpoint.")
    checkpoint: str = Field(description="Signed checkpoint of this size (C2SP tlog-checkpoint).")
    entry: int | None = Field(
        default=None, ge=0, description="Index of the entry that this event reports."
    )


class Sentence(Open):
    """One sentence for people, in both languages."""

    zh: str
    en: str


class RulePackName(Open):
    """The rule pack that was in force when the test was opened."""

    id: str
    version: str


class VerdictRecord(Open):
    """The verdict as the hub recorded it; the keys are those of `gashub judge`."""

    number: str = Field(description="Order number.")
    procedure: str
    verdict: Literal["PASS", "FAIL", "INCONCLUSIVE", "ABORTED"] = Field(
        description="Only PASS releases anything, and only without `outcome` and `trial`. "
        "INCONCLUSIVE and ABORTED are never a success."
    )
    reasons: list[str] = Field(description="Machine codes, the deciding one first.")
    flags: list[str] = []
    figures: dict[str, JsonValue] = Field(
        default={}, description="Measured and derived figures; SI units stand in the names."
    )
    limits: JsonValue = Field(
        default=None, description="Limits applied, each with value, clause, source and mark."
    )
    clauses: list[JsonValue] = []
    rule_pack: RulePackName
    not_checked: list[JsonValue] = Field(
        default=[], description="What the verdict does not speak of."
    )
    sentence: Sentence
    outcome: str | None = Field(
        default=None,
        description="Laser screen only: the word that is filed. no_anomaly means that no anomaly "
        "was found outdoors; it is never an inspection.",
    )
    input_sha256: dict[str, str] | str | None = None


class VerdictData(Open):
    """A verdict and its place in the order."""

    order: str = Field(description="Order number.")
    order_id: str = Field(description="ULID of the order.")
    step: str
    test: str = Field(description="ULID of the test.")
    attempt: str = Field(description="ULID of the attempt.")
    section: str | None = Field(default=None, description="Section tested, where it has an id.")
    opened_at: str = Field(description="Begin of the attempt, UTC, ISO 8601.")
    decided_at: str = Field(description="Time of the verdict, UTC, ISO 8601.")
    opened_entry: int = Field(ge=0, description="Ledger index of the attempt's beginning.")
    pack_sha256: str = Field(description="Digest of the rule pack's bytes.")
    verdict: VerdictRecord
    trial: bool | None = Field(
        default=None, description="true: the order is only tried out; act on nothing it says."
    )
    ledger: LedgerHead


class AlarmRecord(Open):
    """An instrument has reached the work limit, or is back below it."""

    id: str
    state: Literal["raised", "cleared"]
    instrument: str
    serial: str = ""
    quantity: str
    value: str = Field(description="Decimal text, as the instrument sent it.")
    unit: str
    quality: str
    at: str = Field(description="When it was measured, UTC, ISO 8601.")
    clause: str = Field(description="Clause that sets the limit.")
    rule_pack: str


class AlarmData(Open):
    """An alarm. It belongs to an instrument, whatever orders are open on it."""

    alarm: AlarmRecord
    ledger: LedgerHead


class JobData(Open):
    """Something has happened to a job. No free text and no personal data.

    What has a type of its own (an order, a hazard, a visit, a notice) is told by that type, with
    these fields as well, and by no other.
    """

    order: str = Field(description="Number of the job.")
    kind: str = Field(description="residential_purge, repair and so on, as in the rule pack.")
    what: Literal["opened", "step", "test", "signal", "deadline", "waived", "instrument"] = Field(
        description="opened: taken in; step: a person has done one; test: one was decided; signal: "
        "something happened, such as abnormal pressure; deadline: one has passed; waived: two "
        "persons let a notice be; instrument: another device came under a name."
    )
    step: str | None = Field(default=None, description="Step, signal or deadline, by its name.")
    clause: str | None = Field(default=None, description="Clause of the regulations behind it.")
    phase: str = Field(description="Phase of the job afterwards.")
    ended: str | None = Field(default=None, description="The word with which the job has ended.")
    completed: bool | None = Field(
        default=None,
        description="There with `ended`. true: the job did what it was opened for (done, "
        "inspected, closed). false: it was given up, or ended otherwise, by whatever word.",
    )
    verdict: Literal["PASS", "FAIL", "INCONCLUSIVE", "ABORTED"] | None = Field(
        default=None, description="Of a test. A success is PASS without `test_outcome` and `trial`."
    )
    test_outcome: str | None = Field(
        default=None, description="As `outcome` of the verdict: with it, PASS is no success."
    )
    attempt: str | None = Field(
        default=None,
        description="Of a test: ULID of the attempt, as in the gashub.verdict.v1 that tells of it "
        "as well, in full.",
    )
    answers: dict[str, JsonValue] = Field(
        default={}, description="Of a step, what was chosen, confirmed or counted."
    )
    hazards: list[str] = Field(
        default=[], description="Codes of hazards that it opened; each is a job of its own."
    )
    tells: str | None = Field(
        default=None, description="Who must be told at once: dispatch or emergency."
    )
    parent: str | None = Field(default=None, description="Job that this one came out of.")
    next_due_at: str | None = Field(
        default=None, description="When the next deadline of the job passes, UTC, ISO 8601."
    )
    user_class: str
    trial: bool | None = Field(
        default=None, description="true: the job is only tried out; act on nothing it says."
    )
    at: str = Field(description="When, UTC, ISO 8601.")
    ledger: LedgerHead


class CloudEvent(Open):
    specversion: Literal["1.0"] = "1.0"
    id: str = Field(description="ULID of what is reported; the same over every retry.")
    source: str = Field(description="/gashub/ and the gateway's name.")
    subject: str | None = Field(default=None, description="Order number, when there is an order.")
    time: str = Field(description="Hub time of what is reported, UTC, ISO 8601.")
    datacontenttype: Literal["application/json"] = "application/json"
    contractversion: str | None = Field(
        default=CONTRACT, description="Version of the whole contract that the gateway speaks."
    )


class VerdictEvent(CloudEvent):
    """gashub.verdict.v1"""

    type: Literal["gashub.verdict.v1"] = VERDICT
    dataschema: str = f"urn:gashub:schema:{VERDICT}#/$defs/VerdictData"
    data: VerdictData


class AlarmEvent(CloudEvent):
    """gashub.alarm.v1"""

    type: Literal["gashub.alarm.v1"] = ALARM
    dataschema: str = f"urn:gashub:schema:{ALARM}#/$defs/AlarmData"
    data: AlarmData


class JobEvent(CloudEvent):
    """gashub.job.v1"""

    type: Literal["gashub.job.v1"] = JOB
    dataschema: str = f"urn:gashub:schema:{JOB}#/$defs/JobData"
    data: JobData


class Event(NamedTuple):
    """One event, ready for the outbox. `body` is what every sink gets, byte for byte."""

    id: str
    kind: str
    order: str
    body: bytes
    trial: bool = False
    """No production system may hear of it, though nothing of it is in the record."""


def verdict_event(gateway: str, record: Mapping[str, Any], checkpoint: str) -> Event:
    """The event of one recorded verdict.

    record      the body of its ledger entry, with its index as `entry`
    checkpoint  signed after that entry was appended
    raises      pydantic.ValidationError when a key of the contract is missing or of another type
    """
    given = plain(record)
    made = VerdictEvent(
        id=given["id"],
        source=source_of(gateway),
        subject=given["order"],
        time=given["decided_at"],
        data=VerdictData.model_validate(
            {name: given[name] for name in VerdictData.model_fields if name in given}
            | {"ledger": head_of(checkpoint, given["entry"])}
        ),
    )
    return Event(made.id, "verdict", made.data.order, canonical_bytes(made))


def alarm_event(gateway: str, alarm: Mapping[str, Any], entry: int, checkpoint: str) -> Event:
    """The event of one alarm.

    alarm               the body of its ledger entry, at index *entry*
    checkpoint, raises  as `verdict_event`
    """
    given = plain(alarm)
    made = AlarmEvent(
        id=given["id"],
        source=source_of(gateway),
        time=given["at"],
        data=AlarmData(
            alarm=AlarmRecord.model_validate(given),
            ledger=head_of(checkpoint, entry),
        ),
    )
    return Event(made.id, "alarm", "", canonical_bytes(made))


def job_event(gateway: str, body: Mapping[str, Any], entry: int, checkpoint: str) -> Event:
    """The event of something that happened to a job.

    body                as `hub.foreman` tells it; empty texts are left out
    checkpoint, raises  as `verdict_event`
    """
    given = {name: value for name, value in plain(body).items() if value != ""}
    made = JobEvent(
        id=str(ULID()),
        source=source_of(gateway),
        subject=given["order"],
        time=given["at"],
        data=JobData.model_validate(
            {**given, **completed_of(given), "ledger": head_of(checkpoint, entry)}
        ),
    )
    return Event(made.id, "job", made.data.order, canonical_bytes(made))


def ledger_head(body: bytes) -> dict[str, Any]:
    """The ledger head that an event carries; empty for a body that has none."""
    data = json.loads(body).get("data")
    head = data.get("ledger") if isinstance(data, dict) else None
    return head if isinstance(head, dict) else {}


def ledger_of(checkpoint: str, entry: int) -> dict[str, Any]:
    """The head that an event about *entry* carries, in JSON's types."""
    return head_of(checkpoint, entry).model_dump(mode="json", exclude_none=True)


def plain(value: Any) -> Any:
    """*value* as JSON types. A Decimal becomes text, so that no digit is lost or made up."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    return value


def completed_of(given: Mapping[str, Any]) -> dict[str, bool]:
    """`completed` of a job that has `ended`, and nothing of one that goes on."""
    return {"completed": given["ended"] in COMPLETED} if "ended" in given else {}


def source_of(gateway: str) -> str:
    return f"/gashub/{gateway}"


def head_of(checkpoint: str, entry: int) -> LedgerHead:
    head = read_checkpoint(checkpoint)
    return LedgerHead(
        origin=head.origin,
        size=head.size,
        root=base64.b64encode(head.root).decode(),
        checkpoint=checkpoint,
        entry=entry,
    )


def canonical_bytes(event: BaseModel) -> bytes:
    return rfc8785.dumps(event.model_dump(mode="json", exclude_none=True))
