-- Jobs as the hub works on them. Operational state: what has happened stands in the log, in the
-- entries that `job_entries` names, and a job's state is folded from them whenever it is needed.
CREATE TABLE jobs (
    number     TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    user_class TEXT NOT NULL,
    phase      TEXT NOT NULL,
    ended      TEXT NOT NULL DEFAULT '',  -- the word with which it ended; '': it runs
    parent     TEXT NOT NULL DEFAULT '',  -- the job that opened it
    subject    TEXT NOT NULL DEFAULT '',  -- keyed pseudonym of the customer
    pack       TEXT NOT NULL,
    entry      INTEGER NOT NULL,
    opened_us  INTEGER NOT NULL,
    ended_us   INTEGER,
    due_us     INTEGER,                   -- when its next deadline passes; NULL: none runs
    watch      TEXT NOT NULL DEFAULT '',  -- JSON: instrument -> what the hub looks for there now
    held       TEXT NOT NULL DEFAULT '',  -- why it may not be erased, however old; '': it may
    erased     TEXT NOT NULL DEFAULT ''   -- what was erased of it: personal, all
) STRICT;

CREATE INDEX jobs_due ON jobs (due_us) WHERE ended = '' AND due_us IS NOT NULL;
CREATE INDEX jobs_watching ON jobs (number) WHERE watch <> '';
CREATE INDEX jobs_opened ON jobs (opened_us);
CREATE INDEX jobs_of_subject ON jobs (subject);
CREATE INDEX jobs_of_parent ON jobs (parent) WHERE parent <> '';

CREATE TABLE job_entries (
    number TEXT NOT NULL REFERENCES jobs (number),
    entry  INTEGER NOT NULL,
    PRIMARY KEY (number, entry)
) STRICT, WITHOUT ROWID;

-- Entries of a job beside its events: personal data, what was refused.
CREATE TABLE job_papers (
    number  TEXT NOT NULL REFERENCES jobs (number),
    entry   INTEGER NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('personal', 'refused')),
    PRIMARY KEY (number, entry)
) STRICT, WITHOUT ROWID;

-- Files that a job's answers name.
CREATE TABLE job_files (
    number TEXT NOT NULL REFERENCES jobs (number),
    sha256 TEXT NOT NULL,
    PRIMARY KEY (number, sha256)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_files_of ON job_files (sha256);

-- When a section of pipe was last worked on, by whichever job: a PASS from before is over.
CREATE TABLE section_work (
    section TEXT NOT NULL,
    job     TEXT NOT NULL,
    at_us   INTEGER NOT NULL,
    entry   INTEGER NOT NULL,
    PRIMARY KEY (section, job)
) STRICT, WITHOUT ROWID;

-- The register of staff: newest record of each, and the entry that holds it.
CREATE TABLE staff (
    id     TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    entry  INTEGER NOT NULL
) STRICT;

-- Photos, scans and signatures that are kept by their hash; the bytes are files beside the log.
CREATE TABLE files (
    sha256 TEXT PRIMARY KEY,
    bytes  INTEGER NOT NULL,
    media  TEXT NOT NULL,
    entry  INTEGER NOT NULL,
    gone   INTEGER NOT NULL DEFAULT 0  -- it was erased; the file may still wait to be deleted
) STRICT;
