-- Checkpoints that a log has signed and that this witness has refused, since
-- they do not continue what it has cosigned: evidence for auditors.
CREATE TABLE witness_refused (
	origin TEXT NOT NULL,
	size   BIGINT NOT NULL,
	root   BYTEA NOT NULL,
	note   BYTEA NOT NULL,
	PRIMARY KEY (origin, size, root)
);
