package credentials

import (
	"bytes"
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// encodePlain is the short way through json.Marshal and canonicalize: it writes a
// value as canonical JSON at once. Like plain it answers with nil for whatever it
// does not judge: that goes the long way. FuzzEncodePlain holds the two against
// each other.
//
// On the long way, encoding a license takes as long as half of its signature.
func encodePlain(v any) []byte { return encodeWith(v, false) }

// encodeProbed is encodePlain, and has each value that decodes itself do so: that
// is all that decoding the same type could still refuse.
func encodeProbed(v any) []byte { return encodeWith(v, true) }

func encodeWith(v any, probing bool) []byte {
	if v == nil {
		return nil
	}
	e := plainWriter{out: make([]byte, 0, 2048), probe: probing}
	if !e.loose(v, 0) {
		return nil
	}
	return e.out
}

// A form is how values of a type are written.
type form struct {
	kind    reflect.Kind // Invalid goes the long way
	json    bool         // by MarshalJSON
	text    bool         // by MarshalText
	members []formMember // of a struct, in canonical order
	elem    *form
	itself  reflect.Type // the type, if it decodes itself
}

type formMember struct {
	name      string // with its quotes and the colon behind them
	index     int
	omitEmpty bool
	form      *form
}

var formsKnown sync.Map // reflect.Type -> *form

func formOf(t reflect.Type) *form {
	if f, ok := formsKnown.Load(t); ok {
		return f.(*form)
	}
	building := map[reflect.Type]*form{}
	f := newForm(t, building)
	for t, f := range building { // complete only now: a type may hold itself
		formsKnown.Store(t, f)
	}
	return f
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func newForm(t reflect.Type, building map[reflect.Type]*form) *form {
	if f := building[t]; f != nil {
		return f
	}
	f := &form{}
	building[t] = f
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		p := reflect.PointerTo(t)
		for _, m := range []reflect.Type{jsonMarshaler, textMarshaler} {
			if p.Implements(m) != t.Implements(m) {
				return f // whether it is asked depends on where the value lies
			}
		}
		if p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler) {
			f.itself = t
		}
		f.json, f.text = t.Implements(jsonMarshaler), t.Implements(textMarshaler)
	}
	switch kind := t.Kind(); kind {
	case reflect.Struct:
		if f.members = membersOf(t, building); f.members == nil && !f.json && !f.text {
			return f
		}
	case reflect.Pointer, reflect.Array:
		f.elem = newForm(t.Elem(), building)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 && !f.json && !f.text {
			return f // base64
		}
		f.elem = newForm(t.Elem(), building)
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return f
		}
		f.elem = newForm(t.Elem(), building)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return f
		}
	}
	f.kind = t.Kind()
	return f
}

// membersOf lists the members of a struct; nil where it has an option of
// encoding/json that is not for the short way.
func membersOf(t reflect.Type, building map[reflect.Type]*form) []formMember {
	members := []formMember{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case tag == "-" || !f.Anonymous && !f.IsExported():
			continue
		case f.Anonymous || options != "" && options != "omitempty" || strings.ContainsFunc(name, oddInName):
			return nil
		case name == "":
			name = f.Name
		}
		members = append(members, formMember{`"` + name + `":`, i, options != "", newForm(f.Type, building)})
	}
	slices.SortFunc(members, func(a, b formMember) int { return strings.Compare(a.name[1:len(a.name)-2], b.name[1:len(b.name)-2]) })
	for i := 1; i < len(members); i++ {
		if members[i].name == members[i-1].name {
			return nil
		}
	}
	return members
}

// oddInName is whatever might be escaped, or be no name to encoding/json.
func oddInName(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '@' || r == '$')
}

type plainWriter struct {
	out   []byte
	probe bool
	level int
}

// maxLevel bounds pointers to pointers, which are no levels of JSON.
const maxLevel = 4 * maxDepth

func (e *plainWriter) value(v reflect.Value, f *form, depth int) bool {
	start := len(e.out)
	if e.level++; e.level > maxLevel || !e.written(v, f, depth) {
		return false
	}
	e.level--
	return !e.probe || f.itself == nil || probe(f.itself, e.out[start:])
}

