"""Commands that hold what was delivered against what the other side has.

As in `hub.cli.main`, heavy parts are imported by the command that needs them.
"""

from typing import Annotated

import typer

from hub.cli.asking import show as _show
from hub.cli.options import CONFIG, ConfigOption, JsonOption

reconcile_app = typer.Typer(
    no_args_is_help=True, help="What was delivered, against what the other side has."
)


@reconcile_app.callback()
def _group() -> None:
    """Keep `crm` a word of its own, also while it is the only one."""


@reconcile_app.command("crm")
def reconcile_crm(
    sink: Annotated[str, typer.Option(help="Only this sink; else all that can be asked.")] = "",
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days back.")] = 1,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List where the CRM or ERP has something else than was delivered. Changes nothing.

    Exit 1 when there is a difference, or the other side could not be asked.
    """
    from hub.config import load_config
    from hub.errors import CommandRefused
    from hub.near import guess
    from hub.parts import Parts, nowhere
    from hub.reconciling import DAY_US, able, reconcile
    from hub.timekeeping import hub_clock

    settings = load_config(config)
    clock = hub_clock()
    far = able(Parts(settings, clock, nowhere).consignees)
    if not far:
        raise CommandRefused("no sink of this configuration can tell what its far side has")
    if sink and sink not in far:
        known = ", ".join(sorted(far))
        raise CommandRefused(
            f"no sink {sink!r} that can tell what its far side has; there are: {known}"
            f"{guess(sink, far)}"
        )
    now_us = clock.now_us()
    reports = [
        reconcile(settings.hub.state_dir, name, one, now_us - days * DAY_US, now_us)
        for name, one in far.items()
        if sink in ("", name)
    ]
    _show([one.as_dict(settings.hub.language) for one in reports], as_json)
    if any(one.asked or one.differences for one in reports):
        raise typer.Exit(1)
