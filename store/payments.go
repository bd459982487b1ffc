package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// paymentsFence is written by every order and by every payment run. Nobody reads it: it is there so that
// of two such transactions the second fails and is run again on what the first
// has left. A serializable database alone would let a run commit after an
// order that it has not seen, since "first the run, then the order" is an order
// of events too.
const paymentsFence = "payments"

// putPayment writes down what the payment of a final decision rests on: the
// standing of whoever rendered each line that it pays, on each of its days, as
// the evidence names them.
func putPayment(tx *sealedTx, submission credentials.Handle, document books.Signed, c *claims.Claim, d *claims.Decision) error {
	if !d.Final() {
		return nil
	}
	back, reversed, err := takesBack(tx, d.Reversal)
	if err != nil || back == "" && d.Outcome == claims.Voided { // nobody was ever told of what is void
		return err
	}
	_, err = tx.Exec(`INSERT INTO payment (document, submission, payee, tax_id, amount, takes_back, reversed, exclusion_list) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		document.Handle.String(), submission.String(), string(c.Billing.NPI), c.Billing.TaxID, int64(d.Paid), back, int64(reversed), listAsked(d))
	if err != nil || d.Outcome != claims.Paid {
		return err
	}
	e, _, err := claims.OpenEvidence[claims.Evidence](document.Evidence)
	if err != nil {
		return fmt.Errorf("read evidence of the decision: %w", err)
	}
	pays := map[int]bool{}
	for _, l := range d.Lines {
		pays[l.Line] = l.Outcome == claims.Paid
	}
	for _, s := range e.Signatures { // the license under which a clinician signed for it, on that day
		if !s.Verdict.IsGood() {
			continue
		}
		if err := putRest(tx, document.Handle, s.Standing.NPI, s.Standing.State, s.Standing.On, strings.Fields(s.Under.Restrictions+" "+s.Standing.Standing.Restrictions)); err != nil {
			return err
		}
	}
	for i := range e.Lines {
		if !pays[e.Lines[i].Line] {
			continue
		}
		standings := e.Lines[i].Standings()
		first, last := standings[0], standings[len(standings)-1]
		var reviewed []string
		for _, s := range standings {
			reviewed = append(reviewed, strings.Fields(s.Standing.Restrictions)...)
		}
		for day, before := first.On, credentials.Date(""); before < day && day <= last.On; day, before = day.AddDays(1), day {
			if err := putRest(tx, document.Handle, first.NPI, first.State, day, reviewed); err != nil {
				return err
			}
		}
	}
	return nil
}

// putRest writes down one day of one clinician on which a payment rests.
func putRest(tx *sealedTx, document credentials.Handle, npi credentials.NPI, state string, day credentials.Date, reviewed []string) error {
	_, err := tx.Exec(`
		INSERT INTO payment_rest (document, npi, state, service_date, restrictions) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (document, npi, state, service_date) DO NOTHING`,
		document.String(), string(npi), state, string(day), strings.Join(reviewed, " "))
	return err
}

// A paymentRow is a final decision with what says where its money stands.
type paymentRow struct {
	books.Payment
	receipt, takenReceipt bool
	takesBack             string // the decision whose reversal a remittance has to tell with it
}

func (p *paymentRow) taken() bool { return p.Trace != "" }

// due: it has its receipt and no remittance has taken it.
func (p *paymentRow) due() bool { return p.receipt && !p.taken() }

// selectPayments takes every decision whose money is somewhere: those that a
// remittance took, and the latest on each claim.
const selectPayments = `
	SELECT DISTINCT d.document, d.submission, s.submitter, s.holder, s.label, COALESCE(k.wrapping, ''), k.wrapped, s.control, d.number, d.outcome, d.settled,
	       p.payee, p.tax_id, p.amount + p.reversed, p.takes_back, o.recorded, d.remittance, COALESCE(ro.recorded, 0), s.seq
	FROM payment p
	JOIN decision d ON d.document = p.document
	JOIN submission s ON s.handle = d.submission
	JOIN outbox o ON o.document = d.document
	LEFT JOIN data_key k ON k.holder = s.holder
	LEFT JOIN remittance r ON r.trace = d.remittance
	LEFT JOIN outbox ro ON ro.document = r.handle `

// replaced: a later decision on the claim is final too, or another claim's has
// taken its place.
const replaced = `(EXISTS (
	SELECT 1 FROM decision e
	WHERE e.submission = d.submission AND e.number > d.number AND e.outcome IN ('paid', 'denied')) OR NOT ` + inForce + `)`

// readPayments reads decisions, oldest claim first.
func readPayments(tx *sealedTx, where string, args ...any) (all []*paymentRow, err error) {
	err = rows(tx, selectPayments+where+` ORDER BY s.seq, d.number`, args, func(rs *sql.Rows) error {
		p := &paymentRow{}
		var document, submission, holder, wrapping string
		var label, wrapped []byte
		var settled, receipt, takenReceipt, seq int64
		err := rs.Scan(&document, &submission, &p.Submitter, &holder, &label, &wrapping, &wrapped, &p.Control, &p.Number, &p.Outcome, &settled,
			&p.Payee.NPI, &p.Payee.TaxID, &p.Amount, &p.takesBack, &receipt, &p.Trace, &takenReceipt, &seq)
		if err != nil {
			return err
		}
		p.Settled, p.receipt, p.takenReceipt = fromMicros(settled), receipt != 0, takenReceipt != 0
		if p.Document, err = credentials.ParseHandle(document); err != nil {
			return err
		}
		if p.Submission, err = credentials.ParseHandle(submission); err != nil {
			return err
		}
		if wrapping != "" { // else it was forgotten, and its money is still money
			var number []byte
			if _, err := tx.unlock(holder, wrapping, wrapped); err != nil {
				return err
			}
			number, err = tx.unseal(cell{holder, "submission", "label", submission}, label)
			p.Claim = string(number)
		}
		all = append(all, p)
		return err
	})
	return all, err
}

// holdDue asks the rules what holds each due decision, and says where every
// decision stands. It is one snapshot: orders, holds, debts and decisions of
// one transaction. Feeds last read before current prove nothing.
func (b *Books) holdDue(tx *sealedTx, all []*paymentRow, current time.Time) error {
	debts, err := readDebts(tx)
	if err != nil {
		return fmt.Errorf("read debts: %w", err)
	}
	staff, err := readStaffHolds(tx)
	if err != nil {
		return fmt.Errorf("read holds: %w", err)
	}
	rests, err := readRests(tx, standings{current, b.now().Add(books.ClockSkew), map[string]books.Practitioner{}})
	if err != nil {
		return fmt.Errorf("read standings: %w", err)
	}
	listed, err := readListed(tx)
	if err != nil {
		return fmt.Errorf("read exclusions: %w", err)
	}
	var dues []claims.Due
	var at []*paymentRow
	for _, p := range all {
		if p.due() {
			dues = append(dues, claims.Due{Payee: p.Payee, Outcome: p.Outcome, Paid: p.Amount,
				Rests: rests[p.Document], Staff: staff[p.Submission], Listed: listed[p.Document]})
			at = append(at, p)
		}
	}
	for i, hold := range claims.Holds(dues, debts) {
		at[i].Hold = hold
	}
	for _, p := range all {
		p.State = claims.PaymentStateOf(p.receipt, p.taken(), p.takenReceipt, p.Hold)
	}
	return nil
}

// readRests reads what every decision in no remittance rests on, as it stands now.
func readRests(tx *sealedTx, known standings) (map[credentials.Handle][]claims.Rest, error) {
	rests := map[credentials.Handle][]claims.Rest{}
	err := rows(tx, `
		SELECT pr.document, pr.npi, pr.state, pr.service_date, pr.restrictions
		FROM payment_rest pr JOIN decision d ON d.document = pr.document
		WHERE d.remittance = '' ORDER BY pr.document, pr.service_date, pr.npi`, nil, func(rs *sql.Rows) error {
		var document string
		var r claims.Rest
		if err := rs.Scan(&document, &r.NPI, &r.State, &r.On, &r.Reviewed); err != nil {
			return err
		}
		h, err := credentials.ParseHandle(document)
		rests[h] = append(rests[h], r)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, list := range rests {
		for i := range list {
			if err := known.judge(tx, &list[i]); err != nil {
				return nil, err
			}
		}
	}
	return rests, nil
}

// standings remember whom they have looked up. A feed that was last read before
// current proves nothing, nor does one from after latest: a clock is wrong.
type standings struct {
	current, latest time.Time
	found           map[string]books.Practitioner
}

// judge says what the books say now of a standing.
func (s standings) judge(tx *sealedTx, r *claims.Rest) (err error) {
	key := string(r.NPI) + "/" + r.State
	p, ok := s.found[key]
	if !ok {
		if p, err = practitioner(tx, r.NPI, r.State); err != nil {
			return err
		}
		s.found[key] = p
	}
	fresh := !p.FeedRead.Before(s.current) && !p.FeedRead.After(s.latest)
	standing, by, _ := p.Standing(r.On, fresh)
	if r.Standing = standing; standing.Reason.Ordered() {
		r.Order = by.Handle // of several, the first on the ledger
	}
	return nil
}

// readDebts is what payees owe, by NPI and whoever submitted: each payment on
// a decision that a later one has replaced and not taken back (the later one is
// paid anew and whole), or that a board order covers which became known since.
// What a decision takes back it lowers itself, and where the plan's edition gives
// notice, nothing is kept before there is one.
func readDebts(tx *sealedTx) (map[credentials.NPI]claims.Cents, error) {
	debts := map[credentials.NPI]claims.Cents{}
	err := rows(tx, `
		SELECT p.payee, p.amount FROM payment p JOIN decision d ON d.document = p.document
		WHERE d.remittance <> '' AND d.outcome = 'paid' AND `+replaced+` AND `+inForce, nil, func(rs *sql.Rows) error {
		var npi credentials.NPI
		var amount claims.Cents
		err := rs.Scan(&npi, &amount)
		debts[npi] += amount
		return err
	})
	if err != nil {
		return nil, err
	}
	covered, err := readReprocess(tx)
	for _, r := range covered {
		if r.Trace != "" && !givesNotice(tx, r.Document) {
			debts[r.Payee.NPI] += r.Amount
		}
	}
	return debts, err
}

// givesNotice says whether a decision's plan edition has what was paid on it too
// much be taken only after notice. Where the books cannot say, it does not.
func givesNotice(tx *sealedTx, document credentials.Handle) bool {
	plan, err := planOfDecision(tx, document.String())
	return err == nil && plan.RecoupAfterDays > 0
}

// readReprocess lists the decisions that say paid, that no later final one has
// replaced, and that an order covers.
func readReprocess(tx *sealedTx) (list []books.Reprocess, err error) {
	covered, err := readPayments(tx, `
		JOIN payment_rest pr ON pr.document = d.document
		JOIN license l ON l.npi = pr.npi AND l.jurisdiction = pr.state
		JOIN board_order bo ON bo.license = l.handle
		WHERE d.outcome = 'paid' AND NOT `+replaced)
	if err != nil {
		return nil, err
	}
	// An order binds however long ago the feed was read.
	known := standings{latest: time.Unix(1<<40, 0), found: map[string]books.Practitioner{}}
	for _, p := range covered {
		rest, err := firstTaken(tx, known, p.Document)
		if err != nil {
			return nil, err
		}
		if rest == nil {
			continue
		}
		p.Hold = &claims.Hold{Reason: claims.HoldOrder, Order: rest.Order}
		p.State = claims.PaymentStateOf(p.receipt, p.taken(), p.takenReceipt, p.Hold)
		list = append(list, books.Reprocess{Payment: p.Payment, Cause: books.Cause{Kind: books.CauseOrder, Reference: rest.Order.String()}, Order: rest.Order, NPI: rest.NPI, On: rest.On})
	}
	return list, nil
}

// firstTaken is the first standing of a decision that an order has taken away.
func firstTaken(tx *sealedTx, known standings, document credentials.Handle) (*claims.Rest, error) {
	var list []claims.Rest
	err := rows(tx, `SELECT npi, state, service_date FROM payment_rest WHERE document = $1 ORDER BY service_date, npi`, []any{document.String()},
		func(rs *sql.Rows) error {
			var r claims.Rest
			err := rs.Scan(&r.NPI, &r.State, &r.On)
			list = append(list, r)
			return err
		})
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := known.judge(tx, &list[i]); err != nil {
			return nil, err
		}
		if list[i].Standing.Reason.Ordered() {
			return &list[i], nil
		}
	}
	return nil, nil
}

// Reprocess lists the claims that have to be decided anew because of a board
// order, oldest first: what was paid, what is held, and by which order.
func (b *Books) Reprocess(ctx context.Context) (list []books.Reprocess, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		list, err = readReprocess(tx)
		return err
	})
	return list, err
}

// Payments lists every final decision with where its money stands, oldest
// first. Feeds last read before current prove nothing.
func (b *Books) Payments(ctx context.Context, current time.Time) (list []books.Payment, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		list = nil
		all, err := readPayments(tx, `WHERE d.remittance <> '' OR s.latest = d.document AND `+inForce)
		if err != nil {
			return err
		}
		if err := b.holdDue(tx, all, current); err != nil {
			return err
		}
		for _, p := range all {
			list = append(list, p.Payment)
		}
		return nil
	})
	return list, err
}
