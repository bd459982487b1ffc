package books

import (
	"errors"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// What the books answer to a refund that they do not take.
var (
	// ErrOwesNothing says that nothing is to be refunded.
	ErrOwesNothing = errors.New("nothing is owed on this claim, nor by its payee from an earlier payment: send the check back, or have the claim voided or replaced first")
	// ErrOwesLess says that a refund is of more than is owed.
	ErrOwesLess = errors.New("that is more than is owed")
	// ErrRefundTaken says that the reference stands for another refund of the payee.
	ErrRefundTaken = errors.New("this reference is registered already, for another claim or amount")
)

// An Overpayment is what a payee owes on a claim, with the remittance that told
// of it and the day from which a payment may take it.
type Overpayment struct {
	claims.Overpayment
	Document   credentials.Handle // the decision that took the other back
	Submission credentials.Handle
	Submitter  credentials.DID
	Payee      claims.Payee
	Trace      string // of the payment that told of it
	Demanded   credentials.Date
	Amount     claims.Cents // at first; Owed is what is left, refunds taken off
}

// Recouped is what a payment takes of what is owed on a claim.
type Recouped struct {
	Control string
	Amount  claims.Cents
}

// A Refund is money that a payee has sent back by itself, such as a check. The
// payee and the insurer's own reference are its business key.
type Refund struct {
	Payee      claims.Payee
	Reference  string
	Submission credentials.Handle
	Submitter  credentials.DID
	Control    string
	Amount     claims.Cents
	// Balance is the trace of the payment whose balance it lowers; "" where it
	// settles what is owed on the claim.
	Balance    string
	By         string // the key of the person
	Token      string // the request that it signed
	Registered time.Time
	Trace      string // of the payment that acknowledged it
}

// Open is what a submitter's payees still owe, and what they have sent back that no
// remittance has acknowledged.
type Open struct {
	Balances     []Balance
	Overpayments []Overpayment
	Refunds      []Refund
}
