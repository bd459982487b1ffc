-- What was paid too much on a claim, which a remittance told of and did not take:
-- document is the decision that it told, due the first day on which a payment may
-- take it. What is left is worked out from the rows of the other two tables; none
-- is ever removed, or lowered.
CREATE TABLE overpayment (
    document   TEXT PRIMARY KEY,
    submission TEXT NOT NULL,
    control    TEXT NOT NULL,
    submitter  TEXT NOT NULL,
    payee      TEXT NOT NULL,
    tax_id     TEXT NOT NULL,
    trace      TEXT NOT NULL, -- of the transaction set
    demanded   TEXT NOT NULL,
    due        TEXT NOT NULL,
    owed       BIGINT NOT NULL CHECK (owed > 0)
);
CREATE INDEX overpayment_by_payee ON overpayment (submitter, payee, tax_id);
CREATE INDEX overpayment_by_control ON overpayment (control);
-- What a payment has taken of it.
CREATE TABLE recouped (
    control TEXT NOT NULL,
    trace   TEXT NOT NULL, -- of the transaction set
    amount  BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (control, trace)
);
-- Money that a payee sent back by itself. Token is the request that a person
-- signed; balance the payment whose balance it lowers, '' where it settles what is
-- owed on the claim; told_by the transaction set that acknowledged it.
CREATE TABLE refund (
    payee         TEXT NOT NULL,
    reference     TEXT NOT NULL,
    tax_id        TEXT NOT NULL,
    submission    TEXT NOT NULL,
    submitter     TEXT NOT NULL,
    control       TEXT NOT NULL,
    amount        BIGINT NOT NULL CHECK (amount > 0),
    balance       TEXT NOT NULL,
    registered_by TEXT NOT NULL,
    token         TEXT NOT NULL,
    registered    BIGINT NOT NULL,
    told_by       TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (payee, reference)
);
CREATE INDEX refund_by_control ON refund (control);
