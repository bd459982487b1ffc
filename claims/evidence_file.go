package claims

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/countersign-health/countersign/credentials"
)

// EvidenceSchema is the schema of an evidence file.
const EvidenceSchema = "countersign/evidence/1"

// Sealable is what can be sealed into an evidence file.
type Sealable interface {
	Evidence | AuthorizationEvidence
}

// An evidenceFile lists facts in the order of their names. Every fact has a
// salt of its own, so that one can be shown while another, of which only the
// hash is given, cannot be guessed.
type evidenceFile struct {
	Schema string `json:"schema"`
	Kind   string `json:"kind"` // "claim" or "authorization"
	Facts  []fact `json:"facts"`
}

// A fact is {name, salt, value}, or {name, hash} where it is withheld.
type fact struct {
	Name  string              `json:"name"` // "member", "lines/0"
	Salt  *credentials.Handle `json:"salt,omitempty"`
	Value json.RawMessage     `json:"value,omitempty"`
	Hash  *credentials.Digest `json:"hash,omitempty"`
}

// maxFacts bounds how many facts a file may hold.
const maxFacts = 4096

// SealEvidence writes evidence (an *Evidence or *AuthorizationEvidence) as a
// file and computes the root that a decision names. The salts are derived from the seed, which must be random, secret and
// used for one file only: who has it can derive the salts of withheld facts.
func SealEvidence(e any, seed credentials.Handle) (file []byte, root credentials.Digest, err error) {
	switch e := e.(type) {
	case *Evidence:
		return seal(e, seed)
	case *AuthorizationEvidence:
		return seal(e, seed)
	}
	return nil, root, fmt.Errorf("seal evidence: a %T is no evidence", e)
}

func seal[T Sealable](e *T, seed credentials.Handle) (file []byte, root credentials.Digest, err error) {
	facts, err := factsOf(e)
	if err != nil {
		return nil, root, fmt.Errorf("seal evidence: %w", err)
	}
	for i := range facts {
		salt := saltFor(seed, facts[i].Name)
		facts[i].Salt = &salt
	}
	f := &evidenceFile{EvidenceSchema, kindOf(e), facts}
	if file, err = f.encode(); err != nil {
		return nil, root, fmt.Errorf("seal evidence: %w", err)
	}
	// What cannot be opened again must not be signed.
	if _, root, err = OpenEvidence[T](file); err != nil {
		return nil, root, fmt.Errorf("seal evidence: %w", err)
	}
	return file, root, nil
}

// OpenEvidence reads a file in which no fact is withheld, and computes its
// root. There is one way to write a given file: any other bytes are refused.
func OpenEvidence[T Sealable](file []byte) (*T, credentials.Digest, error) {
	f, err := parseEvidenceFile(file)
	if err != nil {
		return nil, credentials.Digest{}, err
	}
	e := new(T)
	if f.Kind != kindOf(e) {
		return nil, credentials.Digest{}, fmt.Errorf("open evidence: it is about a decision on a %s", f.Kind)
	}
	object, err := f.object()
	if err != nil {
		return nil, credentials.Digest{}, fmt.Errorf("open evidence: %w", err)
	}
	if err := credentials.DecodeStrict(object, e); err != nil {
		return nil, credentials.Digest{}, fmt.Errorf("open evidence: %w", err)
	}
	again, err := factsOf(e)
	if err != nil {
		return nil, credentials.Digest{}, fmt.Errorf("open evidence: %w", err)
	}
	same := slices.EqualFunc(again, f.Facts, func(a, b fact) bool {
		return a.Name == b.Name && bytes.Equal(a.Value, b.Value)
	})
	if !same {
		return nil, credentials.Digest{}, fmt.Errorf("open evidence: the facts are not written in the one way that they can be")
	}
	return e, f.root(), nil
}

// ViewRoot computes the root of a file in which facts may be withheld.
func ViewRoot(file []byte) (credentials.Digest, error) {
	f, err := parseEvidenceFile(file)
	if err != nil {
		return credentials.Digest{}, err
	}
	return f.root(), nil
}

// WithholdFacts gives a narrower view of a file: of the named facts, only the
// hashes remain. Its root is the same.
func WithholdFacts(file []byte, names ...string) ([]byte, error) {
	f, err := parseEvidenceFile(file)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		i := slices.IndexFunc(f.Facts, func(x fact) bool { return x.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("withhold facts: there is no fact %q", name)
		}
		hash := f.Facts[i].hash()
		f.Facts[i] = fact{Name: name, Hash: &hash}
	}
	return f.encode()
}

func kindOf(e any) string {
	if _, ok := e.(*Evidence); ok {
		return "claim"
	}
	return "authorization"
}

// split are the lists of which every element is a fact of its own.
var split = []string{"lines", "standings"}

