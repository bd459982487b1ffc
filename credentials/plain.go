package credentials

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"
)

// plain is the short way through check and canonicalize, for JSON as we write
// it ourselves: no white space, no escapes but of a quote or a backslash, names
// in ASCII, numbers that are integers. It answers with the canonical form, or
// with nil for whatever it does not judge: that goes the long way, which alone
// refuses. FuzzPlain holds the two against each other.
//
// On the long way, reading a license takes three times as long as verifying its
// signature.
func plain(b []byte, t reflect.Type) []byte {
	p := plainReader{in: b, out: make([]byte, 0, len(b))}
	return p.all(t, fill{})
}

// plainInto is plain that also gives the value which encoding/json would read.
func plainInto(b []byte, t reflect.Type) ([]byte, reflect.Value) {
	p, v := plainReader{in: b, out: make([]byte, 0, len(b))}, reflect.New(t).Elem()
	return p.all(t, fill{v: v}), v
}

type plainReader struct {
	in  []byte
	at  int
	out []byte // the canonical form of what was read
	got any    // the last value that was read for a loose fill
}

func (p *plainReader) all(t reflect.Type, to fill) []byte {
	if !p.value(settle(t), to, 0) || p.at != len(p.in) {
		return nil
	}
	return p.out
}

// A plainMember is a member of an object, canonical, as a range of out.
type plainMember struct {
	name       []byte // in in
	start, end int
}

func (p *plainReader) value(s settled, to fill, depth int) bool {
	if p.at >= len(p.in) {
		return false
	}
	c := p.in[p.at]
	if c == 'n' {
		p.got = nil
		return s.nullable && p.word("null") // and what it goes to stays as it is
	}
	if to.loose {
		return p.settled(c, nil, to, depth)
	}
	to = to.direct()
	if to.isLoose(c) {
		if !p.settled(c, nil, fill{loose: true}, depth) {
			return false
		}
		to.v.Set(reflect.ValueOf(p.got))
		return true
	}
	if s.t != nil && (c != '{' && c != '[' || to.byParts(c)) {
		return p.settled(c, s.t, to, depth)
	}
	start := p.at
	return p.settled(c, s.t, fill{}, depth) && to.whole(p.in[start:p.at])
}

func (p *plainReader) settled(c byte, t reflect.Type, to fill, depth int) bool {
	switch {
	case c == '{':
		return depth < maxDepth && p.object(t, to, depth+1)
	case c == '[':
		return depth < maxDepth && p.array(t, to, depth+1)
	case c == '"':
		inside, ok := p.text()
		if ok && to.loose {
			p.got = unquote(inside)
		}
		return ok && to.text(inside)
	case c == '-' || '0' <= c && c <= '9':
		n, ok := p.integer()
		if ok && to.loose {
			p.got = float64(n) // which is exact
		}
		return ok && to.integer(n)
	case c == 't':
		p.got = true
		return p.word("true") && to.boolean(true)
	case c == 'f':
		p.got = false
		return p.word("false") && to.boolean(false)
	}
	return false
}

func (p *plainReader) word(w string) bool {
	if !bytes.HasPrefix(p.in[p.at:], []byte(w)) {
		return false
	}
	p.out = append(p.out, w...)
	p.at += len(w)
	return true
}

// next takes one byte of punctuation.
func (p *plainReader) next(c byte) bool {
	if p.at >= len(p.in) || p.in[p.at] != c {
		return false
	}
	p.at++
	return true
}

// text reads a string, and gives what stands between its quotes.
func (p *plainReader) text() (inside []byte, ok bool) {
	start := p.at + 1
	for i := start; i < len(p.in); i++ {
		switch c := p.in[i]; {
		case c == '"':
			p.at = i + 1
			p.out = append(p.out, p.in[start-1:p.at]...)
			return p.in[start:i], utf8.Valid(p.in[start:i])
		case c == '\\':
			if i++; i >= len(p.in) || p.in[i] != '"' && p.in[i] != '\\' {
				return nil, false
			}
		case c < 0x20:
			return nil, false
		}
	}
	return nil, false
}

