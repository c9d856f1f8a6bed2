"""What the hub delivered, held against what the other side has.

Delivered means that the outbox has a receipt. The hub's own list is read first, so that what is
delivered meanwhile is no difference. Nothing is repaired: a difference is for a person.

missing      delivered, and not there any more (or never)
twice        there more than once
other_bytes  there, but the event is not the one we sent, or its bytes are gone
other_word   shown there with another verdict
unknown      there under a key of this sink's that the hub never had

Filings are compared by `hub.filing.reconciling`, into the same reports.
"""

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import structlog

from hub.clock import Clock, iso
from hub.errors import Fault
from hub.holdings import Held, TellsHoldings
from hub.ledger import LedgerReader
from hub.outbox import Consignee
from hub.texts import Language, say

log = structlog.get_logger()

DAY_US: Final = 86_400_000_000
FIRST_AFTER_S: Final = 600.0
"""From the start to the first digest, so that a gateway that restarts daily has one, too."""
EVERY_S: Final = 86_400.0
DIGEST_DAYS: Final = 2
LISTED_MOST: Final = 20
"""Differences of a digest that stand in the log and in `gashub status`; the counts are whole."""


class Difference(NamedTuple):
    """`kind` is one of the words above; `place` is where it is found at the other side."""

    kind: str
    key: str
    order: str
    place: str
    detail: str = ""

    def as_row(self, lang: Language) -> dict[str, str]:
        return {**self._asdict(), "what": say(lang, f"reconcile.{self.kind}")}


class Report(NamedTuple):
    """One sink, one period. `asked` is why the other side could not be asked; "" when it was."""

    sink: str
    from_us: int
    until_us: int
    delivered: int
    held: int
    differences: Sequence[Difference]
    asked: str = ""

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for one in self.differences:
            found[one.kind] = found.get(one.kind, 0) + 1
        return found

    def as_dict(self, lang: Language, most: int | None = None) -> dict[str, Any]:
        return {
            "sink": self.sink,
            "from": iso(self.from_us),
            "until": iso(self.until_us),
            "delivered": self.delivered,
            "held": self.held,
            "counts": self.counts(),
            "differences": [one.as_row(lang) for one in self.differences[:most]],
            "not_asked": self.asked,
        }


Compare = Callable[[int, int], Report]
"""From and until, hub time -> what the two sides have, compared now."""


class Subject(NamedTuple):
    """A sink whose far side can be asked.

    sort  crm or gov
    days  how far a digest looks back
    """

    sort: str
    days: int
    compare: Compare


class _Sent(NamedTuple):
    order: str
    sha256: str
    word: str


def reconcile(
    state_dir: Path, sink: str, far: TellsHoldings, from_us: int, until_us: int
) -> Report:
    """Compare the verdicts that were decided for *sink* in a period and delivered."""
    with LedgerReader(state_dir) as reader:
        sent = _sent(reader.sql, sink, from_us, until_us)
        try:
            there: dict[str, list[Held]] = {}
            for one in far.holdings(from_us):
                there.setdefault(one.key, []).append(one)
        except (Fault, OSError) as why:
            return Report(sink, from_us, until_us, len(sent), 0, [], str(why))
        differences = [*_differing(sent, there), *_unknown(reader.sql, sent, there)]
    held = sum(len(there.get(key, ())) for key in sent)
    return Report(sink, from_us, until_us, len(sent), held, differences)


def able(state_dir: Path, consignees: Sequence[Consignee]) -> dict[str, Subject]:
    """The sinks whose far side can be asked what it has of our verdicts, by name."""
    return {
        one.name: Subject("crm", DIGEST_DAYS, partial(reconcile, state_dir, one.name, one.sink))
        for one in consignees
        if isinstance(one.sink, TellsHoldings)
    }


class Digests:
    """The newest report of each sink, made once a day by a thread of its own."""

    def __init__(self, far: Mapping[str, Subject], clock: Clock, lang: Language) -> None:
        self._far = far
        self._clock = clock
        self._lang: Language = lang
        self._newest: dict[str, Report] = {}

    def all(self) -> dict[str, dict[str, Any]]:
        """For `gashub status`."""
        newest = self._newest.copy()
        return {name: one.as_dict(self._lang, LISTED_MOST) for name, one in newest.items()}

    def run(self, stop: threading.Event) -> None:
        """The body of thread `reconciling`."""
        wait_s = FIRST_AFTER_S
        while not self._clock.wait(stop, wait_s):
            for name in self._far:
                self.digest(name)
            wait_s = EVERY_S

    def digest(self, name: str) -> Report:
        """Compare one sink now, and say so in one line."""
        now_us = self._clock.now_us()
        sort, days, compare = self._far[name]
        made = compare(now_us - days * DAY_US, now_us)
        self._newest[name] = made
        told = made.as_dict(self._lang, LISTED_MOST)
        tell: Callable[..., object] = log.info
        if made.asked or made.differences:
            tell = log.warning
        tell(f"{sort}_not_reconciled" if made.asked else f"{sort}_reconciled", **told)
        return made


def _sent(sql: sqlite3.Connection, sink: str, from_us: int, until_us: int) -> dict[str, _Sent]:
    rows = sql.execute(
        "SELECT key, order_number, body FROM parcels WHERE sink = ? AND state = 'taken'"
        " AND kind = 'verdict' AND created_us >= ? AND created_us < ? ORDER BY seq",
        (sink, from_us, until_us),
    )
    return {key: _Sent(order, sha256(body).hexdigest(), _word(body)) for key, order, body in rows}


def _word(body: bytes) -> str:
    return str(orjson.loads(body)["data"]["verdict"]["verdict"])


def _differing(sent: Mapping[str, _Sent], there: Mapping[str, Sequence[Held]]) -> list[Difference]:
    found = []
    for key, ours in sent.items():
        held = there.get(key, ())
        if not held:
            found.append(Difference("missing", key, ours.order, ""))
        if len(held) > 1:
            places = ", ".join(one.place for one in held)
            found.append(Difference("twice", key, ours.order, places))
        for one in held:
            if one.sha256 != ours.sha256:
                found.append(Difference("other_bytes", key, ours.order, one.place))
            if one.word and one.word != ours.word:
                found.append(Difference("other_word", key, ours.order, one.place))
    return found


def _unknown(
    sql: sqlite3.Connection, sent: Mapping[str, _Sent], there: Mapping[str, Sequence[Held]]
) -> list[Difference]:
    """What is there and was never a parcel; what is older or not yet delivered is none of these."""
    found = []
    for key, held in there.items():
        if key in sent:
            continue
        row = sql.execute("SELECT 1 FROM parcels WHERE key = ?", (key,)).fetchone()
        if row is None:
            found.append(Difference("unknown", key, "", held[0].place))
    return found
