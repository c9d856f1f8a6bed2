"""The rule pack as one object: whatever was read, it is whole and consistent."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, StringConstraints, model_validator

from hub.rulepack.entries import Entry, Figure, Frozen, Name, Switch
from hub.rulepack.jobs import Job, Role
from hub.rulepack.judging import HoldRules, LaserRules, PurgeRules, WorkRules
from hub.rulepack.misfits import misfits
from hub.rulepack.provisions import Checklist, Clock, Hazard, OpenPoint, Retention, Rule

RuleNumber = Annotated[str, StringConstraints(pattern=r"^R[1-9]\d*$")]
HazardCode = Annotated[str, StringConstraints(pattern=r"^L[123]-[1-9]\d*$")]


_OF_JOBS = ("rule", "checklist", "hazard", "clock", "retention", "open_point", "role", "job")


class Base(Frozen):
    """A pack that this one was laid over."""

    id: Name
    version: Name
    sha256: Name


class SignOff(Frozen):
    """Who answers for the pack."""

    name: Name
    role: Name
    on: date


class RulePack(Frozen):
    """One version of all rules. valid_until is the last day in force; absent: open."""

    id: Name
    version: Name
    valid_from: date
    valid_until: date | None = None
    owner: Name
    signed_off: tuple[SignOff, ...] = ()
    bases: tuple[Base, ...] = ()
    hold: HoldRules
    work: WorkRules
    purge: PurgeRules
    laser: LaserRules
    rule: Mapping[RuleNumber, Rule] = Field(default_factory=dict)
    checklist: Mapping[str, Checklist] = Field(default_factory=dict)
    hazard: Mapping[HazardCode, Hazard] = Field(default_factory=dict)
    clock: Mapping[str, Clock] = Field(default_factory=dict)
    retention: Mapping[str, Retention] = Field(default_factory=dict)
    role: Mapping[str, Role] = Field(default_factory=dict)
    job: Mapping[str, Job] = Field(default_factory=dict)
    open_point: Mapping[str, OpenPoint] = Field(default_factory=dict)
    _source: bytes = PrivateAttr(default=b"")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        drop = self.hold.drop
        if not drop.limit_min_pa.value <= drop.limit_pa.value <= drop.limit_max_pa.value:
            raise ValueError(
                f"hold.drop.limit_pa is {drop.limit_pa.value}; it must lie between "
                f"limit_min_pa {drop.limit_min_pa.value} and limit_max_pa {drop.limit_max_pa.value}"
            )
        hold = self.hold
        for name, kind in (
            ("riser", hold.riser),
            ("indoor", hold.indoor),
            ("commercial", hold.commercial),
            ("long", hold.long),
        ):
            if kind.hold_s.value <= 2 * drop.window_s.value:
                raise ValueError(
                    f"hold.{name}.hold_s is {kind.hold_s.value}; it must be longer than the "
                    f"first and the last window together ({2 * drop.window_s.value} s)"
                )
        for code, hazard in self.hazard.items():
            if code[1] != str(hazard.level):
                raise ValueError(f"hazard.{code}.level is {hazard.level}, and its code says other")
        for name, checklist in self.checklist.items():
            for item, line in checklist.item.items():
                for code in line.on_failure:
                    if code not in self.hazard:
                        raise ValueError(
                            f"checklist.{name}.item.{item}.on_failure names {code}, which is not "
                            "in the hazard catalogue"
                        )
        for name, job in self.job.items():
            for place, what in misfits(self, job):
                raise ValueError(f"job.{name}.{place}: {what}")
        for owner, names in (
            *((f"rule.{number}.by", rule.by) for number, rule in self.rule.items()),
            *((f"open_point.{name}", point.answered_by) for name, point in self.open_point.items()),
        ):
            for named in names:
                if named.partition(".")[0] in type(self).model_fields and self.at(named) is None:
                    raise ValueError(f"{owner} names {named}, which is no key of the pack")
        return self

    def lean(self) -> "RulePack":
        """The figures that verdicts rest on, with the bytes and digest of the whole.

        A running hub keeps this: what jobs rest on is some megabytes of a small box, and is read
        again from the bytes where there are jobs.
        """
        return self.model_copy(update={name: {} for name in _OF_JOBS})

    @property
    def source_bytes(self) -> bytes:
        """The whole pack as JSON, in its own order, as it goes into the record."""
        return self._source

    @cached_property
    def sha256(self) -> str:
        """Digest of source_bytes, hex."""
        return hashlib.sha256(self._source).hexdigest()

    @property
    def work_limit_clause(self) -> str:
        """The clause behind the work limit."""
        return self.work.limit_pct_lel.clause

    def in_force(self, day: date) -> bool:
        """True if *day* lies within the pack's validity, both ends inclusive."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Every entry with its dotted key, in the order of the pack."""
        yield from _walk("", self)

    def at(self, key: str) -> object:
        """What stands under a dotted key, an entry or a part of one; None: nothing."""
        found: object = self
        for name in key.split("."):
            if isinstance(found, Mapping):
                found = found.get(name)
            else:
                known = isinstance(found, Frozen) and name in type(found).model_fields
                found = getattr(found, name) if known else None
        return found

    def figures(self) -> Iterator[tuple[str, Figure | Switch]]:
        """Every figure and switch with its dotted key."""
        for key, entry in self.entries():
            if isinstance(entry, Figure | Switch):
                yield key, entry


def _walk(prefix: str, model: Frozen) -> Iterator[tuple[str, Entry]]:
    for name in type(model).model_fields:
        child = getattr(model, name)
        children = child.items() if isinstance(child, Mapping) else [("", child)]
        for inner, value in children:
            key = f"{prefix}{name}" + (f".{inner}" if inner else "")
            if isinstance(value, Entry):
                yield key, value
            if isinstance(value, Frozen):
                yield from _walk(f"{key}.", value)
