"""A link's thread: it owns one driver with a transport of its own, such as a broker connection."""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from hub.clock import Clock, iso
from hub.errors import Fault
from hub.model import Driver, Intake, LinkState, Notice, TellsState
from hub.tapping import Tap

log = structlog.get_logger()

READ_WITHIN_S = 0.05
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
BUG_PAUSE_S = 30.0

Put = Callable[[Sequence[Intake | Notice], threading.Event], bool]


class Link:
    """One driver and its thread. `status` is for any thread, all else for the link's own."""

    def __init__(self, name: str, driver: Driver, put: Put, clock: Clock) -> None:
        self.name = name
        self._driver = driver
        self._put = put
        self._clock = clock
        self._state = LinkState("connecting", clock.now_us())
        self._readings = self._dead = self._dropped = 0

    def run(self, stop: threading.Event) -> None:
        """Read the driver until told to stop. The body of thread `link:NAME`.

        A Fault or an OSError closes the driver, waits, and opens it again; any other exception is
        a bug in the driver: it is named in the log and in the record, and tried again more slowly.
        """
        name, driver, clock = self.name, self._driver, self._clock
        pause_s, lost = FIRST_PAUSE_S, False
        while not stop.is_set():
            try:
                driver.open()
                while not stop.is_set():
                    clock.beat(f"link:{name}")
                    batch = driver.read(READ_WITHIN_S)
                    if batch:
                        if not self._put(batch, stop):
                            break
                        self._count(batch)
                    pause_s = FIRST_PAUSE_S
                    self._stand("connected")
                    if lost:
                        lost = False
                        log.info("link_back", link=name)
            except (Fault, OSError) as fault:
                self._stand("down", str(fault))
                if not lost:
                    log.warning("link_lost", link=name, error=str(fault))
                    self._say("link_lost", str(fault), stop)
                lost = True
            except Exception as bug:  # a stranger's code: it stops this link only, and is named
                self._stand("down", f"the driver failed: {bug!r}; tell its author")
                log.exception("driver_failed", link=name)
                self._say("driver_failed", repr(bug), stop)
                lost, pause_s = True, max(pause_s, BUG_PAUSE_S)
            finally:
                driver.close()
            clock.forget(f"link:{name}")
            clock.wait(stop, random.uniform(0.5, 1.0) * pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def status(self) -> Mapping[str, Any]:
        """How the link stands, and what came over it since the hub started; keys as in socket.md.

        What only the driver can know is empty or None where the driver does not tell.
        """
        now = self._now()
        return {
            "state": now.state,
            "since": iso(now.since_us),
            "why": now.why,
            "broker": now.broker,
            "client_id": now.client_id,
            "session_present": now.session_present,
            "messages": now.messages,
            "readings": self._readings,
            "dead": self._dead,
            "dropped": self._dropped,
        }

    def _now(self) -> LinkState:
        ours = self._state
        if not isinstance(self._driver, TellsState):
            return ours
        try:
            told = self._driver.link_state()
        except Exception as bug:  # a stranger's code must not take the control thread down
            log.exception("driver_failed", link=self.name)
            return ours._replace(why=ours.why or f"the driver cannot tell its state: {bug!r}")
        if ours.state != "down":
            return told
        # A driver that raised is down, whatever it last thought of its transport.
        return told._replace(state="down", since_us=ours.since_us, why=ours.why)

    def _say(self, what: str, detail: str, stop: threading.Event) -> None:
        self._put([Notice(self._clock.now_us(), self.name, what, detail)], stop)

    def _stand(self, state: str, why: str = "") -> None:
        was = self._state
        if was.state != state:
            self._state = LinkState(state, self._clock.now_us(), why)
        elif was.why != why:
            self._state = was._replace(why=why)

    def _count(self, batch: Sequence[Intake | Notice]) -> None:
        for item in batch:
            if type(item) is Intake:
                self._readings += len(item.readings)
                if item.dead:
                    self._dead += 1
                elif item.dropped:
                    self._dropped += 1


def tapped(put: Put, tap: Tap) -> Put:
    """*put* that shows *tap* each message on its way, and what the driver made of it."""

    def shown(items: Sequence[Intake | Notice], stop: threading.Event) -> bool:
        for item in items if tap.watched else ():
            if isinstance(item, Notice):
                tap.note("notice", text=f"{item.subject}: {item.what}: {item.detail}")
                continue
            tap.instrument = item.source
            tap.note("device", item.frame)
            tap.note("made", made=(item,))
        return put(items, stop)

    return shown
