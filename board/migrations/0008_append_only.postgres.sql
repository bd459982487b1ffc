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
