"""Options that commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

CONFIG = Path(os.environ.get("GASHUB_CONFIG", "/etc/gashub/gateway.toml"))
ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="Gateway config; or set GASHUB_CONFIG.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
