-- What the ledger says of an event stands beside it, so that events are only
-- ever added. Events go to the ledger in their order and become final in it: so
-- the counter "placed" says up to which event there are places, "proven" up to
-- which there are receipts, and whoever adds one takes its counter first.
CREATE TABLE register_place (
    sequence     BIGINT PRIMARY KEY,
    ledger_index BIGINT NOT NULL
);
CREATE TABLE register_receipt (
    sequence BIGINT PRIMARY KEY,
    receipt  BYTEA NOT NULL
);
-- The entry as the ledger has it, where the board's key was handed over between
-- signing and recording. What was signed first stays with the event.
CREATE TABLE register_anew (
    sequence BIGINT PRIMARY KEY,
    entry    BYTEA NOT NULL
);
INSERT INTO register_place SELECT sequence, ledger_index FROM register_event WHERE ledger_index IS NOT NULL;
INSERT INTO register_receipt SELECT sequence, receipt FROM register_event WHERE receipt IS NOT NULL;
INSERT INTO register_anew SELECT sequence, entry_anew FROM register_event WHERE entry_anew IS NOT NULL;
INSERT INTO register_counter (name, value) SELECT 'placed', coalesce(max(sequence), 0) FROM register_place;
INSERT INTO register_counter (name, value) SELECT 'proven', coalesce(max(sequence), 0) FROM register_receipt;

-- A clerk's request, kept for ever as it came, and which row of it an act is
-- for: one request can have a whole file of licenses issued.
CREATE TABLE register_asked (
    request  TEXT PRIMARY KEY,
    clerk    TEXT NOT NULL,
    path     TEXT NOT NULL,
    token    TEXT NOT NULL,
    body     BYTEA NOT NULL,
    accepted BIGINT NOT NULL
);
INSERT INTO register_asked SELECT request, clerk, path, token, body, accepted FROM register_act;
ALTER TABLE register_act RENAME TO register_act_before;
CREATE TABLE register_act (
    sequence BIGINT PRIMARY KEY,
    request  TEXT NOT NULL,
    line     BIGINT NOT NULL -- from 0
);
INSERT INTO register_act SELECT sequence, request, 0 FROM register_act_before;
