package sdjwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	challenge = "challenge-1"
	domain    = "insurer.test"
)

func testSigner(seed byte) credentials.Signer {
	return credentials.NewSigner("", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
}

func keyOf(t testing.TB, s credentials.Signer) credentials.Key {
	t.Helper()
	k, err := credentials.ResolveDIDKey(s.KeyID())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var testLicense = credentials.License{Handle: credentials.Handle{7}, NPI: "1234567893", Name: "Test Person", Jurisdiction: "MA",
	Profession: "MD", Number: "T-1", From: "2026-01-01", Until: "2027-12-31"}

func testDocument() Document[credentials.License] {
	return Document[credentials.License]{Kind: credentials.KindLicense, Handle: credentials.Handle{7}, From: testTime,
		Status: credentials.LicenseStatus(func(p credentials.StatusPurpose) string { return "https://board.test/" + string(p) + "/1" }, [3]int{5, 6, 7}), Subject: testLicense,
		Withhold: []string{"/npi", "/name", "/number", "/from", "/until"}}
}

// testIssued is a license of board 1 for holder 2.
func testIssued(t testing.TB) string {
	t.Helper()
	token, err := Issue(testSigner(1), keyOf(t, testSigner(2)), testDocument())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func testPresented(t testing.TB, places ...string) string {
	t.Helper()
	p, err := Present(testIssued(t), testSigner(2), places, challenge, domain, testTime)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func prove(s string) (*Presented, error) {
	return Prove(s, credentials.KindLicense, credentials.ResolveDIDKey)
}

func TestPresentAndProve(t *testing.T) {
	p := testPresented(t, "/npi", "/until")
	for _, hidden := range []string{"Test Person", "T-1", "2026-01-01"} {
		for _, part := range strings.FieldsFunc(p, func(r rune) bool { return r == '~' || r == '.' }) {
			if b, _ := b64.DecodeString(part); strings.Contains(string(b), hidden) {
				t.Errorf("the presentation holds %q", hidden)
			}
		}
	}
	got, err := prove(p)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"handle": testLicense.Handle.String(), "jurisdiction": "MA", "profession": "MD", "npi": "1234567893", "until": "2027-12-31"}
	if x, y := asJSON(t, got.Credential.Subject), asJSON(t, want); x != y {
		t.Errorf("shown %s, want %s", x, y)
	}
	holder, _ := credentials.SignerDID(testSigner(2))
	issuer, _ := credentials.SignerDID(testSigner(1))
	e := got.Envelope
	if *e.Presented != (credentials.Presentation{Holder: holder, Challenge: challenge, Domain: domain}) || e.Issuer != issuer ||
		e.Jurisdiction != "MA" || len(e.Status) != 3 || !e.From.Equal(testTime) || !got.Bound.Equal(testTime) {
		t.Errorf("envelope %+v, bound %s", e, got.Bound)
	}
	if again := testIssued(t); again != testIssued(t) {
		t.Error("issuing the same thing twice gave two tokens")
	}
}

func TestPresentEverythingAndNothing(t *testing.T) {
	for want, places := range map[int][]string{3: nil, 8: testDocument().Withhold} {
		got, err := prove(testPresented(t, places...))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Credential.Subject) != want {
			t.Errorf("shown %v, want %d members", got.Credential.Subject, want)
		}
	}
}

// Holders with a P-256 key, such as a phone's.
func TestHolderES256(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	holder, err := credentials.NewES256Signer("", key)
	if err != nil {
		t.Fatal(err)
	}
	token, err := Issue(testSigner(1), keyOf(t, holder), testDocument())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Present(token, holder, []string{"/npi"}, challenge, domain, testTime)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prove(p); err != nil {
		t.Error(err)
	}
	if p, err := Present(token, testSigner(2), nil, challenge, domain, testTime); err == nil {
		t.Errorf("another key presented it: %s", p)
	}
}

func TestJudge(t *testing.T) {
	good := credentials.Policy{Now: testTime.Add(time.Minute), Leeway: 30 * time.Second, Keys: credentials.ResolveDIDKey,
		Status: credentials.StatusElsewhere, Presented: &credentials.Presentation{Challenge: challenge, Domain: domain},
		Issuer: func(_ credentials.DID, _ credentials.Kind, jurisdiction string) error {
			if jurisdiction != "MA" {
				return credentials.Refuse(credentials.CheckIssuer, "not there")
			}
			return nil
		}}
	for _, tt := range []struct {
		name string
		edit func(*credentials.Policy)
		want credentials.Check
	}{
		{"good", func(*credentials.Policy) {}, ""},
		{"other challenge", func(p *credentials.Policy) { p.Presented = &credentials.Presentation{Challenge: "x", Domain: domain} }, credentials.CheckBinding},
		{"other verifier", func(p *credentials.Policy) {
			p.Presented = &credentials.Presentation{Challenge: challenge, Domain: "x"}
		}, credentials.CheckBinding},
		{"no challenge given out", func(p *credentials.Policy) { p.Presented = nil }, credentials.CheckBinding},
		{"another holder wanted", func(p *credentials.Policy) {
			p.Presented = &credentials.Presentation{Holder: "did:web:x.test", Challenge: challenge, Domain: domain}
		}, credentials.CheckBinding},
		{"bound long ago", func(p *credentials.Policy) { p.Now = testTime.Add(bindingLife + 31*time.Second) }, credentials.CheckBinding},
		{"bound just in time", func(p *credentials.Policy) { p.Now = testTime.Add(bindingLife + 30*time.Second) }, ""},
		{"bound in the future", func(p *credentials.Policy) { p.Now = testTime.Add(-31 * time.Second) }, credentials.CheckBinding},
		{"status wanted", func(p *credentials.Policy) { p.Status = credentials.StatusRequired }, credentials.CheckStatus},
		{"no time", func(p *credentials.Policy) { p.Now = time.Time{} }, credentials.CheckDates},
		{"no keys", func(p *credentials.Policy) { p.Keys = nil }, credentials.CheckKey},
	} {
		p := good
		tt.edit(&p)
		_, v := Judge(testPresented(t, "/npi"), credentials.KindLicense, p)
		if v.Check != tt.want || v.IsGood() != (tt.want == "") {
			t.Errorf("%s: %+v, want %q", tt.name, v, tt.want)
		}
	}
}

func TestIssueRefuses(t *testing.T) {
	for name, edit := range map[string]func(*Document[credentials.License]){
		"handle":       func(d *Document[credentials.License]) { d.Withhold = []string{"/handle"} },
		"jurisdiction": func(d *Document[credentials.License]) { d.Withhold = []string{"/jurisdiction"} },
		"in one":       func(d *Document[credentials.License]) { d.Withhold = []string{"/jurisdiction/x"} },
		"missing":      func(d *Document[credentials.License]) { d.Withhold = []string{"/nip"} },
		"all":          func(d *Document[credentials.License]) { d.Withhold = []string{"/"} },
		"no pointer":   func(d *Document[credentials.License]) { d.Withhold = []string{"npi"} },
		"nothing":      func(d *Document[credentials.License]) { d.Withhold = []string{""} },
		"twice":        func(d *Document[credentials.License]) { d.Withhold = []string{"/npi", "/npi"} },
		"too deep":     func(d *Document[credentials.License]) { d.Withhold = []string{"/npi/0"} },
		"kind":         func(d *Document[credentials.License]) { d.Kind = "Other" },
		"nowhere":      func(d *Document[credentials.License]) { d.Subject.Jurisdiction = "" },
	} {
		d := testDocument()
		edit(&d)
		if _, err := Issue(testSigner(1), keyOf(t, testSigner(2)), d); err == nil {
			t.Errorf("%s: issued", name)
		}
	}
	if _, err := Issue(testSigner(1), credentials.Key{}, testDocument()); err == nil {
		t.Error("issued to nobody")
	}
}

func TestConcealRefuses(t *testing.T) {
	for _, place := range []string{"", "/", "a", "/x", "/a/2", "/a/-1", "/a/01", "/a/x", "/a/0/b", "/a/0/b/c", "/o/_sd", "/n/0"} {
		value := fromJSON(t, `{"a":["x",{"b":1}],"o":{"_sd":[]},"n":5}`)
		if v, _, err := conceal(value, []string{place}, func(string) string { return "salt" }); err == nil {
			t.Errorf("%q: concealed as %s", place, asJSON(t, v))
		}
	}
}

func TestPresentRefuses(t *testing.T) {
	issued := testIssued(t)
	for name, f := range map[string]func() (string, error){
		"no challenge": func() (string, error) { return Present(issued, testSigner(2), nil, "", domain, testTime) },
		"no domain":    func() (string, error) { return Present(issued, testSigner(2), nil, challenge, "", testTime) },
		"no time":      func() (string, error) { return Present(issued, testSigner(2), nil, challenge, domain, time.Time{}) },
		"no UTF-8":     func() (string, error) { return Present(issued, testSigner(2), nil, "\xff", domain, testTime) },
		"nor here":     func() (string, error) { return Present(issued, testSigner(2), nil, challenge, "\xff", testTime) },
		"other holder": func() (string, error) { return Present(issued, testSigner(3), nil, challenge, domain, testTime) },
		"unknown": func() (string, error) {
			return Present(issued, testSigner(2), []string{"/nip"}, challenge, domain, testTime)
		},
		"open": func() (string, error) {
			return Present(issued, testSigner(2), []string{"/profession"}, challenge, domain, testTime)
		},
		"presented": func() (string, error) {
			return Present(testPresented(t), testSigner(2), nil, challenge, domain, testTime)
		},
		"nothing":  func() (string, error) { return Present("", testSigner(2), nil, challenge, domain, testTime) },
		"a token":  func() (string, error) { return Present("a.b.c", testSigner(2), nil, challenge, domain, testTime) },
		"no token": func() (string, error) { return Present("a~", testSigner(2), nil, challenge, domain, testTime) },
	} {
		if p, err := f(); err == nil {
			t.Errorf("%s: presented %s", name, p)
		}
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := credentials.CanonicalJSON(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func fromJSON(t testing.TB, s string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
