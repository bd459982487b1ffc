-- The restrictions of a license that stood in the evidence of a decision: a
-- reviewer has held the service against these, and against no others.
ALTER TABLE payment_rest ADD COLUMN restrictions TEXT NOT NULL DEFAULT '';
