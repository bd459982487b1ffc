package claims

import (
	"crypto/ed25519"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

func keyOf(seed byte) credentials.Signer {
	return credentials.NewSigner("", ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize))))
}

func didOf(s credentials.Signer) credentials.DID {
	d, err := credentials.SignerDID(s)
	if err != nil {
		panic(err)
	}
	return d
}

func when(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

const insurer = credentials.DID("did:web:insurer.example")

// aSignature is upon content, by a key that is bound to license 7.
func aSignature() (ClinicianSignature, SignatureCase) {
	content := credentials.DigestOf([]byte("content"))
	l := &credentials.License{Holder: didOf(keyOf('a')), Handle: credentials.Handle{7}, NPI: drA, Jurisdiction: "IL", Profession: "MD",
		From: "2020-01-01", Until: "2026-12-31"}
	return ClinicianSignature{Handle: credentials.Handle{8}, License: l.Handle, Insurer: insurer, Content: content},
		SignatureCase{Insurer: insurer, Content: content, Received: when("2026-02-10T12:00:00Z"), License: l}
}

const signedAt, signedUntil = "2026-02-03T12:00:00Z", "2026-03-03T12:00:00Z"

// A key of which only others could know is no clinician's: the answer is no, and
// nothing waits for them.
func TestSignatureOfNoDIDKey(t *testing.T) {
	s, held := aSignature()
	for _, did := range []credentials.DID{didOf(keyOf('a')), "did:web:clinician.example"} {
		kid := credentials.NextKeyID(did, ed25519.NewKeyFromSeed([]byte(strings.Repeat("b", ed25519.SeedSize))).Public().(ed25519.PublicKey))
		signer := credentials.NewSigner(kid, ed25519.NewKeyFromSeed([]byte(strings.Repeat("b", ed25519.SeedSize))))
		token, err := credentials.IssueUntil(signer, credentials.KindClinicianSignature, s.Handle, when(signedAt), when(signedUntil), s)
		if err != nil {
			t.Fatal(err)
		}
		for name, judge := range map[string]func(string) (*credentials.Credential[ClinicianSignature], credentials.Verdict){"at the door": held.Intake, "in the books": held.Judge} {
			if _, v := judge(token); v.Outcome != credentials.Bad || v.Check != credentials.CheckKey {
				t.Errorf("%s, %s: %+v, want it bad", did, name, v)
			}
		}
	}
}

func TestJudgeSignature(t *testing.T) {
	bind := func(n byte, from string, holder credentials.DID) credentials.Order {
		return credentials.Order{Handle: credentials.Handle{n}, License: credentials.Handle{7}, Action: credentials.OrderBind, Effective: when(from), Reason: "R", Holder: holder}
	}
	void := func(n byte, o credentials.Order) credentials.Order {
		return credentials.Order{Handle: credentials.Handle{n}, License: credentials.Handle{7}, Action: credentials.OrderVoid, Effective: o.Effective, Reason: "R", Upon: []credentials.Handle{o.Handle}}
	}
	other := didOf(keyOf('b'))
	late := bind(11, "2026-02-11T00:00:00Z", other)
	for _, tt := range []struct {
		name   string
		change func(*ClinicianSignature, *SignatureCase)
		signer byte
		want   string // outcome, check and part of why
		intake string // "" where a door finds it good
	}{
		{"as signed", nil, 'a', "good", ""},
		{"the last second", func(_ *ClinicianSignature, c *SignatureCase) { c.Received = when(signedUntil) }, 'a', "good", ""},
		{"for another insurer", func(s *ClinicianSignature, _ *SignatureCase) { s.Insurer = "did:web:other.example" }, 'a', "bad binding another insurer", "bad binding"},
		{"no insurer asks", func(_ *ClinicianSignature, c *SignatureCase) { c.Insurer = "" }, 'a', "bad binding another insurer", "bad binding"},
		{"upon something else", func(_ *ClinicianSignature, c *SignatureCase) { c.Content[0]++ }, 'a', "bad binding something else", "bad binding"},
		{"no insurer, and none asks", func(s *ClinicianSignature, c *SignatureCase) { s.Insurer, c.Insurer = "", "" }, 'a', "bad binding another insurer", "bad binding"},
		{"upon nothing", func(s *ClinicianSignature, c *SignatureCase) {
			s.Content, c.Content = credentials.Digest{}, credentials.Digest{}
		}, 'a', "bad binding something else", "bad binding"},
		{"under no license", func(s *ClinicianSignature, c *SignatureCase) {
			s.License, c.License.Handle = credentials.Handle{}, credentials.Handle{}
		}, 'a', "bad content names no license", "bad content"},
		{"another handle inside", func(s *ClinicianSignature, _ *SignatureCase) { s.Handle[0]++ }, 'a', "bad content another handle", "bad content"},
		{"signed after it came in", func(_ *ClinicianSignature, c *SignatureCase) { c.Received = when("2026-02-03T11:58:59Z") }, 'a', "bad dates valid from", "bad dates"},
		{"clocks that differ by a minute", func(_ *ClinicianSignature, c *SignatureCase) { c.Received = when("2026-02-03T11:59:00Z") }, 'a', "good", ""},
		{"past its last day", func(_ *ClinicianSignature, c *SignatureCase) { c.Received = when("2026-03-03T12:01:01Z") }, 'a', "bad dates valid until", "bad dates"},
		{"no time given", func(_ *ClinicianSignature, c *SignatureCase) { c.Received = time.Time{} }, 'a', "unknown dates", "unknown dates"},

		{"by another's key", nil, 'b', "bad issuer not bound", ""},
		{"a license without a key", func(_ *ClinicianSignature, c *SignatureCase) { c.License.Holder = "" }, 'a', "bad issuer not bound", ""},
		{"a license that was not heard of", func(_ *ClinicianSignature, c *SignatureCase) { c.License = nil }, 'a', "unknown issuer not been heard of", ""},
		{"another license", func(_ *ClinicianSignature, c *SignatureCase) { c.License.Handle[0]++ }, 'a', "unknown issuer not been heard of", ""},
		{"by the key that came later", func(_ *ClinicianSignature, c *SignatureCase) {
			c.Orders = []credentials.Order{bind(11, "2026-02-01T00:00:00Z", other)}
		}, 'b', "good", ""},
		{"by the key that was before", func(_ *ClinicianSignature, c *SignatureCase) {
			c.Orders = []credentials.Order{bind(11, "2026-02-01T00:00:00Z", other)}
		}, 'a', "bad issuer not bound", ""},
		{"by a key before its time", func(_ *ClinicianSignature, c *SignatureCase) {
			c.Orders = []credentials.Order{bind(11, "2026-02-04T00:00:00Z", other)}
		}, 'b', "bad issuer not bound", ""},
		{"replaced before it came in", func(_ *ClinicianSignature, c *SignatureCase) {
			c.Orders = []credentials.Order{bind(11, "2026-02-04T00:00:00Z", other)}
		}, 'a', "bad issuer replaced before it came in", ""},
		{"lost before it came in", func(_ *ClinicianSignature, c *SignatureCase) {
			c.Orders = []credentials.Order{bind(11, "2026-02-04T00:00:00Z", "")}
		}, 'a', "bad issuer replaced before it came in", ""},
		{"replaced after it came in", func(_ *ClinicianSignature, c *SignatureCase) { c.Orders = []credentials.Order{late} }, 'a', "good", ""},
		{"replaced in error", func(_ *ClinicianSignature, c *SignatureCase) {
			o := bind(11, "2026-02-01T00:00:00Z", other)
			c.Orders = []credentials.Order{o, void(12, o)}
		}, 'a', "good", ""},
		{"orders that do not fit", func(_ *ClinicianSignature, c *SignatureCase) { c.Orders = []credentials.Order{void(12, late)} }, 'a', "unknown issuer do not fit", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, held := aSignature()
			h := s.Handle
			if tt.change != nil {
				tt.change(&s, &held)
			}
			token, err := credentials.IssueUntil(keyOf(tt.signer), credentials.KindClinicianSignature, h, when(signedAt), when(signedUntil), s)
			if err != nil {
				t.Fatal(err)
			}
			check := func(what string, v credentials.Verdict, want string) {
				if want == "" {
					want = "good"
				}
				got := strings.TrimSpace(fmt.Sprintf("%s %s %s", v.Outcome, v.Check, v.Why))
				words := strings.SplitN(want, " ", 3)
				if !strings.HasPrefix(got, strings.Join(words[:min(2, len(words))], " ")) || len(words) == 3 && !strings.Contains(got, words[2]) {
					t.Errorf("%s: got %q, want %q", what, got, want)
				}
			}
			_, v := held.Judge(token)
			check("judge", v, tt.want)
			_, v = held.Intake(token)
			check("intake", v, tt.intake)
		})
	}
}

