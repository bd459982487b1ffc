-- The list of excluded providers that a decision asked, by name; '' where none.
ALTER TABLE payment ADD COLUMN exclusion_list TEXT NOT NULL DEFAULT '';
