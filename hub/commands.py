"""What an operator can ask of the hub, with or without a running one.

Each command checks its arguments, then does its work on the judging thread inside a ledger
transaction (`do`). Without a running hub the CLI takes the same lock, opens the ledger and
runs the same commands itself.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from hub.clock import Clock, iso
from hub.desk import Desk
from hub.doing import Doing
from hub.entering import Way, enter
from hub.errors import CommandRefused
from hub.ledger import Transaction
from hub.measuring import facts_of
from hub.model import Intake
from hub.near import guess
from hub.order_book import version_of
from hub.order_file import UnusableInput, strict_json
from hub.orders import WorkOrder, refuse_reserved
from hub.outbox import Outbox, replay, retry
from hub.registry import Registry
from hub.somebody import refuse_somebody
from hub.tapping import Tap
from hub.texts import Language

Tell = Callable[[Transaction, Mapping[str, Any], int], object]


class Commands:
    """The table of commands, and what they need."""

    def __init__(
        self,
        desk: Desk,
        outbox: Outbox,
        registry: Registry,
        clock: Clock,
        do: Doing,
        status: Callable[[], Mapping[str, Any]],
        known: Callable[[], Collection[str]] = frozenset,
        taps: Mapping[str, Tap] | None = None,
        links: Mapping[str, object] | None = None,
        lang: Language = "en",
        tell: Tell = lambda _tx, _body, _entry: None,
    ) -> None:
        """*known* gives the names of the instruments that this gateway has heard of.

        links  by name; those that take what a person hands in are asked for it
        lang   of what is said of evidence
        tell   has the world outside hear of what an entry says, in the same transaction
        """
        self._desk = desk
        self._outbox = outbox
        self._registry = registry
        self._clock = clock
        self.do = do
        self._status = status
        self._known = known
        self._taps = taps or {}
        self._links = links or {}
        self._lang: Language = lang
        self._tell = tell

    def table(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Name of the command -> what it does with the request's arguments."""
        return {
            "status": lambda _: self._status(),
            "order.add": self.add,
            "order.amend": lambda request: self.add(request, amends=True),
            "order.open": self.open,
            "order.event": self.event,
            "order.reading": lambda request: self.enter(request, "manual"),
            "order.import": lambda request: self.enter(request, "imported"),
            "order.abort": self.abort,
            "order.progress": lambda request: self.progress(_text(request, "number", "")),
            "outbox.retry": lambda request: self.deliver(request, retry),
            "outbox.replay": lambda request: self.deliver(request, replay),
            "ledger.checkpoint": lambda _: self.do(lambda tx: tx.checkpoint()),
            "frames.look": lambda request: glance(
                self._tap(request), _text(request, "since", "") or None
            ),
            "frames.fresh": lambda request: self._tap(request).fresh.set(),
        }

    def add(self, request: Mapping[str, Any], *, amends: bool = False) -> Mapping[str, Any]:
        """Take an order: `text` is the order file's content. *amends*: let one that is known ask
        for this instead, if it still is of `version`.
        """
        try:
            given = strict_json(_text(request, "text"), "order")
        except UnusableInput as wrong:
            raise CommandRefused(str(wrong)) from wrong
        version = _text(request, "version") if amends else ""

        def act(tx: Transaction) -> tuple[WorkOrder, str]:
            if isinstance(given, Mapping):
                self._refuse_job(tx, str(given.get("number")))
            if amends:
                order = self._amend(tx, given, version)
            else:
                order = self._add(tx, given)
                refuse_reserved(tx, order.number)
            return order, version_of(tx, order.number)

        order, found = self.do(act)
        return {
            "number": order.number,
            "version": found,
            "id": order.id,
            "tests": [{"id": t.id, "step": t.step, "procedure": t.procedure} for t in order.tests],
            "warnings": self.strangers(
                one["name"] for test in order.tests for one in test.spec["instruments"]
            ),
        }

    def _add(self, tx: Transaction, given: Mapping[str, Any]) -> WorkOrder:
        """Have the desk take an order, and tell of it unless it was taken before."""
        now_us = self._clock.now_us()
        order = self._desk.add_order(tx, given, now_us)
        if not self._desk.knows(order.number):  # the desk remembers it after the commit
            (entry,) = tx.sql.execute(
                "SELECT entry FROM orders WHERE number=?", (order.number,)
            ).fetchone()
            self._tell_of(tx, order, "opened", now_us, entry)
        return order

    def _amend(self, tx: Transaction, given: Mapping[str, Any], version: str) -> WorkOrder:
        """Have the desk amend an order, and tell of it unless nothing has changed."""
        now_us = self._clock.now_us()
        order = self._desk.amend_order(tx, given, version, now_us)
        if (found := version_of(tx, order.number)) != version:
            self._tell_of(tx, order, "amended", now_us, int(found))
        return order

    def _tell_of(
        self, tx: Transaction, order: WorkOrder, what: str, now_us: int, entry: int
    ) -> None:
        told = {
            "order": order.number,
            "what": what,
            "procedures": [test.procedure for test in order.tests],
            "tests": [{"id": t.id, "step": t.step, "procedure": t.procedure} for t in order.tests],
            **({"trial": True} if order.trial else {}),
            "at": iso(now_us),
        }
        self._tell(tx, told, entry)

    def open(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Begin an attempt. An order that is not known yet is asked of the plugins first."""
        number, test = _text(request, "number"), _text(request, "test", "")
        found = None if self._desk.knows(number) else self._registry.find_work_order(number)

        def take(tx: Transaction) -> None:
            self._refuse_job(tx, number)
            self._add(tx, found or {})
            refuse_reserved(tx, number)

        def do(tx: Transaction) -> Any:
            self._refuse_job(tx, number)
            return self._desk.open_attempt(tx, number, test, self._clock.now_us())

        if found is not None:
            self.do(take)  # first and durably: the desk knows an order once it is recorded
        attempt = self.do(do)
        return {
            "attempt": attempt.id,
            "order": number,
            "step": attempt.test.step,
            "procedure": attempt.test.procedure,
            "opened_at": iso(attempt.opened_us),
            "warnings": self.strangers(attempt.instruments),
        }

    def event(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record an operator's event, at the moment it reaches the record."""
        number, word = _text(request, "number"), _text(request, "word")
        instrument, point = _text(request, "instrument", ""), _text(request, "point", "")
        attempt = self.do(
            lambda tx: self._desk.add_event(
                tx, number, word, instrument, point, self._clock.now_us()
            )
        )
        return {"attempt": attempt.id, "order": number, "word": word}

    def enter(self, request: Mapping[str, Any], way: Way) -> Mapping[str, Any]:
        """Take readings that a person hands in; see `hub.entering`."""
        _text(request, "number")
        now_us = self._clock.now_us()
        return enter(self._desk, self._links, way, request, now_us, self.do, self._lang)

    def abort(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        number, reason = _text(request, "number"), _text(request, "reason", "")
        refuse_somebody(reason, "reason")

        def do(tx: Transaction) -> None:
            self._refuse_job(tx, number)
            now_us = self._clock.now_us()
            entry = self._desk.abort_order(tx, number, reason, now_us)
            order = self._desk.order(number)
            if entry is not None and order is not None:
                self._tell_of(tx, order, "cancelled", now_us, entry)

        self.do(do)
        return {"order": number, "state": "aborted"}

    def progress(self, number: str) -> Any:
        return self.do(lambda _: self._desk.progress(number))

    def deliver(self, request: Mapping[str, Any], again: Callable[..., int]) -> Mapping[str, Any]:
        """Retry or replay parcels: of one id, one order, or one sink."""
        named = {key: _text(request, key, "") for key in ("parcel", "order", "sink")}
        who = _text(request, "by", "operator")

        def do(tx: Transaction) -> int:
            tx.then(lambda: self._outbox.hurry(named["sink"]))
            return again(tx, who=who, at_us=self._clock.now_us(), **named)

        return {"parcels": self.do(do)}

    def _refuse_job(self, tx: Transaction, number: str) -> None:
        """A test of a job comes, begins and ends by the job's own ways, which have gates."""
        row = tx.sql.execute("SELECT 1 FROM jobs WHERE number=?", (number,)).fetchone()
        if row is not None:
            raise CommandRefused(
                f"order {number} is a job: order its tests with `gashub job test`, "
                "begin them with `gashub job do`, and give it up with the step give_up",
                "conflict",
            )

    def _tap(self, request: Mapping[str, Any]) -> Tap:
        name = _text(request, "line")
        if name not in self._taps:
            known = ", ".join(sorted(self._taps)) or "none"
            raise CommandRefused(f"no line or link {name!r}; there are: {known}")
        return self._taps[name]

    def strangers(self, names: Iterable[str]) -> list[str]:
        """A warning for each instrument nobody here has heard of. It may still come, by a link."""
        known = self._known()
        return [
            f'this gateway does not know instrument "{name}": it is not in the configuration, and '
            f"no reading of it has come since the start. Check the name{guess(name, known)}"
            for name in dict.fromkeys(names)
            if name not in known
        ]


def glance(tap: Tap, since: str | None) -> dict[str, Any]:
    """What passed a line since number *since*, in JSON's types; bytes are in hex.

    raises  CommandRefused when *since* is no number
    """
    if since is not None and not (since.isascii() and since.isdecimal()):
        raise CommandRefused(f'"since" is {since!r}; expected the "next" of an earlier answer')
    seen, after, missed = tap.look(None if since is None else int(since))
    return {
        "next": str(after),
        "dropped": {"slow_looker": missed} if missed else {},
        "seen": [
            {
                "at_us": one.at_us,
                "what": one.what,
                "instrument": one.instrument,
                "hex": one.data.hex(" "),
                "size": one.size,
                "made": [_made(intake) for intake in one.made],
                "text": one.text,
            }
            for one in seen
        ],
    }


def _made(intake: Intake) -> dict[str, Any]:
    return {
        "readings": [facts_of(reading) for reading in intake.readings],
        "dropped": intake.dropped,
        "dead": intake.dead,
    }


def _text(request: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = request.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise CommandRefused(f'"{key}" is {value!r}; expected text')
    return value
