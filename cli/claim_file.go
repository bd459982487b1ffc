package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/fhir"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
)

// A billed is a claim of a file, X12 or FHIR, with the way to say where in it a
// problem stands.
type billed struct {
	x12.Submitted
	at func(claims.Problem) string
}

// readClaims reads the claims of a file: X12, or a FHIR Claim where it starts with
// a brace.
func readClaims(edits claims.Edits, f *os.File, each func(*billed) error) (*x12.File, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if isFHIR(f) {
		return readFHIR(f, each)
	}
	return x12.ReadClaimsBy(edits, f, func(s x12.Submitted) error {
		return each(&billed{s, s.Positions.Place})
	})
}

// isFHIR looks at the first character of a file that is not white space.
func isFHIR(f io.ReaderAt) bool {
	head := make([]byte, 512)
	n, _ := f.ReadAt(head, 0) // an error shows when the file is read
	text := strings.TrimLeft(strings.TrimPrefix(string(head[:n]), "\ufeff"), " \t\r\n")
	return strings.HasPrefix(text, "{")
}

// readFHIR reads a file of one FHIR Claim, once and as a whole: it is bounded.
func readFHIR(f *os.File, each func(*billed) error) (*x12.File, error) {
	body, err := io.ReadAll(io.LimitReader(f, fhir.MaxBundle+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	file := &x12.File{Digest: credentials.DigestOf(body)}
	claim, err := fhir.ParseClaim(body)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			at, what, _ := strings.Cut(line, ": ")
			file.Refusals = append(file.Refusals, x12.Refusal{Scope: "file", Where: at, What: what, Do: "correct it and send the Claim again"})
		}
		return file, nil
	}
	file.Claims = 1
	at := claim.At
	if at == "" {
		at = "/"
	}
	return file, each(&billed{
		x12.Submitted{Claim: claim.Claim, Source: claims.Source{File: file.Digest, Created: claim.Created, Place: "FHIR " + at}, Test: claim.Test},
		claim.Place,
	})
}
