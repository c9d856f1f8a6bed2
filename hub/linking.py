"""A link's thread: it owns one driver with a transport of its own, such as a broker connection."""

import random
import threading
from collections.abc import Callable, Sequence

import structlog

from hub.clock import Clock
from hub.errors import Fault
from hub.model import Driver, Intake, Notice

log = structlog.get_logger()

READ_WITHIN_S = 0.05
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
BUG_PAUSE_S = 30.0

Put = Callable[[Sequence[Intake | Notice], threading.Event], bool]


def tend_link(name: str, driver: Driver, put: Put, clock: Clock, stop: threading.Event) -> None:
    """Read one driver until told to stop. The body of thread `link:NAME`.

    A Fault or an OSError closes the driver, waits, and opens it again; any other exception is a
    bug in the driver: it is named in the log and in the record, and tried again more slowly.
    """
    pause_s, lost = FIRST_PAUSE_S, False
    while not stop.is_set():
        try:
            driver.open()
            while not stop.is_set():
                clock.beat(f"link:{name}")
                batch = driver.read(READ_WITHIN_S)
                if batch and not put(batch, stop):
                    break
                pause_s = FIRST_PAUSE_S
                if lost:
                    lost = False
                    log.info("link_back", link=name)
        except (Fault, OSError) as fault:
            if not lost:
                log.warning("link_lost", link=name, error=str(fault))
                put([Notice(clock.now_us(), name, "link_lost", str(fault))], stop)
            lost = True
        except Exception as bug:  # a stranger's code: it stops this link only, and is named
            log.exception("driver_failed", link=name)
            put([Notice(clock.now_us(), name, "driver_failed", repr(bug))], stop)
            lost, pause_s = True, max(pause_s, BUG_PAUSE_S)
        finally:
            driver.close()
        clock.forget(f"link:{name}")
        clock.wait(stop, random.uniform(0.5, 1.0) * pause_s)
        pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
