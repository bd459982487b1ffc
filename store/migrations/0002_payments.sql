-- What the payment of a final decision rests on, written when it is settled.
-- What was settled before this file ran has no row and is never paid: the run
-- says so, nothing is guessed.

CREATE TABLE payment (
    document   TEXT PRIMARY KEY,
    submission TEXT NOT NULL,
    payee      TEXT NOT NULL,
    tax_id     TEXT NOT NULL,
    amount     BIGINT NOT NULL
);
CREATE INDEX payment_by_submission ON payment (submission);

CREATE TABLE payment_rest (
    document     TEXT NOT NULL,
    npi          TEXT NOT NULL,
    state        TEXT NOT NULL,
    service_date TEXT NOT NULL,
    PRIMARY KEY (document, npi, state, service_date)
);
CREATE INDEX payment_rest_by_npi ON payment_rest (npi, state);

CREATE INDEX decision_by_remittance ON decision (remittance);

-- A hold of the insurer's staff upon a claim, and who lifted it. The token is
-- what the person signed; rows are added and closed, never removed.
CREATE TABLE payment_hold (
    submission   TEXT NOT NULL,
    number       BIGINT NOT NULL,
    code         TEXT NOT NULL,
    placed_by    TEXT NOT NULL,
    placed       BIGINT NOT NULL,
    placed_token TEXT NOT NULL,
    lifted_by    TEXT NOT NULL,
    lifted       BIGINT NOT NULL,
    lifted_token TEXT NOT NULL,
    lifted_code  TEXT NOT NULL,
    PRIMARY KEY (submission, number)
);
