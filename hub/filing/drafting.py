"""From rows of the record to the document that is filed, and what is wrong with it. Pure.

The document is what is approved, signed and sent, byte for byte. What is sent of a customer goes
by the profile's masks; free text that names somebody is a fault.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from hub.clock import SHANGHAI
from hub.filing.codes import check_digit_fits
from hub.filing.period import Span
from hub.filing.profile import CUSTOMER, FieldOf, Part, Profile
from hub.filing.settings import FilingSinkSettings
from hub.foreman.personal import FIELDS
from hub.jobs.timing import day_of
from hub.ledger.canonical import canonical
from hub.signing import digest_of
from hub.somebody import names_somebody

Value = str | int | Decimal | date | Sequence[str] | None
_FREE: Final = ("refusal", "isolation", "found_in")
"""What a person typed in."""


class Due(NamedTuple):
    """One record that is to be filed.

    key       names it for ever within its part: a record is in one filing of an authority
    values    column of `profile.COLUMNS` -> value; moments are hub time in microseconds
    customer  what is known of the customer, unmasked; None: it was erased
    entries   of the ledger, that it stands in
    """

    part: Part
    key: str
    values: Mapping[str, Value]
    customer: Mapping[str, str] | None
    subject: str
    entries: Sequence[int]


class Finding(NamedTuple):
    """What is wrong. A fault keeps the filing from being approved; `where` has no personal data.

    word  the text is `records.filing.finding.WORD`
    """

    level: Literal["fault", "warning"]
    word: str
    where: str
    detail: str = ""


class Head(NamedTuple):
    """The ledger that the filing was drafted from. *root*: base64, as in checkpoints."""

    origin: str
    size: int
    root: str


@dataclass(slots=True)
class Draft:
    """A filing before it is in the record."""

    filing: str
    document: dict[str, Any]
    members: list[dict[str, Any]]
    findings: list[Finding] = field(default_factory=list)

    def body(self) -> bytes:
        """The bytes that are approved and sent (RFC 8785)."""
        return canonical(self.document)


def drafted(
    profile: Profile,
    who: FilingSinkSettings,
    due: Iterable[Due],
    *,
    filing: str,
    span: Span,
    now_us: int,
    gateway: str,
    head: Head,
    on_shelf: Callable[[str], bool],
    corrects: str = "",
    filed: bool = False,
) -> Draft:
    """The draft of a filing, with everything that is wrong with it.

    on_shelf  whether the file of a digest is there, and is what it was
    filed     whether the period has a filing that stands: without one, nothing due is a nil report
    """
    made = _Made(profile, now_us, on_shelf)
    tables: dict[str, list[dict[str, str]]] = {one.name: [] for one in profile.table.values()}
    members = []
    for one in due:
        table = profile.table[one.part]
        rows = tables[table.name]
        rows.append(made.row(one, len(rows) + 1))
        members.append({"part": one.part, "key": one.key, "entries": list(one.entries)})
    total = sum(len(rows) for rows in tables.values())
    ours = {
        "filing": filing,
        "profile": f"{profile.id} {profile.version}",
        "schema_version": profile.schema_version,
        "company": who.company,
        "credit_code": who.credit_code,
        "division_code": who.division_code,
        "first_day": span.first.isoformat(),
        "last_day": span.last.isoformat(),
        "created_at": moment(now_us),
        "total": str(total),
        "corrects": corrects,
        "digest": f"{profile.digest}:{digest_of(profile.digest, canonical(tables))}",
        "ledger_origin": head.origin,
        "ledger_size": str(head.size),
        "ledger_root": head.root,
        "gateway": gateway,
    }
    header = {theirs: ours[name] for theirs, name in profile.header.items() if ours[name]}
    findings = [*_of_company(profile, who), *_of_period(span, now_us), *made.findings]
    if not members:
        findings.append(
            Finding("fault", "empty", span.name) if filed else Finding("warning", "nil", span.name)
        )
    return Draft(filing, {"header": header, "tables": tables}, members, findings)


def counts(document: Mapping[str, Any]) -> dict[str, int]:
    """Rows of each table."""
    return {name: len(rows) for name, rows in document["tables"].items()}


def moment(at_us: int) -> str:
    """As filings write it: 2026-11-29T08:30:00+08:00."""
    return datetime.fromtimestamp(at_us // 1_000_000, SHANGHAI).isoformat(timespec="seconds")


class _Made:
    def __init__(self, profile: Profile, now_us: int, on_shelf: Callable[[str], bool]) -> None:
        self._profile = profile
        self._now_us = now_us
        self._on_shelf = on_shelf
        self.findings: list[Finding] = []

    def row(self, due: Due, seq: int) -> dict[str, str]:
        known = self._customer(due)
        known |= {"seq": seq, "subject": due.subject, "entry": max(due.entries, default=0)}
        given = {**due.values, **known}
        return {
            one.name: self._cell(due, one, given.get(one.source))
            for one in self._profile.table[due.part].field
        }

    def _customer(self, due: Due) -> dict[str, Value]:
        if due.customer is None:
            self._find("warning", "erased", due.key)
            return {}
        shown: dict[str, Value] = {}
        for name in CUSTOMER:
            text = due.customer.get(name, "")
            mask = self._profile.mask(name)
            if text and mask != "none":
                shown[name] = text if mask == "whole" else FIELDS[name](text)
        return shown

    def _cell(self, due: Due, field: FieldOf, value: Value) -> str:
        where = f"{due.key} {field.name}"
        if value is None or value in ("", []):
            if field.required:
                self._find("fault", "missing", where, field.source)
            return ""
        if field.form == "file":
            return self._files(where, value)
        text = self._text(where, field, value)
        if field.codes:
            code = self._profile.codes[field.codes].get(text)
            if code is None:
                self._find("fault", "code_unknown", where, f"{field.codes}: {text}")
                return ""
            text = code
        if len(text) > field.longest:
            self._find("fault", "too_long", where, f"{len(text)} > {field.longest}")
        if field.source in _FREE and names_somebody(text):
            self._find("fault", "names_somebody", where)
        return text

    def _text(self, where: str, field: FieldOf, value: Value) -> str:
        if field.form in ("day", "moment"):
            if isinstance(value, date):
                return value.isoformat()
            assert isinstance(value, int), f"{where}: {field.source} is no moment"
            if value > self._now_us and field.source not in ("deadline", "due_at"):
                self._find("fault", "in_the_future", where, moment(value))
            return day_of(value).isoformat() if field.form == "day" else moment(value)
        if isinstance(value, Decimal):
            return format(value, "f")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str | int):
            return str(value)
        return ",".join(value) if value is not None else ""

    def _files(self, where: str, value: Value) -> str:
        digests = [value] if isinstance(value, str) else list(value)  # type: ignore[arg-type]  # a list
        for one in digests:
            if not self._on_shelf(one):
                self._find("fault", "file_missing", where, one[:12])
        return ",".join(digests)

    def _find(
        self, level: Literal["fault", "warning"], word: str, where: str, detail: str = ""
    ) -> None:
        self.findings.append(Finding(level, word, where, detail))


def _of_company(profile: Profile, who: FilingSinkSettings) -> Iterable[Finding]:
    if who.division_code not in profile.divisions:
        yield Finding("fault", "division_unknown", "division_code", who.division_code)
    if not check_digit_fits(who.credit_code):
        yield Finding("warning", "check_digit", "credit_code", who.credit_code)


def _of_period(span: Span, now_us: int) -> Iterable[Finding]:
    if span.last >= day_of(now_us):
        yield Finding("fault", "period_runs", span.name, span.last.isoformat())
