"""Commands for readings that a person hands in: typed off a scale, or a logger's file."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.asking import ask, show
from hub.cli.options import CONFIG, ConfigOption, JsonOption
from hub.errors import CommandRefused

LARGEST_IMPORT = 700_000
"""Bytes; with its coding it must go into one request of the command socket."""
LARGEST_PHOTO = 64 << 20
AsOption = Annotated[str, typer.Option("--as", help="Name of the link in the config.")]


def order_reading(
    number: str,
    instrument: Annotated[str, typer.Option(help="The gauge, as the order names it.")],
    value: Annotated[str, typer.Option(help="What its scale says, as a decimal number.")],
    unit: Annotated[str, typer.Option(help="Unit of the scale: mmH2O, Pa, ...")],
    operator: Annotated[str, typer.Option(help="Who read it.")],
    photo: Annotated[
        Path | None, typer.Option(help="Photo of the scale; only its SHA-256 is recorded.")
    ] = None,
    link: AsOption = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Record what a person reads off a gauge now, for an order of source manual.

    The photo stays where it is: keep it, for only the file itself can be compared with the hash.
    """
    given = {
        "number": number,
        "as": link,
        "instrument": instrument,
        "value": value,
        "unit": unit,
        "operator": operator,
    }
    if photo is not None:
        data = _bytes(photo, LARGEST_PHOTO)
        given |= {"photo": photo.name, "photo_sha256": sha256(data).hexdigest()}
    show(ask(config, "order.reading", **given), as_json)


def import_file(
    file: Annotated[Path, typer.Argument(help="What the logger wrote; it is left in its place.")],
    order: Annotated[str, typer.Option(help="Order number; an attempt of it must be open.")],
    link: AsOption,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Hand in a logger's file for an order of source imported, all of it or nothing."""
    data = _bytes(file, LARGEST_IMPORT)
    given = {"number": order, "as": link, "file": file.name, "base64": b64encode(data).decode()}
    show(ask(config, "order.import", **given), as_json)


def _bytes(file: Path, at_most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(at_most + 1)
    except OSError as fault:
        raise CommandRefused(f"{file}: cannot be read: {fault.strerror}") from fault
    if not data:
        raise CommandRefused(f"{file}: is empty; give the file itself")
    if len(data) > at_most:
        raise CommandRefused(f"{file}: larger than {at_most} bytes; is it the right file?")
    return data
