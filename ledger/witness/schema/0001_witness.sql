-- The newest checkpoint that this witness has cosigned, per log. The row is
-- what keeps it honest after a restart: lose it, and it may cosign a fork.
CREATE TABLE witness_log (
	origin TEXT PRIMARY KEY,
	size   BIGINT NOT NULL,
	root   BYTEA NOT NULL,
	note   BYTEA NOT NULL
);