// integer reads one that every reader keeps, in its only spelling.
func (p *plainReader) integer() (n int64, ok bool) {
	start := p.at
	if p.in[p.at] == '-' {
		p.at++
	}
	digits := p.at
	for p.at < len(p.in) && '0' <= p.in[p.at] && p.in[p.at] <= '9' {
		p.at++
	}
	if n := p.at - digits; n == 0 || n > 16 || p.in[digits] == '0' && (n > 1 || digits > start) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(p.in[start:p.at]), 10, 64)
	if err != nil || n > maxExact || n < -maxExact {
		return 0, false
	}
	p.out = append(p.out, p.in[start:p.at]...)
	return n, true
}

func (p *plainReader) object(t reflect.Type, to fill, depth int) bool {
	fields, other := structMembersOf(t), anyMember(t)
	var space [16]plainMember
	members, sorted, base := space[:0], true, len(p.out)
	var loose map[string]any
	if to.loose {
		loose = map[string]any{}
	}
	p.out = append(p.out, '{')
	for p.at++; len(members) > 0 || !p.next('}'); {
		m := plainMember{start: len(p.out)}
		if p.at >= len(p.in) || p.in[p.at] != '"' {
			return false
		}
		var ok bool
		if m.name, ok = p.text(); !ok || !plainName(m.name) || !p.next(':') {
			return false
		}
		p.out = append(p.out, ':')
		meant, into := other, fill{loose: to.loose}
		if fields != nil {
			f, known := fields.named[string(m.name)]
			if !known {
				return false
			}
			meant, into = f.meant, to.member(f.index)
		}
		if !p.value(meant, into, depth) {
			return false
		}
		if to.loose {
			loose[string(m.name)] = p.got
		}
		m.end = len(p.out)
		if n := len(members); n > 0 && bytes.Compare(members[n-1].name, m.name) >= 0 {
			sorted = false
		}
		members = append(members, m)
		if p.next('}') {
			break
		}
		if !p.next(',') {
			return false
		}
		p.out = append(p.out, ',')
	}
	p.out = append(p.out, '}')
	p.got = loose
	return sorted || p.sort(base, members)
}

// plainName says whether a name sorts the same by bytes as by UTF-16.
func plainName(name []byte) bool {
	for _, c := range name {
		if c >= 0x80 || c == '\\' {
			return false
		}
	}
	return true
}

// anyMember is what the members of anything but a struct are meant for.
func anyMember(t reflect.Type) settled {
	if t != nil && t.Kind() == reflect.Map {
		return settle(t.Elem())
	}
	return settle(nil)
}

// sort writes an object that starts at base anew, its members in order. Two of
// one name are not for it to judge.
func (p *plainReader) sort(base int, members []plainMember) bool {
	slices.SortFunc(members, func(a, b plainMember) int { return bytes.Compare(a.name, b.name) })
	read := slices.Clone(p.out[base:])
	p.out = p.out[:base+1]
	for i, m := range members {
		if i > 0 {
			if bytes.Equal(members[i-1].name, m.name) {
				return false
			}
			p.out = append(p.out, ',')
		}
		p.out = append(p.out, read[m.start-base:m.end-base]...)
	}
	p.out = append(p.out, '}')
	return true
}

func (p *plainReader) array(t reflect.Type, to fill, depth int) bool {
	var inner reflect.Type
	most := -1
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		inner = t.Elem()
		if t.Kind() == reflect.Array {
			most = t.Len()
		}
	}
	meant := settle(inner)
	p.out = append(p.out, '[')
	var loose []any
	if to.loose {
		loose = []any{}
	}
	n := 0
	for p.at++; n > 0 || !p.next(']'); {
		if most >= 0 && n == most || !p.value(meant, to.element(n), depth) {
			return false
		}
		if to.loose {
			loose = append(loose, p.got)
		}
		n++
		if p.next(']') {
			break
		}
		if !p.next(',') {
			return false
		}
		p.out = append(p.out, ',')
	}
	if n == 0 {
		to.empty()
	}
	p.out = append(p.out, ']')
	p.got = loose
	return most < 0 || n == most
}
