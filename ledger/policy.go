package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/ledger/internal/anyquorum"
)

// maxWitnesses keeps a final checkpoint below the 16 signatures that every
// reader of signed notes has to accept.
const maxWitnesses = 15

// minOverlap is how many witnesses any two quorums must share, 2k-n. With 2,
// one lying witness cannot make two histories final: 3 of 4 and 5 of 7 pass,
// 2 of 3 is refused.
const minOverlap = 2

// A Policy says when a checkpoint is final: the log has signed it, and at
// least Quorum of the witnesses have countersigned it.
type Policy struct {
	Origin string
	Quorum int

	log       note.Verifier
	witnesses []note.Verifier // the order in which a receipt holds cosignatures
}

// NewPolicy checks the keys, that no two are the same under different names,
// and that any two quorums share enough witnesses.
func NewPolicy(origin, logKey string, witnesses []string, quorum int) (Policy, error) {
	p := Policy{Origin: origin, Quorum: quorum}
	var err error
	if p.log, err = note.NewVerifier(logKey); err != nil {
		return Policy{}, fmt.Errorf("log key: %w", err)
	}
	if p.log.Name() != origin {
		return Policy{}, fmt.Errorf("log key is named %q, want the origin %q", p.log.Name(), origin)
	}
	names, keys := map[string]bool{}, map[string]bool{}
	for i, vkey := range append([]string{logKey}, witnesses...) {
		name, _, key, err := rawKey(vkey)
		if err != nil {
			return Policy{}, fmt.Errorf("key %d: %w", i, err)
		}
		if names[name] || keys[key] {
			return Policy{}, fmt.Errorf("key %d (%s): its name or key stands there twice", i, name)
		}
		names[name], keys[key] = true, true
		if i == 0 {
			continue
		}
		v, err := torchwood.NewCosignatureVerifier(vkey)
		if err != nil {
			return Policy{}, fmt.Errorf("witness %d: %w", i, err)
		}
		p.witnesses = append(p.witnesses, v)
	}
	return p, checkQuorum(quorum, len(witnesses))
}

func checkQuorum(k, n int) error {
	if n > maxWitnesses || k > n || k < 1 {
		return fmt.Errorf("quorum of %d among %d witnesses: want at most all, and at most %d", k, n, maxWitnesses)
	}
	if 2*k-n < minOverlap && !anyquorum.Allowed.Load() {
		return fmt.Errorf("quorum of %d among %d witnesses: one that lies could make two histories final, want 2k-n of at least %d, such as 3 of 4 or 5 of 7",
			k, n, minOverlap)
	}
	return nil
}

// WitnessNames lists the witnesses in the policy's order.
func (p Policy) WitnessNames() []string {
	names := make([]string, len(p.witnesses))
	for i, v := range p.witnesses {
		names[i] = v.Name()
	}
	return names
}

// Verifier makes a Policy the set of known keys of note.Open.
func (p Policy) Verifier(name string, hash uint32) (note.Verifier, error) {
	for _, v := range append([]note.Verifier{p.log}, p.witnesses...) {
		if v != nil && v.Name() == name && v.KeyHash() == hash {
			return v, nil
		}
	}
	return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
}

// A Cosignature is one witness's checked signature of one checkpoint.
type Cosignature struct {
	Witness int       // its place in the policy
	Time    time.Time // when the witness says it signed

	sig note.Signature
}

// Final checks a signed checkpoint: the log's signature, and those of at least
// Quorum distinct witnesses. A signature by a known key that does not hold
// refuses the whole; signatures by unknown keys count for nothing.
//
// Known is the moment from which what the checkpoint covers counts as known:
// the Quorum-th cosignature in order of time.
func (p Policy) Final(signed []byte) (c Checkpoint, known time.Time, err error) {
	c, cosigs, _, err := p.open(signed)
	if err == nil && len(cosigs) < p.Quorum {
		err = fmt.Errorf("%d of %d cosignatures: not final", len(cosigs), p.Quorum)
	}
	if err != nil {
		return Checkpoint{}, time.Time{}, fmt.Errorf("checkpoint: %w", err)
	}
	return c, p.known(cosigs), nil
}

// known is the time of the Quorum-th cosignature in order of time.
func (p Policy) known(cosigs []Cosignature) time.Time {
	cosigs = slices.Clone(cosigs)
	slices.SortFunc(cosigs, func(a, b Cosignature) int { return a.Time.Compare(b.Time) })
	return cosigs[p.Quorum-1].Time
}

