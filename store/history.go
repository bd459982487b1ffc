package store

import (
	"database/sql"
	"strings"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// surgeryReach is how many days before a service a surgery may lie whose amount
// covers it, with a few to spare: 90 (claims.GlobalDays).
const surgeryReach = 100

// readHistory reads which of the patient's services were paid on earlier claims,
// from the first day that a rule on this claim may look back to until the end of
// its last benefit period. What a family settles in an older period, into which
// that reaches, is fenced too.
func (f *claimFile) readHistory(tx *sealedTx, s submissionRow, who found) error {
	if who.person == "" {
		return nil
	}
	c := &f.Submission.Claim
	back, year := c.FirstService().AddDays(-surgeryReach), claims.PeriodOf(c.FirstService())
	first := min(back, credentials.Date(year+"-01-01"))
	if before := claims.PeriodOf(back); before != year {
		if err := f.fence(tx, familyFence(who.family, before)); err != nil {
			return err
		}
	}
	last := credentials.Date(claims.PeriodOf(c.LastService()) + "-12-31")
	return rows(tx, `
		SELECT e.npi, e.service_date, e.code, e.modifiers, e.units
		FROM claim_line e JOIN submission s ON s.handle = e.submission
		WHERE e.person = $1 AND e.service_date >= $2 AND e.service_date <= $3 AND s.handle <> $4 AND s.handle <> $5
		  AND s.state = 'paid' AND e.outcome <> 'denied'
		ORDER BY e.service_date, s.seq, e.line`, []any{who.person, string(first), string(last), f.Submission.Handle.String(), s.original},
		func(rs *sql.Rows) error {
			var l books.PaidLine
			var modifiers string
			if err := rs.Scan(&l.NPI, &l.On, &l.Code, &modifiers, &l.Units); err != nil {
				return err
			}
			l.Modifiers = strings.Fields(modifiers)
			if revenue, code, of := strings.Cut(l.Code, "/"); of { // a hospital's (claims.Line.Key)
				l.Revenue, l.Code = revenue, code
			}
			f.History = append(f.History, l)
			return nil
		})
}

// putOutcomes writes down what became of each line of a claim that is decided.
func putOutcomes(tx *sealedTx, submission credentials.Handle, d *claims.Decision) error {
	if !d.Final() {
		return nil
	}
	if _, err := tx.Exec(`UPDATE claim_line SET outcome = $2 WHERE submission = $1`, submission.String(), string(d.Outcome)); err != nil {
		return err
	}
	for i := range d.Lines {
		if l := &d.Lines[i]; l.Outcome != d.Outcome {
			if _, err := tx.Exec(`UPDATE claim_line SET outcome = $3 WHERE submission = $1 AND line = $2`, submission.String(), l.Line, string(l.Outcome)); err != nil {
				return err
			}
		}
	}
	return nil
}
