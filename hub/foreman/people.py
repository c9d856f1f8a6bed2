"""The register of staff: who may do what, by staff id. It holds no names and no phone numbers.

A certificate that ends stays in the register: what was done while it was valid was done rightly.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from hub.errors import CommandRefused
from hub.jobs import Person
from hub.ledger import Transaction

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_PROGRAM: Final = re.compile(r"(?:api|inbox):[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
ID_FORM: Final = "letters, digits, dots and dashes, 32 at most"
_KEYS: Final = frozenset({"id", "supervisor", "certificates", "hired"})


def is_id(text: str) -> bool:
    """Whether *text* has the form of a staff id."""
    return _ID.fullmatch(text) is not None


def same(one: str, other: str) -> bool:
    """Whether two ids are one person's: S-1 and s-1 are."""
    return one.casefold() == other.casefold()


def is_program(text: str) -> bool:
    """Whether *text* names a door that orders come in by. No staff id has a colon."""
    return _PROGRAM.fullmatch(text) is not None


def person_of(record: Mapping[str, Any]) -> Person:
    """A person from the register's record."""
    return Person(
        record["id"],
        record["supervisor"],
        {
            role: (certificate["number"], date.fromisoformat(certificate["until"]))
            for role, certificate in record["certificates"].items()
        },
    )


def people(tx: Transaction) -> dict[str, Person]:
    """Everybody of the register, by id."""
    rows = tx.sql.execute("SELECT record FROM staff").fetchall()
    return {one.id: one for one in (person_of(json.loads(row[0])) for row in rows)}


def register(tx: Transaction, given: Mapping[str, Any], now_us: int) -> dict[str, Any]:
    """Put somebody into the register, or replace what it says of them.

    given   {"id", "supervisor": true or false, "hired": day, "certificates": {role: {"number",
            "until": last valid day}}}; all but the id may be absent
    raises  CommandRefused naming key, value and remedy
    """
    record = _checked(given)
    row = tx.sql.execute("SELECT record FROM staff WHERE id=?", (record["id"],)).fetchone()
    text = json.dumps(record, sort_keys=True)
    if row is not None and row[0] == text:
        return record  # the same again changes nothing
    _refuse_double(tx, record)
    entry = tx.append("staff", record, now_us, {"staff": record["id"]})
    tx.sql.execute(
        "INSERT INTO staff (id, record, entry) VALUES (?,?,?)"
        " ON CONFLICT (id) DO UPDATE SET record=excluded.record, entry=excluded.entry",
        (record["id"], text, entry),
    )
    return record


def _refuse_double(tx: Transaction, record: Mapping[str, Any]) -> None:
    """One person under two ids would be two persons where two are asked for."""
    known = people(tx)
    for other in known.values():
        if record["id"] not in known and same(other.id, record["id"]):
            raise CommandRefused(
                f"staff {record['id']}: {other.id} is in the register, and differs only by case; "
                "one person has one id"
            )
        for role, held in record["certificates"].items():
            if (
                other.id != record["id"]
                and other.certificates.get(role, ("",))[0] == held["number"]
            ):
                raise CommandRefused(
                    f"staff {record['id']}: certificate {held['number']} ({role}) is held by "
                    f"{other.id}; one person has one id. Take it from {other.id} first if that "
                    "one is no longer used"
                )


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    if strange := sorted(set(given) - _KEYS):
        raise CommandRefused(
            f'staff: no key "{strange[0]}"; there are {", ".join(sorted(_KEYS))}, and no names: '
            "the register is read by everybody"
        )
    id = given.get("id")
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise CommandRefused(f'staff: "id" is {id!r}; {ID_FORM}')
    certificates = given.get("certificates", {})
    if not isinstance(certificates, Mapping):
        raise CommandRefused(f'staff {id}: "certificates" is {certificates!r}; expected a table')
    supervisor = given.get("supervisor", False)
    if not isinstance(supervisor, bool):
        raise CommandRefused(f'staff {id}: "supervisor" is {supervisor!r}; true or false')
    return {
        "id": id,
        "supervisor": supervisor,
        "certificates": {
            str(role): _certificate(id, str(role), held) for role, held in certificates.items()
        },
        **({"hired": _day(id, "hired", given["hired"])} if given.get("hired") else {}),
    }


def _certificate(id: str, role: str, held: Any) -> dict[str, str]:
    if not isinstance(held, Mapping) or not isinstance(held.get("number"), str):
        raise CommandRefused(
            f"staff {id}: certificate {role} is {held!r}; expected number and until"
        )
    return {"number": held["number"], "until": _day(id, f"until of {role}", held.get("until"))}


def _day(id: str, what: str, value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise CommandRefused(f"staff {id}: {what} is {value!r}; expected YYYY-MM-DD") from None
