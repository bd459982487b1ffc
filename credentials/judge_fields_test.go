package credentials

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// everyChange gives a JSON object with each of its values changed, and each of
// its members taken away, in turn.
func everyChange(v any, path string, give func(path string, put func(any), old any)) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			give(path+"/"+name, func(new any) {
				if new == nil {
					delete(v, name)
				} else {
					v[name] = new
				}
			}, inner)
			everyChange(inner, path+"/"+name, give)
		}
	case []any:
		for i, inner := range v {
			at := fmt.Sprintf("%s/%d", path, i)
			give(at, func(new any) { v[i] = new }, inner)
			everyChange(inner, at, give)
		}
	}
}

// changed spells a value otherwise: one letter of a text, a number one up, a
// list or an object without its contents.
func changed(v any) any {
	switch v := v.(type) {
	case string:
		return strings.NewReplacer("a", "b", "e", "f", "1", "2", "5", "6", "T", "U").Replace(v) + "0"
	case float64:
		return v + 1
	case map[string]any:
		return map[string]any{}
	case []any:
		return []any{}
	}
	return !v.(bool)
}

// Every field of a token, changed or taken away: by whoever holds no key it is
// a broken signature, by a stranger with an own key another issuer's, and what
// of the envelope the board itself leaves out it has not issued.
func TestJudgeEveryField(t *testing.T) {
	p := testPolicy(t)
	token := testToken(t, testKey(1))
	parts := strings.Split(token, ".")
	var doc any
	if err := json.Unmarshal([]byte(payloadOf(t, token)), &doc); err != nil {
		t.Fatal(err)
	}
	fields := 0
	everyChange(doc, "", func(path string, put func(any), old any) {
		fields++
		for what, value := range map[string]any{"changed": changed(old), "another type": []any{old}, "taken away": nil} {
			put(value)
			payload, err := CanonicalJSON(doc)
			if err != nil {
				t.Fatal(err)
			}
			put(old)
			byNobody := parts[0] + "." + b64.EncodeToString(payload) + "." + parts[2]
			if _, v := Judge[License](byNobody, KindLicense, p); v.Outcome != Bad || v.Check != CheckSignature {
				t.Errorf("%s %s: %+v, want bad by signature", path, what, v)
			}
			byMallory := forge(testKey(2), goodHeader(testKey(2)), string(payload))
			if _, v := Judge[License](byMallory, KindLicense, p); v.Outcome != Bad {
				t.Errorf("%s %s, signed by a stranger: %+v", path, what, v)
			}
			bySelf := forge(testKey(1), goodHeader(testKey(1)), string(payload))
			c, v := Judge[License](bySelf, KindLicense, p)
			own := slices.Contains([]string{"/id", "/validFrom", "/salt", "/credentialStatus/statusListIndex"}, path)
			if v.IsGood() && (c.Subject == testLicense() && !own || what == "another type") {
				t.Errorf("%s %s by the board itself: it makes no difference", path, what)
			}
			if envelope := !strings.HasPrefix(path, "/credentialSubject/"); envelope && what == "taken away" && v.IsGood() {
				t.Errorf("%s taken away by the board itself: good", path)
			}
		}
	})
	if fields < 25 {
		t.Errorf("changed %d fields only", fields)
	}
}

// Every member of the header, changed, taken away, or of another type; signed
// by the board's key all the same.
func TestJudgeEveryHeaderField(t *testing.T) {
	p := testPolicy(t)
	payload := payloadOf(t, testToken(t, testKey(1)))
	var head any
	if err := json.Unmarshal([]byte(goodHeader(testKey(1))), &head); err != nil {
		t.Fatal(err)
	}
	want := map[string]Check{
		"/alg changed": CheckAlgorithm, "/kid changed": CheckKey, "/typ changed": CheckHeader,
		"/alg taken away": CheckHeader, "/kid taken away": CheckHeader, "/typ taken away": CheckHeader,
		"/alg another type": CheckHeader, "/kid another type": CheckHeader, "/typ another type": CheckHeader,
	}
	everyChange(head, "", func(path string, put func(any), old any) {
		for what, value := range map[string]any{"changed": changed(old), "another type": []any{old}, "taken away": nil} {
			put(value)
			text, err := CanonicalJSON(head)
			if err != nil {
				t.Fatal(err)
			}
			put(old)
			_, v := Judge[License](forge(testKey(1), string(text), payload), KindLicense, p)
			if v.IsGood() || v.Check != want[path+" "+what] {
				t.Errorf("%s %s: %+v, want %s to fail", path, what, v, want[path+" "+what])
			}
		}
	})
}
