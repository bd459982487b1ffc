package credentials

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRequests(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key := testKey(3)
	token, err := SignRequest(NewSigner("", key), "POST", "/claims?x=1", "gateway.example", []byte("body"), handle(4), now)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := VerifyRequest(token, "POST", "/claims?x=1", "gateway.example", []byte("body"), now, ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	want := RequestClaims{Issuer: KeyDID(pubOf(key)), KeyID: KeyID(pubOf(key)), ID: handle(4), Issued: now, Expires: now.Add(time.Minute)}
	if claims != want {
		t.Errorf("claims %+v, want %+v", claims, want)
	}

	head := fmt.Sprintf(`{"alg":"EdDSA","kid":"%s","typ":"%s"}`, KeyID(pubOf(key)), typRequest)
	payload := payloadOf(t, token)
	swap := func(old, new string) string {
		if !strings.Contains(payload, old) {
			t.Fatalf("payload does not hold %s: %s", old, payload)
		}
		return forge(key, head, strings.Replace(payload, old, new, 1))
	}
	exp, iat := fmt.Sprintf(`"exp":%d`, now.Unix()+60), fmt.Sprintf(`"iat":%d`, now.Unix())
	type request struct {
		token, method, path, audience, body string
		at                                  time.Time
	}
	good := request{token, "POST", "/claims?x=1", "gateway.example", "body", now}
	tests := []struct {
		name   string
		change func(*request)
		want   string
	}{
		{"as signed", func(*request) {}, ""},
		{"the last second", func(r *request) { r.at = now.Add(59 * time.Second) }, ""},
		{"a clock that is a little behind", func(r *request) { r.at = now.Add(-30 * time.Second) }, ""},
		{"expired", func(r *request) { r.at = now.Add(60 * time.Second) }, "expired"},
		{"future", func(r *request) { r.at = now.Add(-31 * time.Second) }, "future"},
		{"method", func(r *request) { r.method = "PUT" }, "another request"},
		{"path", func(r *request) { r.path = "/claims" }, "another request"},
		{"query", func(r *request) { r.path = "/claims?x=2" }, "another request"},
		{"audience", func(r *request) { r.audience = "other.example" }, "another server"},
		{"body", func(r *request) { r.body = "body " }, "another body"},
		{"no body", func(r *request) { r.body = "" }, "another body"},
		{"lives for an hour", func(r *request) { r.token = swap(exp, fmt.Sprintf(`"exp":%d`, now.Unix()+3600)) }, "lives longer"},
		{"lives for ever", func(r *request) { r.token = swap(exp, `"exp":9007199254740991`) }, "lives longer"},
		{"ends before it starts", func(r *request) { r.token = swap(exp, fmt.Sprintf(`"exp":%d`, now.Unix()-1)) }, "lives longer"},
		{"iat long ago", func(r *request) { r.token = swap(iat, `"iat":-9007199254740991`) }, "lives longer"},
		{"iat as text", func(r *request) { r.token = swap(iat, `"iat":"1"`) }, "/iat"},
		{"iat with a fraction", func(r *request) { r.token = swap(iat, iat+".5") }, "/iat"},
		{"no id", func(r *request) { r.token = swap(handle(4).String(), Handle{}.String()) }, "no id"},
		{"another issuer", func(r *request) {
			r.token = swap(string(KeyDID(pubOf(key))), string(KeyDID(pubOf(testKey(4)))))
		}, "issuer"},
		{"unknown field", func(r *request) { r.token = swap(`{`, `{"admin":true,`) }, "/admin"},
		{"field twice", func(r *request) { r.token = swap(`{`, `{"aud":"gateway.example",`) }, "twice"},
		{"signed by another", func(r *request) { r.token = forge(testKey(4), head, payload) }, "signature"},
		{"a credential", func(r *request) { r.token = testToken(t, key) }, "type"},
		{"nothing", func(r *request) { r.token = "" }, "three parts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := good
			tt.change(&r)
			_, err := VerifyRequest(r.token, r.method, r.path, r.audience, []byte(r.body), r.at, ResolveDIDKey)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && err == nil:
				t.Error("accepted")
			case tt.want != "" && !strings.Contains(err.Error(), tt.want):
				t.Errorf("error %q does not say %q", err, tt.want)
			}
		})
	}
	if _, err := SignRequest(NewSigner("", key), "GET", "/", "a", nil, Handle{}, now); err == nil {
		t.Error("signed a request without an id")
	}
}
