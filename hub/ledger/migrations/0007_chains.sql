-- The last link of each chain of entries: a job's, and a running attempt's. The links themselves
-- stand in the entries' bodies (`seq`, `prev`), so that one that is left out later shows.
CREATE TABLE chains (
    name  TEXT PRIMARY KEY,
    seq   INTEGER NOT NULL,
    entry INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
