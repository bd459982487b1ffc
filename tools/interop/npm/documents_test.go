//go:build interop && linux

package npm

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// now is when everything here happens.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A party is a key with its name, as we and as JavaScript hold it.
type party struct {
	credentials.Signer
	jwk map[string]string
}

func (p party) did() credentials.DID {
	d, err := credentials.SignerDID(p)
	if err != nil {
		panic(err)
	}
	return d
}

// key is what a question says of a key that is to sign.
func (p party) key() question { return question{"kid": p.KeyID(), "jwk": p.jwk} }

var text = base64.RawURLEncoding.EncodeToString

func ed25519Party(seed byte) party {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return party{credentials.NewSigner("", key), map[string]string{"kty": "OKP", "crv": "Ed25519",
		"x": text(key.Public().(ed25519.PublicKey)), "d": text(key.Seed())}}
}

func p256Party(seed byte) party {
	d := bytes.Repeat([]byte{seed}, 32)
	key := &ecdsa.PrivateKey{D: new(big.Int).SetBytes(d)}
	key.Curve = elliptic.P256()
	key.X, key.Y = key.Curve.ScalarBaseMult(d)
	s, err := credentials.NewES256Signer("", key)
	if err != nil {
		panic(err)
	}
	return party{s, map[string]string{"kty": "EC", "crv": "P-256", "d": text(d),
		"x": text(key.X.FillBytes(make([]byte, 32))), "y": text(key.Y.FillBytes(make([]byte, 32)))}}
}

// These sign everything: a board, an insurer and a hospital in one, as there is
// no ledger here to tell them apart. The thief is in nobody's policy.
var (
	board     = ed25519Party(1)
	p256Board = p256Party(2)
	clinician = ed25519Party(3)
	thief     = ed25519Party(4)
)

// policy knows the issuers and nobody else.
func policy() credentials.Policy {
	return credentials.Policy{Now: now.Add(time.Minute), Keys: credentials.ResolveDIDKey, Status: credentials.StatusElsewhere,
		Issuer: func(who credentials.DID, _ credentials.Kind, _ string) error {
			if who != board.did() && who != p256Board.did() {
				return credentials.Refuse(credentials.CheckIssuer, "nobody knows it")
			}
			return nil
		}}
}

// A document is what is signed in every form: one for each kind.
type document struct {
	kind  credentials.Kind
	draft func(credentials.Signer) ([]byte, error)
	token func(credentials.Signer) (string, error)
	// judge holds a vc+jwt against the policy.
	judge func(string, credentials.Policy) credentials.Verdict
}

func of[T any](kind credentials.Kind, subject T) document {
	handle, until := credentials.Handle{7, byte(len(kind))}, now.AddDate(1, 0, 0)
	return document{kind,
		func(s credentials.Signer) ([]byte, error) {
			return credentials.Draft(s, kind, handle, now, until, nil, subject)
		},
		func(s credentials.Signer) (string, error) {
			return credentials.Issue(s, kind, handle, now, nil, subject)
		},
		func(token string, p credentials.Policy) credentials.Verdict {
			c, v := credentials.Judge[T](token, kind, p)
			if c == nil && v.IsGood() {
				panic(errors.New("good, and nothing was read"))
			}
			return v
		},
	}
}

var handle = credentials.Handle{7, 1}

// What JSON, JCS and RDF might write each in its own way: letters beyond the
// basic plane, what HTML and N-Quads escape, integers, booleans, nothing.
const oddName = "Ana \"Zoë\" O’Hara-Łukasz \U0001F9EC \u20AC <&> \\ / \u00e9\u0065\u0301 \uFB33"

var licensed = credentials.License{Holder: clinician.did(), Handle: handle, NPI: "1234567893", Name: oddName, Jurisdiction: "MA",
	Profession: "MD", Number: "T-0001/é", From: "2026-01-01", Until: "2027-12-31", Taxonomy: []credentials.Taxonomy{"207RC0000X"}}

var person = claims.Person{MemberID: "M-1", Last: oddName, First: "\u2028", Birth: "1980-02-29", Sex: "U",
	Address: claims.Address{Street: "1 <Main> St", State: "MA"}}

