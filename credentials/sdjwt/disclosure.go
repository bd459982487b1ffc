package sdjwt

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/countersign-health/countersign/credentials"
)

const (
	digests = "_sd"     // of an object's withheld members
	algName = "_sd_alg" // at the top only
	dots    = "..."     // in the place of a withheld element of an array
)

// digest of a disclosure (RFC 9901, section 4.2.3): of its text, not of what it
// says.
func digest(disclosure string) string {
	sum := sha256.Sum256([]byte(disclosure))
	return b64.EncodeToString(sum[:])
}

// conceal replaces the named places of a value by digests, and returns what
// discloses them. Places inside places are withheld for themselves as well
// (section 4.2.6).
func conceal(value any, places []string, salt func(place string) string) (any, []string, error) {
	type target struct {
		place string
		parts []string
	}
	var targets []target
	for i, place := range places {
		parts, err := split(place)
		if err != nil {
			return nil, nil, err
		}
		if slices.Contains(places[:i], place) {
			return nil, nil, fmt.Errorf("%q is named twice", place)
		}
		targets = append(targets, target{place, parts})
	}
	// The innermost first: a disclosure holds the digests of those within it.
	slices.SortStableFunc(targets, func(a, b target) int { return len(b.parts) - len(a.parts) })
	var disclosures []string
	for _, t := range targets {
		owner, err := find(value, t.parts[:len(t.parts)-1])
		if err != nil {
			return nil, nil, fmt.Errorf("withhold %q: %w", t.place, err)
		}
		disclosure, err := concealOne(owner, t.parts[len(t.parts)-1], salt(t.place))
		if err != nil {
			return nil, nil, fmt.Errorf("withhold %q: %w", t.place, err)
		}
		disclosures = append(disclosures, disclosure)
	}
	slices.Sort(disclosures) // their order says nothing
	return value, disclosures, nil
}

func concealOne(owner any, name, salt string) (string, error) {
	switch owner := owner.(type) {
	case map[string]any:
		v, ok := owner[name]
		if !ok || name == digests || name == algName || name == dots {
			return "", errors.New("there is no such member")
		}
		disclosure, err := encode(salt, name, v)
		if err != nil {
			return "", err
		}
		delete(owner, name)
		list, _ := owner[digests].([]any)
		list = append(list, digest(disclosure))
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		owner[digests] = list
		return disclosure, nil
	case []any:
		i, err := index(name, len(owner))
		if err != nil {
			return "", err
		}
		disclosure, err := encode(salt, owner[i])
		if err != nil {
			return "", err
		}
		owner[i] = map[string]any{dots: digest(disclosure)}
		return disclosure, nil
	}
	return "", errors.New("there is no such place")
}

func encode(parts ...any) (string, error) {
	b, err := credentials.CanonicalJSON(parts)
	if err != nil {
		return "", err
	}
	return b64.EncodeToString(b), nil
}

func find(value any, parts []string) (any, error) {
	for _, part := range parts {
		switch v := value.(type) {
		case map[string]any:
			inner, ok := v[part]
			if !ok {
				return nil, errors.New("there is no such member")
			}
			value = inner
		case []any:
			i, err := index(part, len(v))
			if err != nil {
				return nil, err
			}
			value = v[i]
		default:
			return nil, errors.New("there is no such place")
		}
	}
	return value, nil
}

func index(s string, length int) (int, error) {
	i, err := strconv.Atoi(s)
	if err != nil || i < 0 || i >= length || strconv.Itoa(i) != s {
		return 0, errors.New("there is no such element")
	}
	return i, nil
}

// split reads a JSON pointer to something inside of a value.
func split(place string) ([]string, error) {
	rest, ok := strings.CutPrefix(place, "/")
	if !ok || rest == "" {
		return nil, fmt.Errorf("%q is not a JSON pointer into the subject, such as /npi", place)
	}
	parts := strings.Split(rest, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return parts, nil
}

func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// A disclosure is one withheld member or element.
type disclosure struct {
	name  string // of a member
	value any
	array bool   // an element
	place string // where it was found, once it was
	used  bool
}

func decode(s string) (*disclosure, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line break in a disclosure")
	}
	b, err := b64.DecodeString(s)
	if err != nil {
		return nil, errors.New("a disclosure is not strict base64url without padding")
	}
	var parts []any
	if err := credentials.DecodeStrict(b, &parts); err != nil {
		return nil, fmt.Errorf("disclosure: %w", err)
	}
	if len(parts) != 2 && len(parts) != 3 {
		return nil, errors.New("a disclosure has a salt, a name where it is a member's, and a value")
	}
	if salt, _ := parts[0].(string); salt == "" {
		return nil, errors.New("a disclosure has no salt")
	}
	d := &disclosure{value: parts[len(parts)-1], array: len(parts) == 2}
	if !d.array {
		var ok bool
		if d.name, ok = parts[1].(string); !ok || d.name == digests || d.name == dots || d.name == algName {
			return nil, errors.New("a disclosure is of a member that cannot be withheld")
		}
	}
	return d, nil
}

