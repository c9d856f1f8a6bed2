"""An order for a whole job, as the CRM or a person writes it.

    {"number": "2026-2001", "job": "residential_purge", "user_class": "residential",
     "facts": {"new_user": "yes", …}, "sections": {"riser": "A-7-2", "indoor": "A-7-2-301"},
     "customer": {"user_no": "…", "name": "…", …},
     "tests": {"riser_hold": {judge contract without number, procedure and section}, …},
     "watch": ["pm-line"]}

What may stand in it is said by the rule pack; docs/jobs.md has the whole form.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hub.errors import CommandRefused
from hub.foreman.personal import FIELDS
from hub.jobs import Refusal, answered
from hub.near import guess
from hub.orders import check_number, whose
from hub.rulepack import Job, RulePack

KEYS: Final = (
    *("number", "job", "user_class", "facts", "sections", "customer", "tests", "watch", "parent"),
    *("site", "trial"),
)
_PARTS: Final = {"riser": "riser", "indoor": "indoor"}
"""Sections that the judge contract knows as a part of its own."""


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What an order asks for, checked. `tests`: step -> judge contract without its number."""

    number: str
    kind: str
    user_class: str
    facts: Mapping[str, str]
    sections: Mapping[str, str]
    customer: Mapping[str, str]
    tests: Mapping[str, Mapping[str, Any]]
    watch: tuple[str, ...]
    parent: str = ""
    site: str = ""
    trial: bool = False


def parse_job_order(
    given: object, pack: RulePack, people: Collection[str], now_us: int
) -> tuple[JobOrder, list[Refusal]]:
    """The order, and what the regulations have against it (user class, facts).

    raises  CommandRefused naming key, value and remedy for what is no order at all
    """
    table = _table(given, "order")
    for key in table:
        if key not in KEYS:
            raise CommandRefused(f'job order: no key "{key}"{guess(key, KEYS)}')
    number, kind = _text(table, "number"), _text(table, "job")
    check_number(number)
    if kind not in pack.job:
        raise CommandRefused(
            f"job order {number}: no job {kind!r}; there are {', '.join(pack.job)}"
            f"{guess(kind, pack.job)}"
        )
    job = pack.job[kind]
    user_class = _text(table, "user_class")
    classes = {one for each in pack.job.values() for one in each.user_classes}
    if user_class not in classes:  # no matter for the regulations, and nothing to be recorded
        raise CommandRefused(
            f"job order {number}: no user class {user_class!r}; there are "
            f"{', '.join(sorted(classes))}{guess(user_class, classes)}"
        )
    facts = _table(table.get("facts", {}), f'{number}: "facts"')
    found = answered(pack, job.facts, facts, job.clause, people, now_us)
    told = list(found.refusals)
    if user_class not in job.user_classes:
        figures = {
            "user_class": user_class,
            "classes": ", ".join(job.user_classes),
            "job": job.title.model_dump(),
        }
        told.insert(0, Refusal("user_class", job.clause, figures))
    sections = _sections(number, job, table.get("sections", {}))
    return (
        JobOrder(
            number,
            kind,
            user_class,
            {name: str(answer) for name, answer in found.answers.items()},
            sections,
            _customer(number, table.get("customer", {})),
            _tests(number, job, sections, table.get("tests", {})),
            _watch(number, table.get("watch", [])),
            str(table.get("parent", "")),
            *whose(table, f"job order {number}"),
        ),
        told,
    )


def _sections(number: str, job: Job, given: object) -> dict[str, str]:
    sections = _table(given, f'{number}: "sections"')
    for name, section in sections.items():
        if name not in job.sections:
            known = ", ".join(job.sections) or "none"
            raise CommandRefused(f"job order {number}: no section {name!r}; there are {known}")
        if not isinstance(section, str) or not section:
            raise CommandRefused(f"job order {number}: section {name} is {section!r}; give its id")
    if missing := [name for name in job.sections if name not in sections]:
        raise CommandRefused(
            f"job order {number}: section {missing[0]!r} has no id; a test speaks of one section, "
            "and must say which"
        )
    if len(set(sections.values())) < len(sections):
        raise CommandRefused(f"job order {number}: two sections have the same id; they must differ")
    return {name: str(section) for name, section in sections.items()}


def _tests(
    number: str, job: Job, sections: Mapping[str, str], given: object
) -> dict[str, dict[str, Any]]:
    tests = {}
    for name, spec in _table(given, f'{number}: "tests"').items():
        step = job.step.get(name)
        if step is None or not step.test:
            steps = [each for each, one in job.step.items() if one.test]
            raise CommandRefused(
                f"job order {number}: {name!r} is no test of this job; there are "
                f"{', '.join(steps)}{guess(name, steps)}"
            )
        tests[name] = spec_of(number, job, name, sections, _table(spec, f"{number}: test {name}"))
    return tests


def spec_of(
    number: str, job: Job, name: str, sections: Mapping[str, str], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The judge contract of the step *name*, with procedure and section from the job.

    raises  CommandRefused where *given* says another procedure or section: a hold on the wrong
            section proves nothing
    """
    step = job.step[name]
    spec = dict(given)
    if spec.setdefault("procedure", step.test) != step.test:
        raise CommandRefused(
            f"job order {number}: test {name} is a {step.test} (clause {step.clause}), not "
            f"{spec['procedure']!r}; leave the procedure out"
        )
    if "rule_pack" in spec:
        raise CommandRefused(
            f"job order {number}: test {name} names a rule pack; what a job does is judged by the "
            "gateway's own, leave rule_pack out"
        )
    if not step.section:
        return spec
    wanted = sections[step.section]
    said = spec.get("section") or {}
    if not isinstance(said, Mapping) or said.get("id", wanted) != wanted:
        raise CommandRefused(
            f"job order {number}: test {name} is about section {wanted} ({step.section}, clause "
            f"{step.clause}), not {said!r}; leave the section out, or correct `sections`"
        )
    part = {"part": _PARTS[step.section]} if step.section in _PARTS else {}
    return {**spec, "section": {**part, **said, "id": wanted}}


def _customer(number: str, given: object) -> dict[str, str]:
    customer = _table(given, f'{number}: "customer"')
    for name, value in customer.items():
        if name not in FIELDS:
            raise CommandRefused(
                f'job order {number}: customer has no field "{name}"{guess(name, FIELDS)}'
            )
        if not isinstance(value, str):
            raise CommandRefused(f"job order {number}: customer.{name} is no text; quote it")
    return {name: value for name, value in customer.items() if value}


def _watch(number: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise CommandRefused(f'job order {number}: "watch" is {given!r}; a list of instruments')
    return tuple(given)


def _table(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise CommandRefused(f"job order {place} is {value!r}; expected a table")
    return dict(value)


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise CommandRefused(f'job order: "{key}" is {value!r}; it is mandatory, as text')
    return value