// open checks every signature by a known key. Strays counts the lines that
// are neither the log's, first, nor a witness's, each once, in policy order.
func (p Policy) open(signed []byte) (c Checkpoint, cosigs []Cosignature, strays int, err error) {
	if p.log == nil {
		return c, nil, 0, errors.New("no policy to check it with")
	}
	text, lines, err := splitNote(signed)
	if err != nil {
		return c, nil, 0, err
	}
	if c, err = ParseCheckpoint(text); err != nil {
		return c, nil, 0, err
	}
	if c.Origin != p.Origin {
		return c, nil, 0, fmt.Errorf("is of %q, want %q", c.Origin, p.Origin)
	}
	n, err := note.Open(signed, p)
	if err != nil {
		return c, nil, 0, err
	}
	strays = len(lines) - len(n.Sigs)
	logSigned, last := false, -1
	for i, sig := range n.Sigs {
		if sig.Name == p.log.Name() && sig.Hash == p.log.KeyHash() {
			logSigned = true
			if i != 0 {
				strays++
			}
			continue
		}
		co, err := p.cosignature(sig)
		if err != nil {
			return c, nil, 0, err
		}
		if co.Witness <= last {
			strays++
		}
		last = co.Witness
		cosigs = append(cosigs, co)
	}
	if !logSigned {
		return c, nil, 0, errors.New("the log has not signed it")
	}
	return c, cosigs, strays, nil
}

// cosignature expects a signature that was verified.
func (p Policy) cosignature(sig note.Signature) (Cosignature, error) {
	t, err := torchwood.CosignatureTimestamp(sig)
	if err != nil || t <= 0 || t > maxEffective {
		return Cosignature{}, fmt.Errorf("cosignature of %s: its time is out of range", sig.Name)
	}
	for i, v := range p.witnesses {
		if v.Name() == sig.Name && v.KeyHash() == sig.Hash {
			return Cosignature{i, time.Unix(t, 0).UTC(), sig}, nil
		}
	}
	return Cosignature{}, fmt.Errorf("cosignature of %s: not a witness of this ledger", sig.Name)
}

// OpenCosignature reads a witness's answer to add-checkpoint: signature lines,
// one of which must be a valid cosignature of c by witness i of the policy.
func (p Policy) OpenCosignature(c Checkpoint, i int, answer []byte) (Cosignature, error) {
	for line := range strings.SplitSeq(strings.TrimSuffix(string(answer), "\n"), "\n") {
		sig, err := parseSignature(line)
		if err != nil {
			return Cosignature{}, fmt.Errorf("answer of %s: %w", p.witnesses[i].Name(), err)
		}
		v := p.witnesses[i]
		if sig.Name != v.Name() || sig.Hash != v.KeyHash() {
			continue // a witness may sign with several keys; only this one counts
		}
		raw, _ := decode64(sig.Base64)
		if !v.Verify([]byte(c.Text()), raw[4:]) {
			return Cosignature{}, fmt.Errorf("answer of %s: its cosignature does not hold", v.Name())
		}
		return p.cosignature(sig)
	}
	return Cosignature{}, fmt.Errorf("answer of %s: no cosignature by its key", p.witnesses[i].Name())
}

// Finalize puts exactly Quorum cosignatures, of distinct witnesses, under a
// checkpoint that the log has signed, in the one order that receipts have.
func (p Policy) Finalize(signed []byte, cosigs []Cosignature) ([]byte, error) {
	text, lines, err := splitNote(signed)
	if err != nil {
		return nil, fmt.Errorf("finalize checkpoint: %w", err)
	}
	if len(cosigs) != p.Quorum || len(lines) != 1 {
		return nil, fmt.Errorf("finalize checkpoint: %d cosignatures, want %d", len(cosigs), p.Quorum)
	}
	cosigs = slices.Clone(cosigs)
	slices.SortFunc(cosigs, func(a, b Cosignature) int { return a.Witness - b.Witness })
	var b strings.Builder
	b.WriteString(text + "\n" + formatSignature(lines[0]))
	for _, co := range cosigs {
		b.WriteString(formatSignature(co.sig))
	}
	if _, _, strays, err := p.open([]byte(b.String())); err != nil || strays != 0 {
		return nil, fmt.Errorf("finalize checkpoint: %d stray lines: %w", strays, err)
	}
	return []byte(b.String()), nil
}
