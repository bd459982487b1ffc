-- Against mistakes, not against whoever owns the database: against them stand
-- the signatures and the ledger.
CREATE FUNCTION register_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER register_act_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON register_act
	FOR EACH STATEMENT EXECUTE FUNCTION register_append_only();
CREATE TRIGGER register_event_never_deleted BEFORE DELETE OR TRUNCATE ON register_event
	FOR EACH STATEMENT EXECUTE FUNCTION register_append_only();
CREATE TRIGGER register_event_once BEFORE UPDATE ON register_event FOR EACH ROW
	WHEN (ROW(NEW.sequence, NEW.document, NEW.identity, NEW.license, NEW.kind, NEW.token, NEW.entry, NEW.made)
		IS DISTINCT FROM ROW(OLD.sequence, OLD.document, OLD.identity, OLD.license, OLD.kind, OLD.token, OLD.entry, OLD.made)
		OR OLD.ledger_index IS NOT NULL AND NEW.ledger_index IS DISTINCT FROM OLD.ledger_index
		OR OLD.receipt IS NOT NULL AND NEW.receipt IS DISTINCT FROM OLD.receipt)
	EXECUTE FUNCTION register_append_only();
CREATE TRIGGER register_license_never_deleted BEFORE DELETE OR TRUNCATE ON register_license
	FOR EACH STATEMENT EXECUTE FUNCTION register_append_only();
CREATE TRIGGER register_license_once BEFORE UPDATE ON register_license FOR EACH ROW
	WHEN (ROW(NEW.handle, NEW.identity, NEW.npi, NEW.list, NEW.place) IS DISTINCT FROM ROW(OLD.handle, OLD.identity, OLD.npi, OLD.list, OLD.place)
		OR NEW.revoked < OLD.revoked)
	EXECUTE FUNCTION register_append_only();
