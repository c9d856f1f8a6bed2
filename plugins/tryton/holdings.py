"""What Tryton has of one sink's verdicts: its inspections, each with the digest of its event."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from hub import Held
from plugins.tryton.rest import Rest, data_of, literal, moment

_GRACE: Final = timedelta(days=1)
"""The server's clock and ours may differ, by a time zone at the most."""
_WORDS: Final = {"passed": "PASS", "failed": "FAIL"}


def held_in(rest: Rest, sink: str, from_us: int) -> Iterator[Held]:
    """Every inspection of *sink* since *from_us*, by Tryton's ids; the files go one at a time."""
    begin = datetime.fromtimestamp(from_us / 1e6, UTC) - _GRACE
    domain = [["reference", "like", f"%-{literal(sink)}"], ["create_date", ">=", moment(begin)]]
    for one in rest.each("quality.inspection", domain, "number", "reference", "state"):
        key = str(one["reference"]).rpartition(" ")[2]
        resource = f"quality.inspection,{one['id']}"
        file = [["resource", "=", resource], ["name", "=", f"{key}.json"]]
        found = rest.find("ir.attachment", file, "data")
        digest = sha256(data_of(found[0]["data"])).hexdigest() if found else ""
        place = f"inspection {one['number']}"
        yield Held(key, digest, _WORDS.get(one["state"], ""), place)
