package credentials

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
)

// maxDepth bounds how deeply arrays and objects may nest.
const maxDepth = 32

// maxExact is the largest integer that every JSON reader keeps (RFC 7493,
// section 2.2). Canonical JSON would round what is beyond it.
const maxExact = 1<<53 - 1

// CanonicalJSON encodes v as RFC 8785 wants it: sorted names, one spelling of
// every string and number. It refuses integers that RFC 8785 would round.
func CanonicalJSON(v any) ([]byte, error) {
	if short := encodePlain(v); short != nil {
		return short, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	if err := check(b, nil); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return canonicalize(b)
}

// canonicalize expects valid JSON: jcs itself reads more than JSON.
func canonicalize(b []byte) ([]byte, error) {
	out, err := jcs.Transform(b)
	if err != nil {
		return nil, fmt.Errorf("canonicalize JSON: %w", err)
	}
	return out, nil
}

// DecodeStrict decodes b into the pointer v and refuses whatever two readers
// could read differently: bytes that are not UTF-8, lone surrogates, a name
// twice in an object, a name that the struct does not have in exactly that
// spelling (encoding/json would fold its case), null where no null can be kept,
// integers that a float64 cannot hold, more than 32 levels, and anything behind
// the value. Errors name the place as a JSON pointer (RFC 6901).
func DecodeStrict(b []byte, v any) error {
	_, err := decodeStrict(b, v)
	return err
}

// decodeStrict also gives the canonical form of b, where it came to know it.
func decodeStrict(b []byte, v any) (canonical []byte, err error) {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Pointer {
		return nil, errors.New("decode JSON: want a pointer to decode into")
	}
	canonical, read := plainInto(b, t.Elem())
	if to := reflect.ValueOf(v).Elem(); canonical != nil && to.IsZero() {
		to.Set(read)
		return canonical, nil
	}
	if canonical == nil {
		if err := check(b, t.Elem()); err != nil {
			return nil, fmt.Errorf("decode JSON: %w", err)
		}
	}
	if err := json.Unmarshal(b, v); err != nil {
		return nil, fmt.Errorf("decode JSON: %w", withPointer(err))
	}
	return canonical, nil
}

// withPointer says where a value had the wrong type, and leaves the value out:
// it may be personal.
func withPointer(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("at /%s: a %s cannot be a %s",
			strings.ReplaceAll(wrong.Field, ".", "/"), strings.Fields(wrong.Value)[0], wrong.Type)
	}
	return err
}

// check walks the tokens of b beside the type that they are meant for. A nil
// type means that anything is allowed there.
func check(b []byte, t reflect.Type) error {
	if !utf8.Valid(b) {
		return errors.New("not UTF-8")
	}
	if err := checkSurrogates(b); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	w := walker{dec: d}
	if err := w.value(t, "", 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

type walker struct{ dec *json.Decoder }

func (w walker) value(t reflect.Type, at string, depth int) error {
	tok, err := w.dec.Token()
	if err != nil {
		return syntax(at, err)
	}
	meant := settle(t)
	t = meant.t
	switch tok := tok.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return fmt.Errorf("more than %d levels deep", maxDepth)
		}
		if tok == '{' {
			return w.object(t, at, depth+1)
		}
		return w.array(t, at, depth+1)
	case json.Number:
		return checkNumber(string(tok), at)
	case nil:
		if !meant.nullable {
			return fmt.Errorf("at %s: null is not a value here", pointer(at))
		}
	}
	return nil
}

