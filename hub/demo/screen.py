"""The demo on a terminal: one line per order with bar, reading and curve; plain lines elsewhere."""

from collections.abc import Iterable, Sequence
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hub.clock import shanghai
from hub.demo.watch import Standing
from hub.demo.words import Lang, word

_BARS = "▁▂▃▄▅▆▇█"
_CURVE_CHARACTERS = 28
_COLOURS = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow", "ABORTED": "magenta"}


def curve(points: Sequence[float], characters: int = _CURVE_CHARACTERS) -> str:
    """The points as a line of block characters, the newest on the right; lowest to highest."""
    if not points:
        return ""
    step = max(1.0, len(points) / characters)
    shown = [points[min(len(points) - 1, int(at * step))] for at in range(characters)]
    shown = shown[: min(characters, len(points))]
    shown[-1] = points[-1]
    low, high = min(points), max(points)
    span = high - low or 1.0
    return "".join(_BARS[round((point - low) / span * (len(_BARS) - 1))] for point in shown)


def coloured(verdict: str, lang: Lang) -> Text:
    """A verdict in its colour."""
    return Text(word(lang, verdict), style=_COLOURS.get(verdict, ""))


class Screen:
    """Shows the standings. A context; without a terminal it prints changes line by line."""

    def __init__(self, console: Console, lang: Lang) -> None:
        self._console = console
        self._lang = lang
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._said: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, key: str, **facts: object) -> None:
        """One line that stays."""
        self._console.print(word(self._lang, key, **facts), markup=False, highlight=False)

    def show(self, standings: Iterable[Standing], now_us: int) -> None:
        """The standings at hub instant *now_us*."""
        if self._console.is_terminal:
            self._live.update(self._table(standings, now_us))
            return
        for standing in standings:
            self._say_change(standing, now_us)

    def _say_change(self, standing: Standing, now_us: int) -> None:
        number = standing.scenario.number
        said = self._said.get(number, ("waiting", 0))
        now = (standing.stage, len(standing.verdicts))
        if now == said:
            return
        self._said[number] = now
        facts = {
            "at": shanghai(now_us),
            "number": number,
            "title": standing.scenario.title[self._lang],
        }
        if now[1] > said[1]:
            verdict = word(self._lang, standing.verdicts[-1])
            self.say("decided", **facts, verdict=verdict)
        elif standing.stage != "evaluated":
            self.say("stage", **facts, stage=word(self._lang, standing.stage))

    def _table(self, standings: Iterable[Standing], now_us: int) -> RenderableType:
        lang = self._lang
        table = Table(title=shanghai(now_us), title_justify="left", expand=False)
        for key in ("order", "test", "progress"):
            table.add_column(word(lang, key), no_wrap=True)
        table.add_column("", width=16)
        table.add_column(word(lang, "value"), justify="right", no_wrap=True, width=14)
        table.add_column(word(lang, "curve"), no_wrap=True, width=_CURVE_CHARACTERS)
        for standing in standings:
            stage = word(lang, standing.stage)
            state = Text(stage)
            if standing.verdicts:
                state = Text(" ").join(coloured(one, lang) for one in standing.verdicts)
                if standing.stage != "evaluated":
                    state.append(f" {stage}")
            table.add_row(
                standing.scenario.number,
                standing.scenario.title[lang],
                state,
                ProgressBar(total=1.0, completed=standing.done, width=16),
                standing.latest,
                curve(tuple(standing.curve)),
            )
        return table
