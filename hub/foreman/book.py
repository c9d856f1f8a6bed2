"""The book of jobs: what is recorded of them, and where each stands because of it.

A job's state is folded from its entries in the log whenever it is needed, inside the transaction
that needs it: a kill at any moment costs nothing, and two commands of one commit see each other.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import structlog

from hub.clock import iso
from hub.desk import Desk
from hub.errors import CommandRefused
from hub.foreman.door import Tell
from hub.foreman.news import grade_of, news_of
from hub.foreman.order import JobOrder, spec_of
from hub.foreman.personal import Pseudonyms
from hub.foreman.watch import Watch
from hub.jobs import (
    Act,
    Around,
    Event,
    JobState,
    Missed,
    Person,
    Refusal,
    Ruled,
    Signalled,
    Waived,
    as_record,
    begun,
    folded,
    from_record,
    missed,
    running,
)
from hub.ledger import Transaction, read_entry
from hub.ledger.chain import job_chain
from hub.orders import hazard_of
from hub.packs import keep_pack, kept_pack
from hub.rulepack import Job, RulePack, whole_pack

log = structlog.get_logger()

_OF_ORDER: Final = ("number", "section")
_ABORTS: Final = {
    "abnormal_pressure": "abnormal_pressure", "gas_alarm": "gas_alarm", "gas_over": "gas_alarm",
}  # fmt: skip
"""Signal -> the event that ends a running test with the same word."""


class Live(NamedTuple):
    """One job as it stands inside a transaction."""

    state: JobState
    pack: RulePack
    user_class: str
    parent: str
    subject: str
    watch: Sequence[str]
    site: str = ""
    trial: bool = False

    @property
    def job(self) -> Job:
        return self.pack.job[self.state.kind]


class Book:
    """Reads and writes jobs."""

    def __init__(self, desk: Desk, pseudonyms: Pseudonyms, watch: Watch, tell: Tell) -> None:
        self._desk = desk
        self._pseudonyms = pseudonyms
        self._watch = watch
        self._tell = tell

    # -- reading

    def live(self, tx: Transaction, number: str) -> Live:
        """Raises CommandRefused for a job that nobody knows."""
        row = tx.sql.execute(
            "SELECT entry, pack, user_class, parent, subject, erased FROM jobs WHERE number=?",
            (number,),
        ).fetchone()
        if row is None:
            raise CommandRefused(
                f"no job {number!r}; open it with `gashub job open FILE`, or see `gashub job list`",
                "absent",
            )
        entry, digest, user_class, parent, subject, erased = row
        if erased == "all":
            raise CommandRefused(
                f"job {number} was erased when its time was over; the record says by whose "
                "approval (`gashub retention list`)",
                "absent",
            )
        pack = whole_pack(kept_pack(tx.sql, digest))
        order = read_entry(tx.sql, entry).record()
        state = begun(
            pack, order["job"], number, order["facts"], order["sections"], order["opened_us"]
        )
        rows = tx.sql.execute(
            "SELECT entry FROM job_entries WHERE number=? ORDER BY entry", (number,)
        ).fetchall()
        events = [from_record(read_entry(tx.sql, index).record()["event"]) for (index,) in rows]
        state = folded(pack, state, events)
        more = order.get("site", ""), order.get("trial", False)
        return Live(state, pack, user_class, parent, subject, order["watch"], *more)

    def around(
        self, tx: Transaction, live: Live, staff: Mapping[str, Person], now_us: int
    ) -> Around:
        """What the job does not know of itself."""
        worked = _worked(tx, live, now_us)
        disturbed_us = {section: at_us for section, (at_us, _) in worked.items()}
        return Around(staff, disturbed_us, self._watch.untrusted_us)

    def body_of(self, order: JobOrder) -> dict[str, Any]:
        """What the order says, for the job's entry: no personal data."""
        user_no = order.customer.get("user_no", "")
        return {
            "number": order.number,
            "job": order.kind,
            "user_class": order.user_class,
            "facts": dict(order.facts),
            "sections": dict(order.sections),
            "subject": self._pseudonyms.of(user_no) if user_no else "",
            "tests": sorted(order.tests),
            "watch": list(order.watch),
            "parent": order.parent,
            **({"site": order.site} if order.site else {}),
            **({"trial": True} if order.trial else {}),
        }

    # -- writing

    def begin(
        self,
        tx: Transaction,
        order: JobOrder,
        pack: RulePack,
        body: Mapping[str, Any],
        by: str,
        now_us: int,
    ) -> None:
        """Open a job that nothing speaks against."""
        number, subject = order.number, str(body["subject"])
        self.add_tests(tx, order, now_us)
        digest = keep_pack(tx, pack, now_us)
        more = {"pack_sha256": digest, "opened_us": now_us, "by": by}
        refs = _refs(number, subject)
        entry = tx.append("job", {**body, **more}, now_us, refs, job_chain(number))
        state = begun(pack, order.kind, number, order.facts, order.sections, now_us)
        tx.sql.execute(
            "INSERT INTO jobs (number, kind, user_class, phase, parent, subject, pack, entry,"
            " opened_us, site, trial) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (number, order.kind, order.user_class, state.phase, order.parent, subject, digest,
             entry, now_us, order.site, order.trial),
        )  # fmt: skip
        if order.customer:
            self.keep_personal(tx, number, subject, order.customer, now_us)
        live = Live(
            state, pack, order.user_class, order.parent, subject, order.watch, order.site,
            order.trial,
        )  # fmt: skip
        self._settle(tx, live, {"what": "opened"}, entry, now_us)

    def add_tests(self, tx: Transaction, order: JobOrder, now_us: int) -> None:
        """Give the desk the job's tests; the same again changes nothing, others are refused."""
        if order.tests:
            steps = [{"step": name, "tests": [spec]} for name, spec in order.tests.items()]
            whose = {"site": order.site, "trial": order.trial}
            self._desk.add_order(tx, {"number": order.number, "steps": steps, **whose}, now_us)

    def take(
        self, tx: Transaction, live: Live, event: Event, now_us: int, more: Mapping[str, Any]
    ) -> Live:
        """Record an event that is allowed, and all that follows from it."""
        before, number = live.state, live.state.number
        state = folded(live.pack, before, [event])
        body = {
            "job": number,
            "kind": state.kind,
            "event": as_record(event),
            "phase": state.phase,
            "at": iso(now_us),
            **more,
        }
        if isinstance(event, Act | Waived):
            body["around"] = self._rested_on(tx, live, event, now_us)
        entry = tx.append("job_event", body, now_us, {"order": number}, job_chain(number))
        tx.sql.execute("INSERT INTO job_entries VALUES (?,?)", (number, entry))
        tx.sql.executemany(
            "INSERT OR REPLACE INTO section_work VALUES (?,?,?,?)",
            [(name, number, now_us, entry) for name in _spoilt(before, state, event)],
        )
        told_off = isinstance(event, Signalled | Missed) and state.phase != before.phase
        if told_off or state.ended:
            self._desk.break_off(tx, number, _ABORTS.get(event[0], "abort"), now_us)
        live = live._replace(state=state)
        self._settle(tx, live, news_of(live.job, event, before, state), entry, now_us)
        for at in range(len(before.hazards), len(state.hazards)):
            self._open_hazard(tx, live, at, now_us)
        return live

    def pass_deadlines(self, tx: Transaction, live: Live, now_us: int) -> Live:
        """Record every deadline of a job that has passed by now."""
        while late := missed(live.pack, live.job, live.state, now_us):
            live = self.take(tx, live, late, now_us, {})
        return live

    def refuse(
        self, tx: Transaction, number: str, what: str, by: str, told: Sequence[Refusal],
        now_us: int, *, trial: bool = False,
    ) -> None:  # fmt: skip
        """Record that somebody tried what may not be: that is evidence, too."""
        why = [{"key": one.key, "clause": one.clause} for one in told]
        body = {"job": number, "tried": what, "by": by, "at": iso(now_us), "refusals": why}
        entry = tx.append("job_refused", body, now_us, {"order": number}, job_chain(number))
        self._keep_paper(tx, number, entry, "refused")
        if what == "open":  # there is no job: without this nobody outside would ever hear of it
            told_of = {"order": number, "what": "refused", "at": body["at"], "reasons": why}
            self._tell(tx, told_of | ({"trial": True} if trial else {}), entry)
        log.warning("job_refused", order=number, tried=what, why=[one.key for one in told])

    def keep_personal(
        self,
        tx: Transaction,
        number: str,
        subject: str,
        fields: Mapping[str, str],
        now_us: int,
    ) -> int:
        """Personal data stand in an entry of their own, which can be erased; returns its index."""
        body = {"job": number, "fields": dict(fields)}
        entry = tx.append("personal", body, now_us, _refs(number, subject), job_chain(number))
        self._keep_paper(tx, number, entry, "personal")
        return entry

    # -- inside

    def _keep_paper(self, tx: Transaction, number: str, entry: int, kind: str) -> None:
        tx.sql.execute(
            "INSERT INTO job_papers SELECT ?1, ?2, ?3 FROM jobs WHERE number=?1",
            (number, entry, kind),
        )  # an order that was refused is no job

    def _rested_on(
        self, tx: Transaction, live: Live, event: Act | Waived, now_us: int
    ) -> dict[str, Any]:
        """Of what is around, all that the decision can have rested on, each with its entry.

        staff   of those whom the event names, the entry of the register that held then
        worked  section -> when another job last worked on it, and the entry that says so
        """
        named = {event.by, event.second}
        if isinstance(event, Act):
            ask = live.job.step[event.step].ask
            named |= {event.answers[name] for name in event.answers if ask[name].kind == "person"}
        entries = dict(tx.sql.execute("SELECT id, entry FROM staff").fetchall())
        return {
            "staff": {id: entries[id] for id in sorted(named) if id in entries},
            "worked": {name: list(last) for name, last in _worked(tx, live, now_us).items()},
            "untrusted_us": self._watch.untrusted_us,
        }

    def _settle(
        self, tx: Transaction, live: Live, news: Mapping[str, Any], entry: int, now_us: int
    ) -> None:
        """Bring the job's row up to date, and tell of it."""
        state = live.state
        due_us = min((at_us for _, at_us in running(live.pack, live.job, state)), default=None)
        looks = {} if state.ended else self._looks(live)
        tx.sql.execute(
            "UPDATE jobs SET phase=?, ended=?, ended_us=?, due_us=?, watch=? WHERE number=?",
            (
                state.phase,
                state.ended,
                now_us if state.ended else None,
                due_us,
                json.dumps(looks, sort_keys=True) if looks else "",
                state.number,
            ),
        )
        told = {
            "order": state.number,
            "kind": state.kind,
            "phase": state.phase,
            "ended": state.ended,
            "parent": live.parent,
            "user_class": live.user_class,
            "at": iso(now_us),
            "next_due_at": iso(due_us) if due_us is not None else "",
            **grade_of(state),
            **({"trial": True} if live.trial else {}),
            **news,
        }
        self._tell(tx, told, entry)
        tx.then(lambda: self._watch.reload(tx.sql))
        log.info("job", order=state.number, what=news["what"], phase=state.phase)

    def _looks(self, live: Live) -> dict[str, dict[str, Any]]:
        """Instrument -> what the hub looks for there, in the phase that the job is in.

        over    limits at which the job stops. A sampler at the vent is not looked at: what it
                shows is what the vent is for
        serial  what the instrument is, while a PASS of it stands; "" where none does
        """
        wanted = {
            signal.seen
            for signal in live.job.signal.values()
            if signal.seen and live.state.phase in signal.phase
        }
        order = self._desk.order(live.state.number)
        names = {*live.watch, *(order.instruments("safe_to_work") if order else ())}
        over = dict.fromkeys(names if wanted else (), sorted(wanted))
        serials = {
            name: serial
            for standing in live.state.steps.values()
            if standing.stands
            for name, serial in standing.serials.items()
        }
        return {
            name: {"over": over.get(name, []), "serial": serials.get(name, "")}
            for name in sorted({*over, *serials})
        }

    def _open_hazard(self, tx: Transaction, live: Live, at: int, now_us: int) -> None:
        """A hazard that a job has found is a job of its own from then on."""
        state, job = live.state, live.pack.job.get("hazard")
        if job is None or state.kind == "hazard":
            return
        code, step, _ = state.hazards[at]
        text = live.job.step[step].text
        section = next(iter(state.sections.values()), state.number)
        facts = {
            "code": code,
            "found_at": iso(now_us),
            "found_in": state.number,
            "place": f"{text.zh} / {text.en}",
        }
        order = JobOrder(
            hazard_of(state.number, at + 1),
            "hazard",
            live.user_class,
            facts,
            dict.fromkeys(job.sections, section),
            {},
            {},
            (),
            state.number,
            live.site,
            live.trial,
        )
        parent, tests = self._desk.order(state.number), {}
        for name, asked in job.step.items():
            spec = parent.spec_by(asked.test) if parent and asked.test else None
            if spec is not None:  # the parent's own instruments may look again
                plain = {key: one for key, one in spec.items() if key not in _OF_ORDER}
                tests[name] = spec_of(order.number, job, name, order.sections, plain)
        order = replace(order, tests=tests)
        body = {**self.body_of(order), "subject": live.subject}
        self.begin(tx, order, live.pack, body, "hub", now_us)


