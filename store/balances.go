package store

import (
	"database/sql"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// readBalances is what a submitter's payees still owe from remittances that
// could not bear what they took back.
func readBalances(tx *sealedTx, submitter credentials.DID) (all []books.Balance, err error) {
	err = rows(tx, `SELECT payee, tax_id, trace, owed FROM payee_balance WHERE submitter = $1 AND brought_by = '' ORDER BY trace`,
		[]any{string(submitter)}, func(rs *sql.Rows) error {
			var b books.Balance
			err := rs.Scan(&b.Payee.NPI, &b.Payee.TaxID, &b.Trace, &b.Owed)
			all = append(all, b)
			return err
		})
	return all, err
}

// carryBalances closes the balances that a remittance has brought back and opens
// those that it forwards. It runs in the transaction that releases it: a balance
// is brought back once.
func carryBalances(tx *sealedTx, r books.Remittance) error {
	for _, s := range r.Sets {
		if err := carryRecoupment(tx, r.Submitter, r.On, s); err != nil {
			return err
		}
		if s.Brought != "" {
			closed, err := tx.Exec(`UPDATE payee_balance SET brought_by = $2 WHERE trace = $1 AND brought_by = ''`, s.Brought, r.Trace)
			if err == nil && closed != 1 {
				err = fmt.Errorf("the balance of payment %s is not open", s.Brought)
			}
			if err != nil {
				return err
			}
		}
		if s.Forwarded == 0 {
			continue
		}
		_, err := tx.Exec(`INSERT INTO payee_balance (trace, remittance, submitter, payee, tax_id, owed) VALUES ($1, $2, $3, $4, $5, $6)`,
			s.Trace, r.Trace, string(r.Submitter), string(s.Payee.NPI), s.Payee.TaxID, int64(s.Forwarded))
		if err != nil {
			return err
		}
	}
	return nil
}

// comesTo holds a remittance against the books' own figures, payee by payee:
// what its decisions change, the interest that the law adds, what is owed on
// claims, the balance that comes from before, and what goes on because no payment
// is below nothing.
func comesTo(r books.Remittance, due []*paymentRow, payables []Payable, open books.Open) error {
	sums, brought := map[claims.Payee]claims.Cents{}, map[claims.Payee]books.Balance{}
	for _, p := range due {
		sums[p.Payee] += p.Amount
	}
	for _, b := range open.Balances {
		brought[b.Payee] = b
	}
	var total claims.Cents
	payees := len(sums)
	for _, s := range r.Sets {
		sum, known := sums[s.Payee]
		if !known {
			return fmt.Errorf("payment %s is to a payee of none of its decisions, or a second one", s.Trace)
		}
		delete(sums, s.Payee)
		b := brought[s.Payee]
		recouped, err := recoups(&r, &s, due, payables, &open)
		if err != nil {
			return err
		}
		if want := sum + s.Interest - recouped - b.Owed + s.Forwarded; s.Total != want || s.Brought != b.Trace {
			return fmt.Errorf("payment %s pays %s and brings %q, its decisions and balances say %s and %q", s.Trace, s.Total, s.Brought, want, b.Trace)
		}
		if s.Total < 0 || s.Interest < 0 || s.Forwarded < 0 || s.Forwarded > 0 && s.Total > 0 {
			return fmt.Errorf("payment %s pays %s, adds interest of %s and forwards %s", s.Trace, s.Total, s.Interest, s.Forwarded)
		}
		total += s.Total
	}
	if r.Total != total || r.Count != len(due) || len(r.Sets) != payees {
		return fmt.Errorf("the remittance pays %s for %d claims to %d payees, its decisions say %s for %d to %d", r.Total, r.Count, len(r.Sets), total, len(due), payees)
	}
	return nil
}

// restoreBalances is carryBalances for a remittance of which the ledger tells:
// the one that a balance comes from is restored first.
func (b *Books) restoreBalances(tx *sealedTx, r books.Remittance) error {
	r.Sets = slices.Clone(r.Sets) // the transaction may be made again
	for i, s := range r.Sets {
		if err := b.restoreRecoupment(tx, r, s); err != nil {
			return err
		}
		r.Sets[i].Deferred, r.Sets[i].Recouped, r.Sets[i].Returned = nil, nil, nil
		if s.Brought == "" {
			continue
		}
		var known int
		if err := tx.QueryRow(`SELECT count(*) FROM payee_balance WHERE trace = $1`, s.Brought).Scan(&known); err != nil {
			return err
		}
		if known == 0 {
			return books.ErrOutOfTurn
		}
	}
	return carryBalances(tx, r)
}
