"""Commands for authors of plugins: new-plugin, simulate, samples, conformance.

As in `hub.cli.main`, heavy parts are imported by the command that needs them.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.options import JsonOption


class Sort(StrEnum):
    """What `new-plugin` can begin."""

    SERIAL_POLL = "serial-poll"
    SERIAL_STREAM = "serial-stream"
    MODBUS_PROFILE = "modbus-profile"
    MQTT_DECODER = "mqtt-decoder"
    SINK = "sink"
    PROCEDURE = "procedure"


def new_plugin(
    name: Annotated[str, typer.Argument(help="Lower case, underscores: my_gauge.")],
    kind: Annotated[Sort, typer.Option(help="What it is to become.")],
    into: Annotated[
        Path | None,
        typer.Option(help="Package folder to put it into; else plugins/, profiles beside others."),
    ] = None,
) -> None:
    """Write a complete plugin that works, with a made-up protocol to put yours in place of."""
    from hub.kit import begin

    begun = begin(name, kind.value, into)
    for path in begun.files:
        typer.echo(str(path))
    typer.echo(f"\n{begun.next_steps}")


def simulate(context: typer.Context) -> None:
    """Run an instrument that is not there, on a real pty or broker (see `simulate --help`)."""
    from hub.simulate.commands import main as simulate_main

    raise typer.Exit(simulate_main(context.args))


def samples(
    plugins: Annotated[
        list[str] | None,
        typer.Argument(help="As in hub.plugins; every built-in, and the gateway, if none."),
    ] = None,
    write: Annotated[
        bool, typer.Option(help="Write them, and the settings tables and the catalogue, in place.")
    ] = False,
) -> None:
    """Show every sample config, made from the settings: the gateway's and each plugin's."""
    from hub.pages import CATALOGUE, all_readmes, catalogue
    from hub.samples import GATEWAY, all_samples, gateway_config

    found = [*all_samples(plugins)]
    if not plugins:
        found.insert(0, (GATEWAY, gateway_config()))
    if not write:
        for path, text in found:
            typer.echo(f"# {path.parent.name}/{path.name}\n{text}")
        return
    found += all_readmes(plugins)
    if not plugins:
        found.append((CATALOGUE, catalogue()))
    unchanged = 0
    for path, text in found:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            unchanged += 1
            continue
        path.write_text(text, encoding="utf-8")
        typer.echo(str(path))
    typer.echo(f"{len(found) - unchanged} written, {unchanged} unchanged")


def conformance(
    plugins: Annotated[
        list[str] | None, typer.Argument(help="As in hub.plugins: a built-in, or a dotted module.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every built-in plugin.")] = False,
    fuzz: Annotated[
        int, typer.Option(help="Bend so many messages and count false readings; gold asks for it.")
    ] = 0,
    soak_s: Annotated[float, typer.Option(help="Seconds among faults; gold asks for it.")] = 0.0,
    checks: Annotated[bool, typer.Option(help="Only list what is asked for.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say how far a plugin comes, bronze, silver or gold, and what it lacks.

    Exit 1 for a built-in below silver, and for any plugin below the level its README claims.
    """
    from rich.console import Console

    from hub.config import LogSettings
    from hub.conformance import Options, examine, table
    from hub.logs import set_up_log
    from hub.registry import built_in_plugins

    set_up_log(LogSettings(form="console", level="error"))  # what a fault provokes is no news
    if checks:
        table.show_checks()
        return
    built_in = built_in_plugins()
    with Console(stderr=True).status("") as busy:
        results = [
            result
            for plugin in (built_in if everyone else plugins or ())
            for result in examine(plugin, Options(fuzz, soak_s), busy.update)
        ]
    if as_json:
        typer.echo(json.dumps(table.as_rows(results), ensure_ascii=False, indent=2))
    else:
        table.show(results)
    if not all(result.enough(silver=result.plugin in built_in) for result in results):
        raise typer.Exit(1)
