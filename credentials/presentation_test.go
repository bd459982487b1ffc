package credentials

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func presentationPolicy() Policy {
	return Policy{Now: testTime.Add(time.Minute), Leeway: 30 * time.Second, Keys: ResolveDIDKey,
		Presented: &Presentation{Challenge: "challenge-1", Domain: "insurer.test"}}
}

// judgeLicense opens the credentials within; it knows that holder 2 is whom they are about.
func judgeLicense(token string, holder DID) Verdict {
	if holder != KeyDID(pubOf(testKey(2))) {
		return VerdictOf(Refuse(CheckBinding, "it is about somebody else"))
	}
	_, v := Judge[License](token, KindLicense, Policy{Now: testTime, Keys: ResolveDIDKey, Status: StatusElsewhere,
		Issuer: func(DID, Kind, string) error { return nil }})
	return v
}

func testPresentation(t testing.TB, seed byte) string {
	t.Helper()
	vp, err := Present(NewSigner("", testKey(seed)), []string{testToken(t, testKey(1))}, "challenge-1", "insurer.test", testTime)
	if err != nil {
		t.Fatal(err)
	}
	return vp
}

func TestJudgePresentation(t *testing.T) {
	vp := testPresentation(t, 2)
	holder := KeyDID(pubOf(testKey(2)))
	for _, tt := range []struct {
		name string
		edit func(*Policy)
		want Check
	}{
		{"good", func(*Policy) {}, ""},
		{"this holder", func(p *Policy) { p.Presented.Holder = holder }, ""},
		{"another holder", func(p *Policy) { p.Presented.Holder = KeyDID(pubOf(testKey(3))) }, CheckBinding},
		{"another challenge", func(p *Policy) { p.Presented.Challenge = "challenge-2" }, CheckBinding},
		{"another domain", func(p *Policy) { p.Presented.Domain = "other.test" }, CheckBinding},
		{"no challenge", func(p *Policy) { p.Presented.Challenge = "" }, CheckBinding},
		{"no domain", func(p *Policy) { p.Presented.Domain = "" }, CheckBinding},
		{"nothing to hold it against", func(p *Policy) { p.Presented = nil }, CheckBinding},
		{"no time", func(p *Policy) { p.Now = time.Time{} }, CheckDates},
		{"leeway backwards", func(p *Policy) { p.Leeway = -time.Second }, CheckDates},
		{"just in time", func(p *Policy) { p.Now = testTime.Add(presentationLife + 30*time.Second) }, ""},
		{"old", func(p *Policy) { p.Now = testTime.Add(presentationLife + 31*time.Second) }, CheckBinding},
		{"from the future", func(p *Policy) { p.Now = testTime.Add(-31 * time.Second) }, CheckBinding},
		{"no keys", func(p *Policy) { p.Keys = nil }, CheckKey},
		{"key handed over", func(p *Policy) {
			p.Keys = func(kid string) (Key, error) {
				k, err := ResolveDIDKey(kid)
				k.Until = 5
				return k, err
			}
		}, CheckPeriod},
	} {
		p := presentationPolicy()
		tt.edit(&p)
		got, v := JudgePresentation(vp, p, judgeLicense)
		if v.Check != tt.want || v.IsGood() != (tt.want == "") || v.IsGood() && got != holder {
			t.Errorf("%s: %q, %+v, want %q", tt.name, got, v, tt.want)
		}
	}
}

// One credential that does not hold spoils the rest, and silence is no yes.
func TestJudgePresentationWithin(t *testing.T) {
	other, err := Issue(NewSigner("", testKey(1)), KindLicense, handle(8), testTime, nil, testLicense())
	if err != nil {
		t.Fatal(err)
	}
	vp, err := Present(NewSigner("", testKey(2)), []string{testToken(t, testKey(1)), other}, "challenge-1", "insurer.test", testTime)
	if err != nil {
		t.Fatal(err)
	}
	bad, unknown, good := VerdictOf(Refuse(CheckStatus, "x")), VerdictOf(Lack(CheckStatus, "x")), Verdict{Outcome: Good}
	for _, tt := range []struct {
		answers []Verdict
		want    Outcome
	}{
		{[]Verdict{good, good}, Good}, {[]Verdict{good, bad}, Bad}, {[]Verdict{unknown, bad}, Bad}, {[]Verdict{bad, good}, Bad},
		{[]Verdict{unknown, good}, NotKnown}, {[]Verdict{good, unknown}, NotKnown}, {[]Verdict{good, {}}, NotKnown},
	} {
		asked := 0
		_, v := JudgePresentation(vp, presentationPolicy(), func(string, DID) Verdict {
			asked++
			return tt.answers[asked-1]
		})
		if v.Outcome != tt.want {
			t.Errorf("%v: %+v", tt.answers, v)
		}
	}
	if _, v := JudgePresentation(testPresentation(t, 3), presentationPolicy(), judgeLicense); v.Check != CheckBinding {
		t.Errorf("somebody else's license: %+v", v)
	}
	vp, err = Present(NewSigner("", testKey(2)), []string{testToken(t, testKey(1)) + "A"}, "challenge-1", "insurer.test", testTime)
	if err != nil {
		t.Fatal(err)
	}
	if _, v := JudgePresentation(vp, presentationPolicy(), judgeLicense); v.Outcome != Bad {
		t.Errorf("a credential that was tampered with: %+v", v)
	}
}

