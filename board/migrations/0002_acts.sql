-- What a clerk signed to have an event, kept for ever as it came: whoever reads
-- it checks the signature and that the event is what was asked for. It holds a
-- key id, never a person's name.
CREATE TABLE register_act (
    sequence BIGINT PRIMARY KEY REFERENCES register_event (sequence),
    request  TEXT NOT NULL UNIQUE,
    clerk    TEXT NOT NULL,
    path     TEXT NOT NULL,
    token    TEXT NOT NULL,
    body     BYTEA NOT NULL,
    accepted BIGINT NOT NULL
);

-- What the outbox, the feed's head and the status lists look for, however large
-- the register is.
CREATE INDEX register_event_unplaced ON register_event (sequence) WHERE ledger_index IS NULL;
CREATE INDEX register_event_waiting ON register_event (sequence) WHERE receipt IS NULL;
CREATE INDEX register_license_revoked ON register_license (list, place) WHERE revoked = 1;
