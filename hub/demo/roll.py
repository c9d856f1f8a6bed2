"""The live table of the instruments: every one in a row, as it stands."""

import time
from collections.abc import Iterable, Sequence
from typing import Final, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hub.demo.record import GONE, Sight
from hub.demo.specimens import Gap
from hub.demo.words import WORDS, Lang, word

_PRINT_EVERY_S: Final = 5.0
_TURN_EVERY_S: Final = 5.0
"""How long one part of the table stays, where the terminal is too low for all of it."""
_FRAME_LINES: Final = 6  # title, head, rules and the line below
_FEWEST_ROWS: Final = 5
_COLUMNS: Final = (
    "instrument", "plugin", "model", "where", "value", "unit", "quality", "age", "readings",
    "state",
)  # fmt: skip
_SPARED: Final = {"where": 132, "plugin": 112, "model": 92, "readings": 80}
"""Columns that a terminal narrower than this goes without, so that the state can be read."""
_RIGHT: Final = frozenset({"value", "age", "readings"})
_QUALITY_COLOURS: Final = {"good": "green", "late": "yellow", "stale": "yellow"}
_STATE_COLOURS: Final = {"lost": "red", "failed": "red", "ok": "green", "good": "green"}


def named(lang: Lang, state: str) -> str:
    """The word for a state, a quality or a sign; itself where there is none."""
    if state == "starting":
        return word(lang, "starting_up")
    return word(lang, state) if state in WORDS else state


class Roll:
    """Shows the sights. A context; without a terminal it prints the whole table now and then."""

    def __init__(self, console: Console, lang: Lang) -> None:
        self._console = console
        self._lang = lang
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._began_s = time.monotonic()
        self._print_at_s = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, key: str, **facts: object) -> None:
        """One line that stays."""
        self._console.print(word(self._lang, key, **facts), markup=False, highlight=False)

    def show(self, sights: Sequence[Sight], gaps: Sequence[Gap], now_us: int) -> None:
        """The sights at hub instant *now_us*."""
        if self._console.is_terminal:
            self._live.update(self._window(sights, gaps, now_us))
        elif time.monotonic() >= self._print_at_s:
            self._print_at_s = time.monotonic() + _PRINT_EVERY_S
            self.print(sights, gaps, now_us)

    def print(self, sights: Sequence[Sight], gaps: Sequence[Gap], now_us: int) -> None:
        """The whole table, to stay; what was live is over."""
        self._live.stop()
        self._console.print(self._table([*self._rows(sights, gaps, now_us)]))

    def _window(self, sights: Sequence[Sight], gaps: Sequence[Gap], now_us: int) -> RenderableType:
        """As many rows as fit, and every few seconds the next ones."""
        rows = [*self._rows(sights, gaps, now_us)]
        fit = max(_FEWEST_ROWS, self._console.height - _FRAME_LINES)
        if len(rows) <= fit:
            return self._table(rows)
        parts = -(-len(rows) // fit)
        part = int((time.monotonic() - self._began_s) / _TURN_EVERY_S) % parts
        first = min(part * fit, len(rows) - fit)
        shown = rows[first : first + fit]
        below = word(self._lang, "rows", first=first + 1, last=first + len(shown), rows=len(rows))
        return self._table(shown, below)

    def _table(self, rows: Sequence[Sequence[Text]], below: str = "") -> Table:
        table = Table(caption=below or None, caption_justify="left", expand=True, box=None)
        shown = [at for at, k in enumerate(_COLUMNS) if self._console.width >= _SPARED.get(k, 0)]
        for key in (_COLUMNS[at] for at in shown):
            table.add_column(
                word(self._lang, key),
                justify="right" if key in _RIGHT else "left",
                no_wrap=True,
                ratio=1 if key in ("state", "model") else None,
                overflow="ellipsis",
            )
        for row in rows:
            table.add_row(*(row[at] for at in shown))
        return table

    def _rows(
        self, sights: Sequence[Sight], gaps: Sequence[Gap], now_us: int
    ) -> Iterable[Sequence[Text]]:
        for sight in sights:
            yield self._row(sight, now_us)
        for gap in gaps:
            said = Text(word(self._lang, "cannot", why=gap.why), style="red")
            told = {"plugin": Text(gap.plugin), "model": Text(gap.model), "state": said}
            yield [told.get(key, Text("-")) for key in _COLUMNS]

    def _row(self, sight: Sight, now_us: int) -> Sequence[Text]:
        lang, one, newest = self._lang, sight.specimen, sight.newest
        state = "ok" if sight.word == "good" else sight.word
        told = Text(named(lang, state), style=_STATE_COLOURS.get(state, "yellow"))
        if state not in ("ok", *GONE) and (why := sight.cause):
            told.append(f": {named(lang, why)}")
        if newest is None:
            shown: Sequence[str | Text] = ("", "", "", "")
        else:
            quality = Text(
                named(lang, newest.quality), style=_QUALITY_COLOURS.get(newest.quality, "red")
            )
            age = word(lang, "seconds", s=max(0.0, (now_us - newest.at_us) / 1e6))
            shown = (newest.value, newest.unit, quality, age)
        head = (one.name, one.plugin, one.model, one.where)
        cells = (*head, *shown, str(sight.readings), told)
        return [cell if isinstance(cell, Text) else Text(cell) for cell in cells]
