package credentials

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// A fill is where the value that is being read goes; the zero fill is nowhere.
// It sets what encoding/json would set, for the JSON that plain takes, and says
// false wherever it is not sure: then encoding/json reads the whole, and alone
// refuses. FuzzPlain holds the two against each other.
type fill struct{ v reflect.Value }

func (f fill) nowhere() bool { return !f.v.IsValid() }

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
// itself, a map, an interface, bytes.
func (f fill) whole(raw []byte) bool {
	if f.nowhere() {
		return true
	}
	to := f.v.Addr().Interface()
	if _, itself := to.(json.Unmarshaler); !itself && raw[0] == '"' {
		if text, ok := to.(encoding.TextUnmarshaler); ok {
			return text.UnmarshalText([]byte(unquote(raw[1:len(raw)-1]))) == nil
		}
	}
	return json.Unmarshal(raw, to) == nil
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
	if bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	return escaped.Replace(string(inside))
}

var escaped = strings.NewReplacer(`\"`, `"`, `\\`, `\`)

func (f fill) integer(digits []byte) bool {
	if f.nowhere() {
		return true
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	switch {
	case err != nil:
		return false
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
	return fill{f.v.FieldByIndex(index)}
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
	return fill{f.v.Index(i)}
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
