-- The board's register. Licenses, orders and events are only ever added; the
-- two things that change are a license's status bit (once, to 1) and an event's
-- place on the ledger and receipt (once, from nothing).

-- One row per counter. Whoever writes takes the row "event" first, so that
-- writers queue there and events are numbered in the order of their commits.
CREATE TABLE register_counter (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO register_counter (name, value) VALUES ('event', 0);

CREATE TABLE register_license (
    handle   TEXT PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    npi      TEXT NOT NULL,
    list     BIGINT NOT NULL,
    place    BIGINT NOT NULL,
    revoked  BIGINT NOT NULL,
    UNIQUE (list, place)
);
CREATE INDEX register_license_by_npi ON register_license (npi);

-- An event is a signed document, its ledger entry, and what the ledger said.
-- It is the outbox (no receipt yet) and the feed (with its receipt) in one.
CREATE TABLE register_event (
    sequence     BIGINT PRIMARY KEY,
    document     TEXT NOT NULL UNIQUE,
    identity     TEXT NOT NULL UNIQUE,
    license      TEXT NOT NULL REFERENCES register_license (handle),
    kind         TEXT NOT NULL,
    token        TEXT NOT NULL,
    entry        BYTEA NOT NULL,
    made         BIGINT NOT NULL,
    ledger_index BIGINT,
    receipt      BYTEA
);
CREATE INDEX register_event_by_license ON register_event (license);

-- Ids of request tokens that were used, until they expire anyway.
CREATE TABLE register_request (
    id      TEXT PRIMARY KEY,
    expires BIGINT NOT NULL
);
