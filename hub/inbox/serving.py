"""The inboxes of a gateway as a process: one config, a thread for each, nothing kept in memory."""

import signal
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import structlog

from hub.clock import Clock
from hub.config import Config, check_settings, load_config
from hub.control import call
from hub.credentials import secret
from hub.crew import Crew
from hub.errors import ConfigError
from hub.inbox.folder import FolderInbox
from hub.inbox.topic import TopicInbox
from hub.inbox_settings import KINDS, FolderSettings, TopicSettings
from hub.logs import set_up_log
from hub.model import Site
from hub.refusal import suggestion
from hub.timekeeping import hub_clock
from hub.watchdog import Watchdog

log = structlog.get_logger()


def inboxes(config: Config, clock: Clock) -> dict[str, FolderInbox | TopicInbox]:
    """The inboxes of a config by name, checked; nothing opened yet. raises ConfigError"""
    made: dict[str, FolderInbox | TopicInbox] = {}
    faults = []
    site = Site(config.hub.gateway, clock, secret)
    ask = partial(call, config.socket)
    for one in config.inbox:
        where = f'inbox "{one.name}"'
        if one.kind not in KINDS:
            known = suggestion(one.kind, KINDS)
            faults.append(f"{config.path}: {where}: kind is {one.kind!r}; {known}")
            continue
        try:
            settings = check_settings(KINDS[one.kind], one.settings, config.path, where)
        except ConfigError as wrong:
            faults.append(str(wrong))
            continue
        if isinstance(settings, FolderSettings):
            made[one.name] = FolderInbox(one.name, settings, ask, clock)
        elif isinstance(settings, TopicSettings):
            made[one.name] = TopicInbox(one.name, settings, site, ask, clock)
    if faults:
        raise ConfigError("\n".join(faults))
    return made


def serve(path: Path) -> int:
    """Take orders until SIGTERM or Ctrl-C. Returns 0, or 1 when a thread failed.

    raises  ConfigError
    """
    config, clock = load_config(path), hub_clock()
    made = inboxes(config, clock)
    if not made:
        raise ConfigError(f"{path}: there is no [[inbox]]; add one, or do not start this unit")
    set_up_log(config.log)
    stop = threading.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: stop.set())
    crew = Crew(stop)
    with ExitStack() as house:
        for name, inbox in made.items():
            house.enter_context(crew.running(f"inbox:{name}", inbox.run))
        log.info("inbox_open", inboxes=sorted(made))
        Watchdog().ready(f"{len(made)} inbox(es)")
        while not stop.wait(1.0):
            pass
    return 1 if crew.failed else 0
