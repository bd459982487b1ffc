//go:build interop && linux

package npm

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"testing"
)

// A change is a document in which one thing is other than it was signed.
type change struct {
	at   string // JSON pointer
	what string
	text string
}

// changes gives a document with each of its leaves changed, each of its members
// taken out, and one put into each of its objects, in turn.
func changes(t *testing.T, document string) []change {
	t.Helper()
	var all []change
	keep := func(at, what string, edit func(root any) any) {
		b, err := json.Marshal(edit(decoded(t, document)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, change{at, what, string(b)})
	}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			keep(at, "one more", func(root any) any {
				return edited(root, at, func(o any) any { o.(map[string]any)["undefined"] = "x"; return o })
			})
			for _, name := range slices.Sorted(maps.Keys(v)) {
				keep(at+"/"+name, "gone", func(root any) any {
					return edited(root, at, func(o any) any { delete(o.(map[string]any), name); return o })
				})
				walk(at+"/"+name, v[name])
			}
		case []any:
			for i := range v {
				walk(at+"/"+strconv.Itoa(i), v[i])
			}
		default:
			keep(at, "changed", func(root any) any { return edited(root, at, other) })
		}
	}
	walk("", decoded(t, document))
	return all
}

func decoded(t *testing.T, document string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(document), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// other is another value of the same type.
func other(v any) any {
	switch v := v.(type) {
	case string:
		if v == "" {
			return "x"
		}
		last := v[len(v)-1]
		if last == '1' {
			return v[:len(v)-1] + "2"
		}
		return v[:len(v)-1] + "1" // half a letter becomes U+FFFD, which is another too
	case float64:
		return v + 1
	case bool:
		return !v
	}
	return "x"
}

// edited replaces what stands at a pointer.
func edited(v any, at string, edit func(any) any) any {
	if at == "" {
		return edit(v)
	}
	name, rest := cutPointer(at)
	switch v := v.(type) {
	case map[string]any:
		v[name] = edited(v[name], rest, edit)
	case []any:
		i, _ := strconv.Atoi(name)
		v[i] = edited(v[i], rest, edit)
	}
	return v
}

func cutPointer(at string) (name, rest string) {
	for i := 1; i < len(at); i++ {
		if at[i] == '/' {
			return at[1:i], at[i:]
		}
	}
	return at[1:], ""
}
