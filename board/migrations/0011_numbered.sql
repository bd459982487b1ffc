-- A digest of state, profession and number, so that one license number is not
-- issued to two clinicians unseen. The board fills it in for what is there.
ALTER TABLE register_license ADD COLUMN numbered TEXT;
CREATE INDEX register_license_by_number ON register_license (numbered);
