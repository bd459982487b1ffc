package credentials

import (
	"reflect"
	"slices"
	"strings"
)

// What is of no type of ours, such as the subject of an SD-JWT, is read into
// maps, lists, texts and numbers, as encoding/json has it, and written from
// them. Neither needs reflection, which would take most of the time.

var (
	anything = reflect.TypeFor[any]()
	anyMap   = reflect.TypeFor[map[string]any]()
)

// loose writes a value that may be of no type of ours.
func (e *plainWriter) loose(v any, depth int) bool {
	switch v := v.(type) {
	case nil:
		return e.null()
	case string:
		return e.text(v)
	case float64:
		return e.float(v)
	case map[string]any:
		return depth < maxDepth && e.looseMap(v, depth+1)
	case []any:
		return depth < maxDepth && e.looseList(v, depth+1)
	}
	at := reflect.ValueOf(v)
	return e.value(at, formOf(at.Type()), depth)
}

func (e *plainWriter) looseMap(m map[string]any, depth int) bool {
	if m == nil {
		return e.null()
	}
	var space [16]string
	names := space[:0]
	for name := range m {
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
		if !e.loose(m[name], depth) {
			return false
		}
	}
	e.out = append(e.out, '}')
	return true
}

func (e *plainWriter) looseList(list []any, depth int) bool {
	if list == nil {
		return e.null()
	}
	e.out = append(e.out, '[')
	for i, v := range list {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if !e.loose(v, depth) {
			return false
		}
	}
	e.out = append(e.out, ']')
	return true
}
