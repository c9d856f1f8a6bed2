-- Parcels on their way to sinks: operational state beside the log, not evidence.
-- seq is the order of addressing. A lane is what order is kept in: the order number, or the
-- parcel itself where an event has no order. The first waiting parcel of a lane is `ready`.
CREATE TABLE parcels (
    seq          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    sink         TEXT    NOT NULL,
    key          TEXT    NOT NULL UNIQUE,
    order_number TEXT    NOT NULL,
    lane         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    body         BLOB    NOT NULL,
    created_us   INTEGER NOT NULL,
    state        TEXT    NOT NULL DEFAULT 'waiting'
                 CHECK (state IN ('waiting', 'taken', 'refused', 'dead')),
    ready        INTEGER NOT NULL DEFAULT 0 CHECK (ready = 0 OR state = 'waiting'),
    batch        TEXT    NOT NULL DEFAULT '',
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_us      INTEGER NOT NULL,
    receipt      TEXT    NOT NULL DEFAULT '',
    reason       TEXT    NOT NULL DEFAULT ''
) STRICT;

-- The partial ones stay small however many parcels have been taken.
CREATE UNIQUE INDEX parcels_ready ON parcels (sink, lane) WHERE ready = 1;
CREATE INDEX parcels_due ON parcels (sink, next_us, seq) WHERE ready = 1;
CREATE INDEX parcels_lane ON parcels (sink, lane, seq) WHERE state = 'waiting';
CREATE INDEX parcels_queue ON parcels (sink, seq) WHERE state = 'waiting';
CREATE INDEX parcels_batch ON parcels (sink, batch) WHERE batch <> '';
CREATE INDEX parcels_open_batch ON parcels (sink, next_us, seq)
    WHERE state = 'waiting' AND batch <> '';
CREATE INDEX parcels_sink ON parcels (sink, state);
CREATE INDEX parcels_order ON parcels (order_number);

CREATE TRIGGER parcels_are_sealed
BEFORE UPDATE OF seq, id, sink, key, order_number, lane, kind, body, created_us ON parcels
BEGIN
    SELECT RAISE(ABORT, 'a parcel''s body, key and address never change');
END;

CREATE TRIGGER parcels_are_not_lost
BEFORE DELETE ON parcels WHEN old.state <> 'taken'
BEGIN
    SELECT RAISE(ABORT, 'only a taken parcel may be deleted');
END;

-- One row per attempt that had an answer, and per operator's act on the parcel.
CREATE TABLE parcel_log (
    parcel  TEXT    NOT NULL,
    attempt INTEGER NOT NULL,
    at_us   INTEGER NOT NULL,
    outcome TEXT    NOT NULL
            CHECK (outcome IN ('taken', 'refused', 'waiting', 'dead', 'retried', 'replayed')),
    detail  TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX parcel_log_parcel ON parcel_log (parcel);

-- How each channel stands: one write per change of state, whatever the number of attempts.
CREATE TABLE sink_state (
    sink          TEXT    PRIMARY KEY,
    state         TEXT    NOT NULL DEFAULT 'open'
                  CHECK (state IN ('open', 'lost', 'paused', 'failed')),
    reason        TEXT    NOT NULL DEFAULT '',
    since_us      INTEGER NOT NULL DEFAULT 0,
    last_taken_us INTEGER NOT NULL DEFAULT 0
) STRICT;
