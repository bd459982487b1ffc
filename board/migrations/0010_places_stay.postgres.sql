CREATE TRIGGER register_license_places_once BEFORE UPDATE ON register_license FOR EACH ROW
	WHEN (ROW(NEW.suspension_place, NEW.message_place) IS DISTINCT FROM ROW(OLD.suspension_place, OLD.message_place))
	EXECUTE FUNCTION register_append_only();
