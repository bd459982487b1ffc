package credentials

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"
)

// counted counts what its key signs, and may be away.
type counted struct {
	Signer
	signed int
	away   bool
}

func (c *counted) Sign(msg []byte) ([]byte, error) {
	if c.signed++; c.away {
		return nil, errors.New("the module is away")
	}
	return c.Signer.Sign(msg)
}

func bare(seed byte) *counted {
	key := ed25519.NewKeyFromSeed([]byte{31: seed})
	return &counted{Signer: keySigner{KeyID(key.Public().(ed25519.PublicKey)), key}}
}

func issueTest(t *testing.T, s Signer, name string) (string, Digest) {
	t.Helper()
	l := testLicense()
	l.Name = name
	token, err := Issue(s, KindLicense, Handle{7}, time.Unix(1e9, 0), nil, l)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open[License](token, KindLicense, ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	return token, c.Salt
}

// The same document under the same key has the same salt, however its signer
// was made; another document or another key has another one.
func TestSalts(t *testing.T) {
	keeps := bare(1)
	s := Salting(keeps)
	token, salt := issueTest(t, s, "A")
	if again, _ := issueTest(t, s, "A"); again != token {
		t.Error("issuing twice gives two tokens")
	}
	if other, _ := issueTest(t, bare(1), "A"); other != token {
		t.Error("a signer that does not keep the secret gives another token")
	}
	if keeps.signed != 3 {
		t.Errorf("signed %d times, want once for the salts and once for each token", keeps.signed)
	}
	if _, other := issueTest(t, s, "B"); other == salt {
		t.Error("two documents have one salt")
	}
	if _, other := issueTest(t, bare(2), "A"); other == salt {
		t.Error("two keys give one salt")
	}
	if Salting(s) != s {
		t.Error("a signer is wrapped twice")
	}
}

// A key that was away once is asked again.
func TestSaltAfterAbsence(t *testing.T) {
	key := bare(1)
	s := Salting(key)
	key.away = true
	if _, err := Issue(s, KindLicense, Handle{7}, time.Unix(1e9, 0), nil, testLicense()); err == nil {
		t.Error("a license was issued without its key")
	}
	key.away = false
	issueTest(t, s, "A")
}
