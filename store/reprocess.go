package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A touched claim is one whose latest decision, final and in force, was settled
// before something that it may rest on.
type touched struct {
	submission string
	books.Cause
}

// lineDays says that a line was rendered on a day of a change.
const lineDays = `(c.until_date = '' OR l.service_date <= c.until_date)
	AND (CASE WHEN l.through = '' THEN l.service_date ELSE l.through END) >= c.from_date`

// involved is everybody who had a part in a line.
const involved = `(SELECT submission, line, billing_npi AS npi FROM claim_line
	UNION ALL SELECT submission, line, npi FROM claim_line
	UNION ALL SELECT submission, line, npi FROM line_involved)`

// touchedBy finds them, by cause. A cause that a claim was opened for already
// has done what it could.
var touchedBy = []struct {
	kind      books.CauseKind
	reference string
	query     string
}{
	{books.CauseCoverage, "c.handle", `
		SELECT DISTINCT s.handle, c.handle, c.changed, s.seq
		FROM directory_change c
		JOIN submission s ON s.person = c.person OR s.family IN (c.family, c.unknown)
		JOIN decision d ON d.document = s.latest
		JOIN claim_line l ON l.submission = s.handle
		WHERE c.kind = 'coverage' AND d.settled < c.changed AND (s.person IN (c.person, '') OR d.outcome = 'denied') AND ` + lineDays},
	{books.CauseRoster, "c.handle", `
		SELECT DISTINCT s.handle, c.handle, c.changed, s.seq
		FROM directory_change c
		JOIN claim_line l ON l.billing_npi = c.billing_npi
		JOIN submission s ON s.handle = l.submission
		JOIN decision d ON d.document = s.latest
		WHERE c.kind = 'roster' AND d.settled < c.changed AND ` + lineDays},
	{books.CauseExclusion, "c.edition", `
		SELECT DISTINCT s.handle, c.edition, c.changed, s.seq
		FROM exclusion_change c
		JOIN ` + involved + ` i ON i.npi = c.npi
		JOIN claim_line l ON l.submission = i.submission AND l.line = i.line
		JOIN submission s ON s.handle = l.submission
		JOIN decision d ON d.document = s.latest
		WHERE d.settled < c.changed AND ` + lineDays},
	// What was decided between a decision and the one that took it back has built
	// upon it, where it is in the same family and benefit period.
	{books.CauseReversal, "t.document", `
		SELECT DISTINCT s.handle, t.document, t.settled, s.seq
		FROM decision t
		JOIN decision o ON o.document = t.reverses
		JOIN submission os ON os.handle = o.submission
		JOIN submission s ON s.family = os.family AND s.handle <> o.submission AND s.handle <> t.submission
		JOIN decision d ON d.document = s.latest
		JOIN claim_line l ON l.submission = s.handle
		JOIN claim_line ol ON ol.submission = o.submission AND substr(ol.service_date, 1, 4) = substr(l.service_date, 1, 4)
		WHERE t.reverses <> '' AND d.settled > o.settled AND d.settled < t.settled`},
}

// stillToDo keeps claims that are decided, whole and in force, and were not opened
// for this very cause before; open ones stay.
const stillToDo = ` AND s.kind = 'claim' AND s.state IN ('paid', 'denied') AND s.holder <> ''
	AND NOT EXISTS (SELECT 1 FROM reopening r WHERE r.submission = s.handle AND r.kind = $1 AND r.cause = %s AND r.state IN ('changed', 'upheld'))`

// Touched lists the decided claims that the directory, or an earlier claim's
// taking back, touches since: by claim, then by when it came. Whether their
// result would change is for the rules to say.
func (b *Books) Touched(ctx context.Context) (list []books.Reprocess, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		list = nil
		var all []touched
		for _, by := range touchedBy {
			err := rows(tx, by.query+fmt.Sprintf(stillToDo, by.reference)+` ORDER BY 4, 3, 2`, []any{string(by.kind)}, func(rs *sql.Rows) error {
				t := touched{Cause: books.Cause{Kind: by.kind}}
				var at, seq int64
				err := rs.Scan(&t.submission, &t.Reference, &at, &seq)
				all = append(all, t)
				return err
			})
			if err != nil {
				return err
			}
		}
		listed, err := readListed(tx)
		if err != nil {
			return fmt.Errorf("read exclusions: %w", err)
		}
		known := map[string]books.Reprocess{}
		for _, t := range all {
			r, ok := known[t.submission]
			if !ok {
				if r, err = decidedOf(tx, t.submission); err != nil {
					return err
				}
				known[t.submission] = r
			}
			r.Cause = t.Cause
			if t.Kind == books.CauseExclusion && listed[r.Document] && r.State == claims.PaymentPayable {
				r.State, r.Hold = claims.PaymentHeld, &claims.Hold{Reason: claims.HoldExclusion}
			}
			list = append(list, r)
		}
		return nil
	})
	return list, err
}

// decidedOf is where a decided claim and its money stand.
func decidedOf(tx *sealedTx, submission string) (r books.Reprocess, err error) {
	found, err := readPayments(tx, `WHERE s.handle = $1 AND s.latest = d.document`, submission)
	if err != nil {
		return r, err
	}
	if len(found) > 0 {
		r.Payment = found[0].Payment
		r.State = claims.PaymentStateOf(found[0].receipt, found[0].taken(), found[0].takenReceipt, nil)
	} else if r.Submission, err = credentials.ParseHandle(submission); err != nil { // from before the books kept payments
		return r, err
	}
	open, err := openReopening(tx, submission)
	if err == nil && open != nil {
		r.Open = open.State
	}
	return r, err
}
