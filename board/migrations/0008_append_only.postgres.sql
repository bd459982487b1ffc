DROP TRIGGER register_event_once ON register_event;
DROP TABLE register_act_before;
DROP INDEX register_event_unplaced;
DROP INDEX register_event_waiting;
ALTER TABLE register_event DROP COLUMN ledger_index, DROP COLUMN receipt, DROP COLUMN entry_anew;
DROP TRIGGER register_event_never_deleted ON register_event;
CREATE TRIGGER register_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON register_event
	FOR EACH STATEMENT EXECUTE FUNCTION register_append_only();
CREATE TRIGGER register_act_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON register_act
	FOR EACH STATEMENT EXECUTE FUNCTION register_append_only();
CREATE TRIGGER register_asked_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON register_asked
	FOR EACH STATEMENT EXECUTE FUNCTION register_append_only();
CREATE TRIGGER register_place_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON register_place
	FOR EACH STATEMENT EXECUTE FUNCTION register_append_only();
CREATE TRIGGER register_receipt_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON register_receipt
	FOR EACH STATEMENT EXECUTE FUNCTION register_append_only();
CREATE TRIGGER register_anew_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON register_anew
	FOR EACH STATEMENT EXECUTE FUNCTION register_append_only();
-- Whoever writes an event has written its license in the same transaction, or
-- has just read it: to look it up once more, and lock it, for each event of an
-- import costs as much as to insert it.
ALTER TABLE register_event DROP CONSTRAINT register_event_license_fkey;
-- Documents and receipts of two kilobytes stay in their rows: they do not
-- compress, and every reader of a row wants them.
ALTER TABLE register_event SET (toast_tuple_target = 8160);
ALTER TABLE register_receipt SET (toast_tuple_target = 8160);
