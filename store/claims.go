package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// ClaimFile reads the file of a claim.
func (b *Books) ClaimFile(ctx context.Context, submission credentials.Handle) (f *books.ClaimFile, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		f, err = readClaimFile(tx, submission, false)
		return err
	})
	return f, err
}

// A claimFile is a file while it is being read.
type claimFile struct {
	books.ClaimFile
	changes originalClaim // where Original is set
}

// readClaimFile reads it for the next decision; anew, as though the claim were
// open again.
func readClaimFile(tx *sealedTx, submission credentials.Handle, anew bool) (*books.ClaimFile, error) {
	s, err := readSubmission(tx, submission)
	if err != nil {
		return nil, err
	}
	f := &claimFile{ClaimFile: books.ClaimFile{Number: s.decisions + 1, Received: s.received}}
	if err := json.Unmarshal(s.body, &f.Submission); err != nil {
		return nil, fmt.Errorf("read submission: %w", err)
	}
	if f.Reopened, err = isReopened(tx, s, submission, anew); err != nil {
		return nil, err
	}
	if f.Wait, err = mustWait(tx, s); err != nil || f.Wait {
		return &f.ClaimFile, err
	}
	c := &f.Submission.Claim
	who, err := findMember(tx, c.PatientPerson(), &c.Subscriber)
	if err != nil {
		return nil, err
	}
	if who.family != s.family || who.person != s.person { // enrolled since
		if s, err = identify(tx, submission, s, who); err != nil {
			return nil, err
		}
		if f.Wait, err = mustWait(tx, s); err != nil || f.Wait {
			return &f.ClaimFile, err
		}
	}
	if err := f.readFacts(tx, s, who); err != nil {
		return nil, err
	}
	if s.latest != "" {
		f.Before = new(claims.Decision)
		if err := readBody(tx, s.latest, f.Before); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{directoryFence(who.family), reviewFence(submission.String())} {
		if err := f.fence(tx, name); err != nil {
			return nil, err
		}
	}
	if f.Signatures, err = readSignatures(tx, submission, func(name string) error { return f.fence(tx, name) }); err != nil {
		return nil, err
	}
	if f.Review, err = readDetermination(tx, submission, s.decisions); err != nil {
		return nil, err
	}
	if s.decisions > 0 {
		f.Appeals, err = readOverturned(tx, submission)
	}
	return &f.ClaimFile, err
}

// readFacts reads what speaks of the claim, whoever's it is and whether it was
// received or not.
func (f *claimFile) readFacts(tx *sealedTx, s submissionRow, who found) (err error) {
	day := f.Submission.Claim.FirstService()
	f.Member = who.fact
	if f.Plan, err = editionOn(tx, books.PlanEdition, who.planOn(day), day); err != nil {
		return fmt.Errorf("no plan edition is published: %w", err)
	}
	if f.Fees, err = editionOn(tx, books.FeeEdition, f.Plan.Fees, day); err != nil {
		return fmt.Errorf("no fee schedule edition is published: %w", err)
	}
	if err := f.readOriginal(tx, s); err != nil {
		return err
	}
	if f.Submission.Claim.Frequency == claims.Void { // which asks nothing of its own lines
		return nil
	}
	if err := f.readExclusions(tx); err != nil {
		return err
	}
	return f.readServices(tx, s, who)
}

// readServices reads what the claim's lines are judged by.
func (f *claimFile) readServices(tx *sealedTx, s submissionRow, who found) error {
	if err := f.readPeriods(tx, who); err != nil {
		return err
	}
	c := &f.Submission.Claim
	for i := range c.Lines {
		if err := f.readLine(tx, s, who, &c.Lines[i]); err != nil {
			return err
		}
	}
	if err := f.readStay(tx, s, who); err != nil {
		return err
	}
	return f.readHistory(tx, s, who)
}

// mustWait keeps the claims of one family in the order in which they came. One
// whose decision was lost is decided, though nobody knows how.
func mustWait(tx *sealedTx, s submissionRow) (bool, error) {
	var earlier int
	err := tx.QueryRow(`
		SELECT count(*) FROM submission
		WHERE kind = 'claim' AND family = $1 AND seq < $2 AND state = $3
		  AND NOT EXISTS (SELECT 1 FROM lost_entry l WHERE l.submission = submission.handle)`, s.family, s.seq, stateReceived).Scan(&earlier)
	return earlier > 0, err
}

// readPeriods reads the accumulators of every benefit period (calendar year)
// that the claim touches.
func (f *claimFile) readPeriods(tx *sealedTx, who found) error {
	for _, period := range f.Submission.Claim.Periods() {
		fence, err := readFence(tx, familyFence(who.family, period))
		if err != nil {
			return err
		}
		f.Fences = append(f.Fences, fence)
		a := claims.Accumulators{Period: period}
		if a.DeductibleIndividual, a.OutOfPocketPerson, err = readAccumulator(tx, "person/"+who.person, period); err != nil {
			return err
		}
		if a.DeductibleFamily, a.OutOfPocketFamily, err = readAccumulator(tx, "family/"+who.family, period); err != nil {
			return err
		}
		f.without(&a, who)
		f.Accumulators = append(f.Accumulators, a)
	}
	return nil
}

func readAccumulator(tx *sealedTx, holder, period string) (deductible, outOfPocket claims.Cents, err error) {
	err = tx.QueryRow(`SELECT deductible, out_of_pocket FROM accumulator WHERE holder = $1 AND period = $2`, holder, period).
		Scan(&deductible, &outOfPocket)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return deductible, outOfPocket, err
}

func (f *claimFile) readLine(tx *sealedTx, s submissionRow, who found, l *claims.Line) (err error) {
	c := &f.Submission.Claim
	var line books.ClaimLineFile
	npi, byRoster, err := rendererOf(tx, c, l)
	if err != nil {
		return err
	}
	if c.Renderer(l) == nil { // what the roster says is looked up by whom it names
		if err := f.byRoster(tx, l, npi); err != nil {
			return err
		}
	}
	if line.Practitioner, err = practitioner(tx, npi, c.StateOf(l)); err != nil {
		return err
	}
	line.Practitioner.Rostered = byRoster
	if npi != "" {
		if err := f.fence(tx, standingFence(npi)); err != nil {
			return err
		}
	}
	if line.Earlier, err = sameServices(tx, s, who, l); err != nil {
		return err
	}
	line.Key = claims.LineKey{Billing: c.Billing.NPI, Rendering: npi, On: l.From, Code: l.Key(), Modifiers: l.Modifiers, Units: l.Units, Charge: l.Charge}
	line.Recorded = who.recordedFor(l.From)
	if number := c.AuthorizationOf(l); number != "" {
		if line.Authorization, err = f.readAuthorization(tx, s, who, number, l.Code, npi); err != nil {
			return err
		}
	}
	f.Lines = append(f.Lines, line)
	return nil
}

// fence remembers a fence once.
func (f *claimFile) fence(tx *sealedTx, name string) error {
	for _, have := range f.Fences {
		if have.Name == name {
			return nil
		}
	}
	fence, err := readFence(tx, name)
	f.Fences = append(f.Fences, fence)
	return err
}

// sameServices are the earlier lines of the same patient with the same service and
// day that were paid or still may be. How alike they are is for the rules.
func sameServices(tx *sealedTx, s submissionRow, who found, l *claims.Line) (all []claims.LineKey, err error) {
	if who.person == "" {
		return nil, nil
	}
	err = rows(tx, `
		SELECT e.billing_npi, e.npi, e.modifiers, e.units, e.charge
		FROM claim_line e JOIN submission s ON s.handle = e.submission
		WHERE e.person = $1 AND e.service_date = $2 AND e.code = $3 AND s.seq < $4 AND s.handle <> $5
		  AND (s.state IN ('paid', 'pended') OR EXISTS (SELECT 1 FROM lost_entry l WHERE l.submission = s.handle))
		ORDER BY s.seq, e.line`, []any{who.person, string(l.From), l.Key(), s.seq, s.original},
		func(rs *sql.Rows) error {
			earlier := claims.LineKey{On: l.From, Code: l.Key()}
			var modifiers string
			if err := rs.Scan(&earlier.Billing, &earlier.Rendering, &modifiers, &earlier.Units, &earlier.Charge); err != nil {
				return err
			}
			earlier.Modifiers = strings.Fields(modifiers)
			all = append(all, earlier)
			return nil
		})
	return all, err
}

// SettleClaim commits a decision with all that it changes: accumulators, units
// drawn, the state of the claim and the ledger outbox.
func (b *Books) SettleClaim(ctx context.Context, s books.Settlement) (out books.Settled, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		var d claims.Decision
		out, err = b.settle(tx, s, &d, func() (int, string) { return d.Number, string(d.Outcome) }, func(row submissionRow, document books.Signed) error {
			return b.applyClaim(tx, row, s.Submission, document, &d)
		})
		return err
	})
	return out, err
}

