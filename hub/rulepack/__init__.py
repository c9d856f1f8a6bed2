"""The rule pack: what the regulations say, as data, each entry with clause, source, mark and owner.

No limit stands in code. The shipped default is the folder config/rulepacks/default; a company's
own pack is a folder or file that extends it, named by path.
"""

from hub.rulepack.comparing import Change, changes, plain
from hub.rulepack.entries import Entry, Figure, Mark, Switch, Text
from hub.rulepack.jobs import Job
from hub.rulepack.judging import HoldKind
from hub.rulepack.limits import (
    PointReading,
    as_limit,
    at_or_over_work_limit,
    over_limit,
    over_work_limit,
)
from hub.rulepack.overlay import RulePackError
from hub.rulepack.pack import RulePack
from hub.rulepack.provisions import Checklist, Clock, Hazard, Item, OpenPoint, Retention, Rule
from hub.rulepack.reading import (
    DEFAULT_ID,
    SHIPPED,
    lean_pack,
    load_pack,
    read_pack,
    shipped_ids,
    whole_pack,
)

__all__ = [
    "DEFAULT_ID",
    "SHIPPED",
    "Change",
    "Checklist",
    "Clock",
    "Entry",
    "Figure",
    "Hazard",
    "HoldKind",
    "Item",
    "Job",
    "Mark",
    "OpenPoint",
    "PointReading",
    "Retention",
    "Rule",
    "RulePack",
    "RulePackError",
    "Switch",
    "Text",
    "as_limit",
    "at_or_over_work_limit",
    "changes",
    "lean_pack",
    "load_pack",
    "over_limit",
    "over_work_limit",
    "plain",
    "read_pack",
    "shipped_ids",
    "whole_pack",
]
