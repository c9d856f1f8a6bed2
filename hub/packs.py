"""Rule packs in the record: each once, whole, found again by its digest."""

import sqlite3

from hub.ledger import Transaction, read_entry
from hub.rulepack import RulePack


def keep_pack(tx: Transaction, pack: RulePack, now_us: int) -> str:
    """Put the rule pack itself into the record, once per content; returns its digest."""
    known = tx.sql.execute("SELECT 1 FROM packs WHERE sha256=?", (pack.sha256,)).fetchone()
    if known is None:
        entry = tx.append("rule_pack", pack.source_bytes, now_us)
        tx.sql.execute(
            "INSERT INTO packs (sha256, id, version, entry) VALUES (?,?,?,?)",
            (pack.sha256, pack.id, pack.version, entry),
        )
    return pack.sha256


def kept_pack(sql: sqlite3.Connection, digest: str) -> bytes:
    """The bytes of a pack that an entry names by its digest."""
    (entry,) = sql.execute("SELECT entry FROM packs WHERE sha256=?", (digest,)).fetchone()
    return read_entry(sql, entry).body or b""
