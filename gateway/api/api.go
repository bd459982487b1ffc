// Package api is what crosses the insurer's door: the answers of the gateway,
// and the client that hospitals, reviewers and the insurer's own staff use.
//
// The client signs each request and hands on what it hears. It never judges
// an answer: decisions come with their proofs, and dossier checks those. It
// never reaches the insurer's books or its Temporal.
package api

import (
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// An Acceptance tells a submitter under which names its submission stands.
type Acceptance struct {
	Handle  credentials.Handle `json:"handle"`
	Control string             `json:"control,omitempty"`
	// Again: the same submission was received before; nothing is done twice.
	Again bool `json:"again,omitempty"`
	// After is the number of the newest decision that was made without the
	// signatures which came now; 0 where nothing waits for them.
	After int `json:"after,omitempty"`
}

// An Estimate is what a claim would come to, signed: a vc+jwt of a
// claims.ClaimEstimate.
type Estimate struct {
	Token string `json:"token"`
}

// A Submission is where a submission stands.
type Submission struct {
	Handle    credentials.Handle `json:"handle"`
	Kind      string             `json:"kind"` // "claim" or "authorization"
	Number    string             `json:"number"`
	Control   string             `json:"control"`
	State     string             `json:"state"` // "received", the outcome of the latest decision, or "reversed"
	Decisions []Decision         `json:"decisions"`
	// Correction is the decision on another claim that has taken back the latest
	// one on this, if any.
	Correction *Decision `json:"correction,omitempty"`
	// Reopening is set while a decided claim is open again, Appeals where it was
	// appealed.
	Reopening *Reopening `json:"reopening,omitempty"`
	Appeals   []Appeal   `json:"appeals,omitempty"`
	// Letters are those about a submission that waits, without what is in them.
	Letters []Letter `json:"letters,omitempty"`
	// Files are the documents and proofs of its decisions by their place in a
	// dossier; only where they were asked for.
	Files map[string][]byte `json:"files,omitempty"`
}

// StateReversed is the state of a claim that another one has replaced or voided.
const StateReversed = "reversed"

// A Decision is one signed decision that has its receipt.
type Decision struct {
	Handle  credentials.Handle `json:"handle"`
	Number  int                `json:"number"`
	Outcome string             `json:"outcome"`
	Settled time.Time          `json:"settled"`
	// Cause is the board order or the determination that led to it, if any.
	Cause credentials.Handle `json:"cause,omitzero"`
	Token string             `json:"token"`
	// Entry is the ledger's leaf that records it, Receipt its proof.
	Entry   []byte `json:"entry"`
	Receipt []byte `json:"receipt"`
}

// A Ledger proves who the participants are: leaf 0 and the entries that
// admitted them with their receipts, by their place in a dossier.
type Ledger struct {
	Files map[string][]byte `json:"files"`
}

// A Review is a pended submission as a reviewer sees it.
type Review struct {
	Submission Submission `json:"submission"`
	Token      string     `json:"token"` // the signed submission under review
}

// An Edition is a published plan ("plan"), fee schedule ("fees") or list of codes
// ("codes").
type Edition struct {
	Kind   string             `json:"kind"`
	Ref    claims.EditionRef  `json:"ref"`
	Handle credentials.Handle `json:"handle"`
	Body   []byte             `json:"body"`
}

// A Problem is one intake edit that a claim did not pass.
type Problem struct {
	Segment string `json:"segment"`
	Element string `json:"element,omitempty"`
	Loop    string `json:"loop,omitempty"`
	Line    int    `json:"line,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
	Edit    string `json:"edit,omitempty"` // by its name in docs/edits.md
	// Qualifier of the segment, where its loop has several.
	Qualifier string `json:"qualifier,omitempty"`
}

// A Refusal is how a request is refused; Status is the HTTP status.
type Refusal struct {
	Status   int       `json:"-"`
	Message  string    `json:"error"`
	Problems []Problem `json:"problems,omitempty"`
}

// Error is the refusal in one line.
func (r *Refusal) Error() string { return r.Message }

// Rostered says how many rows a file of coverage or of providers had.
type Rostered struct {
	Rows int `json:"rows"`
}

// Enrolled says how many members a file named.
type Enrolled struct {
	Plan    string `json:"plan"`
	Members int    `json:"members"`
}
