package books

import (
	"errors"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// What the books answer where a decided claim cannot be opened again.
var (
	// ErrNotFinal says that a claim is not finally decided, or that another one has
	// taken its place: there is nothing to open again.
	ErrNotFinal = errors.New("no decision on the claim is final and in force: there is nothing to decide anew")
	// ErrReopenedAlready says that a claim is open again for another reason. What it
	// is decided on then holds this one too.
	ErrReopenedAlready = errors.New("the claim is open again already")
	// ErrAppealed says that a decision was appealed before: it is, once.
	ErrAppealed = errors.New("this decision was appealed already")
	// ErrAnswered says that an appeal was answered before, or that the decision that
	// it is against has been followed by another one.
	ErrAnswered = errors.New("this appeal does not wait any more")
)

// A CauseKind says why a decided claim is opened again.
type CauseKind string

// The kinds of causes. The reference of each says which one it was.
const (
	CauseOrder      CauseKind = "order"      // a board order known later: its handle
	CauseCoverage   CauseKind = "coverage"   // members or coverage written down later: the change's handle
	CauseRoster     CauseKind = "roster"     // who renders an organization's services, likewise
	CauseExclusion  CauseKind = "exclusion"  // another edition of the list of excluded providers: its handle
	CauseReversal   CauseKind = "reversal"   // an earlier claim of the family taken back: the handle of the decision that did
	CauseAppeal     CauseKind = "appeal"     // overturned: the appeal's handle
	CauseCorrection CauseKind = "correction" // a person's own: their reason code
)

// A Cause is why a decided claim is opened again.
type Cause struct {
	Kind      CauseKind `json:"kind"`
	Reference string    `json:"reference"`
}

// A ReopeningState says how a reopening stands.
type ReopeningState string

// The states of a reopening. Only the first two are open.
const (
	ReopeningOpen    ReopeningState = "open"    // to be decided
	ReopeningWaiting ReopeningState = "waiting" // it would pend: nothing was taken back, and it is decided when it can be
	ReopeningChanged ReopeningState = "changed" // another decision has followed
	ReopeningUpheld  ReopeningState = "upheld"  // it would come to the same: nothing was signed
)

// A Reopening is a decided claim that is, or was, opened again. Once for each
// cause: asked again, it is the same one.
type Reopening struct {
	Submission credentials.Handle
	Number     int // of the decision that was opened
	Cause
	By     string // the key of the person
	Token  string // the request that it signed
	Opened time.Time
	State  ReopeningState
	Waits  string // the reasons, in state waiting
	Closed time.Time
}

// A ReopeningAnswer ends a reopening without a new decision, or has it wait.
// Fences are those of the evidence that it rests on.
type ReopeningAnswer struct {
	Submission credentials.Handle `json:"submission"`
	Number     int                `json:"number"`
	State      ReopeningState     `json:"state"`
	Waits      string             `json:"waits,omitempty"`
	Fences     []Fence            `json:"fences"`
}

// A Reprocess is a decided claim that something touches which the books heard
// after it was decided.
type Reprocess struct {
	Payment
	Cause Cause
	// Of a board order: which one, whose license, and the first date of service
	// that it covers.
	Order credentials.Handle
	NPI   credentials.NPI
	On    credentials.Date
	// Open: it is open again already, for this or another cause.
	Open ReopeningState
	// What the claim comes to now, and what it would come to; nil where that cannot
	// be said now, and Why says why.
	Before, After *Figures
	Why           string
}

// Figures are what a decision on a claim comes to.
type Figures struct {
	Outcome claims.Outcome `json:"outcome"`
	Paid    claims.Cents   `json:"paidCents"`
	Patient claims.Cents   `json:"patientCents"`
}

// FiguresOf reads them.
func FiguresOf(d *claims.Decision) *Figures { return &Figures{d.Outcome, d.Paid, d.Patient} }

// An AppealState says how an appeal stands.
type AppealState string

// The states of an appeal.
const (
	AppealOpen       AppealState = "open"
	AppealUpheld     AppealState = "upheld"     // the decision stands
	AppealOverturned AppealState = "overturned" // denials were set aside, and the claim is decided anew
	AppealOvertaken  AppealState = "overtaken"  // another decision came before the answer
)

// An AppealFile is an appeal with its answer, if it has one.
type AppealFile struct {
	claims.Appeal
	Filed time.Time
	Due   credentials.Date // of the answer
	State AppealState
	Token string
	// Of the answer, in the states upheld and overturned.
	Answer      *claims.Determination
	AnswerToken string
	Answered    time.Time
}
