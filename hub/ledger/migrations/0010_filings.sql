-- Filings with an authority, as the hub works on them. What has happened stands in the log, in the
-- `filing_step` entries; what is filed, in one `filing_content` entry each.
CREATE TABLE filings (
    id         TEXT PRIMARY KEY,
    authority  TEXT NOT NULL,             -- name of the sink
    period     TEXT NOT NULL,
    state      TEXT NOT NULL,
    digest     TEXT NOT NULL,             -- SHA-256 of the document that is sent
    content    INTEGER NOT NULL,
    step       INTEGER NOT NULL,          -- entry of the newest step
    faults     INTEGER NOT NULL,
    rows       INTEGER NOT NULL,
    corrects   TEXT NOT NULL DEFAULT '',
    receipt    TEXT NOT NULL DEFAULT '',
    reason     TEXT NOT NULL DEFAULT '',
    drafted_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
) STRICT;

CREATE INDEX filings_of ON filings (authority, drafted_us);

-- Which record is in which filing: once for each authority, durable with the draft, so that
-- nothing is filed twice whatever is cut, and what is not here is still due.
CREATE TABLE filing_rows (
    authority TEXT NOT NULL,
    part      TEXT NOT NULL,              -- refused, absent, hazard, statistics
    key       TEXT NOT NULL,
    filing    TEXT NOT NULL REFERENCES filings (id),
    PRIMARY KEY (authority, part, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX filing_rows_of ON filing_rows (filing);
