-- A clinician renders an organization's services from one day to another, in a
-- network. Rows of before have no days, and hold on all of them.
ALTER TABLE roster ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE roster ADD COLUMN from_date TEXT NOT NULL DEFAULT '';
ALTER TABLE roster ADD COLUMN until_date TEXT NOT NULL DEFAULT '';
