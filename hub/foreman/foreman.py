"""The foreman: what may be done in a job, by whom, and what happens to it by itself.

Everything here runs on the judging thread, inside a transaction. What the regulations refuse is
an answer with every reason and its clause, and is recorded.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hub.desk import Desk
from hub.errors import CommandRefused
from hub.foreman import shelf
from hub.foreman.book import Book, Live
from hub.foreman.door import Tell
from hub.foreman.gate import calibration_refusals, open_point_refusals
from hub.foreman.order import JobOrder, parse_job_order, spec_of
from hub.foreman.people import people
from hub.foreman.personal import Pseudonyms
from hub.foreman.view import noted, told, view
from hub.foreman.watch import Watch
from hub.jobs import (
    Act,
    Refusal,
    Signalled,
    Swapped,
    Waived,
    answered,
    files_in,
    refusals,
    ruled_by,
    waiver_refusals,
)
from hub.jobs.case import Answers
from hub.ledger import Transaction, read_entry
from hub.ledger.chain import job_chain
from hub.near import guess
from hub.orders import out_of, refuse_reserved
from hub.rulepack import RulePack, whole_pack
from hub.rulepack.jobs import Question

PERSONAL_TEXTS: Final = ("name", "phone", "address", "user_no", "meter_no")
_OF_PIPE: Final = ("p_design_pa", "p_operating_pa", "p_level", "hose_class", "volume_l")
"""What an order says of the pipe; a PASS under another word on it is a PASS of less, perhaps."""


class Foreman:
    """Jobs. *pack* is the rule pack in force for jobs that are opened from now on."""

    def __init__(
        self, desk: Desk, pack: RulePack, pseudonyms: Pseudonyms, watch: Watch, tell: Tell
    ) -> None:
        self._desk = desk
        self._pack = pack
        self._watch = watch
        self._book = Book(desk, pseudonyms, watch, tell)

    # -- orders and steps

    def open(self, tx: Transaction, given: object, by: str, now_us: int) -> dict[str, Any]:
        """Take an order for a job. The same order sent twice is the first one, unchanged.

        raises  CommandRefused for what is no order, and for a number with other content
        """
        pack, book = whole_pack(self._pack.source_bytes), self._book
        order, against = parse_job_order(given, pack, people(tx), now_us)
        against += open_point_refusals(pack, order.kind)
        body = book.body_of(order)
        row = tx.sql.execute("SELECT entry FROM jobs WHERE number=?", (order.number,)).fetchone()
        if row is not None:
            entry = read_entry(tx.sql, row[0])
            before = entry.record() if entry.body is not None else {}
            marks = before.get("site", ""), before.get("trial", False)
            said = all(before.get(name) == value for name, value in body.items())
            if said and marks == (order.site, order.trial):
                book.add_tests(tx, order, now_us)
                return _answer(book.live(tx, order.number))
            raise CommandRefused(
                f"job {order.number} is known already, with other content; give the new one "
                "another number",
                "conflict",
            )
        self._refuse_taken(tx, order)
        if against:
            book.refuse(tx, order.number, "open", by, against, now_us, trial=order.trial)
            return _refused(order.number, against)
        book.begin(tx, order, pack, body, by, now_us)
        return _answer(book.live(tx, order.number))

    def act(
        self,
        tx: Transaction,
        number: str,
        step: str,
        by: str,
        given: Mapping[str, Any],
        now_us: int,
    ) -> dict[str, Any]:
        """Do a step, if it may be done; a step that is a test begins it.

        raises  CommandRefused for a job or step that is not there
        """
        book = self._book
        live = book.pass_deadlines(tx, book.live(tx, number), now_us)
        asked = live.job.step.get(step)
        if asked is None:
            raise CommandRefused(
                f"job {number}: {live.state.kind} has no step {step!r}"
                f"{guess(step, live.job.step)}; see `gashub job show {number}`",
                "absent",
            )
        staff = people(tx)
        found = answered(live.pack, asked.ask, given, asked.clause, staff, now_us)
        act = Act(step, now_us, by, answers=found.answers, trusted=not self._watch.untrusted_us)
        against = refusals(live.pack, live.state, act, book.around(tx, live, staff, now_us))
        against += found.refusals
        against += _files_refusals(tx, asked.ask, asked.clause, found.answers)
        if asked.test and not against:
            order = self._desk.order(number)
            spec = order.spec_of(step) if order else None
            against += calibration_refusals(spec, live.pack, asked, now_us)
        if against:
            book.refuse(tx, number, step, by, against, now_us)
            return _refused(number, against)
        for _, digest in files_in(asked.ask, found.answers):
            tx.sql.execute("INSERT OR IGNORE INTO job_files VALUES (?,?)", (number, digest))
        more: dict[str, Any] = {}
        if asked.role:
            certificate, until = staff[by].certificates[asked.role]
            more |= {"certificate": certificate, "certified_until": until.isoformat()}
        if asked.test:
            more["attempt"] = self._desk.open_attempt(tx, number, step, now_us).id
        kept = act._replace(answers=self._set_apart(tx, live, act, asked.ask, now_us))
        found_before = len(live.state.hazards)
        live = book.take(tx, live, kept, now_us, more)
        return {
            **_answer(live),
            "stands": live.state.steps[step].stands,
            "notes": noted(live.pack, live.state, step, found_before),
            **({"attempt": more["attempt"]} if asked.test else {}),
        }

    def signal(
        self, tx: Transaction, number: str, word: str, by: str, detail: str, now_us: int
    ) -> dict[str, Any]:
        """Somebody says that something has happened to a job, such as `abnormal_pressure`."""
        book = self._book
        live = book.pass_deadlines(tx, book.live(tx, number), now_us)
        signal = live.job.signal.get(word)
        if signal is None:
            known = ", ".join(live.job.signal) or "none"
            raise CommandRefused(f"job {number}: no signal {word!r}; there are {known}")
        if live.state.ended or live.state.phase not in signal.phase:
            raise CommandRefused(
                f"job {number} is {live.state.ended or live.state.phase}, where {word} changes "
                "nothing; where there is danger, call dispatch"
            )
        return _answer(book.take(tx, live, Signalled(word, now_us, by, detail), now_us, {}))

    def waive(
        self,
        tx: Transaction,
        number: str,
        notice: str,
        by: str,
        second: str,
        reason: str,
        now_us: int,
    ) -> dict[str, Any]:
        """Two persons let a notice be, where the rule pack allows that."""
        book = self._book
        live = book.pass_deadlines(tx, book.live(tx, number), now_us)
        if notice not in live.job.step:
            raise CommandRefused(
                f"job {number}: there is no such notice{guess(notice, live.job.step)}; see `gashub "
                f"job show {number}`"
            )
        waived = Waived(notice, now_us, by, second, reason)
        around = book.around(tx, live, people(tx), now_us)
        if against := waiver_refusals(live.pack, live.state, waived, around):
            book.refuse(tx, number, f"waive {notice}", by, against, now_us)
            return _refused(number, against)
        return _answer(book.take(tx, live, waived, now_us, {}))

    def adopt(
        self, tx: Transaction, number: str, step: str, verdict: str, by: str, now_us: int
    ) -> dict[str, Any]:
        """Let a PASS of another job on the same section serve as this one's test.

        raises  CommandRefused when there is no such verdict, it is about something else, or is not
                the newest word on that section
        """
        book = self._book
        live = book.pass_deadlines(tx, book.live(tx, number), now_us)
        asked = live.job.step.get(step)
        if asked is None or not asked.section:
            raise CommandRefused(f"job {number}: {step!r} is no test of a section of this job")
        row = tx.sql.execute(
            "SELECT id, verdict_entry FROM attempts WHERE verdict_id=?1 OR (id=?1 AND verdict<>'')",
            (verdict,),
        ).fetchone()
        if row is None:
            raise CommandRefused(f"no verdict {verdict!r} in the record; see `gashub order show`")
        attempt, entry = row
        body = read_entry(tx.sql, entry).record()
        wanted, found = live.state.sections[asked.section], body["section"]
        if body["verdict"]["procedure"] != asked.test or found != wanted:
            raise CommandRefused(
                f"job {number}: {step} is a {asked.test} on section {wanted}, and verdict "
                f"{verdict} is a {body['verdict']['procedure']} on {found or '(none)'}; a PASS "
                "speaks of its own section only"
            )
        if body.get("trial") and not live.trial:
            raise CommandRefused(
                f"job {number}: verdict {verdict} was a trial's; do the test here", "conflict"
            )
        if why := self._worth_less(tx, number, step, attempt, body):
            raise CommandRefused(f"job {number}: verdict {verdict} {why}; do the test here")
        act = Act(step, now_us, by, trusted=not self._watch.untrusted_us)
        around = book.around(tx, live, people(tx), now_us)
        if against := refusals(live.pack, live.state, act, around):
            book.refuse(tx, number, f"adopt {step}", by, against, now_us)
            return _refused(number, against)
        live = book.take(tx, live, act, now_us, {})
        ruled = ruled_by(step, body, adopted=True)
        return _answer(book.take(tx, live, ruled, now_us, {"adopted": body["id"]}))

    def add_test(
        self,
        tx: Transaction,
        number: str,
        step: str,
        given: Mapping[str, Any],
        now_us: int,
        version: str = "",
    ) -> dict[str, Any]:
        """Give a job the order for a test that it has none for, such as a hazard's re-check.

        version  of the job as the caller knows it; "": whatever it is
        """
        live = self._book.live(tx, number)
        if version not in ("", found := version_of(tx, number)):
            raise CommandRefused(
                f"job {number} is of version {found}, not {version!r}: something has happened to "
                "it meanwhile; look at it again",
                "stale",
            )
        asked = live.job.step.get(step)
        if asked is None or not asked.test or live.state.ended:
            raise CommandRefused(
                f"job {number}: {step!r} is no test that it could still do", "conflict"
            )
        spec = spec_of(number, live.job, step, live.state.sections, given)
        self._desk.extend_order(tx, number, step, spec, now_us)
        return _answer(live)

    # -- what happens by itself

    def decided(self, tx: Transaction, body: Mapping[str, Any], now_us: int) -> None:
        """A verdict of a job's test has been recorded."""
        book, number, step = self._book, body["order"], body["step"]
        live = book.pass_deadlines(tx, book.live(tx, number), now_us)
        if step in live.job.step and not live.state.ended:
            book.take(tx, live, ruled_by(step, body), now_us, {"verdict_id": body["id"]})

    def advance(self, tx: Transaction, now_us: int) -> None:
        """Record what the watch has seen, and the deadlines that have passed."""
        book = self._book
        for (number, instrument), (serial, at_us) in self._watch.swapped(tx).items():
            live = book.live(tx, number)
            if not live.state.ended:
                book.take(tx, live, Swapped(instrument, serial, at_us), now_us, {})
        for (number, word), (detail, at_us) in self._watch.over(tx).items():
            live = book.live(tx, number)
            for name, signal in live.job.signal.items():
                if signal.seen == word and live.state.phase in signal.phase:
                    book.take(tx, live, Signalled(name, at_us, "hub", detail), now_us, {})
                    break
        rows = tx.sql.execute(
            "SELECT number FROM jobs WHERE ended='' AND due_us IS NOT NULL AND due_us<?", (now_us,)
        ).fetchall()
        for (number,) in rows:
            book.pass_deadlines(tx, book.live(tx, number), now_us)
        tx.then(lambda: self._watch.reload(tx.sql))

    # -- looking

    def shown(self, tx: Transaction, number: str, by: str, now_us: int) -> dict[str, Any]:
        """A job as people see it now; see `hub.foreman.view`."""
        live = self._book.live(tx, number)
        return view(
            live.pack, live.state, by, self._book.around(tx, live, people(tx), now_us), now_us
        )

    # -- inside

    def _refuse_taken(self, tx: Transaction, order: JobOrder) -> None:
        """A job comes with its own tests, out of a job that is known if out of any, and will need
        the numbers of what it finds. A job of another site is as one that is not there.
        """
        number = order.number
        if self._desk.knows(number):
            raise CommandRefused(
                f"{number} is known already, as an order without a job; give the job another "
                "number",
                "conflict",
            )
        refuse_reserved(tx, number)
        query = "SELECT 1 FROM jobs WHERE number=? AND site=? AND trial=?"
        place = order.parent, order.site, order.trial
        if order.parent and tx.sql.execute(query, place).fetchone() is None:
            raise CommandRefused(f'job order {number}: "parent" is no job of this gateway and site')
        near = tx.sql.execute(
            "SELECT number FROM jobs WHERE number>?1 AND number<?2"
            " UNION SELECT number FROM orders WHERE number>?1 AND number<?2",
            (f"{number}-H", f"{number}-I"),
        )
        if taken := next((one for (one,) in near if out_of(one) == number), ""):
            raise CommandRefused(
                f"{taken} is taken, which would be the number of a hazard of {number}; give the "
                "job another number",
                "conflict",
            )

    def _worth_less(
        self, tx: Transaction, number: str, step: str, attempt: str, body: Mapping[str, Any]
    ) -> str:
        """Why a verdict on this job's section says less than a test of its own would; "" if not."""
        if body["pack_sha256"] != self._pack.sha256:
            return "was given by another rule pack than the one in force"
        order, elsewhere = self._desk.order(number), self._desk.order(body["order"])
        wanted = (order.spec_of(step) if order else None) or {}
        had = elsewhere.find(body["test"]).spec if elsewhere else {}
        for key in _OF_PIPE:
            if key in wanted and wanted[key] != had.get(key):
                return f"has {key} {had.get(key)}, where this job's order has {wanted[key]}"
        later = tx.sql.execute(
            "SELECT a.number, a.test FROM attempts a JOIN attempts b ON b.id=?"
            " WHERE a.opened_entry>b.opened_entry",
            (attempt,),
        )
        if any(self._desk.section(*one) == body["section"] for one in later):
            return "is not the newest of that section: a test was begun there since"
        return ""

    def _set_apart(
        self,
        tx: Transaction,
        live: Live,
        act: Act,
        ask: Mapping[str, Question],
        now_us: int,
    ) -> Answers:
        """The answers without what is personal: that goes into an entry of its own."""
        apart = {
            name: answer
            for name, answer in act.answers.items()
            if ask[name].personal in PERSONAL_TEXTS
        }
        if not apart:
            return act.answers
        number, subject = live.state.number, live.subject
        entry = self._book.keep_personal(tx, number, subject, apart, now_us)
        return {**act.answers, **dict.fromkeys(apart, f"@{entry}")}


def version_of(tx: Transaction, number: str) -> str:
    """Of a job that is there: the newest entry of job and order, as text."""
    (entry,) = tx.sql.execute(
        "SELECT max((SELECT entry FROM chains WHERE name=?),"
        " coalesce((SELECT entry FROM orders WHERE number=?), 0))",
        (job_chain(number), number),
    ).fetchone()
    return str(entry)


def _answer(live: Live) -> dict[str, Any]:
    state = live.state
    return {
        "job": state.number,
        "kind": state.kind,
        "phase": state.phase,
        "ended": state.ended,
        "done": True,
        "refusals": [],
    }


def _refused(number: str, against: Sequence[Refusal]) -> dict[str, Any]:
    return {"job": number, "done": False, "refusals": [told(one) for one in against]}


def _files_refusals(
    tx: Transaction, ask: Mapping[str, Question], clause: str, answers: Answers
) -> list[Refusal]:
    """A photo that the hub does not have proves nothing."""
    return [
        Refusal("file_absent", clause, {"question": name, "value": digest})
        for name, digest in files_in(ask, answers)
        if not shelf.known(tx, digest)
    ]
