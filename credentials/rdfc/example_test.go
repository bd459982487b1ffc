package rdfc_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/credentials/rdfc"
)

// A board signs one license as readable JSON, by either suite.
func Example() {
	board := credentials.NewSigner("", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)))
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	handle := credentials.Handle{7} // random, outside of examples
	draft, err := credentials.Draft(board, credentials.KindLicense, handle, now, time.Time{}, nil, credentials.License{
		Handle: handle, NPI: "1234567893", Name: "Nadia Amaranth", Jurisdiction: "MA",
		Profession: "MD", Number: "T-1", From: "2026-01-01", Until: "2027-12-31"})
	if err != nil {
		fmt.Println(err)
		return
	}
	accepted := []integrity.Suite{integrity.JCS, rdfc.Suite()}
	policy := credentials.Policy{
		Now: now, Keys: credentials.ResolveDIDKey, Status: credentials.StatusElsewhere,
		Issuer: func(who credentials.DID, _ credentials.Kind, jurisdiction string) error { return nil }, // ask the ledger
	}
	for _, suite := range accepted {
		signed, err := integrity.Sign(board, suite, draft, integrity.Terms{Purpose: integrity.Assertion, Created: now})
		if err != nil {
			fmt.Println(err)
			return
		}
		license, verdict := integrity.Judge[credentials.License](signed, credentials.KindLicense, accepted, policy)
		fmt.Println(suite.Name, verdict.Outcome, license.Subject.Name)

		signed = bytes.Replace(signed, []byte("2027-12-31"), []byte("2037-12-31"), 1)
		_, verdict = integrity.Judge[credentials.License](signed, credentials.KindLicense, accepted, policy)
		fmt.Println(suite.Name, verdict.Outcome, verdict.Check)
	}
	// Output:
	// eddsa-jcs-2022 good Nadia Amaranth
	// eddsa-jcs-2022 bad signature
	// eddsa-rdfc-2022 good Nadia Amaranth
	// eddsa-rdfc-2022 bad signature
}