def _spoilt(before: JobState, after: JobState, event: Event) -> Iterable[str]:
    """Sections of which what other jobs have tested says nothing any more: those worked on, and
    one that has failed a test.
    """
    if after.disturbed_us != before.disturbed_us:
        return after.sections.values()
    if isinstance(event, Ruled) and event.verdict == "FAIL" and event.section:
        return (event.section,)
    return ()


def _worked(tx: Transaction, live: Live, now_us: int) -> dict[str, tuple[int, int]]:
    """Section -> when another job last worked on it, which is now while it does, or found it to
    fail; and the entry that says so.
    """
    found: dict[str, tuple[int, int]] = {}
    for section in live.state.sections.values():
        rows = tx.sql.execute(
            "SELECT w.at_us, w.entry, j.kind, j.phase FROM section_work w"
            " JOIN jobs j ON j.number=w.job WHERE w.section=? AND w.job<>?",
            (section, live.state.number),
        )
        for at_us, entry, kind, phase in rows:
            job = live.pack.job.get(kind)
            last_us = now_us if job and phase in job.works else at_us
            found[section] = max(found.get(section, (0, 0)), (last_us, entry))
    return found


def _refs(number: str, subject: str) -> dict[str, str]:
    return {"order": number, **({"subject": subject} if subject else {})}
