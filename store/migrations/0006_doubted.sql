-- What a board said with a key that was declared bad: the handle of the
-- declaration, empty where there is none. Untold is 1 until the contracts that
-- rest on the license were told that this has changed.
ALTER TABLE license ADD COLUMN doubted TEXT NOT NULL DEFAULT '';
ALTER TABLE license ADD COLUMN untold BIGINT NOT NULL DEFAULT 0;
ALTER TABLE board_order ADD COLUMN doubted TEXT NOT NULL DEFAULT '';
CREATE INDEX license_by_index ON license (ledger_index);
CREATE INDEX board_order_by_index ON board_order (ledger_index);
