-- A license stands in three lists of the same number, for revocation,
-- suspension and messages, at a place of its own in each. What the lists say is
-- computed from the orders; "ordered" only says whose orders to look at, and is
-- set once, by the first that is no renewal.
ALTER TABLE register_license RENAME COLUMN revoked TO ordered;
ALTER TABLE register_license ADD COLUMN suspension_place BIGINT;
ALTER TABLE register_license ADD COLUMN message_place BIGINT;
CREATE UNIQUE INDEX register_license_suspension_place ON register_license (list, suspension_place);
CREATE UNIQUE INDEX register_license_message_place ON register_license (list, message_place);
UPDATE register_license SET ordered = 1 WHERE handle IN (SELECT license FROM register_event WHERE kind = 'order');
DROP INDEX register_license_revoked;
CREATE INDEX register_license_ordered ON register_license (list) WHERE ordered = 1;
