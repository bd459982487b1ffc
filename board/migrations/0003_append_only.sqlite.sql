-- Against mistakes, not against whoever owns the database: against them stand
-- the signatures and the ledger.
CREATE TRIGGER register_act_append_only BEFORE UPDATE ON register_act
BEGIN SELECT RAISE(ABORT, 'register_act is append-only'); END;
CREATE TRIGGER register_act_never_deleted BEFORE DELETE ON register_act
BEGIN SELECT RAISE(ABORT, 'register_act is append-only'); END;
CREATE TRIGGER register_event_never_deleted BEFORE DELETE ON register_event
BEGIN SELECT RAISE(ABORT, 'register_event is append-only'); END;
CREATE TRIGGER register_event_once BEFORE UPDATE ON register_event
WHEN NEW.sequence IS NOT OLD.sequence OR NEW.document IS NOT OLD.document OR NEW.identity IS NOT OLD.identity
	OR NEW.license IS NOT OLD.license OR NEW.kind IS NOT OLD.kind OR NEW.token IS NOT OLD.token
	OR NEW.entry IS NOT OLD.entry OR NEW.made IS NOT OLD.made
	OR OLD.ledger_index IS NOT NULL AND NEW.ledger_index IS NOT OLD.ledger_index
	OR OLD.receipt IS NOT NULL AND NEW.receipt IS NOT OLD.receipt
BEGIN SELECT RAISE(ABORT, 'register_event is append-only'); END;
CREATE TRIGGER register_license_never_deleted BEFORE DELETE ON register_license
BEGIN SELECT RAISE(ABORT, 'register_license is append-only'); END;
CREATE TRIGGER register_license_once BEFORE UPDATE ON register_license
WHEN NEW.handle IS NOT OLD.handle OR NEW.identity IS NOT OLD.identity OR NEW.npi IS NOT OLD.npi
	OR NEW.list IS NOT OLD.list OR NEW.place IS NOT OLD.place OR NEW.revoked < OLD.revoked
BEGIN SELECT RAISE(ABORT, 'register_license is append-only'); END;
