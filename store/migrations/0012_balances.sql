-- What a payee's remittance could not bear, since more was taken back than it
-- pays, and the remittance that brought it back. Rows are added and closed,
-- never removed; one payee has at most one open for each submitter.
CREATE TABLE payee_balance (
    trace      TEXT PRIMARY KEY, -- of the transaction set that it comes from
    remittance TEXT NOT NULL,
    submitter  TEXT NOT NULL,
    payee      TEXT NOT NULL,
    tax_id     TEXT NOT NULL,
    owed       BIGINT NOT NULL CHECK (owed > 0),
    brought_by TEXT NOT NULL DEFAULT '' -- the remittance
);
CREATE UNIQUE INDEX payee_balance_open ON payee_balance (submitter, payee, tax_id) WHERE brought_by = '';
