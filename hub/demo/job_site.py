"""Where the demo's jobs are worked: broker, CRM, hub and instruments, all on one shared clock."""

import base64
import secrets
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

import orjson

from hub.control import call
from hub.demo.broker import listens, start_broker
from hub.demo.job_scenarios import STAFF, ZONE
from hub.demo.processes import Fleet, Process, Simulator, wait_until
from hub.demo.site import (
    DETECTOR,
    LASER,
    MIXED,
    PIPE,
    SKY,
    Mqtt,
    Serial,
    start_instruments,
    write_config,
)
from hub.ledger import LedgerReader
from hub.simulate.mosquitto import free_port
from hub.simulate.shared_clock import ENV, Pacer, SharedClock

_TEMPLATE: Final = Path(__file__).with_name("jobs.toml")
_MORNING: Final = 9
_SERIAL: Final[Serial] = {
    "rs485-a": (
        "modbus",
        [
            *("--instrument", f"address=1 volume_l=30 seed=1 {PIPE}"),
            *("--instrument", f"address=2 volume_l=2 seed=2 {PIPE}"),
        ],
    ),
    "rs485-b": (
        "modbus",
        [
            *("--instrument", f"address=1 volume_l=60 seed=3 {PIPE}"),
            *("--instrument", f"address=2 volume_l=2 seed=4 {PIPE}"),
        ],
    ),
    "laser": LASER,
}
_MQTT: Final[Mqtt] = {
    "detector-1": DETECTOR,
    "analyser-1": ("name=analyser-1 dialect=thingsboard show=pct_vol", MIXED),
    "analyser-2": ("name=analyser-2 dialect=thingsboard show=pct_vol", MIXED),
    "sky": SKY,
}
_HEARD: Final = {"pm-1", "pm-2", "pm-3", "pm-4", "analyser-1", "analyser-2", "detector-1"}


class JobSite:
    """One gateway with everything around it. A context: whatever happens, no process is left.

    folder  empty; `state` is the hub's, `crm.jsonl` is what the CRM was told
    factor  how many times as fast as real the hub's clock runs; no threshold is changed
    python_path  where the program is, when it is not this one
    """

    def __init__(
        self,
        folder: Path,
        factor: float,
        lang: str,
        stop: threading.Event,
        *,
        python_path: Path | None = None,
    ) -> None:
        self.state = folder / "state"
        self.socket = self.state / "hub.sock"
        self.told = folder / "crm.jsonl"
        self.broker_kind = ""
        self._folder = folder
        self._lang = lang
        self._stop = stop
        today = datetime.now(ZONE).replace(hour=_MORNING, minute=0, second=0, microsecond=0)
        self.clock = SharedClock.create(
            folder / "clock", int(today.timestamp()) * 1_000_000, factor
        )
        self._pacer = Pacer(self.clock)
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        self._env = {ENV: str(self.clock.path), "GASHUB_SECRET_CRM_SIGNING": f"whsec_{key}"}
        if python_path is not None:
            # SAFEPATH: else the working folder's own program would come before it.
            self._env |= {"PYTHONPATH": str(python_path), "PYTHONSAFEPATH": "1"}
        self._house = ExitStack()
        self._broker = 0
        self._hub: Process | None = None

    def __enter__(self) -> Self:
        """Start broker, CRM and hub, put the staff on record, and let time run."""
        with ExitStack() as house:
            house.callback(self.clock.close)
            self._fleet = house.enter_context(self._fleet_of())
            self._start()
            house.callback(self.halt)
            self._house = house.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._house.close()

    def check(self) -> None:
        """Raises DemoFailed when broker, CRM or hub has ended by itself."""
        self._fleet.check()

    @contextmanager
    def instruments(self) -> Iterator[Mapping[str, Simulator]]:
        """Every instrument, switched on and heard by the hub; off when the block is left."""
        with LedgerReader(self.state) as reader:
            since = reader.size()
        with self._fleet_of() as van:
            started = start_instruments(van, self._folder, self._broker, _SERIAL, _MQTT)
            wait_until("every reading", lambda: self._all_heard(since), van, self._stop)
            yield started

    def next_day(self) -> None:
        """Go to the next morning at once; switch the instruments off before."""
        now = datetime.fromtimestamp(self.clock.now_us() // 1_000_000, ZONE)
        morning = (now + timedelta(days=1)).replace(hour=_MORNING, minute=0, second=0)
        self.halt()
        self.clock.move_to(int(morning.timestamp()) * 1_000_000)
        self._go_on()

    def kill_hub(self) -> None:
        """End the hub by kill -9. Time stands still until it is started again."""
        assert self._hub is not None, "there is a hub"
        self.halt()
        self._hub.popen.kill()
        self._hub.popen.wait()
        self._fleet.forget(self._hub)
        self.clock.bury()

    def start_hub(self) -> None:
        """Start the hub, wait until it answers, and let time run."""
        argv = [sys.executable, "-m", "hub", "run", str(self._folder / "gateway.toml")]
        self._hub = self._fleet.start("hub", argv)
        wait_until("the hub", self._answers, self._fleet, self._stop)
        self._go_on()

    def halt(self) -> None:
        """Time stands still from here on."""
        self._pacer.stop()

    def _go_on(self) -> None:
        self._pacer = Pacer(self.clock)
        self._pacer.start()

    def _fleet_of(self) -> Fleet:
        return Fleet(self._folder / "log", self._env)

    def _start(self) -> None:
        (self._folder / "state").mkdir()
        self.broker_kind, self._broker = start_broker(self._fleet, self._folder, self._stop)
        crm = free_port()
        # amqtt has no MQTT 5 and leaves a client that tries it without an answer.
        protocol = "3.1.1" if self.broker_kind == "amqtt" else "auto"
        write_config(self._folder, self._broker, crm, self._lang, protocol, _TEMPLATE)
        receiver = ["-m", "hub.simulate.receiver", "--file", str(self.told), "--port", str(crm)]
        self._fleet.start("crm", [sys.executable, *receiver])
        wait_until("the CRM receiver", lambda: listens(crm), self._fleet, self._stop)
        self.start_hub()
        for one in STAFF:
            call(self.socket, "staff.put", text=orjson.dumps(one).decode())

    def _answers(self) -> bool:
        try:
            call(self.socket, "status")
        except ConnectionError:
            return False
        return True

    def _all_heard(self, since: int) -> bool:
        needed = set(_HEARD)
        with LedgerReader(self.state) as reader:
            for entry in reader.entries(since, None, kinds=("readings",)):
                needed -= {reading.instrument for reading in entry.block().readings}
        return not needed
