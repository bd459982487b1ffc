// Package activities is every call that leaves a contract: one small struct an
// errand, each safe to repeat because it is keyed by a business key, never by
// an attempt or a run. It decides nothing: what is owed and who may practice
// is for the rules in claims and credentials.
package activities

import (
	"context"
	"errors"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// Books is what the errands ask of the insurer's books. Every method is one
// transaction: when it returns without an error its effect is durable, and when
// it returns one the effect may be durable all the same. Calling it again with
// the same arguments changes nothing more.
type Books interface {
	ReceiveClaim(ctx context.Context, c books.NewClaim) (books.Received, error)
	ClaimFile(ctx context.Context, submission credentials.Handle) (*books.ClaimFile, error)
	// EstimateFile is the file of a claim as if it were received now. It writes nothing.
	EstimateFile(ctx context.Context, submitter credentials.DID, s *claims.Submission, received credentials.Date, signatures []books.Signature) (*books.ClaimFile, error)
	// ClaimFileAnew is the file of a decided claim as though it were opened again.
	// It writes nothing.
	ClaimFileAnew(ctx context.Context, submission credentials.Handle) (*books.ClaimFile, error)
	SettleClaim(ctx context.Context, s books.Settlement) (books.Settled, error)
	// AnswerReopening has a reopened claim wait, or ends that without a new decision.
	AnswerReopening(ctx context.Context, a books.ReopeningAnswer) (books.Settled, error)

	ReceiveAuthorization(ctx context.Context, a books.NewAuthorization) (books.Received, error)
	AuthorizationFile(ctx context.Context, submission credentials.Handle) (*books.AuthorizationFile, error)
	SettleAuthorization(ctx context.Context, s books.Settlement) (books.Settled, error)

	// ToSign says what a decision with a number follows, and where in the status
	// lists it may stand. Each call gives another place.
	ToSign(ctx context.Context, submission credentials.Handle, number int) (books.ToSign, error)
	// KeepSigned keeps the first signed document under a key and returns the
	// one that is kept, which may be another's. It answers books.ErrPlaceTaken
	// where a decision was to stand at another's place: signed again, it gets one.
	KeepSigned(ctx context.Context, s books.Signed) (books.Signed, error)
	// FindSigned returns books.ErrNotFound where nothing is kept under the key.
	FindSigned(ctx context.Context, key string) (books.Signed, error)

	Outbox(ctx context.Context, document credentials.Handle) (books.OutboxRow, error)
	// SignedAnew replaces an entry that is not recorded, once its key was handed over.
	SignedAnew(ctx context.Context, document credentials.Handle, entry []byte) error
	KeepReceipt(ctx context.Context, document credentials.Handle, index int64, receipt []byte) error

	OpenWork(ctx context.Context, license credentials.Handle) ([]books.Work, error)
	ClaimsWaitingFor(ctx context.Context, authorization credentials.Handle) ([]books.Work, error)
}

// ErrRefused is wrapped by a Ledger's errors that no retry can mend: the key
// is used for another entry, or the issuer may not record this. (That its key
// was handed over is ledger.ErrRetired alone: another signature mends it.)
var ErrRefused = errors.New("the ledger refused the entry")

// Ledger is what recording asks of the ledger.
type Ledger interface {
	// Append is idempotent by the business key: the same key and entry have
	// the same index for ever; another entry under it is refused for good.
	Append(ctx context.Context, businessKey string, e ledger.Entry) (index int64, err error)
	// AwaitFinal waits until a quorum of witnesses has countersigned a history
	// that holds the entry, and returns the receipt.
	AwaitFinal(ctx context.Context, index int64, e ledger.Entry) (receipt []byte, err error)
}