func TestPresentationRefused(t *testing.T) {
	vp := testPresentation(t, 2)
	payload := payloadOf(t, vp)
	head := strings.Replace(goodHeader(testKey(2)), "vc+jwt", "vp+jwt", 1)
	did := string(KeyDID(pubOf(testKey(2))))
	one := payload[strings.Index(payload, `{"@context":"https`):strings.LastIndex(payload, `]`)]
	var many []string // each another one
	for i := range maxPresented + 1 {
		many = append(many, strings.Replace(one, "application/vc+jwt,", fmt.Sprintf("application/vc+jwt,%d", i), 1))
	}
	edit := func(from, to string) string {
		if !strings.Contains(payload, from) {
			t.Fatalf("nothing to edit: %q", from)
		}
		return forge(testKey(2), head, strings.Replace(payload, from, to, 1))
	}
	for _, tt := range []struct {
		name, token string
		want        Check
	}{
		{"good", vp, ""},
		{"forged the same", forge(testKey(2), head, payload), ""},
		{"signed by another", forge(testKey(3), head, payload), CheckSignature},
		{"another's key", forge(testKey(3), strings.Replace(goodHeader(testKey(3)), "vc+jwt", "vp+jwt", 1), payload), CheckBinding},
		{"alg none", forge(testKey(2), strings.Replace(head, "EdDSA", "none", 1), payload), CheckAlgorithm},
		{"a credential", testToken(t, testKey(1)), CheckHeader},
		{"as a credential", forge(testKey(2), goodHeader(testKey(2)), payload), CheckHeader},
		{"no holder", edit(`"holder":"`+did+`",`, ``), CheckContent},
		{"holder of another", edit(`"holder":"`+did, `"holder":"did:web:x.test`), CheckBinding},
		{"no challenge", edit(`"nonce":"challenge-1",`, ``), CheckContent},
		{"no domain", edit(`"aud":"insurer.test",`, ``), CheckContent},
		{"domains", edit(`"insurer.test"`, `["insurer.test"]`), CheckContent},
		{"no time", edit(fmt.Sprintf(`"iat":%d,`, testTime.Unix()), ``), CheckContent},
		{"no credentials", edit(one, ``), CheckContent},
		{"credential twice", edit(one, one+","+one), CheckContent},
		{"many credentials", edit(one, strings.Join(many, ",")), CheckContent},
		{"a bare token", edit(one, `"x"`), CheckContent},
		{"an unsigned credential", edit(`"type":"EnvelopedVerifiableCredential"`, `"type":"VerifiableCredential"`), CheckContent},
		{"another form", edit(`application/vc+jwt,`, `application/vc+sd-jwt,`), CheckContent},
		{"other context within", edit(`{"@context":"https://www.w3.org/ns/credentials/v2"`, `{"@context":"https://x.test"`), CheckContent},
		{"other context", edit(`["https://www.w3.org/ns/credentials/v2"]`, `["https://x.test"]`), CheckContent},
		{"other type", edit(`["VerifiablePresentation"]`, `["VerifiableCredential"]`), CheckKind},
		{"vp claim", edit(`"type":["`, `"tzz":{},"type":["`), CheckContent},
		{"case-folded", edit(`"nonce"`, `"Nonce"`), CheckContent},
		{"white space", edit(`"nonce":`, `"nonce": `), CheckCanonical},
		{"nothing", "", CheckForm},
	} {
		_, v := JudgePresentation(tt.token, presentationPolicy(), judgeLicense)
		if v.Check != tt.want || v.IsGood() != (tt.want == "") {
			t.Errorf("%s: %+v, want %q", tt.name, v, tt.want)
		}
	}
	for i := range vp {
		b := []byte(vp)
		b[i] ^= 1
		if _, v := JudgePresentation(string(b), presentationPolicy(), judgeLicense); v.IsGood() {
			t.Fatalf("byte %d: good", i)
		}
	}
}

func TestPresentRefuses(t *testing.T) {
	s, tokens := NewSigner("", testKey(2)), []string{testToken(t, testKey(1))}
	for name, f := range map[string]func() (string, error){
		"no challenge": func() (string, error) { return Present(s, tokens, "", "insurer.test", testTime) },
		"no domain":    func() (string, error) { return Present(s, tokens, "challenge-1", "", testTime) },
		"no time":      func() (string, error) { return Present(s, tokens, "challenge-1", "insurer.test", time.Time{}) },
		"no UTF-8":     func() (string, error) { return Present(s, tokens, "\xff", "insurer.test", testTime) },
		"nor here":     func() (string, error) { return Present(s, tokens, "challenge-1", "\xff", testTime) },
		"nothing":      func() (string, error) { return Present(s, nil, "challenge-1", "insurer.test", testTime) },
		"twice": func() (string, error) {
			return Present(s, append(tokens, tokens...), "challenge-1", "insurer.test", testTime)
		},
		"no key id": func() (string, error) {
			return Present(NewSigner("x", testKey(2)), tokens, "challenge-1", "insurer.test", testTime)
		},
	} {
		if vp, err := f(); err == nil {
			t.Errorf("%s: presented %s", name, vp)
		}
	}
}

// No presentation is good but the one that its holder signed.
func FuzzJudgePresentation(f *testing.F) {
	good := testPresentation(f, 2)
	f.Add(good)
	f.Add(testToken(f, testKey(1)))
	f.Fuzz(func(t *testing.T, token string) {
		if _, v := JudgePresentation(token, presentationPolicy(), judgeLicense); v.IsGood() && token != good {
			t.Errorf("good: %q", token)
		}
	})
}
