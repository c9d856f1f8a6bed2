"""`gashub contract`: the contract with receiving sides, as files."""

from pathlib import Path
from typing import Annotated

import typer

from hub.errors import CommandRefused

contract_app = typer.Typer(
    no_args_is_help=True, help="For IT people: schemas, field mapping, and the kit."
)


@contract_app.command("write")
def write(folder: Annotated[Path, typer.Argument(help="Where `docs` is.")]) -> None:
    """Write schemas, words, and the AsyncAPI and OpenAPI documents, from models and routes."""
    from hub.api.application import write_document
    from hub.contract.asyncapi import asyncapi
    from hub.contract.schemas import text_of, write_schemas
    from hub.contract.words import words

    (folder / "words.json").write_text(text_of(words()), encoding="utf-8")
    write_schemas(folder / "schemas")
    (folder / "asyncapi.json").write_text(text_of(asyncapi()), encoding="utf-8")
    write_document(folder)


@contract_app.command("map")
def map_(
    file: Annotated[Path, typer.Argument(help="Mapping file, as named in `mapping` of a sink.")],
    events: Annotated[
        list[Path] | None, typer.Argument(help="Events to map; the golden events when absent.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the resulting bodies; nothing is sent.")
    ] = False,
) -> None:
    """Read a mapping file: is it safe, and what bodies does it make?"""
    from hub.contract.trying import doubts, tried
    from hub.mapping import Mapped

    mapped = Mapped(file)
    for doubt in doubts(file, mapped):
        typer.echo(f"warning: {doubt}", err=True)
    if not dry_run:
        typer.echo(f"{file}: safe; it maps {', '.join(sorted(mapped.kinds))}")
        return
    found = list(tried(mapped, events))
    if not found:
        raise CommandRefused(f"{file}: none of these events is of a kind that it maps")
    for name, body in found:
        typer.echo(f"# {name}\n{body}")


@contract_app.command("kit")
def kit(folder: Annotated[Path, typer.Argument(help="New folder for the kit.")]) -> None:
    """Write the kit for whoever builds a receiver: samples, checker, golden events, guide."""
    from hub.contract.kit import write_kit

    names = write_kit(folder)
    typer.echo(f"{len(names)} files in {folder}; begin with guide.en.md or guide.zh-CN.md")
