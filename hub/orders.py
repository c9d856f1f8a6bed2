"""A work order as the hub keeps it: an order has steps, a step has tests.

A test is what one procedure judges on one section with one set of instruments. It may be tried
more than once: each attempt ends in one verdict. Ids are ULIDs, given once and kept.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from ulid import ULID

from hub.config import InstrumentFacts
from hub.errors import CommandRefused
from hub.ledger import Transaction
from hub.order_file import UnusableInput, parse_order

SITE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NUMBERS = frozenset(
    {
        "p_design_pa",
        "p_operating_pa",
        "volume_l",
        "sample_period_s",
        "distance_m",
        "range_pa",
        "resolution_pa",
        "resolution",
        "range_pct_lel",
        "range_pct_vol",
        "lel_basis_pct_vol",
        "t90_s",
        "u",
        "zero_before_pa",
        "zero_after_pa",
    }
)
"""Keys of the judge contract that hold numbers. In the record they are decimal text, because a
canonical JSON number is a binary double; no key of the contract takes both."""
OF_REGISTER: Final = frozenset(InstrumentFacts.model_fields)
"""What an order may leave to the register of instruments, or to the configuration."""
LONGEST_NUMBER: Final = 100
"""Characters of an order's number. It stands in every entry, event and log line about it."""
_OF_HAZARD: Final = re.compile(r"(.+)-H[1-9][0-9]*", re.DOTALL)


def check_number(number: str) -> None:
    """Raises CommandRefused for a number that people could not read, write and tell apart."""
    if len(number) > LONGEST_NUMBER or not number.isprintable() or number != number.strip():
        raise CommandRefused(
            f'"number" is {number[:LONGEST_NUMBER]!a}; expected at most {LONGEST_NUMBER} '
            "characters that can be seen, with no blank at either end"
        )


def hazard_of(job: str, at: int) -> str:
    """The number of the *at*-th hazard that a job finds, from 1."""
    return f"{job}-H{at}"


def out_of(number: str) -> str:
    """The job whose hazard would have this number; "" where it has another form."""
    found = _OF_HAZARD.fullmatch(number)
    return found[1] if found else ""


def refuse_reserved(tx: Transaction, number: str) -> None:
    """The numbers of what a job finds are its own: whoever took one would keep it out."""
    job = out_of(number)
    if job and tx.sql.execute("SELECT 1 FROM jobs WHERE number=?", (job,)).fetchone():
        raise CommandRefused(
            f"number {number} is kept for what job {job} finds; give this one another number",
            "conflict",
        )


@dataclass(frozen=True, slots=True)
class Test:
    """`spec` is an order in the form of the judge contract, `number` included."""

    id: str
    step: str
    spec: Mapping[str, Any]
    given: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """`spec` as it came in, before the register added what it knows. Not kept."""

    @property
    def procedure(self) -> str:
        return str(self.spec["procedure"])

    def is_asked_by(self, other: "Test") -> bool:
        """Whether *other*, which has just come in, asks for this test. What it leaves to the
        register contradicts nothing, whatever the register says by now.
        """
        mine, theirs = dict(self.spec), dict(other.given)
        named, known = theirs.pop("instruments"), mine.pop("instruments")
        return (self.step, mine, len(known)) == (other.step, theirs, len(named)) and all(
            {key: one for key, one in there.items() if key in here or key not in OF_REGISTER}
            == here
            for here, there in zip(named, known, strict=True)
        )


@dataclass(frozen=True, slots=True)
class WorkOrder:
    id: str
    number: str
    tests: Sequence[Test]
    """In working order; tests of one step share its name."""
    site: str = ""
    """Whose it is, where several share a gateway."""
    trial: bool = False
    """No production system may hear of it."""

    def as_record(self) -> dict[str, Any]:
        """Plain values for the ledger."""
        return {
            "id": self.id,
            "number": self.number,
            "tests": [{"id": t.id, "step": t.step, "spec": _freeze(t.spec)} for t in self.tests],
            **({"site": self.site} if self.site else {}),
            **({"trial": True} if self.trial else {}),
        }

    def is_asked_by(self, other: "WorkOrder") -> bool:
        """Whether *other*, which has just come in, is this order once more; ids do not matter."""
        return (
            (self.site, self.trial, len(self.tests)) == (other.site, other.trial, len(other.tests))
        ) and all(test.is_asked_by(one) for test, one in zip(self.tests, other.tests, strict=True))

    def says_the_same(self, other: "WorkOrder") -> bool:
        """Whether both say the same, with what the register said of the instruments."""
        mine, theirs = ([(t.step, t.spec) for t in one.tests] for one in (self, other))
        return (mine, self.site, self.trial) == (theirs, other.site, other.trial)

    def tests_as_before(self, asked: "WorkOrder", tried: Container[str]) -> tuple[Test, ...]:
        """The tests of *asked*; those that this order has, too, are this order's own.

        tried  ids of tests that keep what the register said when they were ordered
        """
        mine = list(self.tests)
        found = []
        for test in asked.tests:
            same = next((t for t in mine if (t.step, t.spec) == (test.step, test.spec)), None)
            same = same or next((t for t in mine if t.id in tried and t.is_asked_by(test)), None)
            if same is not None:
                mine.remove(same)
            found.append(same or test)
        return tuple(found)

    def spec_of(self, step: str) -> Mapping[str, Any] | None:
        """The judge contract of the first test of a step; None when there is none."""
        return next((test.spec for test in self.tests if test.step == step), None)

    def spec_by(self, procedure: str) -> Mapping[str, Any] | None:
        """The judge contract of the first test by *procedure*; None when there is none."""
        return next((test.spec for test in self.tests if test.procedure == procedure), None)

    def instruments(self, procedure: str) -> set[str]:
        """The instruments of the tests by *procedure*."""
        specs = [test.spec for test in self.tests if test.procedure == procedure]
        return {str(one["name"]) for spec in specs for one in spec["instruments"]}

    def find(self, name: str) -> Test:
        """The test called *name*: its id, or its step or procedure where only one has it.

        raises  CommandRefused listing what there is
        """
        found = [t for t in self.tests if name in (t.id, t.step, t.procedure)]
        if len(found) != 1:
            known = ", ".join(f"{t.step} ({t.procedure})" for t in self.tests)
            raise CommandRefused(
                f'order {self.number}: {len(found)} tests answer to "{name}"; it has: {known}'
            )
        return found[0]


