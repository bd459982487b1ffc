package config

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials/pkcs11"
)

const inModule = `board:
  url: https://board.example
  jurisdiction: CA
  database: {dsn: 'sqlite:board.db'}
  key:
    pkcs11: {module: /m.so, token_label: house, key_label: board, pin_file: token.pin}
  clerks: []
`

// A key in a module needs no key store. Show tells where the PIN lies, and
// Missing whether this program can reach modules at all.
func TestKeyInModule(t *testing.T) {
	c, err := Read("board.yaml", []byte(inModule), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	c.Show(&got, "board.yaml", nil)
	for _, want := range []string{"board.key.pkcs11.module = /m.so\n", "board.key.pkcs11.key_label = board\n", "board.key.pkcs11.pin_file = secret in token.pin\n"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("shown without %q:\n%s", want, got.String())
		}
	}
	if got := errors.Join(c.Missing()...); errors.Is(got, pkcs11.ErrWithout) == pkcs11.Built {
		t.Errorf("built with modules: %v, missing: %v", pkcs11.Built, got)
	}
}

// A section without a key says all that it wants at once.
func TestNoKey(t *testing.T) {
	text, _, _ := strings.Cut(inModule, "  key:")
	_, err := Read("board.yaml", []byte(text+"  clerks: []\n"), nil)
	want := "board.yaml line 2: board.key.store: it is missing\nboard.yaml line 2: board.key.name: it is missing"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
