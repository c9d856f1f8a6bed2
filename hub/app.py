"""The hub, put together. The only module that knows all the others.

reading -> bus -> ledger -> procedure -> verdict -> outbox -> sink

A driver asks its instrument and gets readings; it puts them on the bus. One thread, `judge`,
takes them off, shows them to the open attempts, and writes readings, verdicts and parcels in one
transaction. Threads of the outbox carry the parcels to the sinks until they are taken or refused.
"""

import os
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import structlog

from hub import evidence
from hub.alarms import AlarmWatch
from hub.bus import Bus
from hub.clock import iso
from hub.commands import Commands
from hub.config import Config
from hub.control import ControlSocket
from hub.crew import Crew
from hub.desk import Desk
from hub.doing import Doing
from hub.doubts import known_names
from hub.filing import book
from hub.filing.deadlines import Deadlines
from hub.filing.door import FilingDoor, authorities
from hub.filing.reconciling import filing_subjects
from hub.following import Cursors, follow, stored_cursors
from hub.foreman import JobDoor
from hub.happenings import news_event
from hub.inventory import write_down
from hub.judging import Judging
from hub.ledger import Ledger, LedgerReader, Transaction
from hub.linking import Link, tapped
from hub.looking import sinks
from hub.once import Once
from hub.outbox import Outbox
from hub.parts import Parts
from hub.priming import prime
from hub.reconciling import Digests, able
from hub.register_commands import Registers
from hub.second import SecondDoor
from hub.settling import Settling
from hub.storecare import ready_store
from hub.tapping import Tap
from hub.timekeeping import Timekeeper, hub_clock
from hub.watchdog import Watchdog

log = structlog.get_logger()


def run(config: Config, stop: threading.Event) -> int:
    """Build the hub from its parts, run until *stop* is set, take it down in order.

    Returns 0, or 1 when one of the hub's own threads failed: systemd then starts it again.
    raises   ConfigError, StoreBusy or StoreDamaged before anything outside is touched
    """
    crew = Crew(stop)
    watchdog = Watchdog()
    state_dir = config.hub.state_dir
    clock = hub_clock()
    bus = Bus(config.hub.bus_room)
    parts = Parts(config, clock, bus.put)
    with ExitStack() as house:
        ledger = Ledger.open(state_dir, clock, config.hub.gateway, config.hub.reserve_mib)
        house.callback(ledger.close)
        if not ready_store(config, ledger, watchdog, clock, stop):
            return 0
        facts: dict[str, Mapping[str, Any]] = {
            name: known.as_order() for name, known in config.facts().items()
        }
        desk = Desk(parts.registry, parts.pack, facts)
        alarms = AlarmWatch(parts.pack)
        outbox = Outbox(
            parts.consignees,
            state_dir,
            bus.submit,
            clock,
            crew.fail,
            book.hear,
            config.hub.gateway,
        )

        def tell(tx: Transaction, body: Mapping[str, Any], entry: int) -> None:
            outbox.address(tx, news_event(config.hub.gateway, body, entry, tx.checkpoint()))

        jobs = JobDoor(desk, parts.pack, state_dir, clock, tell)
        wakes = {name: threading.Event() for name in parts.followers}
        timekeeper = Timekeeper(clock, config.hub.gateway)
        doing = Doing(bus.submit)
        registers = Registers(facts, doing, clock)
        with LedgerReader(state_dir) as reader:
            registers.restore(reader)
            desk.restore(reader)
            alarms.restore(reader)
            timekeeper.start(ledger, reader, desk, outbox.address)
            evidence.ready(ledger, reader)
            write_down(ledger, reader, parts, clock)
            jobs.restore(reader)
            prime(parts.links.values(), reader)
            cursors = Cursors(stored_cursors(reader), list(wakes.values()))
        judging = Judging(
            config.hub.gateway,
            bus,
            ledger,
            desk,
            jobs,
            alarms,
            outbox,
            Settling(parts.links),
            cursors,
            parts.registry,
            watchdog,
            timekeeper,
            clock,
            linger_us=config.hub.commit_linger_ms * 1000,
            commit_at=config.hub.commit_at,
            lang=config.hub.language,
        )

        taps = {name: Tap(clock) for name in parts.links}
        links = [
            Link(name, driver, tapped(bus.put, taps[name]), clock)
            for name, driver in parts.links.items()
        ]

        asked = able(state_dir, parts.consignees) | filing_subjects(state_dir, parts.consignees)
        digests = Digests(asked, clock, config.hub.language)
        due = authorities(parts.consignees)
        deadlines = Deadlines(state_dir, due, clock, doing, outbox.tell_filing)

        def status() -> Mapping[str, Any]:
            waiting, tasks = bus.waiting()
            head = ledger.head()
            return {
                "gateway": config.hub.gateway,
                "pid": os.getpid(),
                "at": iso(clock.now_us()),
                "store": judging.refusing or "ok",
                "ledger": {"size": head.size, "root": head.root.hex()},
                "bus": {"items": waiting, "tasks": tasks},
                "counts": judging.counts,
                "alarms": alarms.raised,
                "attempts": len(desk.open_attempts),
                "followers": cursors.all(),
                "lines": {
                    line.name: {who: now._asdict() for who, now in line.status().items()}
                    for line in parts.lines
                },
                "links": sorted(parts.links),
                "link_states": {link.name: link.status() for link in links},
                "sinks": sinks(state_dir),
                "reconciled": digests.all(),
                "filings_owed": deadlines.all(config.hub.language) if due else [],
                "instruments": judging.latest(),
            }

        looks = {**taps, **{line.name: line.tap for line in parts.lines}}
        named = known_names(config, parts)
        commands = Commands(
            desk,
            outbox,
            parts.registry,
            clock,
            doing,
            status,
            lambda: named | facts.keys() | judging.latest().keys(),
            looks,
            parts.links,
            config.hub.language,
            tell,
        )
        seconds = SecondDoor(state_dir, parts.registry, clock, doing)
        filings = FilingDoor(
            authorities(parts.consignees),
            outbox.address_to,
            state_dir,
            config.hub.gateway,
            clock,
            doing,
            outbox.tell_filing,
        )
        doors = (
            commands.table(),
            jobs.table(doing, commands.strangers),
            seconds.table(),
            registers.table(),
            filings.table(),
        )
        table = {name: do for door in doors for name, do in door.items()}
        table |= Once(table, doing, clock).table()
        control = ControlSocket(config.socket, table, config.hub.admin_gid)
        # Started from the end of the flow to its beginning; stopped the other way round, so that
        # drivers fall silent first and the judge still drains and records what they had sent.
        house.enter_context(crew.running("judge", judging.run))
        house.enter_context(crew.running("control", control.serve))
        outbox.start()
        house.callback(crew.missed, outbox.stop)
        if due:
            house.enter_context(crew.running("deadlines", deadlines.run))
        if asked:
            house.enter_context(crew.running("reconciling", digests.run))
        for name, follower in parts.followers.items():
            body = partial(follow, name, follower, state_dir, cursors, wakes[name], clock)
            house.enter_context(crew.running(f"follower:{name}", body))
        for line in parts.lines:
            house.enter_context(crew.running(f"line:{line.name}", line.run))
        for link in links:
            house.enter_context(crew.running(f"link:{link.name}", link.run))
        watchdog.ready(f"{len(parts.lines)} line(s), {len(parts.links)} link(s)")
        log.info("hub_running", gateway=config.hub.gateway, plugins=parts.registry.names())
        stop.wait()
        watchdog.stopping()
        log.info("hub_stopping", failed=crew.failed)
    return 1 if crew.failed else 0
