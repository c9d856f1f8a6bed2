"""The nouns of the hub: plain values, and the protocols that plugins fulfil.

An **intake** is one inbound message and what became of it: readings, a dead letter, or a named
drop. Nothing that arrived is without an intake. A **notice** is a change of state that belongs
in the record (an instrument lost, a session lost). A **parcel** is one immutable event body on
its way to one sink.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from hub.clock import Clock
from hub.port import Port

S = TypeVar("S", bound=BaseModel)


class Reading(NamedTuple):
    """One number from one instrument. Build it with `hub.measure`, which checks the unit.

    `at_us` is hub time (microseconds since 1970, UTC anchor plus monotonic time); the device's
    own clock stays apart in `device_time`, as sent. `value` and `unit` are as sent; `canonical`
    is None when the quality carries no number.
    """

    instrument: str
    serial: str
    quantity: str
    value: str
    unit: str
    canonical: Decimal | None
    canonical_unit: str
    at_us: int
    quality: str = "good"
    seq: str = ""
    device_time: str = ""
    lel_basis_pct_vol: str = ""


class Intake(NamedTuple):
    """One inbound message. Exactly one of `readings`, `dead` and `dropped` says how it ended.

    `dead` is the reason of a dead letter (the raw bytes are kept); `dropped` is the name of a
    drop (counted, bytes not kept). `receipt` goes back to the driver's `settle` once durable.
    """

    source: str
    frame: bytes
    at_us: int
    readings: tuple[Reading, ...] = ()
    dead: str = ""
    dropped: str = ""
    receipt: object = None


def entered_by(link: str, way: Literal["manual", "imported"], file: str = "") -> str:
    """The source of an intake that a person handed in: no MQTT topic may hold a "#"."""
    return f"{link} #{way} {file}".rstrip()


def way_of(source: str) -> Literal["instrument", "manual", "imported"]:
    """How the readings of an intake of this source came: by themselves, unless it says so."""
    mark = source.split(" ", 2)[1:2]
    if mark == ["#manual"]:
        return "manual"
    return "imported" if mark == ["#imported"] else "instrument"


class Kept(NamedTuple):
    """A message as the record keeps it, to be read again, perhaps years later and elsewhere.

    serial  what its readings say that the instrument is: it may have told that in an earlier
            message, or not at all
    """

    source: str
    frame: bytes
    at_us: int
    serial: str = ""


class Notice(NamedTuple):
    """A change of state for the record: `what` is one lower_case word, `subject` a name."""

    at_us: int
    subject: str
    what: str
    detail: str = ""


class Parcel(NamedTuple):
    """One event for one sink. `body` never changes; `key` is stable over retries and replays."""

    id: str
    sink: str
    key: str
    order: str
    kind: str
    body: bytes
    created_us: int
    attempts: int = 0
    trial: bool = False
    """It is about an order or job that is only tried out, and its sink is there for such."""
    said_before: bool = False
    """Of its filing something was said before, and recorded: it may be there. Attempts alone do
    not say so: some never reach the far side."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A sink's answer. What is in neither mapping is still waiting and is tried again.

    taken    parcel id -> the far side's receipt (text, may be empty)
    refused  parcel id -> why it will never be taken
    waiting  parcel id -> why it was not taken this time (optional, for the attempt log)
    said     parcel id -> what the far side says of a filing, for its life; see `hub.Said`
    """

    taken: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, "Said"] = field(default_factory=dict)


class Said(NamedTuple):
    """What became of a filing, as a sink has learnt it.

    step     submitted (the far side has it, which is no acceptance), unknown (it may have it),
             accepted, rejected, duplicate
    receipt  the far side's own name for it
    reasons  why it was rejected, in the authority's words; no personal data
    of       the other filing, where it is a duplicate
    proof    what the authority sent, such as its signed answer; kept with the entry
    """

    step: Literal["submitted", "unknown", "accepted", "rejected", "duplicate"]
    receipt: str = ""
    reasons: tuple[str, ...] = ()
    of: str = ""
    proof: str = ""


class LinkState(NamedTuple):
    """How a link stands, for people who look.

    `state` is connected, connecting (no attempt has ended yet) or down; `why` says why it is down
    or, while it is connected, what is wrong all the same. `session_present` tells whether the
    broker still had our session at the last connection, and is None before the first one.
    `messages` counts what was received since the start.
    """

    state: str
    since_us: int
    why: str = ""
    broker: str = ""
    client_id: str = ""
    session_present: bool | None = None
    messages: int | None = None


class Driver(Protocol):
    """Something with a transport of its own (a broker connection). One thread calls it.

    `read` waits at most `within_s` and returns what has arrived. `settle` is called on the
    judging thread, after the commit, with the receipts of the intakes that are now durable.
    `close` is safe twice and before `open`. Raises only Fault or OSError.

    A driver may be a `TellsState` as well. Of one that is not, `gashub status` knows only whether
    its calls raise. It may be a `NamesInstruments`, too.
    """

    def open(self) -> None: ...
    def read(self, within_s: float) -> Sequence[Intake | Notice]: ...
    def settle(self, receipts: Sequence[object]) -> None: ...
    def close(self) -> None: ...


@runtime_checkable
class TellsState(Protocol):
    """A driver that knows how its link stands. Called from another thread; must not wait."""

    def link_state(self) -> LinkState: ...


@runtime_checkable
class NamesInstruments(Protocol):
    """A driver that knows from its settings what it will bring; without it, anything may come.

    `instruments` answers with the names that its settings mention, and whether its messages may
    bring others.
    """

    def instruments(self) -> tuple[frozenset[str], bool]: ...


class LineDriver(Protocol):
    """One instrument on a serial line; the line's thread calls it, and owns the port.

    `poll_every_s` is None for an instrument that streams by itself. `read` asks (or collects)
    and returns within its time budget. No retry loop, no waiting, no thread of its own.
    """

    @property
    def poll_every_s(self) -> float | None: ...
    @property
    def stale_after_s(self) -> float: ...
    def read(self, port: Port) -> Sequence[Intake]: ...
    def reset(self) -> None:
        """Forget half-received bytes: the port was opened again or its input was cleared."""


@runtime_checkable
class Addressed(Protocol):
    """A line driver whose instrument can share its line, because its answers say whose they are.

    `answers_as` is what marks them, in words, such as "slave 1, function 03, 2 registers". None
    of it may be another's on the line: that one's late answer would be taken for ours. A driver
    without it, or with nothing in it, has the line for itself.
    """

    @property
    def answers_as(self) -> frozenset[str]: ...


@runtime_checkable
class ReadsAgain(Protocol):
    """A driver, of a line or a link, that can say what a recorded message means.

    `read_again` gives the readings of one message by its settings and the message alone: no port,
    no memory, nothing remembered. Whatever the driver publishes of a message must come out of it
    again, but for the qualities in `by_memory`: earlier messages may put them in place of a
    number, such as `late` or `warming_up`. It raises BadFrame for what is none of its messages,
    and NeedsEarlier for one that means nothing without those before it.
    """

    @property
    def by_memory(self) -> frozenset[str]: ...
    def read_again(self, kept: Kept) -> Sequence[Reading]: ...


@runtime_checkable
class KeepsSettings(Protocol):
    """A driver that says which settings go into the record, where they are not all as they stand.

    What decides the meaning of a message and lies in a file belongs into them; addresses, accounts
    and folders do not. The model is its kind's, so that the driver can be built from it again.
    """

    def settings_to_keep(self) -> BaseModel: ...


class Sink(Protocol):
    """A system that takes parcels. Must act once per `Parcel.key`. One thread calls it.

    `batch` is the durable id of this group of parcels; a retry brings the same group and id.
    """

    def open(self) -> None: ...
    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery: ...
    def close(self) -> None: ...


class Recorded(NamedTuple):
    """One durable block of readings, as a follower sees it. `entry` is its index in the ledger."""

    entry: int
    readings: Sequence[Mapping[str, str | int]]


class Follower(Protocol):
    """A sink that reads the ledger itself, by a durable cursor, instead of taking parcels.

    `forward` returns only when the far side has acknowledged every block given to it.
    """

    def open(self) -> None: ...
    def forward(self, blocks: Sequence[Recorded]) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Site:
    """What the hub tells a plugin about where it runs."""

    gateway: str
    clock: Clock
    secret: Callable[[str], str]
    """Value of a named secret (systemd credential or environment); ConfigError when absent."""


class Model(NamedTuple):
    """One instrument that a driver reads, as the catalogue shows it; each field is plain text.

    link  with its settings as delivered: "RS-485, 9600 8N1, asked"
    """

    name: str
    quantity: str
    link: str
    range: str


class Probe(NamedTuple):
    """One way for `gashub probe` to try a kind on a port of which nothing is known.

    sends     "nothing": it only listens, and the first to be tried; "checked": its requests carry
              a checksum, so that a stranger ignores them; "plain": they do not, and come last
    bauds     speeds to try, the likeliest first, with `parity` and `stop_bits`
    settings  the instrument's settings to try, which are also those to paste
    trying    further settings, for the try alone
    unproved  names among `settings` that no answer can prove; who pastes them must look
    """

    sends: Literal["nothing", "checked", "plain"]
    bauds: tuple[int, ...]
    settings: Mapping[str, Any] = MappingProxyType({})
    unproved: tuple[str, ...] = ()
    trying: Mapping[str, Any] = MappingProxyType({})
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class DriverKind(Generic[S]):
    name: str
    settings: type[S]
    build: Callable[[str, S, Site], Driver]
    """(name in the config, settings, site) -> driver; must not touch the outside world."""
    models: tuple[Model, ...] = ()


@dataclass(frozen=True, slots=True)
class LineDriverKind(Generic[S]):
    name: str
    settings: type[S]
    build: Callable[[str, S, Site], LineDriver]
    models: tuple[Model, ...] = ()
    probes: tuple[Probe, ...] = ()
    """How to find out whether it is at the end of a cable; it only ever reads."""


class FarSide(NamedTuple):
    """Where a sink delivers, so that `gashub doctor` can look whether it is there: one of both.

    url     address, http or https, with the certificates to use, and networks of `lan`
    folder  folder that must exist and be writable
    """

    url: str = ""
    folder: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    lan: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SinkKind(Generic[S]):
    """`settings` may carry `events` (kinds it takes), `batch_max` and `batch_linger_s`."""

    name: str
    settings: type[S]
    build: Callable[[str, S, Site], Sink]
    far_side: Callable[[S], FarSide] | None = None


@dataclass(frozen=True, slots=True)
class FollowerKind(Generic[S]):
    name: str
    settings: type[S]
    build: Callable[[str, S, Site], Follower]
