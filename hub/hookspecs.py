"""Every hook, on one page.

register_*   asked once at start; all answers are kept.
find_*       a question; the first plugin to answer settles it.
*_recorded   news, told after the fact; answers are ignored.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pluggy

from hub.model import (
    DriverKind,
    FollowerKind,
    Intake,
    LineDriverKind,
    SinkKind,
)
from hub.procedures import ProcedureKind, Verdict

hookspec = pluggy.HookspecMarker("gashub")
hookimpl = pluggy.HookimplMarker("gashub")


@hookspec
def register_drivers() -> Iterable[DriverKind[Any] | LineDriverKind[Any]]:
    """Name the kinds of instrument or link this plugin can read."""


@hookspec
def register_procedures() -> Iterable[ProcedureKind]:
    """Name the procedures this plugin can judge; pure code, as in `hub.procedures`."""


@hookspec
def register_sinks() -> Iterable[SinkKind[Any] | FollowerKind[Any]]:
    """Name the kinds of system this plugin can report to."""


@hookspec(firstresult=True)
def find_work_order(number: str) -> Mapping[str, Any] | None:
    """Return the order *number* in the form of `gashub order add`, or None if it is not yours.

    Asked on the caller's thread when an order is opened that the hub does not know. May block.
    """


@hookspec
def readings_recorded(intakes: Sequence[Intake]) -> None:
    """Told once per commit, after the ledger has it. Must return within 50 ms."""


@hookspec
def verdict_recorded(verdict: Verdict) -> None:
    """Told once per verdict, after ledger and outbox have it. For lamps and screens."""
