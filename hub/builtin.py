"""The built-in procedures, entering by the same hook as a stranger's."""

from hub.hookspecs import hookimpl
from hub.procedures import BUILT_IN, ProcedureKind


@hookimpl
def register_procedures() -> list[ProcedureKind]:
    return list(BUILT_IN)
