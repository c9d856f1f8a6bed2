-- Whose an order is, and whether it is a trial that no production system may hear of. Both stand in
-- the order's own entry; the columns are there to be found at once.
ALTER TABLE orders ADD COLUMN site TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN trial INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN site TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN trial INTEGER NOT NULL DEFAULT 0;
ALTER TABLE parcels ADD COLUMN trial INTEGER NOT NULL DEFAULT 0;
CREATE INDEX orders_added ON orders (created_us, number);

CREATE TRIGGER parcels_stay_trials BEFORE UPDATE OF trial ON parcels BEGIN
    SELECT RAISE(ABORT, 'a parcel''s body, key and address never change');
END;

-- The register of instruments: newest record of each, and the entry that holds it.
CREATE TABLE instruments (
    name   TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    entry  INTEGER NOT NULL
) STRICT;

-- Who may use the API. Of a token only its digest is here; the log names it by its id.
CREATE TABLE tokens (
    id         TEXT PRIMARY KEY,
    client     TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    scopes     TEXT NOT NULL,  -- JSON: a list of words
    sites      TEXT NOT NULL,  -- JSON: a list of sites; empty: every order
    added_us   INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    revoked_us INTEGER,
    entry      INTEGER NOT NULL
) STRICT;

-- Requests that were carried out, and what was answered: the same key again gets the same answer.
-- Operational state, written in the transaction of the work itself.
CREATE TABLE requests (
    caller TEXT NOT NULL,
    key    TEXT NOT NULL,
    sha256 TEXT NOT NULL,  -- of the request
    answer TEXT NOT NULL,
    at_us  INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX requests_age ON requests (at_us);
