-- What clinicians sign to prove that they have the key that a license is bound
-- to. A challenge is used once, in the transaction of the act that it is for.
CREATE TABLE register_challenge (
    challenge TEXT PRIMARY KEY,
    npi       TEXT NOT NULL,
    expires   BIGINT NOT NULL
);
