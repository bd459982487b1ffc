// Package books is the words in which errands, gateway and the insurer's books
// speak: what is handed in, what is on file, what is settled. It holds no SQL,
// reaches no network and decides nothing; store keeps the books themselves.
package books

import (
	"errors"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// What the books answer where they cannot do as they are asked. No retry helps.
var (
	// ErrNotFound says that the books hold nothing under the given name.
	ErrNotFound = errors.New("not found")
	// ErrHandleTaken says that another submission uses the handle. Handles are
	// random, so this is a forged or a broken sender.
	ErrHandleTaken = errors.New("the submission's handle is used by another submission: sign it again with a new handle")
	// ErrEditionTaken says that an edition of this name is published already with
	// other content. Editions are never edited.
	ErrEditionTaken = errors.New("an edition of this name is published already with other content: give it a new edition name")
	// ErrContentTaken says that an edition of this content is published already
	// under another name: what a decision rests on has one name.
	ErrContentTaken = errors.New("this very content is published already under another name or edition")
	// ErrForgotten says that the document was of a person whose data key has been
	// destroyed. Nobody can open it any more.
	ErrForgotten = errors.New("this document was erased with all else about its person; what is left of it is its handle and its ledger entry")
	// ErrDetermined says that another determination on the same decision came first.
	ErrDetermined = errors.New("this decision was reviewed already")
	// ErrSignatureUsed says that a clinician's signature came with another
	// submission before. Each is good for one.
	ErrSignatureUsed = errors.New("the clinician's signature was used for another submission: have this one signed")
	// ErrTooManySignatures says that a submission has more of them than lines.
	ErrTooManySignatures = errors.New("more clinicians have signed it than a claim has lines")
	// ErrHeldAlready says that somebody of the staff holds the claim already.
	ErrHeldAlready = errors.New("the claim is held already")
	// ErrNotHeld says that nobody of the staff holds the claim.
	ErrNotHeld = errors.New("nobody of the staff holds the claim")
	// ErrReleasedAlready says that a remittance has taken the decision: too late to hold it.
	ErrReleasedAlready = errors.New("the claim stands in a remittance already: it can no longer be held")
)

// AuthorizationOpenDays is how long after its last day the contract of an
// approved authorization stays open.
const AuthorizationOpenDays = 400

// A Fence is a version that moves whenever what it guards moves: the
// accumulators of a family in a benefit period, a clinician's standing, the
// units of an authorization. Version 0 is a fence that never moved.
type Fence struct {
	Name    string `json:"name"`
	Version int64  `json:"version"`
}

// A Settlement makes a signed decision count: it names the document, the
// fences under which its evidence was gathered, and what caused it (a board
// order or a determination), if anything.
type Settlement struct {
	Submission credentials.Handle `json:"submission"`
	Document   credentials.Handle `json:"document"`
	Fences     []Fence            `json:"fences"`
	Cause      credentials.Handle `json:"cause,omitzero"`
}

// Settled says whether a settlement was made, or refused because the evidence
// has moved.
type Settled struct {
	Moved bool `json:"moved,omitempty"`
}

// Signed is a signed document as it is kept: the first bytes under a key win.
// Submission is the one that it is, or answers: it is sealed under the same
// person's key. Body is what the books read of it; Evidence and Entry are empty
// where there are none. Place is where a new decision stands in the status lists;
// the books do not give it back.
type Signed struct {
	Key        string
	Handle     credentials.Handle
	Submission credentials.Handle
	Token      string
	Body       []byte
	Evidence   []byte
	Entry      []byte
	Place      StatusPlace
}

// An OutboxRow is a ledger entry that was committed together with what it
// records, and its receipt once there is one. Event is its name on the ledger.
type OutboxRow struct {
	Document credentials.Handle
	Event    string
	Entry    []byte
	Recorded bool
	Index    int64
	Receipt  []byte
}

// EditionKind says what an edition is of.
type EditionKind string

// The kinds of editions.
const (
	PlanEdition EditionKind = "plan"
	FeeEdition  EditionKind = "fees"
	CodeEdition EditionKind = "codes"
	// ExclusionEdition is a list of excluded providers.
	ExclusionEdition EditionKind = "exclusion-list"
)

// An Edition is a published plan, fee schedule, list of codes or list of excluded
// providers: immutable, named by content. Of the last, From is the day of which it is.
type Edition struct {
	Kind EditionKind
	Ref  claims.EditionRef
	Fees string // of a plan: the fee schedule that it names
	// ExclusionList, of a plan, is the list of excluded providers that it names, if any.
	ExclusionList string
	From          credentials.Date
	Until         credentials.Date
	Handle        credentials.Handle
	Body          []byte
}

// A Document is a license or an order as the board signed it, with its proof.
type Document struct {
	Order   bool
	Handle  credentials.Handle
	Token   string
	Index   int64
	Entry   []byte
	Receipt []byte
}

// A FeedRead says how far and until when a board's feed was read. Position is
// one more than the ledger index of its last event.
type FeedRead struct {
	Board    credentials.DID
	Position int64
	Read     time.Time
}

// A ClinicianFile is all that the books hold of a clinician in a state, as the
// boards signed it, and how far the feeds of the state's boards were read.
type ClinicianFile struct {
	// Doubted: the board said something of the clinician with a key that was not
	// its own there. It is not among the documents, and what is proves no silence.
	Doubted   bool
	Feeds     []FeedRead
	Documents []Document
}

// A Remittance is an 835 file that was released to a submitter: a transaction
// set for each payee. Number counts the files from 1.
type Remittance struct {
	Trace     string
	Number    int
	Handle    credentials.Handle
	Submitter credentials.DID
	Released  time.Time
	Body      []byte
	Entry     []byte
	// Total and Count are what it pays and for how many decisions, and Sets its
	// payments; set by whoever writes it, and compared with the books before it is
	// kept.
	Total claims.Cents
	Count int
	Sets  []RemittanceSet
	On    credentials.Date // of payment
}

// A RemittanceSet is one payment of a remittance, to one payee.
type RemittanceSet struct {
	Payee     claims.Payee
	Trace     string
	Total     claims.Cents
	Interest  claims.Cents // that a law adds to it
	Brought   string       // trace of the payment whose balance it brings back
	Forwarded claims.Cents // what it could not bear, and its payee's next one will
	// Deferred is what its claims were paid too much and it does not take yet,
	// Recouped what it takes of that of earlier ones, and Returned the refunds that
	// it acknowledges.
	Deferred []Overpayment
	Recouped []Recouped
	Returned []Refund
}

// A Balance is what a payment could not bear of what it took back.
type Balance struct {
	Payee claims.Payee
	Trace string // of the payment that it comes from
	Owed  claims.Cents
}
