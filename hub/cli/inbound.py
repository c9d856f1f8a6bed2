"""Commands for the way in: tokens, the API, the inboxes."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.asking import ask, show
from hub.cli.options import CONFIG, ConfigOption, JsonOption

token_app = typer.Typer(no_args_is_help=True, help="Tokens of the API: add, list, revoke.")


@token_app.command("add")
def token_add(
    client: Annotated[str, typer.Argument(help="Who will use it, such as erp.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do, such as orders:write; repeatable.")
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="Only orders of this site; repeatable.")
    ] = None,
    days: Annotated[int, typer.Option(help="How long it is valid.", min=1, max=3660)] = 365,
    replaces: Annotated[
        str, typer.Option(help="Id of a token that this one takes the place of.")
    ] = "",
    overlap_hours: Annotated[
        int, typer.Option(help="How long the replaced one is still taken.", min=0, max=8760)
    ] = 24,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Make a token and print it, once. Nothing but its digest is kept."""
    from hub.timekeeping import hub_clock
    from hub.tokens import make

    new = make()
    life_us = timedelta(days=days) // timedelta(microseconds=1)
    more: dict[str, Any] = {"client": client, "scopes": scope or [], "sites": site or []}
    if replaces:
        more = {"replaces": replaces, "overlap_s": str(overlap_hours * 3600)}
    answer = ask(
        config,
        "token.add",
        id=new.id,
        sha256=new.sha256,
        expires_us=str(hub_clock().now_us() + life_us),
        by=_who(),
        **more,
    )
    show({**answer, "secret": new.text}, as_json)


@token_app.command("list")
def token_list(config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """List the tokens, the newest first; of none is the secret known."""
    from hub.clock import iso
    from hub.config import load_config
    from hub.ledger import LedgerReader
    from hub.timekeeping import hub_clock
    from hub.tokens import listed

    now_us = hub_clock().now_us()
    with LedgerReader(load_config(config).hub.state_dir) as reader:
        rows = [
            {
                "id": one.id,
                "client": one.client,
                "state": one.state(now_us),
                "scopes": " ".join(sorted(one.scopes)),
                "sites": " ".join(one.sites) or "all",
                "added": iso(one.added_us),
                "expires": iso(one.expires_us),
            }
            for one in listed(reader.sql)
        ]
    show(rows, as_json)


@token_app.command("revoke")
def token_revoke(id: str, config: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Take a token back; it is refused from now on."""
    show(ask(config, "token.revoke", id=id, by=_who()), as_json)


def api(config: Annotated[Path, typer.Argument()] = CONFIG) -> None:
    """Serve the HTTP API beside the hub until it is told to stop; docs/api.md."""
    from hub.api import serve

    raise typer.Exit(serve(config))


def inbox(config: Annotated[Path, typer.Argument()] = CONFIG) -> None:
    """Take orders from watched folders and MQTT topics until it is told to stop."""
    from hub.inbox import serve

    raise typer.Exit(serve(config))


def _who() -> str:
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or str(os.getuid())
