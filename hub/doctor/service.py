"""The service: does a hub run, does systemd know it, would it be started again when it is stuck?"""

from collections.abc import Iterator

from hub.config import Config
from hub.doctor.finding import Finding, State
from hub.doctor.running import Running


def look_at_service(config: Config, running: Running) -> Iterator[Finding]:
    about = "service"
    if running.trouble:
        state: State = "broken" if running.trouble == "service.stuck" else "warning"
        figures = {"why": running.why, "socket": config.socket, "pid": running.pid}
        yield Finding(about, state, running.trouble, figures)
        return
    figures = {"pid": running.pid}
    environment = running.environment()
    if environment is None:
        yield Finding(about, "warning", "service.unseen", figures)
    elif not environment.get("NOTIFY_SOCKET"):
        yield Finding(about, "warning", "service.by_hand", figures)
    elif not environment.get("WATCHDOG_USEC", "").isdecimal():
        yield Finding(about, "warning", "service.no_watchdog", figures)
    else:
        fed_s = int(environment["WATCHDOG_USEC"]) / 1e6
        yield Finding(about, "ok", "service.watched", {**figures, "s": f"{fed_s:g}"})