// What is no signature at all has no fact, and gives nothing away.
func TestNoSignature(t *testing.T) {
	s, held := aSignature()
	token, err := s.Sign(keyOf('a'), when(signedAt), when(signedUntil))
	if err != nil {
		t.Fatal(err)
	}
	license, err := credentials.Issue(keyOf('a'), credentials.KindLicense, s.Handle, when(signedAt), nil, *held.License)
	if err != nil {
		t.Fatal(err)
	}
	named, err := credentials.Issue(credentials.NewSigner("did:web:clinic.example#1", ed25519.NewKeyFromSeed(make([]byte, 32))),
		credentials.KindClinicianSignature, s.Handle, when(signedAt), nil, s)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"nothing": "", "another kind": license, "a byte changed": token[:len(token)-2] + "A" + token[len(token)-1:], "a key that is no did:key": named,
		"a line break": token + "\n",
	} {
		doc, v := held.Intake(bad)
		if doc != nil || v.IsGood() {
			t.Errorf("%s: %+v, %v", name, doc, v)
		}
		if f, err := held.Fact(bad, StandingFact{}); err == nil {
			t.Errorf("%s: %+v", name, f)
		}
		if _, _, err := PeekSignature(bad); err == nil {
			t.Errorf("%s: peeked at", name)
		}
	}
	if l, at, err := PeekSignature(token); err != nil || l != s.License || !at.Equal(when(signedAt)) {
		t.Errorf("got %s, %s, %v", l, at, err)
	}
	for name, change := range map[string]func(*ClinicianSignature){
		"no license": func(s *ClinicianSignature) { s.License = credentials.Handle{} },
		"no content": func(s *ClinicianSignature) { s.Content = credentials.Digest{} },
		"no insurer": func(s *ClinicianSignature) { s.Insurer = "" },
	} {
		s := s
		change(&s)
		if _, err := s.Sign(keyOf('a'), when(signedAt), when(signedUntil)); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	if _, err := s.Sign(credentials.NewSigner("did:web:clinic.example#1", ed25519.NewKeyFromSeed(make([]byte, 32))), when(signedAt), when(signedUntil)); err == nil {
		t.Error("signed with a key that is no did:key")
	}
}

