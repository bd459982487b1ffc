-- What tells of a person is sealed under a data key of that person, which is
-- wrapped by a key of the insurer that lies outside the database. docs/keys.md
-- says column by column what is sealed and what is not; store/sealed_test.go
-- holds the two against each other.

-- Books from before have their documents in clear, and this file cannot seal
-- them: it stops here, and nothing is lost.
CREATE TABLE unsealed (n BIGINT, CONSTRAINT books_from_before_sealing_must_be_empty CHECK (n = 0));
INSERT INTO unsealed SELECT count(*) FROM member;
INSERT INTO unsealed SELECT count(*) FROM submission;
INSERT INTO unsealed SELECT count(*) FROM remittance;
DROP TABLE unsealed;

-- Holder is a person; or submission/HANDLE, where the patient is nobody whom
-- the insurer knows; or remittance/TRACE, since a remittance names many.
CREATE TABLE data_key (
    holder   TEXT PRIMARY KEY,
    wrapping TEXT NOT NULL,
    wrapped  BYTEA NOT NULL
);
CREATE INDEX data_key_by_wrapping ON data_key (wrapping, holder);

-- Person, member_id and family are keyed hashes: equal where the ids are.
DROP TABLE member;
CREATE TABLE member (
    person    TEXT PRIMARY KEY,
    member_id TEXT NOT NULL,
    family    TEXT NOT NULL,
    sealed    BYTEA NOT NULL
);
CREATE INDEX member_by_id ON member (member_id);
CREATE INDEX member_by_family ON member (family);

-- An empty holder is a document that was forgotten. Key is a keyed hash: the
-- key of a decision has a digest of its facts in it, without salt.
DROP TABLE signed;
CREATE TABLE signed (
    key        TEXT PRIMARY KEY,
    handle     TEXT NOT NULL UNIQUE,
    submission TEXT NOT NULL,
    holder     TEXT NOT NULL,
    token      BYTEA NOT NULL,
    body       BYTEA NOT NULL,
    evidence   BYTEA NOT NULL,
    entry      BYTEA NOT NULL
);
CREATE INDEX signed_by_submission ON signed (submission);

DROP TABLE determination;
CREATE TABLE determination (
    submission TEXT NOT NULL,
    number     BIGINT NOT NULL,
    holder     TEXT NOT NULL,
    body       BYTEA NOT NULL,
    token      BYTEA NOT NULL,
    PRIMARY KEY (submission, number)
);

-- From here on number and authorization_number are keyed hashes. Label is the
-- number itself, sealed.
ALTER TABLE submission ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE submission ADD COLUMN label BYTEA NOT NULL DEFAULT '';
CREATE INDEX submission_by_person ON submission (person);
CREATE INDEX submission_by_holder ON submission (holder);

ALTER TABLE remittance ADD COLUMN holder TEXT NOT NULL DEFAULT '';
