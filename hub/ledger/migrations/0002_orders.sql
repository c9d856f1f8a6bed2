-- Orders and attempts as the hub works on them. Operational state: the evidence is in the log,
-- and each row names the entry that proves it.
CREATE TABLE orders (
    number      TEXT PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    record      BLOB NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'aborted')),
    entry       INTEGER NOT NULL,
    created_us  INTEGER NOT NULL
);
CREATE TABLE attempts (
    id            TEXT PRIMARY KEY,
    number        TEXT NOT NULL REFERENCES orders (number),
    test          TEXT NOT NULL,
    procedure     TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('open', 'decided')),
    opened_us     INTEGER NOT NULL,
    opened_entry  INTEGER NOT NULL,
    pack          TEXT NOT NULL,
    verdict_id    TEXT UNIQUE,
    verdict_entry INTEGER,
    verdict       TEXT,
    decided_us    INTEGER
);
CREATE INDEX attempts_of_order ON attempts (number, opened_us);
CREATE INDEX attempts_open ON attempts (state) WHERE state = 'open';
-- Every rule pack that an attempt was opened under, whole, so that a verdict can be judged again.
CREATE TABLE packs (
    sha256   TEXT PRIMARY KEY,
    id       TEXT NOT NULL,
    version  TEXT NOT NULL,
    entry    INTEGER NOT NULL
);
-- How far each follower has been acknowledged by its far side.
CREATE TABLE cursors (
    follower TEXT PRIMARY KEY,
    entry    INTEGER NOT NULL
);
-- Single facts of the running hub: the clock's anchor of this boot.
CREATE TABLE hub_state (
    key    TEXT PRIMARY KEY,
    value  TEXT NOT NULL
);
