package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// maxSignatures bounds the signatures upon one submission: a claim has at most
// fifty lines.
const maxSignatures = 50

// signatureBody is what the books read of a clinician's signature without
// opening it.
type signatureBody struct {
	Received time.Time `json:"received"`
}

// AddSignatures keeps the signatures that came later than the submission that
// they are upon, and says whether its contract may be waiting for them. Whoever
// could not wake it asks again, and hears the same.
func (b *Books) AddSignatures(ctx context.Context, submission credentials.Handle, signatures []books.Signature) (work books.Work, waits bool, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		waits = false
		row, err := readSubmission(tx, submission)
		if err != nil {
			return err
		}
		if work, err = row.work(); err != nil {
			return err
		}
		open, err := openReopening(tx, submission.String())
		if err != nil {
			return err
		}
		if row.state != stateReceived && row.state != string(claims.Pended) && open == nil {
			return nil // decided: nothing waits for it
		}
		waits = true
		return putSignatures(tx, submission, signatures)
	})
	return work, waits, err
}

// putSignatures keeps what is not kept yet, in order. A signature is good for one
// submission: whoever brings it with another is refused.
func putSignatures(tx *sealedTx, submission credentials.Handle, signatures []books.Signature) error {
	added := 0
	for _, s := range signatures {
		known, err := keptFor(tx, s.Handle)
		switch {
		case err == nil && known == submission.String():
			continue
		case err == nil:
			return books.ErrSignatureUsed
		case !errors.Is(err, books.ErrNotFound):
			return err
		}
		have, err := tokensUpon(tx, submission)
		if err != nil {
			return err
		}
		if len(have) >= maxSignatures {
			return books.ErrTooManySignatures
		}
		body, err := json.Marshal(signatureBody{s.Received})
		if err != nil {
			return err
		}
		_, err = keepSigned(tx, books.Signed{Key: books.SignatureKey(submission, len(have)+1), Handle: s.Handle, Submission: submission, Token: s.Token, Body: body})
		if err != nil {
			return err
		}
		added++
	}
	if added == 0 {
		return nil
	}
	return bumpFence(tx, signatureFence(submission.String()))
}

// signatureFence moves whenever a clinician's signature upon a submission comes.
func signatureFence(submission string) string { return "signature/" + submission }

// keptFor is the submission for which a document was kept, or ErrNotFound.
func keptFor(tx *sealedTx, document credentials.Handle) (submission string, err error) {
	err = tx.QueryRow(`SELECT submission FROM signed WHERE handle = $1`, document.String()).Scan(&submission)
	return submission, notFound(err)
}

// tokensUpon are the signatures upon a submission, in the order in which they
// came.
func tokensUpon(tx *sealedTx, submission credentials.Handle) (all []books.Signature, err error) {
	for {
		kept, err := findSigned(tx, books.SignatureKey(submission, len(all)+1))
		if errors.Is(err, books.ErrNotFound) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var body signatureBody
		if err := json.Unmarshal(kept.Body, &body); err != nil {
			return nil, fmt.Errorf("read signature: %w", err)
		}
		all = append(all, books.Signature{Handle: kept.Handle, Token: kept.Token, Received: body.Received})
	}
}

// Signatures are the clinicians' signatures upon a submission, in the order in
// which they came.
func (b *Books) Signatures(ctx context.Context, submission credentials.Handle) (all []books.Signature, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		all, err = tokensUpon(tx, submission)
		return err
	})
	return all, err
}

// readSignatures reads the signatures upon a submission, each with what the books
// hold about the license that it names, and guards both.
func readSignatures(tx *sealedTx, submission credentials.Handle, fence func(name string) error) (all []books.SignatureFile, err error) {
	if err := fence(signatureFence(submission.String())); err != nil {
		return nil, err
	}
	tokens, err := tokensUpon(tx, submission)
	if err != nil {
		return nil, err
	}
	return signatureFiles(tx, tokens, fence)
}

// unusedSignatures are those of a claim that was not received, each once. One that
// was used is refused, as it will be when the claim comes.
func unusedSignatures(tx *sealedTx, signatures []books.Signature) (all []books.Signature, err error) {
	for _, s := range signatures {
		switch _, err := keptFor(tx, s.Handle); {
		case err == nil:
			return nil, books.ErrSignatureUsed
		case !errors.Is(err, books.ErrNotFound):
			return nil, err
		}
		if !slices.ContainsFunc(all, func(o books.Signature) bool { return o.Handle == s.Handle }) {
			all = append(all, s)
		}
	}
	return all, nil
}

// signatureFiles reads what the books hold about the licenses that signatures name.
func signatureFiles(tx *sealedTx, tokens []books.Signature, fence func(name string) error) (all []books.SignatureFile, err error) {
	for _, s := range tokens {
		f := books.SignatureFile{Signature: s}
		named, _, err := claims.PeekSignature(s.Token)
		if err != nil {
			return nil, err
		}
		var body []byte
		err = tx.QueryRow(`SELECT body FROM license WHERE handle = $1`, named.String()).Scan(&body)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return nil, err
		default:
			f.License = new(credentials.License)
			if err := json.Unmarshal(body, f.License); err != nil {
				return nil, fmt.Errorf("read license: %w", err)
			}
			if f.Practitioner, err = practitioner(tx, f.License.NPI, f.License.Jurisdiction); err != nil {
				return nil, err
			}
			if err := fence(standingFence(f.License.NPI)); err != nil {
				return nil, err
			}
		}
		all = append(all, f)
	}
	return all, nil
}
