"""What the demo shows while it runs: where each order stands, and the curve of its readings."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.control import call
from hub.demo.scenarios import Scenario
from hub.looking import order as look_at
from hub.simulate.shared_clock import SharedClock

CURVE_POINTS = 240


@dataclass(slots=True)
class Standing:
    """One order as it stands now.

    latest  newest reading with its unit, empty before the first
    done    from 0 to 1 within the present stage
    """

    scenario: Scenario
    stage: str = "waiting"
    latest: str = ""
    done: float = 0.0
    verdicts: Sequence[str] = ()
    curve: deque[float] = field(default_factory=lambda: deque(maxlen=CURVE_POINTS))


class Watch:
    """Asks the hub, as `gashub order show` would. For one thread."""

    def __init__(
        self, scenarios: Sequence[Scenario], socket: Path, state_dir: Path, clock: SharedClock
    ) -> None:
        self.standings = {one.number: Standing(one) for one in scenarios}
        self._socket = socket
        self._state_dir = state_dir
        self._clock = clock
        self._open: set[str] = set()

    def look(self) -> None:
        """Bring every standing up to date."""
        found = {now["order"]: now for now in call(self._socket, "order.progress", number="")}
        for number in self._open - found.keys():
            self._close(self.standings[number])
        self._open = set(found)
        for number, now in found.items():
            self._update(self.standings[number], now)

    def _update(self, standing: Standing, now: Mapping[str, Any]) -> None:
        standing.stage = now.get("stage", "waiting")
        since_us, remaining = now.get("since_us"), now.get("remaining_s")
        standing.done = 0.0
        if since_us is not None and remaining is not None:
            past_s = max(0.0, (self._clock.now_us() - since_us) / 1e6)
            whole_s = past_s + float(remaining)
            standing.done = past_s / whole_s if whole_s > 0 else 1.0
        if now.get("latest"):
            standing.latest = now["latest"]
            standing.curve.append(float(now["latest"].split()[0]))

    def _close(self, standing: Standing) -> None:
        attempts = look_at(self._state_dir, standing.scenario.number)["attempts"]
        standing.verdicts = [one["verdict"]["verdict"] for one in attempts if one["verdict"]]
        standing.stage, standing.done = "evaluated", 1.0
