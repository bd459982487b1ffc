-- A decided claim that was opened again, once for each cause. Token is the
-- request that a person signed for it; waits are the reasons for which it would
-- pend. A claim is open for one cause at a time.
CREATE TABLE reopening (
    submission TEXT NOT NULL,
    kind       TEXT NOT NULL,
    cause      TEXT NOT NULL,
    number     BIGINT NOT NULL,
    asked_by   TEXT NOT NULL,
    token      TEXT NOT NULL,
    opened     BIGINT NOT NULL,
    state      TEXT NOT NULL,
    waits      TEXT NOT NULL,
    closed     BIGINT NOT NULL,
    PRIMARY KEY (submission, kind, cause)
);
CREATE UNIQUE INDEX reopening_open ON reopening (submission) WHERE state IN ('open', 'waiting');

-- An appeal of a decision, and what a reviewer answered.
CREATE TABLE appeal (
    handle     TEXT PRIMARY KEY,
    submission TEXT NOT NULL,
    number     BIGINT NOT NULL,
    holder     TEXT NOT NULL,
    filed      BIGINT NOT NULL,
    due        TEXT NOT NULL,
    state      TEXT NOT NULL,
    body       BYTEA NOT NULL,
    token      BYTEA NOT NULL,
    UNIQUE (submission, number)
);
CREATE INDEX appeal_by_state ON appeal (state, due);
CREATE TABLE appeal_answer (
    appeal     TEXT PRIMARY KEY,
    submission TEXT NOT NULL,
    holder     TEXT NOT NULL,
    answered   BIGINT NOT NULL,
    body       BYTEA NOT NULL,
    token      BYTEA NOT NULL
);

-- What changed in the directory, and when: days of coverage of a person, or who
-- renders an organization's services. Unknown are the families under which
-- claims stand that came before the person was enrolled.
CREATE TABLE directory_change (
    handle      TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    person      TEXT NOT NULL,
    family      TEXT NOT NULL,
    unknown     TEXT NOT NULL,
    billing_npi TEXT NOT NULL,
    npi         TEXT NOT NULL,
    from_date   TEXT NOT NULL,
    until_date  TEXT NOT NULL,
    changed     BIGINT NOT NULL
);
CREATE INDEX directory_change_by_kind ON directory_change (kind, changed);
-- The last day of each line; '' where it was received before this.
ALTER TABLE claim_line ADD COLUMN through TEXT NOT NULL DEFAULT '';