def from_record(record: Mapping[str, Any]) -> WorkOrder:
    """The inverse of `WorkOrder.as_record`."""
    return WorkOrder(
        record["id"],
        record["number"],
        tuple(Test(t["id"], t["step"], _thaw(t["spec"])) for t in record["tests"]),
        record.get("site", ""),
        record.get("trial", False),
    )


def new_order(
    given: Mapping[str, Any],
    facts: Mapping[str, Mapping[str, Any]],
    procedures: Iterable[str],
) -> WorkOrder:
    """Check an order as it comes in, and give it and its tests their ids.

    given   either one test in the form of the judge contract, or
            {"number": ..., "steps": [{"step": NAME, "tests": [{judge contract without number}]}]};
            either may have `site` and `trial`
    procedures  what the loaded plugins can judge
    facts   what the config knows of each instrument, by name; the order's own words come first
    raises  CommandRefused naming the place, the value and the remedy
    """
    if not isinstance(given, Mapping):
        raise CommandRefused("order: expected a table {...}, as in docs/judge.md")
    number = given.get("number")
    if not isinstance(number, str) or not number:
        raise CommandRefused('order: "number" is missing; it is mandatory, as text')
    check_number(number)
    site, trial = whose(given, f"order {number}")
    given = {key: value for key, value in given.items() if key not in ("site", "trial")}
    if "steps" not in given:
        steps: Sequence[Mapping[str, Any]] = [
            {"step": given.get("procedure", ""), "tests": [given]},
        ]
    else:
        unknown = sorted(set(given) - {"number", "steps"})
        if unknown:
            raise CommandRefused(
                f'order {number}: no key "{unknown[0]}" beside "steps"; put it into the test'
            )
        steps = given["steps"]
    tests = []
    for step in _tables(steps, f'order {number}: "steps"'):
        entries = _tables(step.get("tests", []), f'order {number}: "tests" of a step')
        if not entries:
            raise CommandRefused(
                f"order {number}: a step has no test; give it at least one, or leave the step out"
            )
        for entry in entries:
            plain = {**entry, "number": number}
            spec = _with_facts(plain, facts)
            try:
                parse_order(spec, procedures)
            except UnusableInput as wrong:
                raise CommandRefused(f"order {number}: {wrong}") from wrong
            name = str(step.get("step", entry.get("procedure")))
            tests.append(Test(str(ULID()), name, spec, plain))
    if not tests:
        raise CommandRefused(f"order {number} has no test; give it at least one")
    return WorkOrder(str(ULID()), number, tuple(tests), site, trial)


def whose(given: Mapping[str, Any], place: str) -> tuple[str, bool]:
    """`site` and `trial` of an order. raises CommandRefused naming *place*"""
    site, trial = given.get("site", ""), given.get("trial", False)
    if not isinstance(site, str) or (site and not SITE.fullmatch(site)):
        raise CommandRefused(
            f'{place}: "site" is {site!r}; letters, digits, dots and dashes, 64 at most'
        )
    if not isinstance(trial, bool):
        raise CommandRefused(f'{place}: "trial" is {trial!r}; true or false')
    return site, trial


def _tables(value: object, place: str) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, Mapping) for one in value):
        raise CommandRefused(f"{place} is no list of tables; see docs/judge.md")
    return value


def _with_facts(spec: dict[str, Any], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Fill in what the config knows of the instruments that the order names."""
    listed = spec.get("instruments")
    if not isinstance(listed, list):
        return spec
    filled = [
        {**facts.get(str(entry.get("name")), {}), **entry} if isinstance(entry, Mapping) else entry
        for entry in listed
    ]
    return {**spec, "instruments": filled}


def _freeze(spec: Any) -> Any:
    """Decimals as text, for the record."""
    if isinstance(spec, Mapping):
        return {
            key: str(value) if key in NUMBERS and value is not None else _freeze(value)
            for key, value in spec.items()
        }
    if isinstance(spec, list | tuple):
        return [_freeze(entry) for entry in spec]
    return spec


def _thaw(spec: Any) -> Any:
    """The inverse of `_freeze`."""
    if isinstance(spec, Mapping):
        return {
            key: Decimal(value) if key in NUMBERS and value is not None else _thaw(value)
            for key, value in spec.items()
        }
    if isinstance(spec, list):
        return [_thaw(entry) for entry in spec]
    return spec
