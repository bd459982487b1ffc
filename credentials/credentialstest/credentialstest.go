// Package credentialstest has what the tests of all forms of credentials share:
// every change of a JSON document, and the public test vectors. It knows no form
// and is in no program.
package credentialstest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Change is one edit of a JSON document.
type Change struct {
	Path string // JSON pointer to what was changed
	What string // "changed", "another type", "taken away", or "added"
}

// EachChange gives a JSON document with each of its values changed, put into
// another type and taken away, and with a member added to each of its objects,
// in turn. It walks what is there: a new member needs no new test.
func EachChange(t testing.TB, document []byte, give func(c Change, edited []byte)) (count int) {
	t.Helper()
	var doc any
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	as := func(path, what string) {
		edited, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		count++
		give(Change{path, what}, edited)
	}
	var walk func(v any, path string)
	each := func(path string, old any, put func(any)) {
		put(other(old))
		as(path, "changed")
		put([]any{old})
		as(path, "another type")
		put(old)
		walk(old, path)
	}
	walk = func(v any, path string) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				at := path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
				each(at, inner, func(new any) { v[name] = new })
				delete(v, name)
				as(at, "taken away")
				v[name] = inner
			}
			v["added"] = "x"
			as(path+"/added", "added")
			delete(v, "added")
		case []any:
			for i, inner := range v {
				each(fmt.Sprintf("%s/%d", path, i), inner, func(new any) { v[i] = new })
			}
		}
	}
	walk(doc, "")
	return count
}

// other spells a value otherwise: letters and digits of a text, a number one up,
// a list or an object without its contents.
func other(v any) any {
	switch v := v.(type) {
	case string:
		return strings.NewReplacer("a", "b", "e", "f", "1", "2", "5", "6", "T", "U").Replace(v) + "0"
	case float64:
		return v + 1
	case bool:
		return !v
	case map[string]any:
		if len(v) > 0 {
			return map[string]any{}
		}
	case []any:
		if len(v) > 0 {
			return []any{}
		}
	}
	return "x"
}

// Vector reads one of the public test vectors, which lie outside of the
// repository (COUNTERSIGN_CORPUS), and skips the test where they are not at hand.
func Vector(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(Corpus(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Corpus is the folder of the test vectors of credentials.
func Corpus(t testing.TB) string {
	t.Helper()
	root := os.Getenv("COUNTERSIGN_CORPUS")
	if root == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set: the public test vectors are not at hand")
	}
	return filepath.Join(root, "vc")
}
