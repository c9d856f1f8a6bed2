-- The log itself. An entry is never changed; only an erasure may blank its body and salt.
CREATE TABLE entries (
    idx   INTEGER PRIMARY KEY,
    head  BLOB NOT NULL,   -- RFC 8785 JSON; its leaf hash is what the Merkle tree holds
    salt  BLOB,            -- 16 random bytes; NULL after an erasure
    body  BLOB,            -- NULL after an erasure
    codec TEXT NOT NULL    -- how the body is stored: plain, deflate
);

-- Signed heads of the log, with the tree's frontier so that a start need not read it all.
CREATE TABLE checkpoints (
    size     INTEGER PRIMARY KEY,
    note     TEXT NOT NULL,
    frontier BLOB NOT NULL
);

CREATE TRIGGER entries_keep_their_rows BEFORE DELETE ON entries BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: an entry cannot be deleted');
END;

CREATE TRIGGER entries_keep_their_words BEFORE UPDATE ON entries
WHEN NEW.idx <> OLD.idx OR NEW.head <> OLD.head OR NEW.codec <> OLD.codec
    OR NEW.body IS NOT NULL OR NEW.salt IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: an entry cannot be changed, only erased');
END;

CREATE TRIGGER checkpoints_keep_their_rows BEFORE DELETE ON checkpoints BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: a checkpoint cannot be deleted');
END;

CREATE TRIGGER checkpoints_keep_their_words BEFORE UPDATE ON checkpoints BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: a checkpoint cannot be changed');
END;
