package credentials

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// asGoJOSE is what go-jose itself says of a token, read from the first byte.
func asGoJOSE(head string, payload, sig []byte, key Key) error {
	e := base64.RawURLEncoding
	jws, err := jose.ParseSignedCompact(head+"."+e.EncodeToString(payload)+"."+e.EncodeToString(sig), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Algorithm())})
	if err != nil {
		return err
	}
	signed, err := jws.Verify(key.Public())
	if err == nil && !bytes.Equal(signed, payload) {
		err = fmt.Errorf("it is of another payload: %q", signed)
	}
	return err
}

func signedUnder(t testing.TB, s Signer, head string, payload []byte) []byte {
	t.Helper()
	sig, err := s.Sign([]byte(head + "." + base64.RawURLEncoding.EncodeToString(payload)))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// A header that was read before changes nothing for what stands under it.
func TestVerifyJWS(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	es, err := NewES256Signer("", p256)
	if err != nil {
		t.Fatal(err)
	}
	keyOf := func(s Signer) Key {
		k, err := ResolveDIDKey(s.KeyID())
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ed, other := NewSigner("", testKey(1)), NewSigner("", testKey(2))
	e := base64.RawURLEncoding
	eddsa, es256 := e.EncodeToString([]byte(`{"alg":"EdDSA","typ":"t"}`)), e.EncodeToString([]byte(`{"alg":"ES256","typ":"t"}`))
	payload := []byte(`{"a":1}`)
	good, goodES := signedUnder(t, ed, eddsa, payload), signedUnder(t, es, es256, payload)
	headsRead = heads{}
	for round := range 2 {
		for _, tt := range []struct {
			name, head   string
			payload, sig []byte
			key          Key
			want         Check
		}{
			{"another's signature", eddsa, payload, signedUnder(t, other, eddsa, payload), keyOf(ed), CheckSignature},
			{"another's key", eddsa, payload, good, keyOf(other), CheckSignature},
			{"good", eddsa, payload, good, keyOf(ed), ""},
			{"another payload", eddsa, []byte(`{"a":2}`), good, keyOf(ed), CheckSignature},
			{"nothing", eddsa, nil, good, keyOf(ed), CheckSignature},
			{"another header", e.EncodeToString([]byte(`{"alg":"EdDSA","typ":"u"}`)), payload, good, keyOf(ed), CheckSignature},
			{"no signature", eddsa, payload, nil, keyOf(ed), CheckSignature},
			{"a short one", eddsa, payload, good[:63], keyOf(ed), CheckSignature},
			{"good, P-256", es256, payload, goodES, keyOf(es), ""},
			{"a header of the other algorithm", eddsa, payload, signedUnder(t, es, eddsa, payload), keyOf(es), CheckForm},
			{"and the other way round", es256, payload, signedUnder(t, ed, es256, payload), keyOf(ed), CheckForm},
			{"no key", eddsa, payload, good, Key{}, CheckForm},
			{"none", e.EncodeToString([]byte(`{"alg":"none"}`)), payload, nil, keyOf(ed), CheckForm},
			{"no header", "", payload, good, keyOf(ed), CheckForm},
			{"no JSON", "AAAA", payload, good, keyOf(ed), CheckForm},
			{"crit", e.EncodeToString([]byte(`{"alg":"EdDSA","crit":["x"],"x":1}`)), payload,
				signedUnder(t, ed, e.EncodeToString([]byte(`{"alg":"EdDSA","crit":["x"],"x":1}`)), payload), keyOf(ed), CheckSignature},
		} {
			err := VerifyJWS(tt.head, tt.payload, tt.sig, tt.key)
			if VerdictOf(err).Check != tt.want {
				t.Errorf("round %d, %s: %v, want it by %q", round, tt.name, err, tt.want)
			}
			if want := asGoJOSE(tt.head, tt.payload, tt.sig, tt.key); (err == nil) != (want == nil) {
				t.Errorf("round %d, %s: %v, and go-jose says %v", round, tt.name, err, want)
			}
		}
		if len(headsRead.read) != 2 {
			t.Errorf("%d headers are kept: only those of good signatures should be", len(headsRead.read))
		}
	}
}

// However many keys there are, so many headers are kept, and several tokens are
// verified under one at once.
func TestVerifyJWSKeepsSoManyHeaders(t *testing.T) {
	headsRead = heads{}
	s := NewSigner("", testKey(1))
	key, err := ResolveDIDKey(s.KeyID())
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	for worker := range 4 {
		done.Go(func() {
			for i := range maxHeads/4 + 10 {
				head := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"EdDSA","kid":"%d %d"}`, i%300, worker/2*i))
				if err := VerifyJWS(head, []byte("{}"), signedUnder(t, s, head, []byte("{}")), key); err != nil {
					t.Error(err)
				}
				if err := VerifyJWS(head, []byte("[]"), signedUnder(t, s, head, []byte("{}")), key); err == nil {
					t.Error("verified another payload")
				}
			}
		})
	}
	done.Wait()
	for i := range maxHeads + 1 {
		headsRead.keep(fmt.Sprint(i), jose.Signature{})
		if n := len(headsRead.read); n > maxHeads {
			t.Fatalf("%d headers are kept", n)
		}
	}
}

// What is verified here is what go-jose verifies, whether or not it has read the
// header before.
func FuzzVerifyJWS(f *testing.F) {
	s := NewSigner("", testKey(1))
	key, err := ResolveDIDKey(s.KeyID())
	if err != nil {
		f.Fatal(err)
	}
	for _, head := range []string{`{"alg":"EdDSA","kid":"k","typ":"t"}`, `{"alg":"EdDSA","b64":false,"crit":["b64"]}`, `{"alg":"EdDSA","alg":"none"}`, `{"alg":"ES256"}`, `{"alg":"EdDSA","jwk":{}}`} {
		f.Add([]byte(head), []byte(`{"a":1}`), uint16(0))
		f.Add([]byte(head), []byte{}, uint16(7))
	}
	f.Fuzz(func(t *testing.T, header, payload []byte, flip uint16) {
		head := base64.RawURLEncoding.EncodeToString(header)
		sig := signedUnder(t, s, head, payload)
		other := bytes.Clone(sig)
		other[int(flip)%len(sig)] ^= byte(flip>>8) | 1
		for range 2 {
			for _, sig := range [][]byte{sig, other, nil} {
				got, want := VerifyJWS(head, payload, sig, key), asGoJOSE(head, payload, sig, key)
				if (got == nil) != (want == nil) {
					t.Errorf("%q, %q: %v, and go-jose says %v", header, payload, got, want)
				}
				if got == nil && len(sig) > 0 && bytes.Equal(sig, other) {
					t.Errorf("%q: a changed signature is good", header)
				}
			}
		}
	})
}