// The standing of the very license is asked for on the day of signing; another
// license of the same clinician does not help.
func TestSignatureFact(t *testing.T) {
	s, held := aSignature()
	token, err := s.Sign(keyOf('a'), when(signedAt), when(signedUntil))
	if err != nil {
		t.Fatal(err)
	}
	standing := StandingFact{NPI: drA, State: "IL", On: "2026-02-03", Standing: licensed, Fresh: true}
	order := func(a credentials.OrderAction, from string) credentials.Order {
		o := credentials.Order{Handle: credentials.Handle{21}, License: held.License.Handle, Action: a, Effective: when(from), Reason: "R"}
		if a == credentials.OrderRestrict {
			o.Restrictions = []string{"NO-SURGERY"}
		}
		return o
	}
	for _, tt := range []struct {
		name   string
		change func(*SignatureCase, *StandingFact)
		want   credentials.Standing
	}{
		{"licensed", nil, licensed},
		{"revoked the day after", func(c *SignatureCase, _ *StandingFact) {
			c.Orders = []credentials.Order{order(credentials.OrderRevoke, "2026-02-04T00:00:00Z")}
		}, licensed},
		{"revoked that day", func(c *SignatureCase, _ *StandingFact) {
			c.Orders = []credentials.Order{order(credentials.OrderRevoke, "2026-02-03T23:00:00Z")}
		}, credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}},
		{"restricted", func(c *SignatureCase, _ *StandingFact) {
			c.Orders = []credentials.Order{order(credentials.OrderRestrict, "2026-01-03T23:00:00Z")}
		}, credentials.Standing{Answer: credentials.MayRestricted, Reason: credentials.ReasonRestricted, Restrictions: "NO-SURGERY"}},
		{"expired", func(c *SignatureCase, _ *StandingFact) { c.License.Until = "2026-02-02" }, credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonExpired}},
		{"not yet", func(c *SignatureCase, _ *StandingFact) { c.License.From = "2026-02-04" }, credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonNotYet}},
		{"a stale feed", func(_ *SignatureCase, f *StandingFact) { f.Fresh = false }, credentials.Standing{Answer: credentials.Unknown, Reason: credentials.ReasonStale}},
		{"not heard of", func(c *SignatureCase, _ *StandingFact) { c.License = nil }, credentials.Standing{Answer: credentials.Unknown, Reason: credentials.ReasonNoLicense}},
	} {
		_, held := aSignature()
		standing := standing
		if tt.change != nil {
			tt.change(&held, &standing)
		}
		f, err := held.Fact(token, standing)
		if err != nil || f.Under != tt.want || f.Handle != s.Handle || f.License != s.License || !f.Signed.Equal(when(signedAt)) || !f.Received.Equal(held.Received) {
			t.Errorf("%s: %+v, %v; want %v", tt.name, f, err, tt.want)
		}
		if (f.Profession == "MD") != (held.License != nil) {
			t.Errorf("%s: profession %q", tt.name, f.Profession)
		}
	}
}

