"""`gashub contract`: the contract with receiving sides, as files."""

from pathlib import Path
from typing import Annotated

import typer

contract_app = typer.Typer(
    no_args_is_help=True, help="For IT people: schemas, field mapping, and the kit."
)


@contract_app.command("write")
def write(folder: Annotated[Path, typer.Argument(help="Where `docs` is.")]) -> None:
    """Write the schemas and the AsyncAPI document, from the models."""
    from hub.contract.asyncapi import asyncapi
    from hub.contract.schemas import text_of, write_schemas

    write_schemas(folder / "schemas")
    (folder / "asyncapi.json").write_text(text_of(asyncapi()), encoding="utf-8")
