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
from hub.doubts import known_names
from hub.errors import CommandRefused
from hub.events import job_event
from hub.foreman import JobDoor
from hub.inventory import write_down
from hub.ledger import Ledger, LedgerReader, Transaction
from hub.outbox import Outbox
from hub.parts import Parts, nowhere
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

        facts = {name: known.as_order() for name, known in config.facts().items()}
        desk = Desk(parts.registry, parts.pack, facts)
        with LedgerReader(config.hub.state_dir) as reader:
            desk.restore(reader)
            evidence.ready(ledger, reader)
            if isinstance(clock, HubClock):
                anchor(clock, reader)
            write_down(ledger, reader, parts, clock)
        outbox = Outbox(parts.consignees, config.hub.state_dir, submit, clock)
        named = known_names(config, parts)
        commands = Commands(
            desk,
            outbox,
            parts.registry,
            clock,
            submit,
            dict,
            lambda: named,
            links=parts.links,
            lang=config.hub.language,
        )
        gateway = config.hub.gateway

        def tell(tx: Transaction, body: Mapping[str, Any], entry: int) -> None:
            outbox.address(tx, job_event(gateway, body, entry, tx.checkpoint()))

        jobs = JobDoor(desk, parts.pack, config.hub.state_dir, clock, tell)
        with LedgerReader(config.hub.state_dir) as reader:
            jobs.restore(reader)
        seconds = SecondDoor(config.hub.state_dir, parts.registry, clock, commands.do)
        table = {
            **commands.table(),
            **jobs.table(commands.do, commands.strangers),
            **seconds.table(),
        }
        if do not in table:
            raise CommandRefused(f"no command {do!r}")
        return table[do](request)