// clinical says of every member of what is submitted whether a clinician signs
// it. A new member comes in here.
var clinical = map[string]bool{
	"Claim.Number": false, "Claim.Frequency": false, "Claim.OriginalReference": false, "Claim.Charge": false, "Claim.Place": true, "Claim.Payer": false,
	"Claim.Billing": false, "Claim.Rendering": true, "Claim.Subscriber": true, "Claim.Patient": true, "Claim.Diagnoses": true, "Claim.Authorization": false,
	"Claim.ServiceState": true, "Claim.Lines": true, "Claim.DelayReason": false,
	"Line.Number": true, "Line.Code": true, "Line.Modifiers": true, "Line.Charge": false, "Line.Unit": true, "Line.Units": true, "Line.Place": true,
	"Line.Pointers": true, "Line.From": true, "Line.To": true, "Line.Rendering": true, "Line.Authorization": false, "Line.Control": false,
	"Claim.Institutional": true, "Line.Revenue": true, "Line.NonCovered": false,
	"AuthorizationRequest.Number": false, "AuthorizationRequest.Requester": false, "AuthorizationRequest.Clinician": true, "AuthorizationRequest.Ordering": true, "AuthorizationRequest.Patient": true,
	"AuthorizationRequest.Payer": false, "AuthorizationRequest.State": true, "AuthorizationRequest.Diagnoses": true, "AuthorizationRequest.Items": true,
	"RequestItem.Sequence": true, "RequestItem.Code": true, "RequestItem.Modifiers": true, "RequestItem.Units": true, "RequestItem.From": true, "RequestItem.Until": true,
	"Person.MemberID": true, "Person.Last": true, "Person.First": true, "Person.Middle": true, "Person.Birth": true, "Person.Sex": true,
	"Person.Relationship": true, "Person.Address": false,
}