// factsOf takes evidence apart: one fact a field, one an element of a split
// list, ordered by field name and then by place in the list.
func factsOf(e any) ([]fact, error) {
	b, err := credentials.CanonicalJSON(e)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return nil, err
	}
	var all []fact
	for _, name := range sortedKeys(fields) {
		var elements []json.RawMessage
		if slices.Contains(split, name) {
			if err := json.Unmarshal(fields[name], &elements); err != nil {
				return nil, err
			}
		}
		if len(elements) == 0 {
			all = append(all, fact{Name: name, Value: fields[name]})
		}
		for i, v := range elements {
			all = append(all, fact{Name: name + "/" + strconv.Itoa(i), Value: v})
		}
	}
	return all, nil
}

func sortedKeys(m map[string]json.RawMessage) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// object puts the facts together again. That names are in order and lists are
// whole is seen by taking the result apart once more.
func (f *evidenceFile) object() ([]byte, error) {
	fields := map[string]json.RawMessage{}
	lists := map[string][]json.RawMessage{}
	for _, x := range f.Facts {
		if x.Hash != nil {
			return nil, fmt.Errorf("fact %q is withheld; ask for the whole evidence", x.Name)
		}
		list, _, element := bytes.Cut([]byte(x.Name), []byte("/"))
		if element && slices.Contains(split, string(list)) {
			lists[string(list)] = append(lists[string(list)], x.Value)
			continue
		}
		if _, twice := fields[x.Name]; twice {
			return nil, fmt.Errorf("fact %q is there twice", x.Name)
		}
		fields[x.Name] = x.Value
	}
	for name, values := range lists {
		b, err := json.Marshal(values)
		if err != nil {
			return nil, err
		}
		fields[name] = b
	}
	return json.Marshal(fields)
}

func parseEvidenceFile(file []byte) (*evidenceFile, error) {
	if len(file) > maxFile {
		return nil, fmt.Errorf("open evidence: larger than %d bytes", maxFile)
	}
	f := new(evidenceFile)
	if err := credentials.DecodeStrict(file, f); err != nil {
		return nil, fmt.Errorf("open evidence: %w", err)
	}
	switch {
	case f.Schema != EvidenceSchema:
		return nil, fmt.Errorf("open evidence: schema %q is not known to this release; want %q", f.Schema, EvidenceSchema)
	case f.Kind != "claim" && f.Kind != "authorization":
		return nil, fmt.Errorf("open evidence: kind %q is not known", f.Kind)
	case len(f.Facts) == 0 || len(f.Facts) > maxFacts:
		return nil, fmt.Errorf("open evidence: want from 1 to %d facts", maxFacts)
	}
	for i, x := range f.Facts {
		shown, withheld := x.Salt != nil && x.Value != nil, x.Hash != nil
		if shown == withheld || withheld && (x.Salt != nil || x.Value != nil) || len(x.Name) > 100 {
			return nil, fmt.Errorf("open evidence: /facts/%d: want a name with a salt and a value, or with a hash", i)
		}
	}
	again, err := f.encode()
	if err != nil {
		return nil, fmt.Errorf("open evidence: %w", err)
	}
	if !bytes.Equal(again, file) {
		return nil, fmt.Errorf("open evidence: the file is not in canonical form (RFC 8785) with one line break at its end")
	}
	return f, nil
}

func (f *evidenceFile) encode() ([]byte, error) {
	b, err := credentials.CanonicalJSON(f)
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// saltFor derives a fact's salt, so that a retry writes the same file.
func saltFor(seed credentials.Handle, name string) (salt credentials.Handle) {
	mac := hmac.New(sha256.New, seed[:])
	mac.Write([]byte("countersign/evidence-salt/1\x00" + name))
	copy(salt[:], mac.Sum(nil))
	return salt
}

// hash of a fact: a leaf, domain-separated from the root by its first byte.
func (x fact) hash() (d credentials.Digest) {
	if x.Hash != nil {
		return *x.Hash
	}
	h := sha256.New()
	h.Write([]byte("\x00countersign/evidence-fact/1\x00"))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(x.Name))))
	h.Write([]byte(x.Name))
	h.Write(x.Salt[:])
	h.Write(x.Value)
	h.Sum(d[:0])
	return d
}

// root over the kind and every name and leaf, in order. Names are part of it,
// so that a withheld fact cannot be passed off as another one.
func (f *evidenceFile) root() (d credentials.Digest) {
	h := sha256.New()
	h.Write([]byte("\x01countersign/evidence-root/1\x00" + f.Kind + "\x00"))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(f.Facts))))
	for _, x := range f.Facts {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(x.Name))))
		h.Write([]byte(x.Name))
		leaf := x.hash()
		h.Write(leaf[:])
	}
	h.Sum(d[:0])
	return d
}
