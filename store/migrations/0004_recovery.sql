-- Up to where the house has read the ledger and found every entry of its own
-- in these books. Restored books have an older place here, and find out.
CREATE TABLE ledger_read (
    name     TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);

-- Own entries whose documents nobody could bring back after a restore, given
-- up by a person. Number is a decision's on its submission, empty where the
-- ledger could not say, or a remittance's.
CREATE TABLE lost_entry (
    document     TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    ledger_index BIGINT NOT NULL,
    effective    BIGINT NOT NULL,
    digest       TEXT NOT NULL,
    entry        BYTEA NOT NULL,
    submission   TEXT NOT NULL,
    number       BIGINT NOT NULL,
    given_up     BIGINT NOT NULL
);
CREATE INDEX lost_entry_by_submission ON lost_entry (submission);
