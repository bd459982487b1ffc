//go:build interop && linux

package npm

import (
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

const (
	requestType  = "countersign-request+jwt"
	keyProofType = "countersign-key-proof+jwt"
)

// What signs a request, and what proves a key to a board, can be made and read
// with any JOSE library.
func TestRequests(t *testing.T) {
	body, id, n := []byte(`{"a":1}`), credentials.Handle{5}, 0
	for _, p := range []party{clinician, p256Party(5)} {
		what := string(p.Algorithm())
		ours, err := credentials.SignRequest(p, "POST", "/claims?x=1", domain, body, id, now)
		if err != nil {
			t.Fatal(err)
		}
		q := verifyToken(ours, requestType)
		q["audience"] = domain
		got := accepted(t, what+", ours", "verifyToken", q)
		if !strings.Contains(got.Payload, `"htm":"POST"`) {
			t.Errorf("%s: jose read %s", what, got.Payload)
		}
		q["now"] = now.Add(2 * time.Minute)
		refused(t, what+", ours, late", []string{`"exp"`}, "verifyToken", q)

		verify := func(token string, body []byte) error {
			_, err := credentials.VerifyRequest(token, "POST", "/claims?x=1", domain, body, now, credentials.ResolveDIDKey)
			return err
		}
		payload := payloadOf(t, ours)
		theirs := signedBy(t, p, requestType, payload)
		if err := verify(theirs, body); err != nil {
			t.Errorf("%s, theirs: %v", what, err)
		}
		if verify(theirs, []byte(`{"a":2}`)) == nil {
			t.Errorf("%s, theirs, for another body: accepted", what)
		}
		if verify(signedBy(t, thief, requestType, payload), body) == nil {
			t.Errorf("%s, theirs, by another than its issuer: accepted", what)
		}
		for _, c := range changes(t, payload) {
			refused(t, what+" ours "+c.at+" "+c.what, []string{noSignature}, "verifyToken", verifyToken(withPayload(ours, c.text), requestType))
			if verify(withPayload(theirs, c.text), body) == nil {
				t.Errorf("%s, theirs %s %s: accepted", what, c.at, c.what)
			}
			n++
		}
	}
	say(t, "requests signed under both algorithms hold both ways with jose, for one body and for a minute, and %d changed ones on neither side", n)
}

// A clinician's proof of a key, which OpenID4VCI's wallets make as a JWT.
func TestKeyProofs(t *testing.T) {
	n := 0
	for _, p := range []party{clinician, p256Party(5)} {
		what := string(p.Algorithm())
		ours, err := credentials.ProveKey(p, board.did(), "1234567893", credentials.Handle{5}, now)
		if err != nil {
			t.Fatal(err)
		}
		q := verifyToken(ours, keyProofType)
		q["audience"] = board.did()
		accepted(t, what+", ours", "verifyToken", q)
		payload := payloadOf(t, ours)
		theirs := signedBy(t, p, keyProofType, payload)
		if got, err := credentials.OpenKeyProof(theirs, board.did()); err != nil || got.Holder != p.did() {
			t.Errorf("%s, theirs: %+v, %v", what, got, err)
		}
		if _, err := credentials.OpenKeyProof(signedBy(t, thief, keyProofType, payload), board.did()); err == nil {
			t.Errorf("%s, theirs, by another than it says: accepted", what)
		}
		for _, c := range changes(t, payload) {
			refused(t, what+" ours "+c.at+" "+c.what, []string{noSignature}, "verifyToken", verifyToken(withPayload(ours, c.text), keyProofType))
			if _, err := credentials.OpenKeyProof(withPayload(theirs, c.text), board.did()); err == nil {
				t.Errorf("%s, theirs %s %s: accepted", what, c.at, c.what)
			}
			n++
		}
	}
	say(t, "proofs of a clinician's key hold both ways with jose, and %d changed ones on neither side", n)
}