func (b *Books) applyClaim(tx *sealedTx, row submissionRow, submission credentials.Handle, document books.Signed, d *claims.Decision) error {
	if d.Reversal != nil { // first: units that go back may be drawn again
		if err := b.applyReversal(tx, submission, document.Handle, d.Reversal); err != nil {
			return err
		}
	}
	if err := addMet(tx, row, d.Met); err != nil {
		return err
	}
	for _, draw := range d.Draws {
		if err := drawUnits(tx, draw); err != nil {
			return err
		}
	}
	var s claims.Submission
	if err := json.Unmarshal(row.body, &s); err != nil {
		return fmt.Errorf("read submission: %w", err)
	}
	if err := bumpPeriods(tx, row, &s.Claim); err != nil {
		return err
	}
	if err := putOutcomes(tx, submission, d); err != nil {
		return err
	}
	return putPayment(tx, submission, document, &s.Claim, d)
}

// bumpPeriods has all who read what the family has met in the claim's periods
// read it again.
func bumpPeriods(tx *sealedTx, row submissionRow, c *claims.Claim) error {
	for _, period := range c.Periods() {
		if err := bumpFence(tx, familyFence(row.family, period)); err != nil {
			return err
		}
	}
	return nil
}

// addMet adds to what the claim's person and family have met.
func addMet(tx *sealedTx, row submissionRow, met []claims.Accumulators) error {
	for _, m := range met {
		if err := addAccumulator(tx, "person/"+row.person, m.Period, m.DeductibleIndividual, m.OutOfPocketPerson); err != nil {
			return err
		}
		if err := addAccumulator(tx, "family/"+row.family, m.Period, m.DeductibleFamily, m.OutOfPocketFamily); err != nil {
			return err
		}
	}
	return nil
}

