package store

import (
	"context"
	"math"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// EstimateFile is the file that a claim of a submitter would have, were it received now with
// these signatures of clinicians upon it. It only looks: the signatures are not used up, the claim, and that it was asked about, stand nowhere in the books
// afterwards. Claims that have no decision yet are passed over; a decision would
// wait for them.
func (b *Books) EstimateFile(ctx context.Context, submitter credentials.DID, s *claims.Submission, received credentials.Date, signatures []books.Signature) (*books.ClaimFile, error) {
	var f *claimFile
	err := b.read(ctx, func(tx *sealedTx) error {
		who, err := findMember(tx, s.Claim.PatientPerson(), &s.Claim.Subscriber)
		if err != nil {
			return err
		}
		f = &claimFile{ClaimFile: books.ClaimFile{Submission: *s, Number: 1, Received: received}}
		if err := f.readFacts(tx, submissionRow{submitter: submitter, person: who.person, family: who.family, seq: math.MaxInt64}, who); err != nil {
			return err
		}
		unused, err := unusedSignatures(tx, signatures)
		if err != nil {
			return err
		}
		f.Signatures, err = signatureFiles(tx, unused, func(string) error { return nil }) // nothing settles on it
		return err
	})
	if err != nil {
		return nil, err
	}
	return &f.ClaimFile, nil
}
