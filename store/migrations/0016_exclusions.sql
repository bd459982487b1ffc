-- The list of excluded providers that a plan edition names.
ALTER TABLE edition ADD COLUMN exclusion_list TEXT NOT NULL DEFAULT '';

-- What an edition of such a list says otherwise than the one before it, and when it
-- was published, to find the claims that were decided before. An open end is ''.
CREATE TABLE exclusion_change (
    edition    TEXT NOT NULL,
    npi        TEXT NOT NULL,
    from_date  TEXT NOT NULL,
    until_date TEXT NOT NULL,
    changed    BIGINT NOT NULL,
    PRIMARY KEY (edition, npi, from_date, until_date)
);
CREATE INDEX exclusion_change_by_npi ON exclusion_change (npi);

-- Who else had a part in a line: neither who bills nor whose license it rests on.
CREATE TABLE line_involved (
    submission TEXT NOT NULL,
    line       BIGINT NOT NULL,
    npi        TEXT NOT NULL,
    PRIMARY KEY (submission, line, npi)
);
CREATE INDEX line_involved_by_npi ON line_involved (npi);
CREATE INDEX claim_line_by_biller ON claim_line (billing_npi);
