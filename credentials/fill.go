package credentials

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// A fill is where the value that is being read goes; the zero fill is nowhere.
// It sets what encoding/json would set, for the JSON that plain takes, and says
// false wherever it is not sure: then encoding/json reads the whole, and alone
// refuses. FuzzPlain holds the two against each other.
type fill struct {
	v reflect.Value
	// loose is a value of no type of ours: plainReader.got takes it, made of
	// what encoding/json makes it of.
	loose bool
}

func (f fill) nowhere() bool { return !f.v.IsValid() }

// isLoose says whether a value of the type that begins with c can be read
// without asking a type. What is left of a map then is encoding/json's to refuse.
func (f fill) isLoose(c byte) bool {
	if f.nowhere() {
		return false
	}
	t := f.v.Type()
	return t == anything || t == anyMap && c == '{'
}

// direct takes the pointers of a value away, as settle takes them off its type.
// Nothing is put in their place before there is a value that is not null.
func (f fill) direct() fill {
	for !f.nowhere() && f.v.Kind() == reflect.Pointer {
		f.v.Set(reflect.New(f.v.Type().Elem()))
		f.v = f.v.Elem()
	}
	return f
}

// whole has a value of any kind read by what it is for: one that decodes
// itself, a map to something, bytes.
func (f fill) whole(raw []byte) bool {
	if f.nowhere() {
		return true
	}
	switch to := f.v.Addr().Interface().(type) {
	case json.Unmarshaler:
		return to.UnmarshalJSON(raw) == nil
	case encoding.TextUnmarshaler:
		if raw[0] != '"' {
			break
		}
		inside := raw[1 : len(raw)-1]
		if bytes.IndexByte(inside, '\\') >= 0 {
			inside = []byte(unquote(inside))
		}
		return to.UnmarshalText(inside) == nil
	}
	return json.Unmarshal(raw, f.v.Addr().Interface()) == nil
}

func (f fill) text(inside []byte) bool {
	if f.nowhere() {
		return true
	}
	if f.v.Kind() != reflect.String {
		return false
	}
	f.v.SetString(unquote(inside))
	return true
}

// unquote knows the two escapes that plain takes.
func unquote(inside []byte) string {
	if len(inside) <= longestOwn {
		if known, ok := ownWords[string(inside)]; ok {
			return known
		}
	}
	if bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	return escaped.Replace(string(inside))
}

// ownWords are texts that stand in most documents: each is in memory once.
var ownWords = func() map[string]string {
	words := slices.Concat(contexts, linkedContexts, LicenseMessages[:], statusValues[:1<<MessageSize],
		[]string{baseType, schemaType, statusEntryType, string(PurposeRevocation), string(PurposeSuspension), string(PurposeMessage)})
	for _, k := range kinds {
		words = append(words, string(k), k.schema().ID)
	}
	known := map[string]string{}
	for _, w := range words {
		known[w] = w
	}
	return known
}()

// longestOwn spares what is longer the look-up.
const longestOwn = 64

var escaped = strings.NewReplacer(`\"`, `"`, `\\`, `\`)

func (f fill) integer(n int64) bool {
	if f.nowhere() {
		return true
	}
	switch {
	case f.v.CanInt() && !f.v.OverflowInt(n):
		f.v.SetInt(n)
	case f.v.CanUint() && n >= 0 && !f.v.OverflowUint(uint64(n)):
		f.v.SetUint(uint64(n))
	default:
		return false
	}
	return true
}

func (f fill) boolean(b bool) bool {
	if f.nowhere() {
		return true
	}
	if f.v.Kind() != reflect.Bool {
		return false
	}
	f.v.SetBool(b)
	return true
}

// member is where a member of a struct goes.
func (f fill) member(index []int) fill {
	if f.nowhere() {
		return f
	}
	return fill{v: f.v.FieldByIndex(index)}
}

// empty is a slice that is there, though nothing is in it.
func (f fill) empty() {
	if !f.nowhere() && f.v.Kind() == reflect.Slice {
		f.v.Set(reflect.MakeSlice(f.v.Type(), 0, 0))
	}
}

// element makes room for the next element of a slice, or is that of an array.
func (f fill) element(i int) fill {
	if f.nowhere() {
		return f
	}
	if f.v.Kind() == reflect.Slice {
		if i == f.v.Cap() {
			f.v.Grow(4)
		}
		f.v.SetLen(i + 1)
	}
	return fill{v: f.v.Index(i)}
}

// byParts says whether the parts of an object or array can be set one by one.
// What cannot is set as a whole.
func (f fill) byParts(open byte) bool {
	if f.nowhere() {
		return true
	}
	switch f.v.Kind() {
	case reflect.Struct:
		return open == '{' && structMembersOf(f.v.Type()).byParts
	case reflect.Slice:
		return open == '[' && f.v.Type().Elem().Kind() != reflect.Uint8
	case reflect.Array:
		return open == '['
	}
	return false
}
