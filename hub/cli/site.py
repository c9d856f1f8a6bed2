"""Commands for whoever stands before the instruments: frames, probe, doctor.

As in `hub.cli.main`, heavy parts are imported by the command that needs them.
"""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.options import CONFIG, ConfigOption, JsonOption
from hub.texts import Language, say

frames_app = typer.Typer(no_args_is_help=True, help="Raw bytes: watch, record, play back.")

SecondsOption = Annotated[float | None, typer.Option(min=0.1, help="Stop after so long.")]
CountOption = Annotated[int | None, typer.Option(min=1, help="Stop after so many messages.")]


@frames_app.command("tail")
def frames_tail(
    line: Annotated[str, typer.Argument(help="Name of a line or link in the config.")],
    seconds: SecondsOption = None,
    count: CountOption = None,
    config: ConfigOption = CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show the raw bytes of a line or link live, with times and directions; Ctrl-C ends it.

    With a running hub they are the hub's own; without one the port is opened here.
    """
    from hub.config import load_config
    from hub.frames.commands import tail

    tail(load_config(config), line, typer.echo, as_json=as_json, seconds=seconds, most=count)


@frames_app.command("record")
def frames_record(
    line: Annotated[str, typer.Argument(help="Name of a line in the config.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the case; made if need be.")],
    seconds: SecondsOption = None,
    count: CountOption = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Record a line into a case folder, until Ctrl-C, and play it back. Exit 1 when it differs.

    The line's drivers begin anew first: one that streams loses the message it is in.
    """
    from hub.config import load_config
    from hub.frames.commands import record

    if not record(load_config(config), line, out, typer.echo, seconds=seconds, most=count):
        raise typer.Exit(1)


@frames_app.command("replay")
def frames_replay(
    folder: Annotated[Path, typer.Argument(help="A folder that `record` wrote.")],
) -> None:
    """Play recorded bytes through the driver again. Exit 1 unless all readings are identical."""
    from hub.frames.commands import replay

    if not replay(folder, typer.echo):
        raise typer.Exit(1)


def probe(
    port: Annotated[str, typer.Argument(help="Serial device, or usb:VENDOR:PRODUCT...")],
    baud: Annotated[
        list[int] | None, typer.Option(help="Try only this speed; repeatable. Else the usual ones.")
    ] = None,
    address: Annotated[
        list[int] | None, typer.Option(help="Ask this address; repeatable. Else as delivered.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=600, help="How long to listen at each speed.")
    ] = 3.0,
    plugin: Annotated[
        list[str] | None, typer.Option(help="Try only this plugin's kinds; repeatable.")
    ] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask even where somebody sends all the time.")
    ] = False,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Find out what instrument is on a port, read-only, and print the config block to paste.

    Listens first, then sends the drivers' own read requests and nothing else. Exit 1 when nobody
    answers.
    """
    from hub.probe.report import lines_of, report
    from hub.probe.search import refuse_if_held, search, tries
    from hub.registry import built_in_plugins

    refuse_if_held(config, port)
    skipped: dict[str, str] = {}
    groups = tries(plugin or built_in_plugins(), skipped, baud or (), address or ())
    outcomes = search(
        port, groups, seconds, lambda text: typer.echo(text, err=True), ask_anyway=ask
    )
    told = report(port, outcomes, skipped)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for line in lines_of(told):
            typer.echo(line)
    if not told["found"]:
        raise typer.Exit(1)


def doctor(
    config: ConfigOption = CONFIG,
    lang: Annotated[
        Language | None, typer.Option(help="zh or en; else the config's language.")
    ] = None,
    as_json: JsonOption = False,
    bundle: Annotated[
        Path | None, typer.Option(help="New ZIP file for whoever helps from afar.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Goes into the bundle: file with the hub's log.")
    ] = None,
) -> None:
    """Look at everything this gateway needs, and say what is wrong and what to do.

    Changes nothing, opens no port, and works beside a running hub, in a limited time. Exit 0 with
    warnings at most, 1 when something is broken.
    """
    from hub.config import LogSettings
    from hub.doctor import examine, worst
    from hub.logs import set_up_log

    set_up_log(LogSettings(form="console", level="error"))
    own, findings = examine(config)
    speaks: Language = (
        lang or own or ("zh" if os.environ.get("LANG", "").startswith("zh") else "en")
    )
    found = []
    for finding in findings:
        found.append(finding)
        if not as_json:
            for line in finding.lines(speaks):
                typer.echo(line)
    state = worst(found)
    if as_json:
        rows = [finding.as_row(speaks) for finding in found]
        typer.echo(json.dumps({"state": state, "findings": rows}, ensure_ascii=False, indent=2))
    if bundle is not None:
        from hub.doctor.support import write_bundle

        names = write_bundle(bundle, config, found, speaks, log)
        told = say(speaks, "support.bundle", file=bundle, names=", ".join(names))
        typer.echo(told, err=as_json)
    if state == "broken":
        raise typer.Exit(1)
