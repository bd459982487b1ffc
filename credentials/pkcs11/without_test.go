//go:build !pkcs11 || !cgo

package pkcs11

import (
	"errors"
	"testing"
)

func TestWithout(t *testing.T) {
	for _, do := range []func(Config) (Signer, error){Open, Create, Replaced, Prepare} {
		if _, err := do(Config{}); !errors.Is(err, ErrWithout) {
			t.Errorf("got %v", err)
		}
	}
	if err := Promote(Config{}, "did:key:z#z"); !errors.Is(err, ErrWithout) {
		t.Errorf("got %v", err)
	}
	if _, err := List(Config{}); !errors.Is(err, ErrWithout) {
		t.Errorf("got %v", err)
	}
}
