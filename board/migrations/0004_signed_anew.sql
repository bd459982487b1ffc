-- The entry as the ledger has it, where the board's key was handed over between
-- signing and recording. What was signed first stays in "entry".
ALTER TABLE register_event ADD COLUMN entry_anew BYTEA;
