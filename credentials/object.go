package credentials

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// An Object is a JSON object in canonical form, of which a member can be taken
// and to which one can be added without reading it again: for documents that
// carry their own proof. FuzzObject holds it against the long way.
type Object struct {
	text    []byte
	members []objectMember
}

// An objectMember is a range of the text: a name in its quotes, a colon, a value.
type objectMember struct {
	start, value, end int
}

// members is what DecodeStrict takes an object of whatever members for.
var members = reflect.TypeFor[map[string]json.RawMessage]()

// ParseObject reads an object of whatever members, none of them null, as strictly
// as DecodeStrict.
func ParseObject(b []byte) (*Object, error) {
	text := plain(b, members)
	if text == nil {
		if err := check(b, members); err != nil {
			return nil, fmt.Errorf("decode JSON: %w", err)
		}
		var err error
		if text, err = canonicalize(b); err != nil {
			return nil, fmt.Errorf("decode JSON: %w", err)
		}
	}
	if text[0] != '{' {
		return nil, errors.New("decode JSON: it is not an object")
	}
	o := &Object{text: text, members: make([]objectMember, 0, 16)}
	for at := 1; text[at] != '}'; {
		m := objectMember{start: at, value: afterText(text, at) + 1}
		m.end = afterValue(text, m.value)
		o.members = append(o.members, m)
		if at = m.end; text[at] == ',' {
			at++
		}
	}
	return o, nil
}

// afterText is the place behind a string of canonical JSON that starts at a place.
func afterText(text []byte, at int) int {
	for at++; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// afterValue is the place behind a member's value.
func afterValue(text []byte, at int) int {
	for depth := 0; ; {
		switch text[at] {
		case '"':
			at = afterText(text, at)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			depth--
		case ',':
			if depth == 0 {
				return at
			}
		}
		at++
	}
}

// Text is the object in canonical JSON.
func (o *Object) Text() []byte { return o.text }

// Get is the value of a member, in canonical JSON; nil where there is none. The
// name has to be one that JSON writes as it is.
func (o *Object) Get(name string) json.RawMessage {
	if i := o.find(name); i >= 0 {
		return o.text[o.members[i].value:o.members[i].end:o.members[i].end]
	}
	return nil
}

func (o *Object) find(name string) int {
	return slices.IndexFunc(o.members, func(m objectMember) bool { return string(o.text[m.start+1:m.value-2]) == name })
}

// Without is the object without a member.
func (o *Object) Without(name string) *Object {
	i := o.find(name)
	if i < 0 {
		return o
	}
	from, to := o.members[i].start, o.members[i].end
	switch {
	case i+1 < len(o.members):
		to++ // and its comma
	case i > 0:
		from--
	}
	return o.replaced(from, to, nil, slices.Concat(o.members[:i], moved(o.members[i+1:], from-to)))
}

// With is the object with one member more, which it does not have yet: of a name
// in ASCII, and with a value in canonical JSON.
func (o *Object) With(name string, value []byte) *Object {
	i := 0
	for i < len(o.members) && o.nameAt(i) < name { // ASCII sorts the same in UTF-8 as in UTF-16, against any other
		i++
	}
	at := len(o.text) - 1
	if i < len(o.members) {
		at = o.members[i].start
	}
	put := make([]byte, 0, len(name)+len(value)+4)
	if i > 0 && i == len(o.members) {
		put = append(put, ',')
	}
	m := objectMember{start: at + len(put), value: at + len(put) + len(name) + 3}
	m.end = m.value + len(value)
	put = append(append(append(append(put, '"'), name...), `":`...), value...)
	if i < len(o.members) {
		put = append(put, ',')
	}
	return o.replaced(at, at, put, slices.Concat(o.members[:i], []objectMember{m}, moved(o.members[i:], len(put))))
}

// replaced has other text between two places.
func (o *Object) replaced(from, to int, with []byte, members []objectMember) *Object {
	return &Object{slices.Concat(o.text[:from], with, o.text[to:]), members}
}

func moved(members []objectMember, by int) []objectMember {
	all := slices.Clone(members)
	for i, m := range all {
		all[i] = objectMember{m.start + by, m.value + by, m.end + by}
	}
	return all
}

// nameAt is a member's name as it is meant.
func (o *Object) nameAt(i int) (name string) {
	m := o.members[i]
	quoted := o.text[m.start : m.value-1]
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	json.Unmarshal(quoted, &name) // it was read before
	return name
}
