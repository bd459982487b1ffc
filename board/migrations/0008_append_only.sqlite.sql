DROP TRIGGER register_event_once;
DROP TRIGGER register_act_append_only;
DROP TRIGGER register_act_never_deleted;
DROP TABLE register_act_before;
DROP INDEX register_event_unplaced;
DROP INDEX register_event_waiting;
ALTER TABLE register_event DROP COLUMN ledger_index;
ALTER TABLE register_event DROP COLUMN receipt;
ALTER TABLE register_event DROP COLUMN entry_anew;
CREATE TRIGGER register_event_append_only BEFORE UPDATE ON register_event
BEGIN SELECT RAISE(ABORT, 'register_event is append-only'); END;
CREATE TRIGGER register_act_append_only BEFORE UPDATE ON register_act
BEGIN SELECT RAISE(ABORT, 'register_act is append-only'); END;
CREATE TRIGGER register_act_never_deleted BEFORE DELETE ON register_act
BEGIN SELECT RAISE(ABORT, 'register_act is append-only'); END;
CREATE TRIGGER register_asked_append_only BEFORE UPDATE ON register_asked
BEGIN SELECT RAISE(ABORT, 'register_asked is append-only'); END;
CREATE TRIGGER register_asked_never_deleted BEFORE DELETE ON register_asked
BEGIN SELECT RAISE(ABORT, 'register_asked is append-only'); END;
CREATE TRIGGER register_place_append_only BEFORE UPDATE ON register_place
BEGIN SELECT RAISE(ABORT, 'register_place is append-only'); END;
CREATE TRIGGER register_place_never_deleted BEFORE DELETE ON register_place
BEGIN SELECT RAISE(ABORT, 'register_place is append-only'); END;
CREATE TRIGGER register_receipt_append_only BEFORE UPDATE ON register_receipt
BEGIN SELECT RAISE(ABORT, 'register_receipt is append-only'); END;
CREATE TRIGGER register_receipt_never_deleted BEFORE DELETE ON register_receipt
BEGIN SELECT RAISE(ABORT, 'register_receipt is append-only'); END;
CREATE TRIGGER register_anew_append_only BEFORE UPDATE ON register_anew
BEGIN SELECT RAISE(ABORT, 'register_anew is append-only'); END;
CREATE TRIGGER register_anew_never_deleted BEFORE DELETE ON register_anew
BEGIN SELECT RAISE(ABORT, 'register_anew is append-only'); END;
