package sdjwt_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/sdjwt"
)

// A clinician shows an insurer that they hold a license in Massachusetts until
// the end of 2027, and neither their name nor its number.
func Example() {
	board := credentials.NewSigner("", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)))
	clinician := credentials.NewSigner("", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32)))
	key, err := credentials.ResolveDIDKey(clinician.KeyID())
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	handle := credentials.Handle{7} // random, outside of examples
	issued, err := sdjwt.Issue(board, key, sdjwt.Document[credentials.License]{
		Kind: credentials.KindLicense, Handle: handle, From: now,
		Subject: credentials.License{Handle: handle, NPI: "1234567893", Name: "Nadia Amaranth", Jurisdiction: "MA",
			Profession: "MD", Number: "T-1", From: "2026-01-01", Until: "2027-12-31"},
		Withhold: []string{"/npi", "/name", "/number", "/from", "/until"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	shown, err := sdjwt.Present(issued, clinician, []string{"/until"}, "a challenge", "insurer.example", now)
	if err != nil {
		fmt.Println(err)
		return
	}
	policy := credentials.Policy{
		Now: now, Keys: credentials.ResolveDIDKey, Status: credentials.StatusElsewhere,
		Issuer:    func(who credentials.DID, _ credentials.Kind, jurisdiction string) error { return nil }, // ask the ledger
		Presented: &credentials.Presentation{Challenge: "a challenge", Domain: "insurer.example"},
	}
	got, verdict := sdjwt.Judge(shown, credentials.KindLicense, policy)
	fmt.Println(verdict.Outcome, got.Credential.Subject["jurisdiction"], got.Credential.Subject["until"], got.Credential.Subject["name"])

	policy.Presented = &credentials.Presentation{Challenge: "another", Domain: "insurer.example"}
	_, verdict = sdjwt.Judge(shown, credentials.KindLicense, policy)
	fmt.Println(verdict.Outcome, verdict.Check)
	// Output:
	// good MA 2027-12-31 <nil>
	// bad binding
}