// documents are of each kind one or more.
func documents(t *testing.T) []document {
	t.Helper()
	list := credentials.NewStatusList(1)
	for _, i := range []int{0, 7, credentials.StatusListSize - 1} {
		if err := list.Set(i, 1); err != nil {
			t.Fatal(err)
		}
	}
	claim := claims.Submission{Handle: handle, Salt: credentials.Handle{9},
		Claim: claims.Claim{Number: "C-1", Frequency: claims.Original, Charge: 12345, Place: "11", Payer: claims.Payer{ID: "P", Name: oddName},
			Billing: claims.Provider{NPI: "1234567893", Organization: true, Name: "Clinic"}, Subscriber: person, Diagnoses: []string{"J06.9", "R05"},
			ServiceState: "MA", Lines: []claims.Line{{Number: 1, Code: "99213", Charge: 12345, Unit: "UN", Units: 1000, Pointers: []int{1, 2, 10},
				From: "2026-02-01", To: "2026-02-01"}, {Number: 2, Code: "J1885", Unit: "UN", Units: 1500, From: "2026-02-01", To: "2026-02-01"}}},
		Source: claims.Source{File: credentials.Digest{6}, Created: "2026-02-02", Place: "ISA 1, ST 1, CLM 1", Sender: claims.Sender{Qualifier: "ZZ", ID: "S-1"}}}
	return []document{
		of(credentials.KindLicense, licensed),
		of(credentials.KindBoardOrder, credentials.Order{Handle: handle, License: credentials.Handle{8}, Action: credentials.OrderRestrict,
			Effective: now.In(time.FixedZone("", -5*3600)), Reason: "R-1", Until: "2026-12-31", Restrictions: []string{"10-a", "9-b"}}),
		of(credentials.KindBoardOrder, credentials.Order{Handle: handle, License: credentials.Handle{8}, Action: credentials.OrderVoid,
			Effective: now, Reason: "R-2", Upon: []credentials.Handle{{3}}}),
		of(credentials.KindBoardOrder, credentials.Order{Handle: handle, License: credentials.Handle{8}, Action: credentials.OrderBind,
			Effective: now, Reason: "R-3", Holder: clinician.did()}),
		of(credentials.KindFeedHead, client.PageProof{After: 3, Events: credentials.Digest{5}, Head: client.Head{Sequence: 9, Index: -1, Time: now}}),
		of(credentials.KindStatusList, credentials.StatusListSubject{ID: listURL + "#list", Type: "BitstringStatusList",
			Purpose: "revocation", Encoded: list.Encode(), TTL: 1800000}),
		of(credentials.KindClaimSubmission, claim),
		of(credentials.KindEstimateRequest, claim),
		of(credentials.KindClaimEstimate, claims.ClaimEstimate{Handle: handle, Salt: credentials.Handle{9}, Notice: claims.EstimateNotice, Submission: credentials.Digest{2},
			Estimate: claims.Estimate{Submission: handle, Claim: "C-1", Received: "2026-02-03", Outcome: claims.Pended, Rules: "rules/2", Charge: 12345,
				Lines: []claims.LineDecision{}, Pends: []claims.Pend{{Line: 1, Reason: claims.PendStanding, Note: oddName}}}}),
		of(credentials.KindAuthorizationSubmission, claims.AuthorizationSubmission{Handle: handle, Salt: credentials.Handle{9},
			Request: claims.AuthorizationRequest{Number: "A-1", Patient: person, State: "MA", Payer: claims.Payer{ID: "P"},
				Items: []claims.RequestItem{{Sequence: 1, Code: "70551", Units: 1000, From: "2026-03-01", Until: "2026-06-01"}}},
			Source: claims.Source{File: credentials.Digest{6}, Created: "2026-02-02", Place: "Claim"}}),
		of(credentials.KindClaimDecision, claims.ClaimDecisionDocument{Supersedes: &handle, Handle: handle, Salt: credentials.Handle{9}, Evidence: credentials.Digest{1},
			Submission: credentials.Digest{2}, Decision: claims.Decision{Submission: handle, Claim: "C-1", Number: 1, Outcome: claims.Paid, Rules: "rules/1",
				Charge: 12345, Allowed: 10000, Paid: -1, Patient: 1 << 52, Lines: []claims.LineDecision{{Line: 1, Outcome: claims.Denied, Steps: []claims.Step{},
					Adjustments: []claims.Adjustment{{Group: claims.Contractual, CARC: "45", Amount: 2345}}}}}}),
		of(credentials.KindAuthorizationDecision, claims.AuthorizationDecisionDocument{Supersedes: &handle, Handle: handle, Salt: credentials.Handle{9}, Evidence: credentials.Digest{1},
			Submission: credentials.Digest{2}, Decision: claims.AuthorizationDecision{Submission: handle, Request: "A-1", Number: 2,
				Outcome: claims.AuthorizationApproved, Rules: "rules/1", NPI: "1234567893", Items: []claims.ItemDecision{}}}),
		of(credentials.KindReviewDetermination, claims.Determination{Handle: handle, Subject: credentials.Handle{3}, Number: 1, Approve: false, Units: 1000,
			Reason: "not shown", Reviewer: clinician.did(), NPI: "1234567893", Standing: &claims.StandingFact{NPI: "1234567893", State: "MA", On: "2026-03-01",
				Standing: credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}, Licenses: []credentials.Handle{handle}, Feed: 12}}),
		of(credentials.KindReviewDetermination, claims.Determination{Handle: handle, Subject: credentials.Handle{3}, Number: 2, Approve: true, Reason: "overturned",
			Reviewer: clinician.did(), Appeal: &handle, Words: "the first service was cancelled", SetsAside: []claims.SetAside{{Line: 2, CARC: "18"}}, Letters: []credentials.Handle{handle}}),
		of(credentials.KindSubmissionLetter, claims.Letter{Handle: handle, Subject: credentials.Handle{3}, Number: 2, Words: "the report", Due: "2026-07-01",
			Enclosures: []claims.Enclosure{{Name: "report.pdf", MediaType: "application/pdf", Body: []byte("%PDF-1.7")}}}),
		of(credentials.KindClaimAppeal, claims.Appeal{Handle: handle, Subject: credentials.Handle{3}, Number: 2, Lines: []int{2, 1, 10}, Words: "it was no duplicate"}),
		of(credentials.KindClinicianSignature, claims.ClinicianSignature{Handle: handle, License: credentials.Handle{8}, Insurer: board.did(), Content: credentials.Digest{4}}),
		of(credentials.KindStandingAnswer, credentials.StandingAnswer{Handle: handle, Answer: credentials.May, Missing: credentials.MissingFeed,
			Question: credentials.StandingQuestion{NPI: "1234567893", State: "MA", Service: "99213", On: "2026-03-01", Known: now},
			Standing: credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}, License: handle, Order: credentials.Handle{3}, Day: "2027-12-31",
			Basis: credentials.StandingBasis{Feeds: []credentials.FeedMark{{Board: board.did(), Position: 9, Read: now, Fresh: true}},
				Licenses: []credentials.Handle{handle}, Orders: []credentials.Handle{}}, Rules: credentials.StandingRules}),
	}
}

// Whatever a schema of ours lists in a subject stands in one of these documents:
// a new kind, or a new member, comes in here with its schema.
func TestDocumentsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range documents(t) {
		b, err := d.draft(board)
		if err != nil {
			t.Fatal(err)
		}
		for name := range decoded(t, string(b)).(map[string]any)["credentialSubject"].(map[string]any) {
			seen[string(d.kind)+" "+name] = true
		}
	}
	files, err := filepath.Glob("../../../docs/json/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d schemas, %v", len(files), err)
	}
	for _, file := range files {
		kind, _, _ := strings.Cut(filepath.Base(file), ".")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		schema := decoded(t, string(b)).(map[string]any)
		subject := schema["properties"].(map[string]any)["credentialSubject"].(map[string]any)
		if ref, ok := subject["$ref"].(string); ok {
			subject = schema["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		}
		for name := range subject["properties"].(map[string]any) {
			if !seen[kind+" "+name] {
				t.Errorf("no document of the kind %s has a member %s", kind, name)
			}
		}
	}
}

const listURL = "https://board.example/status/1"
