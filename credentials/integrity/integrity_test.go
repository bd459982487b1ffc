package integrity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testSigner(seed byte) credentials.Signer {
	return credentials.NewSigner("", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
}

func didOf(seed byte) credentials.DID {
	d, _ := credentials.SignerDID(testSigner(seed))
	return d
}

func testDraft(t testing.TB) []byte {
	t.Helper()
	h := credentials.Handle{7}
	l := credentials.License{Handle: h, NPI: "1234567893", Name: "Test Person", Jurisdiction: "MA",
		Profession: "MD", Number: "T-1", From: "2026-01-01", Until: "2027-12-31"}
	b, err := credentials.Draft(testSigner(1), credentials.KindLicense, h, testTime, time.Time{}, nil, l)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testSigned(t testing.TB) []byte {
	t.Helper()
	b, err := Sign(testSigner(1), JCS, testDraft(t), Terms{Purpose: Assertion, Created: testTime, Expires: testTime.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var suites = []Suite{JCS}

func TestSignAndOpen(t *testing.T) {
	signed := testSigned(t)
	d, err := Open(signed, suites, Expect{}, credentials.ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	if d.Signer != didOf(1) || !d.Created.Equal(testTime) || d.Suite != "eddsa-jcs-2022" || !bytes.Equal(d.Payload, testDraft(t)) {
		t.Errorf("opened %+v", d)
	}
	// Others write JSON with white space and in other orders; the signature is of what it says.
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, signed, "", "  "); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(pretty.Bytes(), suites, Expect{}, credentials.ResolveDIDKey); err != nil {
		t.Error(err)
	}
}

func TestJudge(t *testing.T) {
	good := credentials.Policy{Now: testTime.Add(time.Minute), Keys: credentials.ResolveDIDKey, Status: credentials.StatusElsewhere,
		Issuer: func(credentials.DID, credentials.Kind, string) error { return nil }}
	for _, tt := range []struct {
		name string
		edit func(*credentials.Policy)
		want credentials.Check // that fails; none where the verdict is good
	}{
		{"good", func(*credentials.Policy) {}, ""},
		{"before the proof", func(p *credentials.Policy) { p.Now = testTime.Add(-time.Second) }, credentials.CheckDates},
		{"at its first moment", func(p *credentials.Policy) { p.Now = testTime }, ""},
		{"after the proof", func(p *credentials.Policy) { p.Now = testTime.Add(time.Hour + time.Second) }, credentials.CheckDates},
		{"status wanted", func(p *credentials.Policy) { p.Status = credentials.StatusRequired }, credentials.CheckStatus},
		{"other issuer wanted", func(p *credentials.Policy) {
			p.Issuer = func(credentials.DID, credentials.Kind, string) error {
				return credentials.Refuse(credentials.CheckIssuer, "no")
			}
		}, credentials.CheckIssuer},
		{"no keys", func(p *credentials.Policy) { p.Keys = nil }, credentials.CheckKey},
		{"used before", func(p *credentials.Policy) { p.Replayed = func(credentials.Handle) bool { return true } }, credentials.CheckReplay},
	} {
		p := good
		tt.edit(&p)
		_, v := Judge[credentials.License](testSigned(t), credentials.KindLicense, suites, p)
		if v.Check != tt.want || v.IsGood() != (tt.want == "") {
			t.Errorf("%s: %+v, want %q", tt.name, v, tt.want)
		}
	}
	c, v := Judge[credentials.License](testSigned(t), credentials.KindLicense, suites, good)
	if c == nil || c.Subject.Number != "T-1" {
		t.Errorf("judged %+v, %+v", c, v)
	}
	if _, v := Judge[credentials.License](testSigned(t), credentials.KindBoardOrder, suites, good); v.Check != credentials.CheckKind {
		t.Errorf("a license judged as an order: %+v", v)
	}
}

// The proof's dates only ever narrow the document's own.
func TestDatesNarrow(t *testing.T) {
	for _, tt := range []struct {
		created, expires time.Duration
		from, until      time.Duration
	}{{-time.Hour, 0, 0, 0}, {time.Hour, 2 * time.Hour, time.Hour, 2 * time.Hour}, {-time.Hour, time.Minute, 0, time.Minute}} {
		terms := Terms{Purpose: Assertion, Created: testTime.Add(tt.created)}
		if tt.expires != 0 {
			terms.Expires = testTime.Add(tt.expires)
		}
		signed, err := Sign(testSigner(1), JCS, testDraft(t), terms)
		if err != nil {
			t.Fatal(err)
		}
		_, e, err := Prove[credentials.License](signed, credentials.KindLicense, suites, credentials.ResolveDIDKey)
		if err != nil {
			t.Fatal(err)
		}
		if !e.From.Equal(testTime.Add(tt.from)) || (e.Until == nil) != (tt.until == 0) || e.Until != nil && !e.Until.Equal(testTime.Add(tt.until)) {
			t.Errorf("%+v: from %s until %v", tt, e.From, e.Until)
		}
	}
}

func TestPresentation(t *testing.T) {
	doc, err := json.Marshal(map[string]any{"@context": []string{"https://www.w3.org/ns/credentials/v2"},
		"type": []string{"VerifiablePresentation"}, "holder": didOf(2)})
	if err != nil {
		t.Fatal(err)
	}
	good := Terms{Purpose: Authentication, Created: testTime, Challenge: "c1", Domain: "insurer.test"}
	signed, err := Sign(testSigner(2), JCS, doc, good)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		x    Expect
		want string
	}{
		{Expect{Authentication, "c1", "insurer.test"}, ""},
		{Expect{Authentication, "c2", "insurer.test"}, "challenge"},
		{Expect{Authentication, "c1", "other.test"}, "domain"},
		{Expect{Authentication, "", "insurer.test"}, "expect both"},
		{Expect{Authentication, "c1", ""}, "expect both"},
		{Expect{}, "proofPurpose"},
		{Expect{"capabilityInvocation", "", ""}, "not known"},
	} {
		_, err := Open(signed, suites, tt.x, credentials.ResolveDIDKey)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("Open expecting %+v: %v, want %q", tt.x, err, tt.want)
		}
	}
	// A stranger's answer for holder 2, and a credential in the place of a presentation.
	for _, tt := range []struct {
		seed byte
		doc  []byte
	}{{3, doc}, {1, testDraft(t)}} {
		if _, err := Sign(testSigner(tt.seed), JCS, tt.doc, good); err == nil {
			t.Error("signed what is not the signer's")
		}
		o, err := parse(tt.doc)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := sign(testSigner(tt.seed), JCS, o, good)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(signed, suites, Expect{Authentication, "c1", "insurer.test"}, credentials.ResolveDIDKey); err == nil {
			t.Error("opened a presentation that its holder did not sign")
		}
	}
}

// p256 is a signer whose signatures are as long as Ed25519's, with a document of its own.
func p256(t *testing.T) (credentials.Signer, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := credentials.NewES256Signer("", key)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := credentials.SignerDID(s)
	return s, fmt.Appendf(nil, `{"issuer":%q,"type":["VerifiableCredential"]}`, d)
}

// The suite fixes the key's kind: a P-256 key is none of its keys, whatever it has signed.
func TestOpenRefusesOtherAlgorithm(t *testing.T) {
	s, doc := p256(t)
	b := forgeBy(t, s, string(doc), strings.Replace(config(1, ""), testSigner(1).KeyID(), s.KeyID(), 1))
	if _, err := Open(b, suites, Expect{}, credentials.ResolveDIDKey); credentials.VerdictOf(err).Check != credentials.CheckAlgorithm {
		t.Errorf("Open = %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	good := Terms{Purpose: Assertion, Created: testTime}
	presented := fmt.Appendf(nil, `{"type":"VerifiablePresentation","holder":%q}`, didOf(1))
	if _, err := Sign(testSigner(1), JCS, presented, Terms{Purpose: Authentication, Created: testTime, Challenge: "c", Domain: "d"}); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() ([]byte, error){
		"no time":   func() ([]byte, error) { return Sign(testSigner(1), JCS, testDraft(t), Terms{Purpose: Assertion}) },
		"a proof":   func() ([]byte, error) { return Sign(testSigner(1), JCS, testSigned(t), good) },
		"no object": func() ([]byte, error) { return Sign(testSigner(1), JCS, []byte(`null`), good) },
		"twice":     func() ([]byte, error) { return Sign(testSigner(1), JCS, []byte(`{"a":1,"a":2}`), good) },
		"expired": func() ([]byte, error) {
			return Sign(testSigner(1), JCS, testDraft(t), Terms{Purpose: Assertion, Created: testTime, Expires: testTime})
		},
		"other purpose": func() ([]byte, error) {
			return Sign(testSigner(1), JCS, testDraft(t), Terms{Purpose: "keyAgreement", Created: testTime})
		},
		"no challenge": func() ([]byte, error) {
			return Sign(testSigner(1), JCS, testDraft(t), Terms{Purpose: Authentication, Created: testTime})
		},
		"no UTF-8": func() ([]byte, error) {
			return Sign(testSigner(1), JCS, presented, Terms{Purpose: Authentication, Created: testTime, Challenge: "\xff", Domain: "d"})
		},
		"nor here": func() ([]byte, error) {
			return Sign(testSigner(1), JCS, presented, Terms{Purpose: Authentication, Created: testTime, Challenge: "c", Domain: "\xff"})
		},
	} {
		b, err := f()
		if err == nil {
			t.Errorf("%s: signed %s", name, b)
		} else if name == "other key" && !strings.Contains(err.Error(), "ES256") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// signedLong is what Sign is short for: the document as its members, all read
// and written anew.
func signedLong(t testing.TB, document []byte, terms Terms) []byte {
	t.Helper()
	var d object
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	c := object{"type": encode(proofType), "cryptosuite": encode(JCS.Name), "proofPurpose": encode(string(terms.Purpose)),
		"verificationMethod": encode(testSigner(1).KeyID()), "created": encode(stamp(terms.Created))}
	more := object{}
	if terms.Challenge != "" {
		more["challenge"], _ = json.Marshal(terms.Challenge)
	}
	if terms.Domain != "" {
		more["domain"], _ = json.Marshal(terms.Domain)
	}
	if !terms.Expires.IsZero() {
		more["expires"] = encode(stamp(terms.Expires))
	}
	if d["@context"] != nil {
		more["@context"] = d["@context"]
	}
	maps.Copy(c, more)
	payload, err := credentials.CanonicalJSON(d)
	if err != nil {
		t.Fatal(err)
	}
	input, err := hashed(payload, c)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := testSigner(1).Sign(input)
	if err != nil {
		t.Fatal(err)
	}
	c["proofValue"] = encode(multibase(sig))
	if d["proof"], err = json.Marshal(c); err != nil {
		t.Fatal(err)
	}
	b, err := credentials.CanonicalJSON(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The short way signs what the long way signs, to the byte, and what it signs
// opens.
func FuzzSign(f *testing.F) {
	f.Add(testDraft(f), "", "", int64(0))
	f.Add(fmt.Appendf(nil, `{"type":"VerifiablePresentation","holder":%q,"\"":1,"é":2,"z":[null]}`, didOf(1)), "c\n\"1", "é<", int64(60))
	f.Fuzz(func(t *testing.T, document []byte, challenge, domain string, life int64) {
		terms := Terms{Purpose: Assertion, Created: testTime, Challenge: challenge, Domain: domain}
		if challenge != "" {
			terms.Purpose = Authentication
		}
		if life != 0 {
			terms.Expires = testTime.Add(time.Duration(life%1e9) * time.Second)
		}
		signed, err := Sign(testSigner(1), JCS, document, terms)
		if err != nil {
			return
		}
		if want := signedLong(t, document, terms); !bytes.Equal(signed, want) {
			t.Errorf("signed\n%s, want\n%s", signed, want)
		}
		if _, err := Open(signed, suites, Expect{terms.Purpose, challenge, domain}, credentials.ResolveDIDKey); err != nil {
			t.Errorf("signed %s: %v", signed, err)
		}
	})
}
