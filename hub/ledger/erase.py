"""Deleting a body while its entry stays provable.

The body and its salt go, the head stays, so every root and proof holds as before. An `erased`
entry says which, why and by whose approval, and keeps the leaf hash of the erased entry's head,
so that a later change of that head still shows at its own place.
"""

from typing import TYPE_CHECKING

from hub.errors import CommandRefused
from hub.ledger.entry import open_head
from hub.ledger.merkle import leaf_hash

if TYPE_CHECKING:
    from hub.ledger.transaction import Transaction

NEVER_ERASED = frozenset({"genesis", "erased"})


def erase(tx: "Transaction", index: int, reason: str, approved_by: str, at_us: int) -> int:
    """See `Transaction.erase`."""
    if not reason or not approved_by:
        raise CommandRefused(f"entry {index}: an erasure needs a reason and who approved it")
    row = tx.sql.execute("SELECT head, body FROM entries WHERE idx=?", (index,)).fetchone()
    if row is None:
        raise CommandRefused(f"there is no entry {index} to erase")
    head, body = row
    kind = open_head(index, head, None, None).kind
    if kind in NEVER_ERASED:
        raise CommandRefused(f"entry {index} is a {kind} entry, which is never erased")
    if body is None:
        raise CommandRefused(f"entry {index} is erased already")
    tx.sql.execute("UPDATE entries SET body=NULL, salt=NULL WHERE idx=?", (index,))
    words: dict[str, object] = {"approved_by": approved_by, "entry": index, "reason": reason}
    return tx.append("erased", words, at_us, {"entry": str(index), "leaf": leaf_hash(head).hex()})
