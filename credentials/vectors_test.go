package credentials

import (
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials/credentialstest"
)

// The examples of VC-JOSE-COSE and of Token Status List. None of them is a form
// that is taken here: ES384 and keys without a DID, headers without a typ, SD-JWT
// without key binding rules of RFC 9901, COSE, a JWT of another kind of list.
// Each is refused before a key is looked up, by the check that says why.
func TestRefusedVectors(t *testing.T) {
	text := string(credentialstest.Vector(t, "vc-jose-cose-spec/spec-examples.txt"))
	list := strings.Join(strings.Fields(string(credentialstest.Vector(t, "token-status-list/examples/status_list_jwt_raw.md"))), "")
	p := testPolicy(t)
	p.Keys = func(kid string) (Key, error) {
		t.Errorf("looked up %s", kid)
		return Key{}, ErrFollowed
	}
	tokens := regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`).FindAllString(text, -1)
	shown := regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+~[\w~.-]*`).FindAllString(text, -1)
	cose := regexp.MustCompile(`data:application/v[cp]\+cose;base64,[\w+/=]+`).FindAllString(text, -1)
	if len(tokens) < 8 || len(shown) < 2 || len(cose) < 1 {
		t.Fatalf("found %d tokens, %d SD-JWT, %d in COSE", len(tokens), len(shown), len(cose))
	}
	for _, tt := range []struct {
		all  []string
		want Check
	}{{tokens, CheckHeader}, {shown, CheckForm}, {cose, CheckForm}, {[]string{list}, CheckHeader}} {
		for _, token := range tt.all {
			if _, v := Judge[License](token, KindLicense, p); v.Outcome != Bad || v.Check != tt.want {
				t.Errorf("%.60s: %+v, want bad by %s", token, v, tt.want)
			}
			if _, v := JudgePresentation(token, p, judgeLicense); v.Outcome != Bad || v.Check != tt.want {
				t.Errorf("%.60s as a presentation: %+v, want bad by %s", token, v, tt.want)
			}
		}
	}
	if l, err := ReadStatusList(list, p.Keys); VerdictOf(err).Check != CheckHeader {
		t.Errorf("a token status list was read as %+v, %v", l, err)
	}
	// Its own encoding is zlib in base64url, ours gzip in multibase.
	for _, lst := range []string{"eNrbuRgAAhcBXQ", "ueNrbuRgAAhcBXQ"} {
		if _, err := DecodeStatusList(lst); err == nil {
			t.Errorf("%s was decoded", lst)
		}
	}
}
