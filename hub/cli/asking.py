"""How a command asks the hub, and shows the answer."""

import json
import sys
from pathlib import Path
from typing import Any

import typer

from hub.errors import CommandRefused


def ask(config: Path, do: str, **arguments: Any) -> Any:
    """Ask the running hub; without one, take its lock and do it here."""
    from hub.config import load_config
    from hub.control import call

    settings = load_config(config)
    try:
        return call(settings.socket, do, **arguments)
    except ConnectionError:
        if do in ("status", "order.progress"):
            raise
        from hub.config import LogSettings
        from hub.logs import set_up_log
        from hub.standalone import do_here

        set_up_log(LogSettings(form="console", level="warning"))  # the answer is for stdout alone
        return do_here(settings, do, arguments)


def show(answer: Any, as_json: bool) -> None:
    """Print *answer*: a table on a terminal, else JSON."""
    if as_json or not sys.stdout.isatty():
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2, default=str))
        return
    from hub.tables import show as show_table

    show_table(answer)


def text_of(file: Path) -> str:
    """What a file says. Raises CommandRefused when it cannot be read, or is no text."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as fault:
        raise CommandRefused(f"{file}: cannot be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise CommandRefused(f"{file}: is no UTF-8 text: {fault}") from fault
