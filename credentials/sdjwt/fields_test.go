package sdjwt

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/credentialstest"
)

func judge(presentation string) credentials.Verdict {
	_, v := Judge(presentation, credentials.KindLicense, credentials.Policy{
		Now: testTime.Add(time.Minute), Keys: credentials.ResolveDIDKey, Status: credentials.StatusElsewhere,
		Presented: &credentials.Presentation{Challenge: challenge, Domain: domain},
		Issuer: func(who credentials.DID, _ credentials.Kind, jurisdiction string) error {
			if did, _ := credentials.SignerDID(testSigner(1)); who != did || jurisdiction != "MA" {
				return credentials.Refuse(credentials.CheckIssuer, "it may not")
			}
			return nil
		}})
	return v
}

func decoded(t testing.TB, segment string) []byte {
	t.Helper()
	b, err := b64.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// signedAs is a JWS over any header and payload.
func signedAs(t testing.TB, seed byte, head, payload []byte) string {
	t.Helper()
	input := b64.EncodeToString(head) + "." + b64.EncodeToString(payload)
	sig, err := testSigner(seed).Sign([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64.EncodeToString(sig)
}

// Every field of each part of a presentation. The issuer's header and payload,
// the disclosures, and the holder's header and payload: by nobody; the holder's
// by the holder, who has no say in for whom and of what it was made; the
// issuer's by the issuer, who has none in the form.
func TestJudgeEveryField(t *testing.T) {
	shown := testPresented(t, "/npi", "/name")
	if v := judge(shown); !v.IsGood() {
		t.Fatalf("unchanged: %+v", v)
	}
	p, err := cut(shown)
	if err != nil {
		t.Fatal(err)
	}
	token, kb := strings.Split(p.token, "."), strings.Split(p.binding, ".")
	changes := 0
	for _, segment := range slices.Concat(token[:2], p.disclosures, kb[:2]) {
		changes += credentialstest.EachChange(t, decoded(t, segment), func(c credentialstest.Change, edited []byte) {
			moved := strings.Replace(shown, segment, b64.EncodeToString([]byte(asJSON(t, fromJSON(t, string(edited))))), 1)
			if v := judge(moved); v.IsGood() { // a key that nobody knows leaves it open
				t.Errorf("%s: %+v by nobody: %+v", decoded(t, segment), c, v)
			}
		})
	}
	if changes < 100 {
		t.Errorf("%d changes only", changes)
	}
	for i := range 2 {
		credentialstest.EachChange(t, decoded(t, kb[i]), func(c credentialstest.Change, edited []byte) {
			parts := [][]byte{decoded(t, kb[0]), decoded(t, kb[1])}
			parts[i] = edited
			own := c == credentialstest.Change{Path: "/iat", What: "changed"} // a second later
			if v := judge(p.bound + signedAs(t, 2, parts[0], parts[1])); v.IsGood() != own {
				t.Errorf("%+v by the holder: %+v", c, v)
			}
		})
	}
	for i := range 2 {
		credentialstest.EachChange(t, decoded(t, token[i]), func(c credentialstest.Change, edited []byte) {
			parts := [][]byte{decoded(t, token[0]), decoded(t, token[1])}
			parts[i] = []byte(asJSON(t, fromJSON(t, string(edited))))
			again := bound(t, signedAs(t, 1, parts[0], parts[1])+strings.TrimPrefix(p.bound, p.token))
			// What it says of the subject and of the document's name is the issuer's; a digest for something else is a decoy.
			open := strings.HasPrefix(c.Path, "/credentialSubject/") || slices.Contains([]string{"/id", "/salt", "/validFrom"}, c.Path) ||
				strings.HasPrefix(c.Path, "/credentialStatus")
			if v := judge(again); v.IsGood() && (!open || c.What == "another type" && !strings.HasPrefix(c.Path, "/credentialSubject/")) {
				t.Errorf("%+v by the issuer: %+v", c, v)
			}
		})
	}
}

// What other checks stand behind as well, by itself.
func TestProveByItself(t *testing.T) {
	p, err := cut(testPresented(t, "/npi"))
	if err != nil {
		t.Fatal(err)
	}
	head := `{"alg":"EdDSA","kid":"` + testSigner(1).KeyID() + `","typ":"vc+sd-jwt"}`
	signed := func(payload string) string { return bound(t, signedAs(t, 1, []byte(head), []byte(payload))+"~") }
	for _, tt := range []struct {
		name, presentation string
		want               credentials.Check
	}{
		{"line break in the binding", p.bound + p.binding + "\n", credentials.CheckForm},
		{"line break within it", p.bound + p.binding[:20] + "\r\n" + p.binding[20:], credentials.CheckForm},
		{"payload null", signed(`null`), credentials.CheckContent},
		{"payload no JSON", signed(`{`), credentials.CheckContent},
		{"payload with a name twice", signed(`{"_sd_alg":"sha-256","_sd_alg":"sha-256"}`), credentials.CheckContent},
	} {
		if _, err := prove(tt.presentation); credentials.VerdictOf(err).Check != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	type tops = map[string]any
	for name, edit := range map[string]func(tops){
		"key with a line break": func(o tops) {
			k := o["cnf"].(tops)["jwk"].(tops)
			x := k["x"].(string)
			k["x"] = x[:20] + "\n" + x[20:]
		},
		"algorithm within an element": func(o tops) { o["credentialSubject"].(tops)["a"] = []any{tops{algName: hashName}} },
	} {
		if _, err := prove(made(t, edit)); credentials.VerdictOf(err).Check != credentials.CheckContent {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Only a license has to have a jurisdiction, but every subject is an object.
	order := made(t, func(o tops) {
		o["type"], o["credentialSubject"] = []string{"VerifiableCredential", "BoardOrder"}, nil
		o["credentialSchema"] = tops{"id": "urn:countersign:schema:BoardOrder:1", "type": "JsonSchema"}
	})
	if _, err := Prove(order, credentials.KindBoardOrder, credentials.ResolveDIDKey); credentials.VerdictOf(err).Check != credentials.CheckContent {
		t.Errorf("a credential about nothing: %v", err)
	}
}

// The walk has its own bound, whatever is made of what it gives.
func TestRevealBoundsNesting(t *testing.T) {
	value := any("x")
	for range maxLevels + 1 {
		value = map[string]any{"a": value}
	}
	if _, err := reveal(value, nil); err == nil {
		t.Errorf("revealed %d levels", maxLevels+1)
	}
	if _, err := reveal(value.(map[string]any)["a"], nil); err != nil {
		t.Error(err)
	}
}
