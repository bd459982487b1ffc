package claims

import (
	"encoding/base32"

	"github.com/countersign-health/countersign/credentials"
)

// ControlNumber is the insurer's own number for a submission: CLP07 of a claim,
// REF*G1 of an authorization. It is derived from the handle, so it says nothing
// about anyone, and is short enough to be read out on the telephone.
func ControlNumber(submission credentials.Handle) string {
	return "CS" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(submission[:10])
}