// A revelation is a value with what was disclosed of it.
type revelation struct {
	value       any
	disclosures map[string]*disclosure // by digest
	seen        map[string]bool        // digests that occurred, of decoys too
	below       func(at, name string) string
	levels      int // how deep the walk is
}

// maxLevels is how deep a subject may be: DecodeStrict takes 32 levels, and the
// first is the document itself.
const maxLevels = 31

// reveal puts what the disclosures say into its places, and removes what stands
// for the rest (RFC 9901, section 7.1, step 3). Each has to be asked for by one
// digest, and each digest may occur once.
func reveal(value any, all []string) (*revelation, error) {
	return revealAt(value, all, func(string, string) string { return "" })
}

// revealAt also says where each was found: below makes a place out of another
// and a name in it. A verifier does without, since a stranger chooses the names.
func revealAt(value any, all []string, below func(at, name string) string) (*revelation, error) {
	r := &revelation{below: below, disclosures: map[string]*disclosure{}, seen: map[string]bool{}}
	for _, s := range all {
		d, err := decode(s)
		if err != nil {
			return nil, err
		}
		if r.disclosures[digest(s)] != nil {
			return nil, errors.New("a disclosure stands there twice")
		}
		r.disclosures[digest(s)] = d
	}
	var err error
	if r.value, err = r.walk(value, ""); err != nil {
		return nil, err
	}
	for _, d := range r.disclosures {
		if !d.used {
			return nil, errors.New("a disclosure is of nothing that was signed")
		}
	}
	return r, nil
}

func (r *revelation) walk(value any, at string) (any, error) {
	switch value.(type) {
	case map[string]any, []any:
		r.levels++
		defer func() { r.levels-- }()
	}
	if r.levels > maxLevels {
		return nil, fmt.Errorf("more than %d levels deep", maxLevels)
	}
	switch v := value.(type) {
	case map[string]any:
		return r.object(v, at)
	case []any:
		return r.array(v, at)
	}
	return value, nil
}

func (r *revelation) object(o map[string]any, at string) (any, error) {
	out := map[string]any{}
	for name, v := range o {
		switch name {
		case digests:
			continue
		case dots, algName:
			return nil, fmt.Errorf("%q stands where it cannot", name)
		}
		inner, err := r.walk(v, r.below(at, name))
		if err != nil {
			return nil, err
		}
		out[name] = inner
	}
	withheld, there := o[digests]
	list, ok := withheld.([]any)
	if there && !ok {
		return nil, errors.New("_sd is not a list")
	}
	for _, entry := range list {
		d, err := r.take(entry, false)
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		if _, taken := out[d.name]; taken {
			return nil, errors.New("a disclosure is of a member that is there already")
		}
		d.place = r.below(at, d.name)
		if out[d.name], err = r.walk(d.value, d.place); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *revelation) array(list []any, at string) (any, error) {
	out := []any{}
	for _, v := range list {
		place := r.below(at, strconv.Itoa(len(out)))
		if o, ok := v.(map[string]any); ok {
			if entry, there := o[dots]; there {
				if len(o) != 1 {
					return nil, errors.New("something stands beside the digest of an element")
				}
				d, err := r.take(entry, true)
				if err != nil {
					return nil, err
				}
				if d == nil {
					continue
				}
				v, d.place = d.value, place
			}
		}
		inner, err := r.walk(v, place)
		if err != nil {
			return nil, err
		}
		out = append(out, inner)
	}
	return out, nil
}

// take finds the disclosure for a digest; nil where there is none.
func (r *revelation) take(entry any, array bool) (*disclosure, error) {
	s, ok := entry.(string)
	if !ok {
		return nil, errors.New("a digest is not a text")
	}
	if r.seen[s] {
		return nil, errors.New("a digest stands there twice")
	}
	r.seen[s] = true
	d := r.disclosures[s]
	if d == nil {
		return nil, nil
	}
	if d.array != array {
		return nil, errors.New("a disclosure of a member stands for an element, or the other way round")
	}
	d.used = true
	return d, nil
}
