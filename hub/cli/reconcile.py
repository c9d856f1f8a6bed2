"""Commands that hold what was delivered against what the other side has.

As in `hub.cli.main`, heavy parts are imported by the command that needs them.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.asking import show as _show
from hub.cli.options import CONFIG, ConfigOption, JsonOption

if TYPE_CHECKING:
    from hub.outbox import Consignee
    from hub.reconciling import Subject

reconcile_app = typer.Typer(
    no_args_is_help=True, help="What was delivered, against what the other side has."
)


SinkOption = Annotated[str, typer.Option(help="Only this sink; else all that can be asked.")]
DaysOption = Annotated[int, typer.Option(min=1, max=3660, help="How many days back.")]


@reconcile_app.command("crm")
def reconcile_crm(
    sink: SinkOption = "",
    days: DaysOption = 1,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List where the CRM or ERP has something else than was delivered. Changes nothing.

    Exit 1 when there is a difference, or the other side could not be asked.
    """
    from hub.reconciling import able

    _compare(able, sink, days, config, as_json)


@reconcile_app.command("gov")
def reconcile_gov(
    sink: SinkOption = "",
    days: DaysOption = 400,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List where an authority has something else than was filed. Asks, and changes nothing.

    Exit 1 when there is a difference, or the authority could not be asked.
    """
    from hub.filing.reconciling import filing_subjects

    _compare(filing_subjects, sink, days, config, as_json)


def _compare(
    able: Callable[[Path, "Sequence[Consignee]"], "Mapping[str, Subject]"],
    sink: str,
    days: int,
    config: Path,
    as_json: bool,
) -> None:
    from hub.config import load_config
    from hub.errors import CommandRefused
    from hub.near import guess
    from hub.parts import Parts, nowhere
    from hub.reconciling import DAY_US
    from hub.timekeeping import hub_clock

    settings = load_config(config)
    clock = hub_clock()
    far = able(settings.hub.state_dir, Parts(settings, clock, nowhere).consignees)
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
        one.compare(now_us - days * DAY_US, now_us)
        for name, one in far.items()
        if sink in ("", name)
    ]
    _show([one.as_dict(settings.hub.language) for one in reports], as_json)
    if any(one.asked or one.differences for one in reports):
        raise typer.Exit(1)
