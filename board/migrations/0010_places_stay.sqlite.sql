CREATE TRIGGER register_license_places_once BEFORE UPDATE ON register_license
WHEN NEW.suspension_place IS NOT OLD.suspension_place OR NEW.message_place IS NOT OLD.message_place
BEGIN SELECT RAISE(ABORT, 'register_license is append-only'); END;
