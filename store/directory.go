package store

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A directoryChange is what the directory has said anew, about which days. It
// stands beside what it changed so that claims which were decided before can be
// found.
type directoryChange struct {
	kind                    books.CauseKind
	person, family, unknown string
	billing, npi            credentials.NPI
	from, until             credentials.Date
}

func (b *Books) directoryChanged(tx *sealedTx, c directoryChange) error {
	at := micros(b.now())
	// Named for what it says and when, so that a reply that was lost makes no other.
	name := fmt.Sprint(c.kind, " ", c.person, " ", c.billing, " ", c.npi, " ", c.from, " ", c.until, " ", at)
	h := credentials.Handle(credentials.DigestOf([]byte(name)))
	_, err := tx.Exec(`
		INSERT INTO directory_change (handle, kind, person, family, unknown, billing_npi, npi, from_date, until_date, changed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (handle) DO NOTHING`,
		h.String(), string(c.kind), c.person, c.family, c.unknown, string(c.billing), string(c.npi), string(c.from), string(c.until), at)
	if err != nil {
		return err
	}
	if c.kind == books.CauseRoster {
		return bumpFence(tx, directoryFence(string(c.billing)))
	}
	if err := bumpFence(tx, directoryFence(c.family)); err != nil {
		return err
	}
	return bumpFence(tx, directoryFence(c.unknown))
}

// directoryFence moves when the directory says something else of a family, or of
// who renders an organization's services.
func directoryFence(of string) string { return "directory/" + of }

// coverageChanged writes down that a person's coverage of some days is known
// from now on. A person who was just enrolled may have claims that matched nobody
// then: they stand under the member id that they named.
func (b *Books) coverageChanged(tx *sealedTx, person string, from, until credentials.Date) error {
	c := directoryChange{kind: books.CauseCoverage, person: person, from: from, until: until}
	var id string
	if err := tx.QueryRow(`SELECT member_id, family FROM member WHERE person = $1`, person).Scan(&id, &c.family); err != nil {
		return notFound(err)
	}
	c.unknown = "unknown/" + id
	return b.directoryChanged(tx, c)
}

// rosterChanges writes down what an entry of the roster is about to change:
// nothing where it says what is there.
func (b *Books) rosterChanges(tx *sealedTx, e claims.RosterEntry) error {
	c := directoryChange{kind: books.CauseRoster, billing: e.Billing, npi: e.NPI, from: e.From, until: e.Until}
	var from, until credentials.Date
	err := tx.QueryRow(`SELECT from_date, until_date FROM roster WHERE billing_npi = $1 AND npi = $2`, string(e.Billing), string(e.NPI)).Scan(&from, &until)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case from == e.From && until == e.Until:
		return nil
	default: // the days of both: some are on it now, some no more
		c.from = min(from, e.From) // '' is since ever
		if c.until = max(until, e.Until); until == "" || e.Until == "" {
			c.until = ""
		}
	}
	return b.directoryChanged(tx, c)
}

// byRoster fences who renders an organization's services, and writes down whom the
// roster names for a line by now, so that orders upon that clinician find it.
func (f *claimFile) byRoster(tx *sealedTx, l *claims.Line, npi credentials.NPI) error {
	c := &f.Submission
	if err := f.fence(tx, directoryFence(string(c.Claim.Billing.NPI))); err != nil {
		return err
	}
	var was credentials.NPI
	err := tx.QueryRow(`SELECT npi FROM claim_line WHERE submission = $1 AND line = $2`, c.Handle.String(), l.Number).Scan(&was)
	if errors.Is(err, sql.ErrNoRows) || err == nil && was == npi { // an estimate's claim stands nowhere
		return nil
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE claim_line SET npi = $3 WHERE submission = $1 AND line = $2`, c.Handle.String(), l.Number, string(npi))
	return err
}