func addAccumulator(tx *sealedTx, holder, period string, deductible, outOfPocket claims.Cents) error {
	_, err := tx.Exec(`
		INSERT INTO accumulator (holder, period, deductible, out_of_pocket) VALUES ($1, $2, $3, $4)
		ON CONFLICT (holder, period) DO UPDATE SET
			deductible = accumulator.deductible + excluded.deductible,
			out_of_pocket = accumulator.out_of_pocket + excluded.out_of_pocket`,
		holder, period, int64(deductible), int64(outOfPocket))
	return err
}

// settle is what claims and authorizations have in common. A document that is
// settled already stays as it is; fences that moved refuse it.
func (b *Books) settle(tx *sealedTx, s books.Settlement, body any, what func() (int, string), apply func(submissionRow, books.Signed) error) (books.Settled, error) {
	var settled int
	err := tx.QueryRow(`SELECT count(*) FROM decision WHERE document = $1`, s.Document.String()).Scan(&settled)
	if err != nil || settled > 0 {
		return books.Settled{}, err
	}
	ok, err := unmoved(tx, s.Fences)
	if err != nil || !ok {
		return books.Settled{Moved: !ok}, err
	}
	row, err := readSubmission(tx, s.Submission)
	if err != nil {
		return books.Settled{}, err
	}
	doc, err := scanSigned(tx, tx.QueryRow(selectSigned+`WHERE handle = $1`, s.Document.String()))
	if err != nil {
		return books.Settled{}, fmt.Errorf("read signed decision: %w", err)
	}
	if err := json.Unmarshal(doc.Body, body); err != nil {
		return books.Settled{}, fmt.Errorf("read signed decision: %w", err)
	}
	number, outcome := what()
	if number != row.decisions+1 {
		return books.Settled{Moved: true}, nil
	}
	if err := refuseLost(tx, s.Submission, number); err != nil {
		return books.Settled{}, err
	}
	_, err = tx.Exec(`INSERT INTO decision (document, submission, number, outcome, settled, cause, remittance) VALUES ($1, $2, $3, $4, $5, $6, '')`,
		s.Document.String(), s.Submission.String(), number, outcome, micros(b.now()), causeText(s.Cause))
	if err != nil {
		return books.Settled{}, err
	}
	_, err = tx.Exec(`UPDATE submission SET state = $2, decisions = $3, latest = $4 WHERE handle = $1`,
		s.Submission.String(), outcome, number, s.Document.String())
	if err != nil {
		return books.Settled{}, err
	}
	if err := apply(row, doc); err != nil {
		return books.Settled{}, err
	}
	return books.Settled{}, putOutbox(tx, s.Document, doc.Entry)
}

func causeText(h credentials.Handle) string {
	if h.IsZero() {
		return ""
	}
	return h.String()
}

// readBody reads what a signed decision says.
func readBody(tx *sealedTx, document string, v any) error {
	var holder string
	var sealed []byte
	if err := tx.QueryRow(`SELECT holder, body FROM signed WHERE handle = $1`, document).Scan(&holder, &sealed); err != nil {
		return fmt.Errorf("read decision: %w", notFound(err))
	}
	body, err := tx.unseal(cell{holder, "signed", "body", document}, sealed)
	if err != nil {
		return fmt.Errorf("read decision: %w", err)
	}
	return json.Unmarshal(body, v)
}
