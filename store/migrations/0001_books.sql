-- The insurer's books. One text for SQLite and PostgreSQL. Dates are text
-- (YYYY-MM-DD), instants are microseconds since 1970, money is cents,
-- quantities are thousandths, documents are kept as the bytes that were signed.

CREATE TABLE edition (
    digest          TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,
    name            TEXT NOT NULL,
    edition         TEXT NOT NULL,
    fees            TEXT NOT NULL,
    effective_from  TEXT NOT NULL,
    effective_until TEXT NOT NULL,
    published       BIGINT NOT NULL,
    body            BYTEA NOT NULL,
    handle          TEXT NOT NULL,
    UNIQUE (kind, name, edition)
);

CREATE TABLE member (
    person        TEXT PRIMARY KEY,
    member_id     TEXT NOT NULL,
    family        TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    first_name    TEXT NOT NULL,
    birth         TEXT NOT NULL
);
CREATE INDEX member_by_id ON member (member_id);

CREATE TABLE coverage (
    person     TEXT NOT NULL,
    plan       TEXT NOT NULL,
    from_date  TEXT NOT NULL,
    until_date TEXT NOT NULL,
    PRIMARY KEY (person, plan, from_date)
);

CREATE TABLE roster (
    billing_npi TEXT NOT NULL,
    npi         TEXT NOT NULL,
    PRIMARY KEY (billing_npi, npi)
);

CREATE TABLE license (
    handle       TEXT PRIMARY KEY,
    npi          TEXT NOT NULL,
    jurisdiction TEXT NOT NULL,
    body         TEXT NOT NULL,
    token        TEXT NOT NULL,
    ledger_index BIGINT NOT NULL,
    entry        BYTEA NOT NULL,
    receipt      BYTEA NOT NULL
);
CREATE INDEX license_by_npi ON license (npi);

CREATE TABLE board_order (
    handle       TEXT PRIMARY KEY,
    license      TEXT NOT NULL,
    body         TEXT NOT NULL,
    token        TEXT NOT NULL,
    ledger_index BIGINT NOT NULL,
    entry        BYTEA NOT NULL,
    receipt      BYTEA NOT NULL,
    accepted     BIGINT NOT NULL,
    passed_on    BIGINT NOT NULL
);
CREATE INDEX board_order_by_license ON board_order (license);

CREATE TABLE feed (
    board        TEXT PRIMARY KEY,
    jurisdiction TEXT NOT NULL,
    sequence     BIGINT NOT NULL,
    position     BIGINT NOT NULL,
    read_at      BIGINT NOT NULL
);

CREATE TABLE fence (
    name    TEXT PRIMARY KEY,
    version BIGINT NOT NULL
);

CREATE TABLE signed (
    key      TEXT PRIMARY KEY,
    handle   TEXT NOT NULL UNIQUE,
    token    TEXT NOT NULL,
    body     BYTEA NOT NULL,
    evidence BYTEA NOT NULL,
    entry    BYTEA NOT NULL
);

CREATE TABLE submission (
    handle       TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    business_key TEXT NOT NULL UNIQUE,
    submitter    TEXT NOT NULL,
    number       TEXT NOT NULL,
    control      TEXT NOT NULL UNIQUE,
    person       TEXT NOT NULL,
    family       TEXT NOT NULL,
    received     TEXT NOT NULL,
    seq          BIGINT NOT NULL UNIQUE,
    body         BYTEA NOT NULL,
    state        TEXT NOT NULL,
    decisions    BIGINT NOT NULL,
    latest       TEXT NOT NULL
);
CREATE INDEX submission_by_family ON submission (family, seq);
CREATE INDEX submission_by_state ON submission (state);
CREATE INDEX submission_by_number ON submission (number);

CREATE TABLE claim_line (
    submission    TEXT NOT NULL,
    line          BIGINT NOT NULL,
    person        TEXT NOT NULL,
    billing_npi   TEXT NOT NULL,
    npi           TEXT NOT NULL,
    service_date  TEXT NOT NULL,
    code          TEXT NOT NULL,
    modifiers     TEXT NOT NULL,
    units         BIGINT NOT NULL,
    charge        BIGINT NOT NULL,
    authorization_number TEXT NOT NULL,
    PRIMARY KEY (submission, line)
);
CREATE INDEX claim_line_by_service ON claim_line (person, service_date, code);
CREATE INDEX claim_line_by_npi ON claim_line (npi);

CREATE TABLE decision (
    document   TEXT PRIMARY KEY,
    submission TEXT NOT NULL,
    number     BIGINT NOT NULL,
    outcome    TEXT NOT NULL,
    settled    BIGINT NOT NULL,
    cause      TEXT NOT NULL,
    remittance TEXT NOT NULL,
    UNIQUE (submission, number)
);
CREATE INDEX decision_by_cause ON decision (cause);

CREATE TABLE accumulator (
    holder        TEXT NOT NULL,
    period        TEXT NOT NULL,
    deductible    BIGINT NOT NULL,
    out_of_pocket BIGINT NOT NULL,
    PRIMARY KEY (holder, period)
);

CREATE TABLE authorized_item (
    submission TEXT NOT NULL,
    sequence   BIGINT NOT NULL,
    code       TEXT NOT NULL,
    npi        TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    from_date  TEXT NOT NULL,
    until_date TEXT NOT NULL,
    units      BIGINT NOT NULL,
    drawn      BIGINT NOT NULL,
    PRIMARY KEY (submission, sequence)
);
CREATE INDEX authorized_item_by_npi ON authorized_item (npi);

CREATE TABLE determination (
    submission TEXT NOT NULL,
    number     BIGINT NOT NULL,
    body       BYTEA NOT NULL,
    token      TEXT NOT NULL,
    PRIMARY KEY (submission, number)
);

CREATE TABLE outbox (
    document     TEXT PRIMARY KEY,
    entry        BYTEA NOT NULL,
    recorded     BIGINT NOT NULL,
    ledger_index BIGINT NOT NULL,
    receipt      BYTEA NOT NULL
);
CREATE INDEX outbox_by_recorded ON outbox (recorded);

CREATE TABLE remittance (
    number    BIGINT PRIMARY KEY,
    trace     TEXT NOT NULL UNIQUE,
    handle    TEXT NOT NULL UNIQUE,
    submitter TEXT NOT NULL,
    released  BIGINT NOT NULL,
    body      BYTEA NOT NULL
);
