package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A RosterError says which rows of a roster the books do not bear, one line each.
// Nothing of the file was written.
type RosterError struct{ Lines []string }

func (e *RosterError) Error() string { return strings.Join(e.Lines, "\n") }

// maxRosterLines bounds what a RosterError lists.
const maxRosterLines = 100

// Cover writes periods of coverage of members who are on record. A period that is
// there already is left as it is; one that begins on the same day and ends on
// another is refused, since decisions may rest on what is on record.
func (b *Books) Cover(ctx context.Context, plan string, spans []claims.CoverageSpan) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		no := &RosterError{}
		for _, s := range spans {
			what, err := b.cover(tx, plan, s)
			if err != nil {
				return err
			}
			if what != "" && len(no.Lines) < maxRosterLines {
				no.Lines = append(no.Lines, fmt.Sprintf("coverage.csv line %d: %s", s.Line, what))
			}
		}
		if len(no.Lines) > 0 {
			return no
		}
		return nil
	})
}

// cover writes one period, or says why not.
func (b *Books) cover(tx *sealedTx, plan string, s claims.CoverageSpan) (problem string, err error) {
	person := b.keys.Person(s.MemberID, s.First, s.Birth)
	var known int
	if err := tx.QueryRow(`SELECT count(*) FROM member WHERE person = $1`, person).Scan(&known); err != nil {
		return "", err
	}
	if known == 0 {
		return "no member on record has this member_id, first and birth; enroll them first", nil
	}
	var until credentials.Date
	switch err := tx.QueryRow(`SELECT until_date FROM coverage WHERE person = $1 AND plan = $2 AND from_date = $3`, person, plan, s.From).Scan(&until); {
	case err == nil && until == s.Until:
		return "", nil
	case err == nil:
		return "coverage_until: the period on record that begins on this day ends otherwise", nil
	case err != sql.ErrNoRows:
		return "", err
	}
	_, err = tx.Exec(`INSERT INTO coverage (person, plan, from_date, until_date, recorded) VALUES ($1, $2, $3, $4, $5)`,
		person, plan, s.From, s.Until, string(credentials.DateOf(b.now().UTC())))
	if err != nil {
		return "", err
	}
	return "", b.coverageChanged(tx, person, s.From, s.Until)
}

// Roster writes who renders the services of billing organizations whose claims
// name nobody, with the days and the network. The last file counts: of a clinician
// who is on record there, it replaces both.
func (b *Books) Roster(ctx context.Context, entries []claims.RosterEntry) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		for _, e := range entries {
			if err := b.rosterChanges(tx, e); err != nil {
				return err
			}
			_, err := tx.Exec(`
				INSERT INTO roster (billing_npi, npi, network, from_date, until_date) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (billing_npi, npi) DO UPDATE SET network = excluded.network, from_date = excluded.from_date, until_date = excluded.until_date`,
				e.Billing, e.NPI, e.Network, e.From, e.Until)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// rostered is the one clinician on a billing organization's roster on a day; two
// or none do not say who rendered a service.
func rostered(tx *sealedTx, billing credentials.NPI, on credentials.Date) (credentials.NPI, error) {
	var n int
	var npi sql.NullString
	err := tx.QueryRow(`
		SELECT count(*), min(npi) FROM roster
		WHERE billing_npi = $1 AND (from_date = '' OR from_date <= $2) AND (until_date = '' OR until_date >= $2)`, billing, on).Scan(&n, &npi)
	if err != nil || n != 1 {
		return "", err
	}
	return credentials.NPI(npi.String), nil
}