func (e *plainWriter) written(v reflect.Value, f *form, depth int) bool {
	switch {
	case f.kind == reflect.Invalid:
		return false
	case f.json:
		return e.ownJSON(v, depth)
	case f.text:
		return e.ownText(v)
	}
	switch f.kind {
	case reflect.String:
		return e.text(v.String())
	case reflect.Bool:
		e.out = strconv.AppendBool(e.out, v.Bool())
		return true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := v.Int()
		e.out = strconv.AppendInt(e.out, n, 10)
		return -maxExact <= n && n <= maxExact
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := v.Uint()
		e.out = strconv.AppendUint(e.out, n, 10)
		return n <= maxExact
	case reflect.Float64:
		return e.float(v.Float())
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return e.null()
		}
		if f.kind == reflect.Interface {
			return e.loose(v.Interface(), depth)
		}
		return e.value(v.Elem(), f.elem, depth)
	case reflect.Struct:
		return depth < maxDepth && e.object(v, f, depth+1)
	case reflect.Map:
		return depth < maxDepth && e.mapping(v, f, depth+1)
	case reflect.Slice, reflect.Array:
		return depth < maxDepth && e.list(v, f, depth+1)
	}
	return false
}

func (e *plainWriter) float(n float64) bool {
	e.out = strconv.AppendInt(e.out, int64(n), 10)
	return n == math.Trunc(n) && math.Abs(n) <= maxExact && (n != 0 || !math.Signbit(n))
}

// probe says whether a type that decodes itself takes a value.
func probe(t reflect.Type, value []byte) bool {
	switch v := reflect.New(t).Interface().(type) {
	case json.Unmarshaler:
		return v.UnmarshalJSON(value) == nil
	case encoding.TextUnmarshaler:
		// null is no text; what has an escape is not plain enough.
		return value[0] == '"' && bytes.IndexByte(value, '\\') < 0 && v.UnmarshalText(value[1:len(value)-1]) == nil
	}
	return false
}

func (e *plainWriter) null() bool {
	e.out = append(e.out, "null"...)
	return true
}

// ownText takes what a type writes itself, where it can at once into the output.
func (e *plainWriter) ownText(v reflect.Value) bool {
	at := v
	if v.CanAddr() {
		at = v.Addr() // which needs no copy of the value
	}
	start := len(e.out) + 1
	if a, ok := at.Interface().(encoding.TextAppender); ok {
		out, err := a.AppendText(append(e.out, '"'))
		if err == nil && !slices.ContainsFunc(out[start:], oddInText) {
			e.out = append(out, '"')
			return true
		}
	}
	b, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	return err == nil && e.text(string(b))
}

// oddInText is whatever does not surely stand in a text as it is.
func oddInText(c byte) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }

// ownJSON takes what a type writes itself, if that is plain. A null of its own
// making is for the long way: a reader may not take it.
func (e *plainWriter) ownJSON(v reflect.Value, depth int) bool {
	b, err := v.Interface().(json.Marshaler).MarshalJSON()
	if err != nil || len(b) == 0 || b[0] == 'n' {
		return false
	}
	p := plainReader{in: b, out: e.out}
	if !p.value(settle(nil), fill{}, depth) || p.at != len(b) {
		return false
	}
	e.out = p.out
	return true
}

func (e *plainWriter) text(s string) bool {
	e.out = append(e.out, '"')
	odd := false // a quote or a backslash
	for i := range len(s) {
		if s[i] < 0x20 {
			return false
		}
		odd = odd || s[i] == '"' || s[i] == '\\'
	}
	if odd {
		s = strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(s)
	}
	e.out = append(append(e.out, s...), '"')
	return utf8.ValidString(s)
}

func (e *plainWriter) object(v reflect.Value, f *form, depth int) bool {
	e.out = append(e.out, '{')
	first := true
	for i := range f.members {
		m := &f.members[i]
		inner := v.Field(m.index)
		if m.omitEmpty && empty(inner) {
			continue
		}
		if !first {
			e.out = append(e.out, ',')
		}
		first = false
		e.out = append(e.out, m.name...)
		if !e.value(inner, m.form, depth) {
			return false
		}
	}
	e.out = append(e.out, '}')
	return true
}

// empty is what encoding/json leaves out under omitempty.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func (e *plainWriter) mapping(v reflect.Value, f *form, depth int) bool {
	if v.IsNil() {
		return e.null()
	}
	names := make([]string, 0, v.Len())
	values := v.MapRange()
	for values.Next() {
		name := values.Key().String()
		if strings.ContainsFunc(name, oddInName) {
			return false
		}
		names = append(names, name)
	}
	slices.Sort(names)
	e.out = append(e.out, '{')
	for i, name := range names {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.out = append(append(append(e.out, '"'), name...), `":`...)
		if !e.value(v.MapIndex(reflect.ValueOf(name).Convert(v.Type().Key())), f.elem, depth) {
			return false
		}
	}
	e.out = append(e.out, '}')
	return true
}

func (e *plainWriter) list(v reflect.Value, f *form, depth int) bool {
	if f.kind == reflect.Slice && v.IsNil() {
		return e.null()
	}
	e.out = append(e.out, '[')
	for i := range v.Len() {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if !e.value(v.Index(i), f.elem, depth) {
			return false
		}
	}
	e.out = append(e.out, ']')
	return true
}
