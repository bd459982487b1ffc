package store

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/credentials"
)

// exclusionFence moves when an edition of a list of excluded providers is published:
// what was gathered by the one before is gathered again.
func exclusionFence(list string) string { return "exclusions/" + list }

// lastDay is behind every day of which a list can be.
const lastDay credentials.Date = "9999-12-31"

// readExclusions reads the newest edition of the list that the claim's plan names.
func (f *claimFile) readExclusions(tx *sealedTx) error {
	name := f.Plan.ExclusionList
	if name == "" {
		return nil
	}
	if err := f.fence(tx, exclusionFence(name)); err != nil {
		return err
	}
	e, err := editionOn(tx, books.ExclusionEdition, name, lastDay)
	if errors.Is(err, books.ErrNotFound) {
		return nil
	}
	f.Exclusions = &e
	return err
}

// exclusionsChange writes down what a list says otherwise than the newest before it,
// so that claims which were decided by that one can be found. A list that comes late,
// behind a newer one, decides nothing; nor is a claim decided before there is a first.
func exclusionsChange(tx statements, e books.Edition, at int64) error {
	for _, fence := range []string{exclusionFence(e.Ref.Name), paymentsFence} { // a payment run that has not seen it is run again
		if err := bumpFence(tx, fence); err != nil {
			return err
		}
	}
	newest, err := editionOn(tx, books.ExclusionEdition, e.Ref.Name, lastDay)
	if errors.Is(err, books.ErrNotFound) || err == nil && newest.From > e.From {
		return nil
	}
	if err != nil {
		return err
	}
	before, err := exclusions.Parse(newest.Body)
	if err != nil {
		return fmt.Errorf("read the edition before: %w", err)
	}
	list, err := exclusions.Parse(e.Body)
	if err != nil {
		return fmt.Errorf("read the edition: %w", err)
	}
	for _, c := range list.Changes(before) {
		_, err := tx.Exec(`INSERT INTO exclusion_change (edition, npi, from_date, until_date, changed) VALUES ($1, $2, $3, $4, $5)`,
			e.Handle.String(), string(c.NPI), string(c.From), string(c.Until), at)
		if err != nil {
			return err
		}
	}
	return nil
}

// putInvolved writes down who else had a part in a line.
func putInvolved(tx *sealedTx, submission credentials.Handle, c *claims.Claim, l *claims.Line, npi credentials.NPI) error {
	for _, other := range c.Involved(l, npi) {
		if slices.Contains([]credentials.NPI{c.Billing.NPI, npi}, other) {
			continue
		}
		_, err := tx.Exec(`INSERT INTO line_involved (submission, line, npi) VALUES ($1, $2, $3)`, submission.String(), l.Number, string(other))
		if err != nil {
			return err
		}
	}
	return nil
}

// listAsked is the list that a decision asked, by name.
func listAsked(d *claims.Decision) string {
	if d.ExclusionList == nil {
		return ""
	}
	return d.ExclusionList.Name
}

// readListed finds the decisions in no remittance of which the list that they asked
// says otherwise since, until the claim was decided anew or found to come to the same.
func readListed(tx statements) (map[credentials.Handle]bool, error) {
	listed := map[credentials.Handle]bool{}
	err := rows(tx, `
		SELECT DISTINCT d.document
		FROM exclusion_change c
		JOIN edition e ON e.handle = c.edition
		JOIN `+involved+` i ON i.npi = c.npi
		JOIN claim_line l ON l.submission = i.submission AND l.line = i.line
		JOIN decision d ON d.submission = l.submission
		JOIN payment p ON p.document = d.document AND p.exclusion_list = e.name
		WHERE d.remittance = '' AND d.settled < c.changed AND `+lineDays+`
		  AND NOT EXISTS (SELECT 1 FROM reopening r WHERE r.submission = d.submission AND r.state IN ('changed', 'upheld') AND r.closed > c.changed)`, nil,
		func(rs *sql.Rows) error {
			var document string
			if err := rs.Scan(&document); err != nil {
				return err
			}
			h, err := credentials.ParseHandle(document)
			listed[h] = true
			return err
		})
	return listed, err
}