func (w walker) object(t reflect.Type, at string, depth int) error {
	seen := map[string]bool{}
	fields := structMembersOf(t)
	for w.dec.More() {
		tok, err := w.dec.Token()
		if err != nil {
			return syntax(at, err)
		}
		name, ok := tok.(string)
		if !ok {
			return fmt.Errorf("at %s: want a name", pointer(at))
		}
		here := at + "/" + escapePointer(name)
		if seen[name] {
			return fmt.Errorf("at %s: the name stands there twice", pointer(here))
		}
		seen[name] = true
		var inner reflect.Type
		switch {
		case fields != nil:
			m, ok := fields.named[name]
			if inner = m.t; !ok {
				return fmt.Errorf("at %s: unknown field", pointer(here))
			}
		case t != nil && t.Kind() == reflect.Map:
			inner = t.Elem()
		}
		if err := w.value(inner, here, depth); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return syntax(at, err)
}

func (w walker) array(t reflect.Type, at string, depth int) error {
	var inner reflect.Type
	most := -1
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		inner = t.Elem()
		if t.Kind() == reflect.Array {
			most = t.Len() // encoding/json would drop what is beyond
		}
	}
	i := 0
	for ; w.dec.More(); i++ {
		if err := w.value(inner, at+"/"+strconv.Itoa(i), depth); err != nil {
			return err
		}
	}
	if most >= 0 && i != most {
		return fmt.Errorf("at %s: %d entries, want %d", pointer(at), i, most)
	}
	_, err := w.dec.Token()
	return syntax(at, err)
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// A settled type is one without its pointers. T is nil where anything may
// stand, and where the type decodes itself.
type settled struct {
	t        reflect.Type
	nullable bool
}

var settledKnown sync.Map // reflect.Type -> settled

func settle(t reflect.Type) settled {
	if t == nil {
		return settled{nullable: true}
	}
	if known, ok := settledKnown.Load(t); ok {
		return known.(settled)
	}
	s := settleAnew(t)
	settledKnown.Store(t, s)
	return s
}

func settleAnew(t reflect.Type) (s settled) {
	for {
		if p := reflect.PointerTo(t); p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler) {
			return s
		}
		switch t.Kind() {
		case reflect.Pointer:
			t, s.nullable = t.Elem(), true
			continue
		case reflect.Interface:
			s.nullable = true
			return s
		case reflect.Slice, reflect.Map:
			s.nullable = true
		}
		s.t = t
		return s
	}
}

// The members of a struct by their JSON names.
type structMembers struct {
	named map[string]structMember
	// byParts says that each can be set by itself: no tag asks for more than a
	// name, and there is no embedded pointer that would have to be made first.
	byParts bool
}

type structMember struct {
	t     reflect.Type
	meant settled // of t
	index []int   // for reflect.Value.FieldByIndex
}

// structMembersOf is nil where t is no struct. Embedded structs count as
// encoding/json counts them, as long as no two of them share a name.
func structMembersOf(t reflect.Type) *structMembers {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	if known, ok := structMembersKnown.Load(t); ok {
		return known.(*structMembers)
	}
	m := listMembers(t)
	structMembersKnown.Store(t, m)
	return m
}

var structMembersKnown sync.Map // reflect.Type -> *structMembers

func listMembers(t reflect.Type) *structMembers {
	all := &structMembers{named: map[string]structMember{}, byParts: true}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		embedded := settle(f.Type).t
		switch {
		case f.Tag.Get("json") == "-":
			continue
		case f.Anonymous && name == "" && embedded != nil && embedded.Kind() == reflect.Struct:
			inner := structMembersOf(embedded)
			for n, m := range inner.named {
				all.add(n, structMember{m.t, m.meant, append([]int{i}, m.index...)})
			}
			all.byParts = all.byParts && inner.byParts && embedded == f.Type
			continue
		case !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		all.add(name, structMember{f.Type, settle(f.Type), []int{i}})
		if f.Anonymous || strings.Contains(","+options+",", ",string,") {
			all.byParts = false
		}
	}
	return all
}

func (all *structMembers) add(name string, m structMember) {
	if _, twice := all.named[name]; twice {
		all.byParts = false
	}
	all.named[name] = m
}

// checkNumber refuses integers that are not exact in a float64 and spellings
// such as 1e400 that are no number at all.
func checkNumber(s, at string) error {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return fmt.Errorf("at %s: number out of range", pointer(at))
	}
	if math.Abs(f) > maxExact { // every float64 beyond it is an integer
		return fmt.Errorf("at %s: integer beyond 2^53-1", pointer(at))
	}
	return nil
}

// checkSurrogates refuses an escape such as \ud800 without its partner, which
// encoding/json would turn into U+FFFD.
func checkSurrogates(b []byte) error {
	high := false // the escape just read was the first half of a pair
	for i := 0; i < len(b); i++ {
		unit := rune(-1)
		if b[i] == '\\' && i+1 < len(b) {
			if b[i+1] == 'u' && i+6 <= len(b) {
				if v, err := strconv.ParseUint(string(b[i+2:i+6]), 16, 16); err == nil {
					unit = rune(v)
				}
				i += 4
			}
			i++
		}
		low := 0xDC00 <= unit && unit <= 0xDFFF
		if high != low {
			return errors.New("half a surrogate pair in a string")
		}
		high = 0xD800 <= unit && unit <= 0xDBFF
	}
	if high {
		return errors.New("half a surrogate pair in a string")
	}
	return nil
}

func syntax(at string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("at %s: the JSON ends too early", pointer(at))
	}
	return fmt.Errorf("at %s: %w", pointer(at), err)
}

func pointer(at string) string {
	if at == "" {
		return "the top"
	}
	if len(at) > 200 {
		return at[:200] + "…"
	}
	return at
}

func escapePointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