// Whatever is moved that a clinician answers for, the digest is another one; and
// what they do not answer for leaves it as it was.
func TestMovedContent(t *testing.T) {
	rendering := Provider{NPI: "1003000126"}
	claim := Claim{Number: "C", Frequency: Original, Charge: 100, Place: "11", Payer: Payer{"P", "P"}, Billing: Provider{NPI: drA, Organization: true}, Rendering: &rendering,
		Subscriber: Person{MemberID: "M1", Last: "A", First: "B", Middle: "C", Birth: "1980-01-01", Sex: "F", Relationship: "18"},
		Patient:    &Person{MemberID: "M2", Last: "A", First: "D", Middle: "E", Birth: "2010-01-01", Sex: "M", Relationship: "19"},
		Diagnoses:  []string{"J069"}, ServiceState: "IL",
		Lines: []Line{{Number: 1, Code: "97110", Modifiers: []string{"GP"}, Charge: 100, Unit: "UN", Units: 4000, Place: "12", Pointers: []int{1}, From: "2026-03-01", To: "2026-03-02", Rendering: &rendering},
			{Number: 2, Code: "97112", Units: 1000, Unit: "UN", From: "2026-03-01", To: "2026-03-01"}}}
	request := AuthorizationRequest{Number: "A", Requester: Provider{NPI: drA}, Clinician: rendering, Ordering: &Provider{NPI: "1000000004"}, Patient: claim.Subscriber, Payer: claim.Payer, State: "IL", Diagnoses: []string{"J069"},
		Items: []RequestItem{{Sequence: 1, Code: "97110", Modifiers: []string{"GP"}, Units: 4000, From: "2026-03-01", Until: "2026-03-02"}}}
	claims, requests := func() *Claim { return deep(t, claim) }, func() *AuthorizationRequest { return deep(t, request) }
	line := func(c *Claim) any { return &c.Lines[0] }
	var tried []string
	try := func(name string, of func(c *Claim, r *AuthorizationRequest) any) {
		c, r := claims(), requests()
		target := reflect.ValueOf(of(c, r)).Elem()
		for i := range target.NumField() {
			field := target.Type().Name() + "." + target.Type().Field(i).Name
			if field == "Claim.Lines" || field == "AuthorizationRequest.Items" || field == "Claim.Rendering" {
				continue // each of their members is tried
			}
			if name == "subscriber" && field != "Person.MemberID" {
				continue // of a dependent's subscriber the member id says who it is
			}
			c, r := claims(), requests()
			move(reflect.ValueOf(of(c, r)).Elem().Field(i))
			want, known := clinical[field]
			before, after := digests(t, claims(), requests()), digests(t, c, r)
			if moved := before != after; !known || moved != want {
				t.Errorf("%s of the %s: the digest moved %v, want %v (known %v)", field, name, moved, want, known)
			}
			tried = append(tried, field)
		}
	}
	try("claim", func(c *Claim, _ *AuthorizationRequest) any { return c })
	try("line", func(c *Claim, _ *AuthorizationRequest) any { return line(c) })
	try("patient", func(c *Claim, _ *AuthorizationRequest) any { return c.Patient })
	try("subscriber", func(c *Claim, _ *AuthorizationRequest) any { return &c.Subscriber })
	try("request", func(_ *Claim, r *AuthorizationRequest) any { return r })
	try("item", func(_ *Claim, r *AuthorizationRequest) any { return &r.Items[0] })
	try("requested patient", func(_ *Claim, r *AuthorizationRequest) any { return &r.Patient })
	for field := range clinical {
		if !strings.Contains(strings.Join(tried, " ")+" Claim.Lines AuthorizationRequest.Items Claim.Rendering ", field+" ") {
			t.Errorf("%s was not tried", field)
		}
	}
	more := claims()
	more.Lines = append(more.Lines, more.Lines[0])
	if digests(t, more, requests()) == digests(t, claims(), requests()) {
		t.Error("a line more: the same digest")
	}
	c, err := claims().ClinicalContent()
	if err != nil {
		t.Fatal(err)
	}
	if r, err := requests().ClinicalContent(); err != nil || c == r {
		t.Errorf("a request passes for a claim: %v", err)
	}
}

func digests(t *testing.T, c *Claim, r *AuthorizationRequest) [2]credentials.Digest {
	t.Helper()
	a, err := c.ClinicalContent()
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.ClinicalContent()
	if err != nil {
		t.Fatal(err)
	}
	return [2]credentials.Digest{a, b}
}

func deep[T any](t *testing.T, v T) *T {
	t.Helper()
	b, err := credentials.CanonicalJSON(v)
	if err != nil {
		t.Fatal(err)
	}
	out := new(T)
	if err := credentials.DecodeStrict(b, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// move changes a value a little.
func move(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "1")
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Slice:
		v.Set(reflect.Append(v, v.Index(0)))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct:
		for i := range v.NumField() {
			move(v.Field(i))
		}
	default:
		panic(v.Kind().String())
	}
}

// What clinicians sign is the same in every release: a signature that lies in a
// drawer holds next month.
func TestClinicalContentIsGolden(t *testing.T) {
	r, _ := aRequest(goldPlan(t), "97110", 8000)
	c, _ := aCase(goldPlan(t), aLine{"97110", 4000, 3000, 1000, "2025-06-02"})
	got := digests(t, c, r)
	want := [2]string{"da19cd97dd9037c5d99088472c827ca09f8f5b82d1a2e01c7eb272c24d8811ef", "7f0e7d499b6eb88a0685f4809f05580e45fc8d5889cd29e259f02719327d3721"}
	for i, d := range got {
		if d.String() != want[i] {
			t.Errorf("%d: got %s, want %s", i, d, want[i])
		}
	}
}
