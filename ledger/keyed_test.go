package ledger_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

func keyed(name string, size int) ledger.Keyed {
	return ledger.Keyed{Business: credentials.DigestOf([]byte(name)), Leaf: bytes.Repeat([]byte{7}, size)}
}

func TestKeyed(t *testing.T) {
	one, two := keyed("one", 1), keyed("two", 300)
	b, err := ledger.MarshalKeyed([]ledger.Keyed{one, two})
	if err != nil {
		t.Fatal(err)
	}
	got, err := ledger.ParseKeyed(b)
	if err != nil || len(got) != 2 || got[0].Business != one.Business || !bytes.Equal(got[1].Leaf, two.Leaf) {
		t.Errorf("got %v, %v", got, err)
	}
	for what, x := range map[string][]byte{"nothing": nil, "a cut head": b[:33], "a cut entry": b[:len(b)-1], "an empty entry": append(bytes.Clone(b), make([]byte, 34)...)} {
		if _, err := ledger.ParseKeyed(x); err == nil {
			t.Errorf("%s: was read", what)
		}
	}
	many := make([]ledger.Keyed, ledger.MaxKeyed+1)
	for i := range many {
		many[i] = one
	}
	most, err := ledger.MarshalKeyed(many[1:])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.ParseKeyed(append(most, most[:35]...)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("one too many: read, or %v", err)
	}
	for what, x := range map[string][]ledger.Keyed{"none": nil, "one too many": many, "an empty one": {{}}, "too many bytes": make20(65535)} {
		if _, err := ledger.MarshalKeyed(x); err == nil {
			t.Errorf("%s: was written", what)
		}
	}
}

func make20(size int) (all []ledger.Keyed) {
	for range 20 {
		all = append(all, keyed("large", size))
	}
	return all
}

func FuzzParseKeyed(f *testing.F) {
	b, err := ledger.MarshalKeyed([]ledger.Keyed{keyed("one", 1), keyed("two", 300)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := ledger.ParseKeyed(b)
		if err != nil {
			return
		}
		if again, err := ledger.MarshalKeyed(all); err != nil || !bytes.Equal(again, b) {
			t.Errorf("was read, and is written as other bytes (%v)", err)
		}
	})
}
