package credentials

import (
	"errors"
	"fmt"
)

// An Outcome is the answer to "does this credential hold?".
type Outcome string

// NotKnown is no soft yes: whoever needs the credential does not have it yet.
// It is no "no" either: nobody is denied on it.
const (
	Good     Outcome = "good"
	Bad      Outcome = "bad"
	NotKnown Outcome = "unknown"
)

// ParseOutcome refuses words that are no outcome.
func ParseOutcome(s string) (Outcome, error) {
	switch o := Outcome(s); o {
	case Good, Bad, NotKnown:
		return o, nil
	}
	return "", fmt.Errorf("outcome %q is not known: want good, bad or unknown", s)
}

// UnmarshalText parses strictly.
func (o *Outcome) UnmarshalText(b []byte) (err error) {
	*o, err = ParseOutcome(string(b))
	return err
}

// A Check is one question that is asked of a credential, by a name that a
// person can be told.
type Check string

// The checks in the order in which they are asked. The first nine prove a
// document, each format in its own way; the others judge what was proved, for
// all formats in the same way.
const (
	CheckSize      Check = "size"      // it is not larger than any credential may be
	CheckForm      Check = "form"      // it has the parts of its format, in their one spelling
	CheckHeader    Check = "header"    // type and key id, and no member that we do not know
	CheckAlgorithm Check = "algorithm" // it names one of ours and, once the key is there, the one that this has
	CheckKey       Check = "key"       // the key id names a key
	CheckSignature Check = "signature" // that key has signed these bytes
	CheckContent   Check = "content"   // strict JSON, nothing twice, undefined, or of another form
	CheckKind      Check = "kind"      // it is the kind of credential that was asked for
	CheckCanonical Check = "canonical" // it is in canonical JSON

	CheckIssuer  Check = "issuer"     // the key is the issuer's, who may issue this kind there
	CheckPeriod  Check = "key-period" // the issuer had the key at that place of the ledger
	CheckDates   Check = "dates"      // it is valid at that time
	CheckStatus  Check = "status"     // it was read that it is neither revoked nor suspended
	CheckBinding Check = "binding"    // its holder presents it, to us, now
	CheckReplay  Check = "replay"     // it has not been used before
)

// A Verdict says whether a credential holds, and where it does not, by which
// check and why, on one line without anything personal. Its zero value is not
// good.
type Verdict struct {
	Outcome Outcome `json:"verdict"`
	Check   Check   `json:"check,omitempty"` // the one that failed, or for which something is missing
	Why     string  `json:"why,omitempty"`
	// Message is what the issuer's message list says of a credential that was
	// judged, such as "restricted". It makes nothing bad: whoever acts upon the
	// credential decides what it means there.
	Message string `json:"message,omitempty"`
}

// IsGood is the only yes.
func (v Verdict) IsGood() bool { return v.Outcome == Good }

// Err is nil where the credential is good, and otherwise an error of which
// VerdictOf makes the same verdict again.
func (v Verdict) Err() error {
	if v.Outcome == Good {
		return nil
	}
	return &verdictError{v, nil}
}

// A verdictError is a verdict on its way up.
type verdictError struct {
	verdict Verdict
	cause   error
}

func (e *verdictError) Error() string { return e.verdict.Why }
func (e *verdictError) Unwrap() error { return e.cause }

// Refuse is the error of a check that failed: the credential is bad.
func Refuse(c Check, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &verdictError{Verdict{Outcome: Bad, Check: c, Why: err.Error()}, errors.Unwrap(err)}
}

// Lack is the error of a check that could not be made: format says what is
// missing, and whether the credential is good is unknown.
func Lack(c Check, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &verdictError{Verdict{Outcome: NotKnown, Check: c, Why: err.Error()}, errors.Unwrap(err)}
}

// VerdictOf is the verdict that an error of this package carries, good where
// there is none. An error that carries none says nothing of the credential.
func VerdictOf(err error) Verdict {
	if err == nil {
		return Verdict{Outcome: Good}
	}
	var e *verdictError
	if errors.As(err, &e) {
		return e.verdict
	}
	return Verdict{Outcome: NotKnown, Why: err.Error()}
}

// at gives an error that a caller's function returned to the check that asked.
// Only an error made with Refuse is a definite no; a look-up that failed leaves
// the answer open.
func at(c Check, doing string, err error) error {
	if v := VerdictOf(err); v.Outcome == Bad {
		return Refuse(c, "%s: %w", doing, err)
	}
	return Lack(c, "%s: %w", doing, err)
}
