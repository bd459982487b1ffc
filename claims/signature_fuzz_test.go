package claims

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// Whatever is put into a signature, nothing of it but what the clinician signed is
// good, and what is good for a case is upon its very content.
func FuzzJudgeSignature(f *testing.F) {
	s, held := aSignature()
	good, err := s.Sign(keyOf('a'), when(signedAt), when(signedUntil))
	if err != nil {
		f.Fatal(err)
	}
	s.Content[0]++
	moved, err := s.Sign(keyOf('a'), when(signedAt), when(signedUntil))
	if err != nil {
		f.Fatal(err)
	}
	for _, token := range []string{good, moved, good + ".", strings.Replace(good, ".", "..", 1), good[:len(good)/2], "", "..", "e30.e30.e30"} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		doc, v := held.Judge(token)
		if v.IsGood() != (token == good) {
			t.Errorf("%q: %v", token, v)
		}
		if v.IsGood() && (doc.Subject.Content != held.Content || doc.Issuer != held.License.Holder) {
			t.Errorf("good: %+v", doc)
		}
		if v.Outcome == credentials.NotKnown && token != good {
			t.Errorf("%q leaves it open: %v", token, v)
		}
		if strings.ContainsAny(v.Why, "\n\r") {
			t.Errorf("%q is not one line", v.Why)
		}
	})
}
