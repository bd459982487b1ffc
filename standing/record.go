package standing

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// A Record is what a house holds of a clinician in a state.
type Record struct {
	credentials.StandingRecord
	Documents []Document // of all licenses and orders

	waits time.Time // when the first act was made that is on its way to the ledger
}

// Wait says that the house has acted upon the clinician at a time, and that the
// ledger does not have it yet: no yes leaves the house until it has.
func (r *Record) Wait(made time.Time) {
	if r.waits.IsZero() || made.Before(r.waits) {
		r.waits = made
	}
}

// Waits says whether something is on its way.
func (r *Record) Waits() bool { return !r.waits.IsZero() }

// holdsBack: whoever asks by a position asks for what stands there.
func (r *Record) holdsBack(q credentials.StandingQuestion) bool {
	return r.Waits() && q.Position == 0 && !q.Known.Before(r.waits.Truncate(time.Second))
}

// Add adds a document that the house has verified, with its place on the ledger.
func (r *Record) Add(ctx context.Context, receipts *Receipts, d Document) error {
	proof, err := receipts.Read(ctx, d.Entry, d.Receipt)
	if err != nil {
		return err
	}
	if d.Order {
		o, err := subjectOf[credentials.Order](d.Token)
		if err != nil {
			return err
		}
		r.Orders = append(r.Orders, credentials.KnownOrder{Order: o, Index: proof.Index, Since: proof.Known})
	} else {
		l, err := subjectOf[credentials.License](d.Token)
		if err != nil {
			return err
		}
		r.Licenses = append(r.Licenses, credentials.KnownLicense{License: l, Index: proof.Index, Since: proof.Known})
	}
	r.Documents = append(r.Documents, d)
	return nil
}

// subjectOf reads what the house itself has signed, or has verified when it
// took it in.
func subjectOf[T any](token string) (subject T, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return subject, errors.New("read document: it is no token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return subject, fmt.Errorf("read document: %w", err)
	}
	var doc struct {
		Subject T `json:"credentialSubject"`
	}
	if err := json.Unmarshal(payload, &doc); err != nil {
		return subject, errors.New("read document: it is no license and no order")
	}
	return doc.Subject, nil
}
