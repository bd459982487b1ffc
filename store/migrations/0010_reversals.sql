-- Decisions that take a final one back, of the claim that a replacement or a
-- void names. A decision's reverses is the document of the one taken back; a
-- submission's original is the claim that it changes. A payment takes back the
-- amount that a remittance has told of the decision that takes_back names.
ALTER TABLE decision ADD COLUMN reverses TEXT NOT NULL DEFAULT '';
CREATE INDEX decision_by_reverses ON decision (reverses);
ALTER TABLE submission ADD COLUMN original TEXT NOT NULL DEFAULT '';
CREATE INDEX submission_by_original ON submission (original);
ALTER TABLE payment ADD COLUMN takes_back TEXT NOT NULL DEFAULT '';
ALTER TABLE payment ADD COLUMN reversed BIGINT NOT NULL DEFAULT 0;
