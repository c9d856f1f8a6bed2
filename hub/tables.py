"""Answers on a terminal: lists as tables, single things as key and value, ids never broken.

A table shows the columns that fit the width; what does not fit stands under its row. Text that
is no table wraps between words. Times are shown in Asia/Shanghai, as the field reckons.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from hub.clock import shanghai

_GAP: Final = 2
_STEP: Final = 2
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def show(answer: Any, console: Console | None = None) -> None:
    """Print an answer for a person; its warnings come last."""
    console = console or Console()
    if isinstance(answer, Mapping):
        pairs(console, {key: value for key, value in answer.items() if key != "warnings"})
        for warning in answer.get("warnings", ()):
            line(console, f"warning: {warning}", style="yellow")
    elif _are_rows(answer):
        rows(console, answer)
    else:
        line(console, plain(answer))


def rows(console: Console, found: Sequence[Mapping[str, Any]], indent: int = 0) -> None:
    """One line for each, and under it whatever was too wide for the line."""
    if not found:
        line(console, "none", indent)
        return
    cells = [{_key(key): plain(value, key) for key, value in row.items()} for row in found]
    keys = [key for key in cells[0] if any(row.get(key) for row in cells)]
    widths: dict[str, int] = {}
    left = console.width - indent
    for key in keys:
        width = max(cell_len(key), *(cell_len(row.get(key, "")) for row in cells))
        if width <= left:
            widths[key] = width
            left -= width + _GAP
    line(console, _columns({key: key for key in widths}, widths), indent, style="bold")
    for row in cells:
        line(console, _columns(row, widths), indent)
        for key in keys:
            if key not in widths and row.get(key):
                line(console, f"{key}: {row[key]}", indent + 2 * _STEP, style="dim")


def pairs(console: Console, answer: Mapping[str, Any], indent: int = 0) -> None:
    """Key and value, a line each; tables and what is nested stand under their key."""
    width = max((cell_len(_key(key)) for key in answer), default=0) + _GAP
    for key, value in answer.items():
        text = plain(value, key)
        if _is_flat(value) and cell_len(text) <= console.width - indent - width:
            named = Text(_key(key) + " " * (width - cell_len(_key(key))), style="bold")
            _print(console, named.append(text, style="not bold"), indent)
            continue
        line(console, _key(key), indent, style="bold")
        if _are_rows(value):
            rows(console, value, indent + _STEP)
        elif isinstance(value, Mapping) and _are_rows(list(value.values())):
            rows(console, [{"name": who, **row} for who, row in value.items()], indent + _STEP)
        elif isinstance(value, Mapping):
            pairs(console, value, indent + _STEP)
        else:
            line(console, text, indent + _STEP)


def line(console: Console, text: str, indent: int = 0, style: str = "none") -> None:
    """A text in one or more lines, wrapped between words and indented alike."""
    _print(console, Text(text, style=style), indent)


def plain(value: Any, key: str = "") -> str:
    """A value as text on one line; "" for what is absent or empty."""
    if value is None or value in ((), [], {}):
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(one, name)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and key.endswith("_us"):
        return f"{shanghai(value)}+08" if value else ""
    return _ISO.sub(_local, str(value))


def _local(utc: re.Match[str]) -> str:
    return f"{shanghai(round(datetime.fromisoformat(utc[0]).timestamp() * 1e6))}+08"


def _print(console: Console, text: Text, indent: int) -> None:
    for part in text.wrap(console, max(console.width - indent, 1)):
        part.rstrip()
        console.print(Text(" " * indent).append_text(part), soft_wrap=True)


def _key(key: str) -> str:
    return key.removesuffix("_us")


def _columns(row: Mapping[str, str], widths: Mapping[str, int]) -> str:
    texts = [(row.get(key, ""), width) for key, width in widths.items()]
    return (" " * _GAP).join(text + " " * (width - cell_len(text)) for text, width in texts)


def _is_flat(value: Any) -> bool:
    """A text, a number, or one level of them: it has a place in a line."""
    if isinstance(value, Mapping):
        return not any(isinstance(one, Mapping | list | tuple) for one in value.values())
    if isinstance(value, list | tuple):
        return not any(isinstance(one, Mapping | list | tuple) for one in value)
    return True


def _are_rows(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(row, Mapping) and all(_is_flat(one) for one in row.values()) for row in value
    )
