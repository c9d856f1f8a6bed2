"""What is known of a customer, as far as whoever reads may see it.

Personal data stand in entries of their own, which may have been erased since. What an order says
of a customer comes directly after the job's entry, in the same transaction; an answer that is
personal stands in the job as `@ENTRY`. A job that another one opened is about that one's customer.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from hub.foreman.personal import Recipient, shown_to
from hub.records.record import Record
from hub.rulepack.jobs import Question

SHOWN: Final = (
    *("user_no", "name", "phone", "community", "building", "unit", "room", "address", "meter_no"),
)
"""Fields that registers and papers have a place for."""
_MOST_PARENTS: Final = 8


class Customer(NamedTuple):
    """What may be seen of a customer, and the entry that it stands in.

    fields    {}: nothing is known; None: it was known, and has been erased
    withheld  fields that are known, and that the reader may not see
    """

    fields: Mapping[str, str] | None
    entry: int | None = None
    withheld: Collection[str] = ()

    def shown(self, erased: str, withheld: str = "") -> dict[str, str]:
        """Every field of `SHOWN` in text, "" where nobody has given it: *erased* in each once it
        has been, *withheld* where the reader may not see it.
        """
        fields = self.fields
        if fields is None:
            return dict.fromkeys(SHOWN, erased)
        return {name: withheld if name in self.withheld else fields.get(name, "") for name in SHOWN}


def customer_of(record: Record, job: str, recipient: Recipient) -> Customer:
    """A job's customer as *recipient* may see them."""
    number = job
    for _ in range(_MOST_PARENTS):
        row = record.reader.rows(
            "SELECT j.entry, coalesce(p.number, '') FROM jobs j LEFT JOIN jobs p"
            " ON p.number=j.parent AND p.site=j.site WHERE j.number=?",
            (number,),
        )
        if not row:
            break
        entry, parent = row[0]
        if entry + 1 < record.size:
            following = record.entry(entry + 1)
            if following.kind == "personal" and following.refs.get("order") == number:
                if following.body is None:
                    return Customer(None, following.index)
                known = following.record()["fields"]
                fields = shown_to(recipient, known)
                return Customer(fields, following.index, known.keys() - fields.keys())
        if not parent:
            break
        number = parent
    return Customer({})


def answer_of(
    record: Record, question: Question, name: str, answer: str, recipient: Recipient
) -> str | None:
    """An answer that stands apart, such as "@1041"; "" where *recipient* may not see it.

    name    of the question
    None    it has been erased
    """
    entry = record.entry(int(answer.removeprefix("@")))
    if entry.body is None:
        return None
    text = str(entry.record()["fields"].get(name, ""))
    return shown_to(recipient, {question.personal: text}).get(question.personal, "")
