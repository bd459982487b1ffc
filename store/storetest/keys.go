// Package storetest has what other packages' tests need to open an insurer's
// books. Its keys are public: nothing but tests may use them.
package storetest

import (
	"bytes"
	"testing"

	"github.com/countersign-health/countersign/store"
)

// Keys are the same ones every time. Books have the wrapping key "test" unless
// others are named.
func Keys(t testing.TB, ids ...string) store.Keys {
	t.Helper()
	if len(ids) == 0 {
		ids = []string{"test"}
	}
	var wrapping []store.WrappingKey
	for _, id := range ids {
		k := store.WrappingKey{ID: id}
		copy(k.Secret[:], id)
		wrapping = append(wrapping, k)
	}
	keys, err := store.NewKeys(bytes.Repeat([]byte("s"), 32), wrapping...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
