package credentials

import (
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials/credentialstest"
)

// canonicalOf is JSON in the only spelling that is read.
func canonicalOf(t testing.TB, b []byte) string {
	t.Helper()
	c, err := canonicalize(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(c)
}

// Every field of a token, changed, taken away, of another type, or one added: by
// whoever holds no key it is a broken signature, by a stranger with an own key
// another issuer's, and what of the envelope the board itself leaves out it has
// not issued.
func TestJudgeEveryField(t *testing.T) {
	p := testPolicy(t)
	token := testToken(t, testKey(1))
	parts := strings.Split(token, ".")
	n := credentialstest.EachChange(t, []byte(payloadOf(t, token)), func(c credentialstest.Change, edited []byte) {
		payload := canonicalOf(t, edited)
		byNobody := parts[0] + "." + b64.EncodeToString([]byte(payload)) + "." + parts[2]
		if _, v := Judge[License](byNobody, KindLicense, p); v.Outcome != Bad || v.Check != CheckSignature {
			t.Errorf("%+v: %+v, want bad by signature", c, v)
		}
		if _, v := Judge[License](forge(testKey(2), goodHeader(testKey(2)), payload), KindLicense, p); v.Outcome != Bad {
			t.Errorf("%+v, signed by a stranger: %+v", c, v)
		}
		got, v := Judge[License](forge(testKey(1), goodHeader(testKey(1)), payload), KindLicense, p)
		own := slices.Contains([]string{"/id", "/validFrom", "/salt"}, c.Path) || strings.HasPrefix(c.Path, "/credentialStatus/") &&
			(strings.HasSuffix(c.Path, "/statusListIndex") || strings.HasSuffix(c.Path, "/message"))
		if v.IsGood() && (got.Subject.Equal(testLicense()) && !own || c.What == "another type" || c.What == "added") {
			t.Errorf("%+v by the board itself: it makes no difference", c)
		}
		if envelope := !strings.HasPrefix(c.Path, "/credentialSubject/"); envelope && c.What == "taken away" && v.IsGood() {
			t.Errorf("%+v by the board itself: good", c)
		}
	})
	if n < 75 {
		t.Errorf("%d changes only", n)
	}
}

// Every member of the header; signed by the board's key all the same.
func TestJudgeEveryHeaderField(t *testing.T) {
	p := testPolicy(t)
	payload := payloadOf(t, testToken(t, testKey(1)))
	credentialstest.EachChange(t, []byte(goodHeader(testKey(1))), func(c credentialstest.Change, edited []byte) {
		want := CheckHeader
		switch {
		case c.Path == "/alg" && c.What == "changed":
			want = CheckAlgorithm
		case c.Path == "/kid" && c.What == "changed":
			want = CheckKey
		}
		_, v := Judge[License](forge(testKey(1), canonicalOf(t, edited), payload), KindLicense, p)
		if v.IsGood() || v.Check != want {
			t.Errorf("%+v: %+v, want %s to fail", c, v, want)
		}
	})
}

// The same of a presentation: by nobody, and by its holder, who has no say in
// whose it is, for whom it was made, or what stands beside the credentials.
func TestJudgeEveryFieldPresented(t *testing.T) {
	vp := testPresentation(t, 2)
	parts := strings.Split(vp, ".")
	head := strings.Replace(goodHeader(testKey(2)), typCredential, typPresentation, 1)
	if _, v := JudgePresentation(forge(testKey(2), head, payloadOf(t, vp)), presentationPolicy(), judgeLicense); !v.IsGood() {
		t.Fatalf("unchanged: %+v", v)
	}
	credentialstest.EachChange(t, []byte(payloadOf(t, vp)), func(c credentialstest.Change, edited []byte) {
		payload := canonicalOf(t, edited)
		for who, token := range map[string]string{
			"nobody": parts[0] + "." + b64.EncodeToString([]byte(payload)) + "." + parts[2], "its holder": forge(testKey(2), head, payload),
		} {
			own := who == "its holder" && c.Path == "/iat" && c.What == "changed"
			if _, v := JudgePresentation(token, presentationPolicy(), judgeLicense); v.IsGood() != own {
				t.Errorf("%+v by %s: %+v", c, who, v)
			}
		}
	})
	credentialstest.EachChange(t, []byte(head), func(c credentialstest.Change, edited []byte) {
		if _, v := JudgePresentation(forge(testKey(2), canonicalOf(t, edited), payloadOf(t, vp)), presentationPolicy(), judgeLicense); v.IsGood() {
			t.Errorf("header, %+v: good", c)
		}
	})
}

// And of a request: nobody else's edit counts, and its signer cannot make it
// last longer or have it mean another request than the one that came.
func TestVerifyRequestEveryField(t *testing.T) {
	s := NewSigner("", testKey(1))
	token, err := SignRequest(s, "GET", "/a", "a.test", []byte("{}"), handle(1), testTime)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(token string) error {
		_, err := VerifyRequest(token, "GET", "/a", "a.test", []byte("{}"), testTime, ResolveDIDKey)
		return err
	}
	if err := verify(token); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	head := strings.Replace(goodHeader(testKey(1)), typCredential, typRequest, 1)
	credentialstest.EachChange(t, []byte(payloadOf(t, token)), func(c credentialstest.Change, edited []byte) {
		if verify(parts[0]+"."+b64.EncodeToString(edited)+"."+parts[2]) == nil {
			t.Errorf("%+v by nobody: accepted", c)
		}
		own := c.Path == "/iat" && c.What == "changed" // a second later, so that it lives shorter
		if err := verify(forge(testKey(1), head, canonicalOf(t, edited))); (err == nil) != own {
			t.Errorf("%+v by its signer: %v", c, err)
		}
	})
	credentialstest.EachChange(t, []byte(head), func(c credentialstest.Change, edited []byte) {
		if verify(forge(testKey(1), canonicalOf(t, edited), payloadOf(t, token))) == nil {
			t.Errorf("header, %+v: accepted", c)
		}
	})
}
