"""The judging thread: take, look, record, tell. The only thread that writes the ledger.

One commit holds a block of readings with their frames, the notices and alarms, the verdicts they
led to, one parcel per sink for each of those, and the answers to operators' commands. Either all
of it is durable or none; only then are messages acknowledged and is anybody told.
"""

import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import structlog

from hub.alarms import AlarmWatch
from hub.bus import Bus, Item, Task
from hub.clock import Clock, iso
from hub.desk import Desk, Ruling
from hub.entering import hand_over, handed_in
from hub.errors import CommandRefused, StoreDamaged, StoreUnavailable
from hub.events import alarm_event, verdict_event
from hub.following import Cursors
from hub.foreman import JobDoor
from hub.happenings import notice_event, of_interest
from hub.ledger import Ledger, Transaction, encode_block
from hub.model import Intake, Notice, Reading
from hub.outbox import Outbox
from hub.registry import Registry
from hub.settling import Settling
from hub.texts import Language
from hub.timekeeping import Timekeeper
from hub.watchdog import Watchdog

log = structlog.get_logger()

AT_MOST = 500
"""Items of one commit. Beyond this a commit gets no cheaper per reading, only later."""
IDLE_S = 0.05
"""Longest wait for something to do: the turn of reviews, the watchdog and the stop."""
MOST_NAMES = 2000
"""Instruments and sources remembered for people; beyond this they are forgotten and begin anew."""
_OF_THE_CALL = (
    sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError,
)  # fmt: skip
"""Errors about what was asked: the statement alone has failed. Any other is about the store, which
may have ended the transaction."""
RECOVER_S = 1.0
"""Time between two looks whether the store takes entries again."""


