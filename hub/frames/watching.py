"""See a line or link at work: in the running hub, or, where none runs, by doing its work here.

Both ways give the same answers, those of `frames.look` (docs/socket.md).
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import uuid4

from hub.clock import HubClock
from hub.commands import glance
from hub.config import Config, LogSettings
from hub.control import call
from hub.crew import Crew
from hub.errors import CommandRefused
from hub.linking import Link, tapped
from hub.logs import set_up_log
from hub.model import Driver, Intake, Notice
from hub.mqtt.settings import BrokerSettings
from hub.parts import Parts, nowhere
from hub.registry import Registry
from hub.tapping import Tap

LOOK_EVERY_S: Final = 0.1

Answer = Mapping[str, Any]
Item = Mapping[str, Any]


class View(NamedTuple):
    """One line or link.

    look   what passed since the `next` of an earlier answer
    fresh  have the drivers of the line begin anew before their next turn
    since  where to begin looking
    """

    look: Callable[[str], Answer]
    fresh: Callable[[], object]
    since: str


@contextmanager
def watch(config: Config, name: str) -> Iterator[View]:
    """The view of line or link *name*.

    raises  CommandRefused when there is none of this name; ConfigError
    """
    named = [line.name for line in config.line] + [link.name for link in config.link]
    if name not in named:
        known = ", ".join(sorted(named)) or "none"
        raise CommandRefused(f"{config.path}: no line or link {name!r}; there are: {known}")

    def ask(since: str) -> Answer:
        answer: Answer = call(config.socket, "frames.look", line=name, since=since)
        return answer

    try:
        since = ask("")["next"]
    except ConnectionError:
        with _own_view(config, name) as own:
            yield own
        return
    yield View(ask, lambda: call(config.socket, "frames.fresh", line=name), since)


@contextmanager
def _own_view(config: Config, name: str) -> Iterator[View]:
    """Do the work of the line's or link's thread here; nothing is recorded."""
    set_up_log(LogSettings(form="console", level="error"))
    clock = HubClock()
    parts = Parts(_passing(config), clock, nowhere)
    lines = {line.name: line for line in parts.lines}
    if name in lines:
        tap, body = lines[name].tap, lines[name].run
    else:
        tap, driver = Tap(clock), parts.links[name]
        body = Link(name, driver, tapped(partial(_settle, driver), tap), clock).run
    since = glance(tap, None)["next"]  # open before the first byte
    with Crew(threading.Event()).running(f"frames:{name}", body):
        # The line begins anew by itself, when it opens its port.
        yield View(lambda since: glance(tap, since), lambda: None, since)


def _passing(config: Config) -> Config:
    """The same, with broker sessions of our own that end with us: the hub's stays as it is."""
    kinds = Registry(config.hub.plugins).drivers
    ours = {"client_id": f"gashub-look-{uuid4().hex[:12]}", "session_expiry_s": 0}
    links = [
        link.model_copy(update={"settings": {**link.settings, **ours}})
        if link.kind in kinds and issubclass(kinds[link.kind].settings, BrokerSettings)
        else link
        for link in config.link
    ]
    return config.model_copy(update={"link": tuple(links)})


def _settle(driver: Driver, items: Sequence[Intake | Notice], _: threading.Event) -> bool:
    """A message of our own session is done with once it was shown; else the broker would stop."""
    driver.settle([item.receipt for item in items if isinstance(item, Intake) and item.receipt])
    return True


def follow(view: View, over: Callable[[], bool]) -> Iterator[Item]:
    """Everything that passes until *over*; what was dropped comes as an item of its own."""
    since, never = view.since, threading.Event()
    while True:
        last = over()
        answer = view.look(since)
        since = answer["next"]
        for why, count in answer["dropped"].items():
            yield {"what": "dropped", "text": why, "count": count}
        yield from answer["seen"]
        if last:
            return
        if not answer["seen"]:
            never.wait(LOOK_EVERY_S)
