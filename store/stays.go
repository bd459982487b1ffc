package store

import (
	"encoding/json"
	"fmt"

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

// stayFact is what a request says of days: of its first item that asks for any. It is
// for the hospital that asked.
func (f *claimFile) stayFact(tx *sealedTx, r stayRequest, who found) (*claims.AuthorizationFact, error) {
	c := &f.Submission.Claim
	if err := f.fence(tx, authorizationFence(r.submission)); err != nil {
		return nil, err
	}
	fact := &claims.AuthorizationFact{Number: c.Authorization, Found: true, Outcome: claims.AuthorizationPended}
	var err error
	if r.latest != "" {
		if fact.Handle, err = credentials.ParseHandle(r.latest); err != nil {
			return nil, err
		}
	}
	left, err := stayItem(tx, r.submission, fact)
	if err != nil || fact.Code == "" {
		return fact, err
	}
	handle, err := credentials.ParseHandle(r.submission)
	if err != nil {
		return nil, err
	}
	row, err := readSubmission(tx, handle)
	if err != nil {
		return nil, err
	}
	var asked claims.AuthorizationSubmission
	if err := json.Unmarshal(row.body, &asked); err != nil {
		return nil, fmt.Errorf("read submission: %w", err)
	}
	fact.Matches = r.person == who.person && r.person != "" && asked.Request.Requester.NPI == c.Billing.NPI
	back, err := f.givenBack(tx, r.submission, fact.Code)
	fact.Left = left + back
	return fact, err
}

// stayItem reads the item that asks for days, and how many are left of it. Where there
// is none the fact says what became of the request's first item.
func stayItem(tx *sealedTx, submission string, fact *claims.AuthorizationFact) (left claims.Quantity, err error) {
	rows, err := tx.Query(`
		SELECT code, outcome, from_date, until_date, units, drawn FROM authorized_item
		WHERE submission = $1 ORDER BY sequence`, submission)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for first := true; rows.Next(); first = false {
		var item claims.AuthorizationFact
		var units, drawn claims.Quantity
		if err := rows.Scan(&item.Code, &item.Outcome, &item.From, &item.Until, &units, &drawn); err != nil {
			return 0, err
		}
		if claims.StayCode(item.Code) {
			fact.Code, fact.Outcome, fact.From, fact.Until = item.Code, item.Outcome, item.From, item.Until
			return units - drawn, nil
		}
		if first {
			fact.Outcome = item.Outcome
		}
	}
	return 0, rows.Err()
}