class Judging:
    """The loop and what it holds between two commits."""

    def __init__(
        self,
        gateway: str,
        bus: Bus,
        ledger: Ledger,
        desk: Desk,
        jobs: JobDoor,
        alarms: AlarmWatch,
        outbox: Outbox,
        settling: Settling,
        cursors: Cursors,
        registry: Registry,
        watchdog: Watchdog,
        timekeeper: Timekeeper,
        clock: Clock,
        linger_us: int,
        commit_at: int,
        lang: Language = "en",
    ) -> None:
        self._gateway = gateway
        self._bus = bus
        self._ledger = ledger
        self._desk = desk
        self._jobs = jobs
        self._alarms = alarms
        self._outbox = outbox
        self._settling = settling
        self._cursors = cursors
        self._registry = registry
        self._watchdog = watchdog
        self._timekeeper = timekeeper
        self._clock = clock
        self._linger_us = linger_us
        self._commit_at = commit_at
        self._lang: Language = lang
        self._pending: list[Item] = []
        self._oldest_us = 0
        self._refusing = ""
        self._tells_readings = registry.listens("readings_recorded")
        self._latest: dict[str, Reading] = {}
        self._dead_sources: set[str] = set()
        self.counts = {"readings": 0, "dead": 0, "dropped": 0, "commits": 0, "verdicts": 0}

    def run(self, stop: threading.Event) -> None:
        """Judge until *stop* is set and everything taken is durable. The body of `judge`."""
        while True:
            self._clock.beat("judge")
            self._watchdog.progress()
            if self._refusing and not self._recover(stop):
                if stop.is_set():
                    return
                continue
            ending = stop.is_set()
            tasks, items = self._bus.take(AT_MOST - len(self._pending), self._wait_s(ending))
            now_us = self._clock.now_us()
            alarmed = False
            if items:
                if not self._pending:
                    self._oldest_us = now_us
                self._pending.extend(items)
                alarmed = self._look(items)
            if step := self._timekeeper.step():
                self._pending.append(Notice(now_us, "clock", "clock_step", step))
            rulings = self._desk.review(now_us)
            urgent = tasks or rulings or alarmed or self._jobs.is_due(now_us)
            if urgent or self._commit_due(now_us, ending):
                self._commit(tasks, rulings)
            if ending and not items and not tasks and not self._pending:
                if self._cursors.moved:
                    self._commit([], [])
                return

    @property
    def refusing(self) -> str:
        """Why the store takes no input now; "" when it does."""
        return self._refusing

    def latest(self) -> dict[str, str]:
        """The newest recorded reading of each instrument, for people."""
        return {
            name: f"{one.value} {one.unit} {one.quality} at {iso(one.at_us)}"
            for name, one in sorted(self._latest.copy().items())
        }

    # -- one turn

    def _wait_s(self, ending: bool) -> float:
        if ending:
            return 0.0
        if not self._pending:
            return IDLE_S
        left_us = self._oldest_us + self._linger_us - self._clock.now_us()
        return min(IDLE_S, max(0.0, left_us / 1e6))

    def _commit_due(self, now_us: int, ending: bool) -> bool:
        return bool(self._pending) and (
            ending
            or len(self._pending) >= self._commit_at
            or now_us - self._oldest_us >= self._linger_us
        )

    def _look(self, items: Sequence[Item]) -> bool:
        """Show new intakes to desk and alarm watch. True when an alarm must be recorded now.

        What was handed in is shown when it is recorded: only then is it known whose it is.
        """
        intakes = [item for item in items if type(item) is Intake and not handed_in(item)]
        self._desk.observe(intakes)
        self._jobs.look(intakes)
        for instrument in self._alarms.look(intakes):
            self._desk.hasten(instrument)
        return self._alarms.due

    def _commit(
        self, tasks: Sequence[Task], rulings: Sequence[Ruling], only_tasks: bool = False
    ) -> None:
        answers: list[tuple[Future[Any], Any, BaseException | None]] = []
        pending = [] if only_tasks else self._pending
        handed = [item for item in pending if type(item) is Intake and handed_in(item)]
        intakes = [item for item in pending if type(item) is Intake and not handed_in(item)]
        notices = [item for item in pending if type(item) is Notice]
        now_us = self._clock.now_us()
        try:
            with self._ledger.transaction() as tx:
                if intakes:
                    tx.append("readings", encode_block(intakes), now_us)
                for notice in notices:
                    entry = tx.append("notice", notice._asdict(), now_us)
                    if of_interest(notice):
                        event = notice_event(self._gateway, notice, entry, tx.checkpoint())
                        self._outbox.address(tx, event)
                for alarm in [] if only_tasks else self._alarms.pending():
                    body = alarm.as_dict()
                    entry = tx.append("alarm", body, now_us)
                    self._alarms.keep(tx, alarm, entry)
                    event = alarm_event(self._gateway, body, entry, tx.checkpoint())
                    self._outbox.address(tx, event)
                for ruling in rulings:
                    body = self._desk.record(tx, ruling, now_us)
                    self._outbox.address(tx, verdict_event(self._gateway, body, tx.checkpoint()))
                    self._jobs.decided(tx, body, now_us)
                if self._jobs.is_due(now_us):
                    self._jobs.advance(tx, now_us)
                intakes += [
                    hand_over(self._desk, self._settling, tx, one, now_us, self._lang)
                    for one in handed  # after the rulings, which had not seen them
                ]
                answers.extend(self._answer(tx, task) for task in tasks)
                self._cursors.write(tx)
        except StoreUnavailable as fault:
            self._refuse(fault, tasks)
            return
        if not only_tasks:
            self._pending.clear()
            self._alarms.settle()
        self._after(intakes, rulings, answers)

    def _answer(
        self, tx: Transaction, task: Task
    ) -> tuple["Future[Any]", Any, BaseException | None]:
        """Do one task. A refusal, or a bug, undoes that task alone and goes back to who asked."""
        try:
            with tx.savepoint():
                return task.done, task.do(tx), None
        except CommandRefused as refused:
            return task.done, None, refused
        except (StoreUnavailable, StoreDamaged):
            raise
        except sqlite3.Error as error:
            if not isinstance(error, _OF_THE_CALL):
                raise
            log.warning("command_failed", error=type(error).__name__)
            return task.done, None, CommandRefused(f"not done: {type(error).__name__}: {error}")
        except Exception as bug:  # noqa: BLE001 - what one caller asks must not end the hub
            log.warning("command_failed", error=type(bug).__name__)  # its words may be personal
            return task.done, None, CommandRefused(f"not done: {type(bug).__name__}: {bug}")

    def _after(
        self,
        intakes: Sequence[Intake],
        rulings: Sequence[Ruling],
        answers: Sequence[tuple["Future[Any]", Any, BaseException | None]],
    ) -> None:
        """The commit is durable: acknowledge, answer, tell."""
        self._settling.settle(intakes)
        self._count(intakes, rulings)
        for done, result, refused in answers:
            if refused is None:
                done.set_result(result)
            else:
                done.set_exception(refused)
        self._outbox.wake()
        if intakes:
            self._cursors.wake()
        if intakes and self._tells_readings:
            self._registry.tell("readings_recorded", intakes=intakes)
        for ruling in rulings:
            log.info(
                "verdict",
                order=ruling.attempt.number,
                procedure=ruling.attempt.test.procedure,
                verdict=ruling.verdict.verdict,
                reasons=list(ruling.verdict.reasons),
            )
            self._registry.tell("verdict_recorded", verdict=ruling.verdict)

    def _count(self, intakes: Sequence[Intake], rulings: Sequence[Ruling]) -> None:
        counts = self.counts
        counts["commits"] += 1
        counts["verdicts"] += len(rulings)
        latest, dead = self._latest, self._dead_sources
        if len(latest) > MOST_NAMES or len(dead) > MOST_NAMES:
            latest.clear()  # names made up by a broken or hostile publisher
            dead.clear()
        for intake in intakes:
            counts["readings"] += len(intake.readings)
            for reading in intake.readings:
                latest[reading.instrument] = reading
            if intake.dead:
                counts["dead"] += 1
                if intake.source not in dead:  # once on loss, once on return
                    dead.add(intake.source)
                    log.warning("dead_letter", source=intake.source, reason=intake.dead)
            elif dead and intake.readings and intake.source in dead:
                dead.discard(intake.source)
                log.info("readable_again", source=intake.source)
            elif intake.dropped:
                counts["dropped"] += 1

    # -- a store that takes nothing

    def _refuse(self, fault: StoreUnavailable, tasks: Sequence[Task]) -> None:
        """Enter the refusing state: nothing is acknowledged, nothing more is taken."""
        if not self._refusing:
            log.error("store_refuses", error=str(fault))
            self._watchdog.status(f"store refuses input: {fault}")
        self._refusing = str(fault)
        for task in tasks:
            task.done.set_exception(CommandRefused(f"not done: {fault}", "busy"))

    def _recover(self, stop: threading.Event) -> bool:
        """Wait a little, and look whether the store takes readings again.

        Below the reserve the log still takes what commands and deliveries have to record; a
        store that takes nothing answers them with its refusal. A commit that failed and is
        found in the file all the same leaves memory behind the record: the hub then ends, and
        is started again from the record.
        """
        self._clock.wait(stop, RECOVER_S)
        tasks, _ = self._bus.take(0, 0.0, items=False)
        is_open = self._ledger.try_recover()
        if is_open and self._ledger.landed:
            raise RuntimeError("a commit that failed was found in the ledger; starting again")
        if tasks and is_open:
            self._commit(tasks, [], only_tasks=True)
        else:
            for task in tasks:
                task.done.set_exception(CommandRefused(f"not done: {self._refusing}", "busy"))
        if not is_open or not self._ledger.takes_input():
            self._refusing = str(self._ledger.fault)
            return False
        log.info("store_recovered")
        self._watchdog.status("running")
        self._refusing = ""
        return True
