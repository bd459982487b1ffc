-- One ledger for a database. Leaves, full tiles and final checkpoints are
-- written once; only the state moves.

-- How far the tree has grown: edge holds the roots of the perfect subtrees
-- that size falls into, the largest first, 32 bytes each.
CREATE TABLE ledger_state (
	origin TEXT PRIMARY KEY,
	size   BIGINT NOT NULL,
	edge   BYTEA NOT NULL
);

CREATE TABLE ledger_entry (
	idx       BIGINT PRIMARY KEY,
	kind      BIGINT NOT NULL,
	subject   BYTEA NOT NULL,
	key       BYTEA NOT NULL UNIQUE,  -- idempotency key, never published
	leaf_hash BYTEA NOT NULL,         -- RFC 6962
	leaf      BYTEA NOT NULL
);
-- Finds what a document or subject has, and keeps the same leaf from standing
-- twice: with the key this is the only index whose entries come in no order.
CREATE UNIQUE INDEX ledger_entry_subject ON ledger_entry (subject, leaf_hash);
CREATE INDEX ledger_entry_kind ON ledger_entry (kind, idx);

-- Full tiles of 256 hashes (c2sp.org/tlog-tiles). Root is the tile's own hash,
-- one of the 256 of a tile one level up. Partial tiles are derived.
CREATE TABLE ledger_tile (
	level BIGINT NOT NULL,
	n     BIGINT NOT NULL,
	root  BYTEA NOT NULL,
	data  BYTEA NOT NULL,
	PRIMARY KEY (level, n)
);

-- Final checkpoints, each with exactly the quorum's cosignatures. The receipt
-- of an entry comes from the first that covers it, for ever.
CREATE TABLE ledger_checkpoint (
	size BIGINT PRIMARY KEY,
	note BYTEA NOT NULL
);
