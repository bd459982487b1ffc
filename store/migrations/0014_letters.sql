-- What a reviewer asked about a submission that waits, and what its sender gave.
CREATE TABLE letter (
    handle     TEXT PRIMARY KEY,
    submission TEXT NOT NULL,
    number     BIGINT NOT NULL,
    seq        BIGINT NOT NULL,
    holder     TEXT NOT NULL,
    sender     TEXT NOT NULL,
    sent       BIGINT NOT NULL,
    due        TEXT NOT NULL,
    body       BYTEA NOT NULL,
    token      BYTEA NOT NULL
);
CREATE INDEX letter_by_submission ON letter (submission, seq);
