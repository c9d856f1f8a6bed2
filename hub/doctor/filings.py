"""Filings with authorities: is a period over whose filing was not handed over, or late?"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from hub.clock import HubClock, local_day
from hub.config import Config
from hub.doctor.finding import Finding
from hub.doctor.record import opener
from hub.doctor.running import Running
from hub.errors import ConfigError
from hub.filing.deadlines import read_owed
from hub.filing.door import authorities
from hub.filing.profile import load_profile
from hub.ledger.store import DB_FILE
from hub.parts import Parts


def look_at_filings(config: Config, parts: Parts, running: Running) -> Iterator[Finding]:
    """Of each authority: what is owed, as the running hub says, or else the record."""
    known = authorities(parts.consignees)
    if not known:
        return
    rows = running.status.get("filings_owed") if running.status else _by_record(config, parts)
    if rows is None:  # a hub of an older version, or a record that cannot be looked at
        return
    for name in known:
        about, ours = f'sink "{name}"', [row for row in rows if row["authority"] == name]
        if not ours:
            yield Finding(about, "ok", "filings.none")
        for row in ours:
            if "period" not in row:
                yield Finding(about, "broken", "filings.profile", {"why": row["says"]})
            elif row["days_left"] < 0:
                yield Finding(about, "broken", "filings.overdue", row)
            else:
                yield Finding(about, "warning", "filings.open", row)


def _by_record(config: Config, parts: Parts) -> list[dict[str, Any]] | None:
    db = config.hub.state_dir / DB_FILE
    today = local_day(HubClock().now_us())
    try:
        how = opener(config.hub.state_dir, None) if db.exists() else None
        if how is None:
            return None
        rows: list[dict[str, Any]] = []
        with closing(how(db)) as sql:
            for name, path in authorities(parts.consignees).items():
                try:
                    found = read_owed(sql, name, load_profile(path).schedule, today)
                except ConfigError as wrong:
                    rows.append({"authority": name, "says": str(wrong)})
                    continue
                rows += [one.as_row(config.hub.language, today) for one in found]
    except (sqlite3.Error, OSError):  # the look at the store tells what is wrong with it
        return None
    return rows
