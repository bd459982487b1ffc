package store

import (
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// readStay finds the authorization of days that a claim for a stay names, by the
// same numbers as that of a line. Whoever asks for more days while the patient is
// there asks again under the same number, for all of them: the newest request
// counts, but one that was refused leaves what was granted before.
func (f *claimFile) readStay(tx *sealedTx, s submissionRow, who found) error {
	c := &f.Submission.Claim
	if in := c.Institutional; in == nil || !in.Inpatient() || c.Authorization == "" {
		return nil
	}
	f.Stay = &claims.AuthorizationFact{Number: c.Authorization}
	requests, err := f.stayRequests(tx, s)
	if err != nil {
		return err
	}
	for i, r := range requests {
		fact, err := f.stayFact(tx, r, who)
		if err != nil {
			return err
		}
		if stands := fact.Outcome == claims.AuthorizationApproved || fact.Outcome == claims.AuthorizationPended; stands || i == 0 {
			f.Stay = fact
			if stands {
				return nil
			}
		}
	}
	return nil
}

// A stayRequest is a request for prior authorization under the number of a claim.
type stayRequest struct{ submission, person, latest string }

// stayRequests are the newest first.
func (f *claimFile) stayRequests(tx *sealedTx, s submissionRow) (all []stayRequest, err error) {
	number := f.Submission.Claim.Authorization
	rows, err := tx.Query(`
		SELECT handle, person, latest FROM submission
		WHERE kind = 'authorization' AND (control = $1 OR (number = $3 AND submitter = $2))
		ORDER BY seq DESC`, number, string(s.submitter), tx.keys.number(number))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r stayRequest
		if err := rows.Scan(&r.submission, &r.person, &r.latest); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// stayFact is what a request says of days: of its first item that asks for any.
func (f *claimFile) stayFact(tx *sealedTx, r stayRequest, who found) (*claims.AuthorizationFact, error) {
	c := &f.Submission.Claim
	fact := &claims.AuthorizationFact{Number: c.Authorization, Found: true, Outcome: claims.AuthorizationPended}
	if err := f.fence(tx, authorizationFence(r.submission)); err != nil {
		return nil, err
	}
	var err error
	if r.latest != "" {
		if fact.Handle, err = credentials.ParseHandle(r.latest); err != nil {
			return nil, err
		}
	}
	rows, err := tx.Query(`
		SELECT code, npi, outcome, from_date, until_date, units, drawn FROM authorized_item
		WHERE submission = $1 ORDER BY sequence`, r.submission)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var units, drawn claims.Quantity
	for rows.Next() {
		var npi credentials.NPI
		var code string
		item := *fact
		if err := rows.Scan(&code, &npi, &item.Outcome, &item.From, &item.Until, &units, &drawn); err != nil {
			return nil, err
		}
		if claims.StayCode(code) {
			fact = &item
			fact.Code, fact.Matches = code, r.person == who.person && r.person != "" && npi == c.Billing.NPI
			break
		}
		fact.Outcome = item.Outcome
	}
	if err := rows.Err(); err != nil || fact.Code == "" {
		return fact, err
	}
	rows.Close()
	back, err := f.givenBack(tx, r.submission, fact.Code)
	fact.Left = units - drawn + back
	return fact, err
}
