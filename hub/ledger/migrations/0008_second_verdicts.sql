-- Verdicts by another rule pack, set beside the first: once for each attempt and pack. Derived: the
-- verdict itself stands in the log, in the entry that is named.
CREATE TABLE second_verdicts (
    attempt TEXT NOT NULL,
    pack    TEXT NOT NULL,
    entry   INTEGER NOT NULL,
    PRIMARY KEY (attempt, pack)
) STRICT, WITHOUT ROWID;
