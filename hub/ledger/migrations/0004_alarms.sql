-- Instruments whose alarm is raised now, and the entry that raised it. Operational state: the
-- evidence is in the log.
CREATE TABLE alarms (
    instrument TEXT PRIMARY KEY,
    entry      INTEGER NOT NULL
);
