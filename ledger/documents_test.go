package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

func TestMaySign(t *testing.T) {
	for _, tt := range []struct {
		role         ledger.Role
		of           string
		kind         credentials.Kind
		jurisdiction string
		want         string
	}{
		{ledger.RoleBoard, "CA", credentials.KindLicense, "CA", ""},
		{ledger.RoleBoard, "", credentials.KindLicense, "CA", ""},
		{ledger.RoleBoard, "CA", credentials.KindBoardOrder, "", ""},
		{ledger.RoleBoard, "CA", credentials.KindLicense, "MA", "a board of CA licenses for MA"},
		{ledger.RoleHospital, "", credentials.KindLicense, "CA", "hospital"},
		{ledger.RoleInsurer, "", credentials.KindStatusList, "", ""},
		{ledger.RoleHospital, "", credentials.KindStatusList, "", "hospital"},
		{ledger.RoleHospital, "", credentials.KindClaimSubmission, "", ""},
		{ledger.RoleBoard, "CA", credentials.KindClaimSubmission, "", "board"},
		{ledger.RoleInsurer, "", credentials.KindClaimDecision, "", ""},
		{ledger.RoleReviewer, "", credentials.KindReviewDetermination, "", ""},
		{ledger.RoleInsurer, "", credentials.KindReviewDetermination, "", "insurer"},
		{ledger.RoleHospital, "", credentials.KindClaimAppeal, "", ""},
		{ledger.RoleInsurer, "", credentials.KindClaimAppeal, "", "insurer"},
		{ledger.RoleHospital, "", credentials.KindSubmissionLetter, "", ""},
		{ledger.RoleReviewer, "", credentials.KindSubmissionLetter, "", ""},
		{ledger.RoleInsurer, "", credentials.KindSubmissionLetter, "", "insurer"},
		{ledger.RoleHospital, "", credentials.KindEstimateRequest, "", ""},
		{ledger.RoleInsurer, "", credentials.KindEstimateRequest, "", "insurer"},
		{ledger.RoleInsurer, "", credentials.KindClaimEstimate, "", ""},
		{ledger.RoleHospital, "", credentials.KindClaimEstimate, "", "hospital"},
		{ledger.RoleBoard, "CA", "Diploma", "CA", "no role"},
	} {
		err := ledger.MaySign(ledger.Party{Role: tt.role, Jurisdiction: tt.of}, tt.kind, tt.jurisdiction)
		v := credentials.VerdictOf(err)
		if tt.want == "" != (err == nil) || err != nil && (v.Outcome != credentials.Bad || v.Check != credentials.CheckIssuer || !strings.Contains(v.Why, tt.want)) {
			t.Errorf("%s of %q, %s for %q: %v, want %q", tt.role, tt.of, tt.kind, tt.jurisdiction, err, tt.want)
		}
	}
}

// A key is judged where the document stands: good before the handover, bad
// after it, and on the ledger the party's next key speaks for the one before.
func TestJudgeAtThePlace(t *testing.T) {
	l := ledgertest.New(t)
	r, err := ledger.NewRegistry(l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	first, second := ledgertest.Signer("insurer"), next("second")
	if err := r.Admit(10, handover(t, l, first, second)); err != nil {
		t.Fatal(err)
	}
	insurer, _ := credentials.SignerDID(first)
	entryBy := func(s credentials.Signer) ledger.Entry { return ledger.Entry{KeyID: s.KeyID()} }
	for _, tt := range []struct {
		name  string
		key   credentials.Signer
		place credentials.Position
		want  credentials.Outcome
	}{
		{"the first key before", first, ledger.PlaceOf(9, entryBy(first), first.KeyID()), credentials.Good},
		{"the first key after", first, ledger.PlaceOf(11, entryBy(first), first.KeyID()), credentials.Bad},
		{"the first key after, and the party recorded it with its next", first, ledger.PlaceOf(11, entryBy(second), first.KeyID()), credentials.Good},
		{"the first key now", first, credentials.Latest, credentials.Bad},
		{"the first key, nobody knows when", first, credentials.Unplaced, credentials.NotKnown},
		{"the next key before", second, 10, credentials.Bad},
		{"the next key after", second, 11, credentials.Good},
		{"the next key now", second, credentials.Latest, credentials.Good},
	} {
		key, err := r.ResolveKey(tt.key.KeyID())
		if err != nil {
			t.Fatal(err)
		}
		p := credentials.Policy{Now: time.Unix(1, 0), Position: tt.place, Issuer: r.Issuer, Status: credentials.StatusIfNamed}
		v := p.Judge(&credentials.Envelope{Kind: credentials.KindClaimDecision, Issuer: insurer, KeyID: tt.key.KeyID(), Key: key, From: time.Unix(1, 0)})
		if v.Outcome != tt.want || v.Outcome != credentials.Good && v.Check != credentials.CheckPeriod {
			t.Errorf("%s: %+v, want %s", tt.name, v, tt.want)
		}
	}
	if err := r.Issuer("did:web:nobody.example", credentials.KindClaimDecision, ""); !errors.Is(err, ledger.ErrUnknownIssuer) {
		t.Errorf("a stranger: %v", err)
	}
}
