-- What people handed in, and which attempt it is evidence of: found at once, so that a moment of
-- an instrument is evidence once. Derived: every row is written with its entry in one transaction,
-- and all of them are made again from the log where `hub_state` lacks the word `evidence`.
CREATE TABLE evidence (
    file       TEXT    NOT NULL,  -- SHA-256 of the bytes handed in; of a reading by eye its photo
    series     TEXT    NOT NULL,  -- SHA-256 of times and values, whatever the file looks like
    instrument TEXT    NOT NULL,
    serial     TEXT    NOT NULL,  -- '': not told
    quantity   TEXT    NOT NULL,
    first_us   INTEGER NOT NULL,
    last_us    INTEGER NOT NULL,
    attempt    TEXT    NOT NULL,  -- '': recorded while no test of its instrument was open
    entry      INTEGER NOT NULL
) STRICT;

-- By the last moment: of all that an instrument ever gave, only what is newer is looked at.
CREATE INDEX evidence_file ON evidence (file);
CREATE INDEX evidence_series ON evidence (series) WHERE attempt <> '';
CREATE INDEX evidence_instrument ON evidence (instrument, quantity, last_us) WHERE attempt <> '';
CREATE INDEX evidence_serial ON evidence (serial, quantity, last_us)
    WHERE attempt <> '' AND serial <> '';
