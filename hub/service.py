"""The hub as a service: one config, signals, an exit code, and nothing it does not need."""

import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

LISTEN_S = 0.2


def serve(config: Path) -> int:
    """Run the hub until SIGTERM or Ctrl-C. Returns the exit code.

    raises  ConfigError, CommandRefused (another process has the state folder)
    """
    _travel_light()
    import signal  # noqa: PLC0415  nothing may be imported before _travel_light
    import threading  # noqa: PLC0415

    from hub.app import run  # noqa: PLC0415
    from hub.config import load_config  # noqa: PLC0415
    from hub.crew import Crew  # noqa: PLC0415
    from hub.logs import set_up_log  # noqa: PLC0415

    settings = load_config(config)
    set_up_log(settings.log)
    stop = threading.Event()
    # A handler would run in the main thread, perhaps while that holds the very lock that
    # `stop.set` needs, and wait for itself for ever. So a thread of its own takes the signals.
    asked = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, asked)

    def listen(halt: threading.Event) -> None:
        while not halt.is_set():
            if signal.sigtimedwait(asked, LISTEN_S) is not None:
                stop.set()

    with Crew(stop).running("signals", listen):
        return run(settings, stop)


def _travel_light() -> None:
    """Keep out what libraries load and a service never uses: 8 MB of a small box.

    rich only colours tracebacks on a terminal, and structlog does without it; asyncio serves its
    async methods; urllib.request tells the MQTT client of proxies, and brings all of HTTP and
    e-mail. These two are loaded after all if anybody touches them. pydantic would look through
    all installed packages for plugins of its own.
    """
    if "structlog" in sys.modules:
        return
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # its import then fails
    import urllib  # noqa: PLC0415

    sys.modules.setdefault("asyncio", _Later("asyncio"))
    urllib.request = sys.modules.setdefault("urllib.request", _Later("urllib.request"))
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


class _Later(ModuleType):
    """A module that is imported at the first look into it.

    The library's LazyLoader loads at the next `import` already, which looks at its spec.
    """

    def __getattr__(self, name: str) -> object:
        del sys.modules[self.__name__]
        module = import_module(self.__name__)
        self.__dict__.update(module.__dict__)
        return getattr(module, name)
