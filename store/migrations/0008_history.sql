-- What became of each line, so that a later claim can be held against what was
-- paid: 'paid' or 'denied'; '' where the claim waits, or was decided before this.
ALTER TABLE claim_line ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
-- The day on which a period of coverage was written down; '' where nobody knows.
ALTER TABLE coverage ADD COLUMN recorded TEXT NOT NULL DEFAULT '';
