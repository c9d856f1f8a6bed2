"""A register (台账): which columns it has, and how its rows are made from the record."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from hub.records.customer import SHOWN, customer_of
from hub.records.history import History
from hub.records.period import Period
from hub.records.record import Decided, Record
from hub.records.words import Words, number

Value = str | int | Decimal | date | None
Form = Literal["text", "code", "number", "moment", "day"]
"""code: text that is never a number; number: int or Decimal; moment: hub time in microseconds;
day: a date."""


class Column(NamedTuple):
    """One column. Its title is the text `records.column.KEY`. *width*: characters."""

    key: str
    form: Form = "text"
    width: int = 14


class Row(NamedTuple):
    """One row. `kind` and `state` are what a choice of rows goes by.

    values   column -> value; what is not there, or None, or "", is an empty cell
    entries  of the ledger, that its figures stand in
    """

    number: str
    values: Mapping[str, Value]
    entries: Sequence[int]
    kind: str
    state: str


class Register(NamedTuple):
    """`rows` gives all rows of a period. `kinds`: what --kind may be."""

    name: str
    columns: Sequence[Column]
    kinds: Sequence[str]
    rows: Callable[[Words, Period], Iterator[Row]]


RUNNING, ENDED = "running", "ended"
ENDS: Final = ("done", "given_up", "inspected", "absent", "refused", "closed")
"""The words with which jobs of the shipped rule pack end; a pack of the company's may have more."""
ENTRIES: Final = Column("entries", "code", 24)
SUBJECT: Final = Column("subject", "code", 26)
CUSTOMER: Final = tuple(Column(f"customer_{name}", "code", 16) for name in SHOWN)


def of_jobs(
    kinds: tuple[str, ...], made: Callable[[Words, History], tuple[Mapping[str, Value], str]]
) -> Callable[[Words, Period], Iterator[Row]]:
    """Rows of a register that has one row a job; *made* gives its values, and its kind."""

    def rows(words: Words, period: Period) -> Iterator[Row]:
        record = words.record
        for job in record.numbers(kinds, period):
            history = record.history(job)
            values, kind = made(words, history)
            entries = [*history.entries, *_verdict_entries(record, history)]
            if words.recipient is not None:
                entries += history.apart()
            values = {**_common(words, history), **values}
            yield Row(job, values, sorted(set(entries)), kind, history.state.ended or RUNNING)

    return rows


JOB_COLUMNS: Final = (Column("number", "code", 18), Column("state", "text", 20), SUBJECT)
END_COLUMNS: Final = (
    Column("staff", "code", 14),
    Column("certificates", "code", 20),
    Column("hazards", "code", 14),
    Column("ended_at", "moment", 20),
    Column("kept_until", "day", 12),
)


def _common(words: Words, history: History) -> dict[str, Value]:
    return {
        "number": history.number,
        "state": words.state(history),
        "subject": history.subject,
        "user_class": words.known("user_class", history.user_class),
        "opened_at": history.state.opened_us,
        "staff": ", ".join(history.staff()),
        "certificates": ", ".join(history.certificates()),
        "hazards": ", ".join(code for code, _, _ in history.state.hazards),
        "ended_at": history.ended_us,
        "kept_until": history.kept_until(),
    }


def _verdict_entries(record: Record, history: History) -> Iterator[int]:
    for step, standing in history.state.steps.items():
        if standing.attempt:
            for ruled in history.rulings(step):
                decided = record.decided(ruled.attempt)
                if decided is not None:
                    yield decided.entry


# -- groups of columns


def hold_columns(name: str) -> tuple[Column, ...]:
    """The columns of one hold test."""
    return (
        Column(f"{name}_section", "code", 16),
        Column(f"{name}_verdict", "text", 16),
        Column(f"{name}_p1_pa", "number", 12),
        Column(f"{name}_p2_pa", "number", 12),
        Column(f"{name}_drop_pa", "number", 12),
        Column(f"{name}_hold_s", "number", 10),
        Column(f"{name}_serial", "code", 14),
    )


def hold_values(words: Words, history: History, step: str, name: str) -> dict[str, Value]:
    """Of the newest verdict of a hold test; nothing where there is none."""
    found = history.rulings(step)
    decided = words.record.decided(found[-1].attempt) if found else None
    if decided is None:
        return {}
    figures = decided.verdict["figures"]
    return {
        f"{name}_section": str(decided.body["section"]),
        f"{name}_verdict": words.verdict(history, step),
        f"{name}_p1_pa": number(figures, "p1_pa"),
        f"{name}_p2_pa": number(figures, "p2_pa"),
        f"{name}_drop_pa": number(figures, "drop_raw_pa"),
        f"{name}_hold_s": number(figures, "hold_s"),
        f"{name}_serial": serials(decided),
    }


def serials(decided: Decided) -> str:
    """What the instruments of a test said they are."""
    return ", ".join(serial for serial in decided.body.get("serials", {}).values() if serial)


SIGNATURE: Final = (Column("signature", "text", 8), Column("signature_sha256", "code", 20))


def signature_values(words: Words, history: History) -> dict[str, Value]:
    """Whether the customer has signed, and the file that shows it."""
    digest = history.answer("sign", "signature")
    return {"signature": words.yes(bool(digest)), "signature_sha256": digest}


# -- for everybody


def columns_of(register: Register, *, with_customer: bool) -> tuple[Column, ...]:
    """All columns: the register's own, the customer's where they are wanted, the entries."""
    own = tuple(register.columns)
    return (*own, *(CUSTOMER if with_customer else ()), ENTRIES)


def rows_of(
    register: Register, words: Words, period: Period, *, kind: str = "", state: str = ""
) -> Iterator[Row]:
    """The rows, whole. With a recipient in *words* the customer's columns are filled.

    state  running, ended, or the word with which a job ended; "" is all
    """
    for row in register.rows(words, period):
        if kind not in ("", row.kind) or not _in_state(row.state, state):
            continue
        entries, more = list(row.entries), {}
        if words.recipient is not None:
            known = customer_of(words.record, row.number, words.recipient)
            shown = known.shown(words.say("erased"))
            more = {f"customer_{name}": text for name, text in shown.items()}
            entries = sorted({*entries, *([] if known.entry is None else [known.entry])})
        values = {**row.values, **more, "entries": spans(entries)}
        yield row._replace(values=values, entries=entries)


def _in_state(state: str, wanted: str) -> bool:
    if wanted == ENDED:
        return state not in ("", RUNNING)
    return wanted in ("", state)


def spans(entries: Iterable[int]) -> str:
    """Ascending numbers in few characters: "12, 15..18, 40". (A spreadsheet program would take
    "7-14" for a day in July.)
    """
    parts: list[list[int]] = []
    for entry in entries:
        if parts and entry == parts[-1][-1] + 1:
            parts[-1][1:] = [entry]
        else:
            parts.append([entry])
    return ", ".join("..".join(map(str, part)) for part in parts)
