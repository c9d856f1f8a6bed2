"""Operators' commands without a running hub: the same lock, the same ledger, the same code."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import closing
from typing import Any

from hub import evidence
from hub.clock import HubClock
from hub.commands import Commands
from hub.config import Config
from hub.desk import Desk
from hub.doing import Doing
from hub.doubts import known_names
from hub.errors import CommandRefused
from hub.filing import book
from hub.filing.door import FilingDoor, authorities
from hub.foreman import JobDoor
from hub.happenings import news_event
from hub.inventory import write_down
from hub.ledger import Ledger, LedgerReader, Transaction
from hub.once import Once
from hub.outbox import Outbox
from hub.parts import Parts, nowhere
from hub.register_commands import Registers
from hub.second import SecondDoor
from hub.timekeeping import anchor, hub_clock


def do_here(config: Config, do: str, request: Mapping[str, Any]) -> Any:
    """Carry out one command on the ledger itself.

    raises  CommandRefused when another process holds the lock (a hub that is starting or
            stopping), or as the command itself
    """
    clock = hub_clock()
    parts = Parts(config, clock, nowhere)
    with closing(Ledger.open(config.hub.state_dir, clock, config.hub.gateway)) as ledger:

        def submit(act: Callable[[Transaction], Any]) -> "Future[Any]":
            done: Future[Any] = Future()
            with ledger.transaction() as tx:
                done.set_result(act(tx))
            return done

        facts: dict[str, Mapping[str, Any]] = {
            name: known.as_order() for name, known in config.facts().items()
        }
        doing = Doing(submit)
        registers = Registers(facts, doing, clock)
        desk = Desk(parts.registry, parts.pack, facts)
        with LedgerReader(config.hub.state_dir) as reader:
            registers.restore(reader)
            desk.restore(reader)
            evidence.ready(ledger, reader)
            if isinstance(clock, HubClock):
                anchor(clock, reader)
            write_down(ledger, reader, parts, clock)
        gateway = config.hub.gateway
        outbox = Outbox(
            parts.consignees, config.hub.state_dir, submit, clock, hear=book.hear, gateway=gateway
        )

        def tell(tx: Transaction, body: Mapping[str, Any], entry: int) -> None:
            outbox.address(tx, news_event(gateway, body, entry, tx.checkpoint()))

        named = known_names(config, parts)
        commands = Commands(
            desk,
            outbox,
            parts.registry,
            clock,
            doing,
            dict,
            lambda: named | facts.keys(),
            links=parts.links,
            lang=config.hub.language,
            tell=tell,
        )
        jobs = JobDoor(desk, parts.pack, config.hub.state_dir, clock, tell)
        with LedgerReader(config.hub.state_dir) as reader:
            jobs.restore(reader)
        seconds = SecondDoor(config.hub.state_dir, parts.registry, clock, doing)
        filings = FilingDoor(
            authorities(parts.consignees),
            outbox.address_to,
            config.hub.state_dir,
            gateway,
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
        table = {name: command for door in doors for name, command in door.items()}
        table |= Once(table, doing, clock).table()
        if do not in table:
            raise CommandRefused(f"no command {do!r}")
        return table[do](request)
