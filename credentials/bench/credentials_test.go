//go:build bench

// Package bench measures what a credential costs beside the bare signature:
// make bench-credentials.
package bench

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/credentials/sdjwt"
)

const (
	rounds  = 9
	turns   = 50 // of the bare operation and the whole one, in a round
	inATurn = 20 // operations
)

var now = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// An operation is measured against a bare one of the same round.
type operation struct {
	name   string
	target float64
	bare   func() error
	do     func() error
}

// BenchmarkCredentials prints one line a target. What is measured is processor
// time of the process, with what the collection of garbage took of it, and the
// two sides of a ratio take turns of a millisecond: a busy neighbor then slows
// both of them, if any.
func BenchmarkCredentials(b *testing.B) {
	all := slices.Concat(tokens(b), readable(b), presented(b))
	ratios := make([][]float64, len(all))
	for range rounds {
		for i, o := range all {
			var bare, whole time.Duration
			for range turns {
				bare += timed(b, o.bare)
				whole += timed(b, o.do)
			}
			ratios[i] = append(ratios[i], whole.Seconds()/bare.Seconds())
		}
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Printf("load %s", load)
	}
	for i, o := range all {
		line(o.name, middle(ratios[i]), "x", o.target)
	}
	line("status-check-cached", statusCheck(b)*1e6, "us", 1)
}

func timed(b *testing.B, do func() error) time.Duration {
	b.Helper()
	began := processorTime()
	for range inATurn {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
	return processorTime() - began
}

// processorTime is what this process has used so far, on all cores.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func middle(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

func line(name string, measured float64, unit string, target float64) {
	verdict := "ok"
	if measured > target {
		verdict = "short"
	}
	fmt.Printf("bench %s %.3g %s target %g %s\n", name, measured, unit, target, verdict)
}

// A board is what issues in these measurements.
type board struct {
	private ed25519.PrivateKey
	signer  credentials.Signer
	keys    credentials.ResolveKey
	handle  credentials.Handle
	license credentials.License
	lists   map[credentials.StatusPurpose]*credentials.SignedList
	status  []credentials.StatusEntry
}

func newBoard(b *testing.B) *board {
	b.Helper()
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	t := &board{private: private, signer: credentials.NewSigner(credentials.KeyID(pub), private)}
	key, err := credentials.ResolveDIDKey(t.signer.KeyID())
	if err != nil {
		b.Fatal(err)
	}
	// Whoever verifies many credentials keeps the keys that it has resolved.
	t.keys = func(kid string) (credentials.Key, error) {
		if kid == t.signer.KeyID() {
			return key, nil
		}
		return credentials.ResolveDIDKey(kid)
	}
	rand.Read(t.handle[:])
	listURL := func(p credentials.StatusPurpose) string { return "https://board.example/status/" + string(p) + "/1" }
	t.license = credentials.License{Handle: t.handle, NPI: "1234567893", Name: "Nadia Amaranth", Jurisdiction: "CA", Profession: "MD",
		Number: "CA-MD-99999", From: "2021-10-01", Until: "2027-09-30"}
	t.status = credentials.LicenseStatus(listURL, [3]int{4711, 815, 42})
	t.lists = map[credentials.StatusPurpose]*credentials.SignedList{}
	for _, e := range t.status {
		signed, err := credentials.IssueStatusList(t.signer, t.handle, e.Purpose, e.Credential,
			credentials.NewStatusList(max(e.Size, 1)), now.Add(-time.Hour), now.Add(time.Hour))
		if err == nil {
			t.lists[e.Purpose], err = credentials.ReadStatusList(signed, t.keys)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return t
}

// policy has every check made.
func (t *board) policy() credentials.Policy {
	return credentials.Policy{
		Now: now, Leeway: time.Minute, Position: credentials.Latest, Keys: t.keys,
		Issuer: func(credentials.DID, credentials.Kind, string) error { return nil },
		List: func(_ credentials.DID, e credentials.StatusEntry) (*credentials.SignedList, error) {
			return t.lists[e.Purpose], nil
		},
		Replayed: func(credentials.Handle) bool { return false },
	}
}

func (t *board) issue() (string, error) {
	return credentials.Issue(t.signer, credentials.KindLicense, t.handle, now, t.status, t.license)
}

// signs and verifies are the bare operations over the bytes that a format signs.
func (t *board) signs(message []byte) func() error {
	return func() error { ed25519.Sign(t.private, message); return nil }
}

func (t *board) verifies(message []byte) func() error {
	pub, sig := t.private.Public().(ed25519.PublicKey), ed25519.Sign(t.private, message)
	return func() error {
		if !ed25519.Verify(pub, message, sig) {
			return fmt.Errorf("the bare signature does not verify")
		}
		return nil
	}
}

func good[T any](_ *credentials.Credential[T], v credentials.Verdict) error {
	if v.Outcome != credentials.Good {
		return fmt.Errorf("got %+v, want it good", v)
	}
	return nil
}

// tokens are vc+jwt.
func tokens(b *testing.B) []operation {
	t := newBoard(b)
	token, err := t.issue()
	if err != nil {
		b.Fatal(err)
	}
	message := []byte(token[:len(token)-87]) // a dot and 64 bytes in base64url
	return []operation{
		{"vc-jwt-issue", 1.5, t.signs(message), func() error { _, err := t.issue(); return err }},
		{"vc-jwt-verify", 1.7, t.verifies(message), func() error {
			return good(credentials.Judge[credentials.License](token, credentials.KindLicense, t.policy()))
		}},
	}
}

// readable are eddsa-jcs-2022, whose bare message is two hashes.
func readable(b *testing.B) []operation {
	t := newBoard(b)
	terms := integrity.Terms{Purpose: integrity.Assertion, Created: now}
	sign := func() ([]byte, error) {
		draft, err := credentials.Draft(t.signer, credentials.KindLicense, t.handle, now, time.Time{}, t.status, t.license)
		if err != nil {
			return nil, err
		}
		return integrity.Sign(t.signer, integrity.JCS, draft, terms)
	}
	document, err := sign()
	if err != nil {
		b.Fatal(err)
	}
	message := make([]byte, 64)
	return []operation{
		{"eddsa-jcs-issue", 2.5, t.signs(message), func() error { _, err := sign(); return err }},
		{"eddsa-jcs-verify", 2.7, t.verifies(message), func() error {
			return good(integrity.Judge[credentials.License](document, credentials.KindLicense, []integrity.Suite{integrity.JCS}, t.policy()))
		}},
	}
}

// presented are SD-JWT of which the holder shows two members of five. Two
// signatures are verified: the issuer's and the holder's.
func presented(b *testing.B) []operation {
	t := newBoard(b)
	document := sdjwt.Document[credentials.License]{Kind: credentials.KindLicense, Handle: t.handle, From: now, Status: t.status,
		Subject: t.license, Withhold: []string{"/npi", "/name", "/number", "/from", "/until"}}
	holder, err := credentials.ResolveDIDKey(t.signer.KeyID()) // whose key it is makes no difference here
	if err != nil {
		b.Fatal(err)
	}
	issued, err := sdjwt.Issue(t.signer, holder, document)
	if err != nil {
		b.Fatal(err)
	}
	const challenge, domain = "challenge-1", "insurer.example"
	shown, err := sdjwt.Present(issued, t.signer, []string{"/npi", "/until"}, challenge, domain, now)
	if err != nil {
		b.Fatal(err)
	}
	p := t.policy()
	p.Presented = &credentials.Presentation{Challenge: challenge, Domain: domain}
	two := t.verifies([]byte(issued[:strings.LastIndexByte(issued[:strings.IndexByte(issued, '~')], '.')]))
	return []operation{{"sd-jwt-verify-with-binding", 1.8, func() error { return errors.Join(two(), two()) }, func() error {
		if _, v := sdjwt.Judge(shown, credentials.KindLicense, p); v.Outcome != credentials.Good {
			return fmt.Errorf("got %+v, want it good", v)
		}
		return nil
	}}}
}

// statusCheck is the seconds that a license's status takes to be read from its
// three lists that were read before, with their own dates and issuer checked.
func statusCheck(b *testing.B) float64 {
	t := newBoard(b)
	p, did := t.policy(), credentials.DID("")
	token, err := t.issue()
	if err != nil {
		b.Fatal(err)
	}
	c, _ := credentials.Judge[credentials.License](token, credentials.KindLicense, p)
	did = c.Issuer
	e := &credentials.Envelope{Kind: credentials.KindLicense, Handle: t.handle, Issuer: did, KeyID: t.signer.KeyID(), From: now}
	without := timedJudge(p, e)
	e.Status = t.status
	return max(timedJudge(p, e)-without, 0)
}

func timedJudge(p credentials.Policy, e *credentials.Envelope) float64 {
	if len(e.Status) == 0 {
		p.Status = credentials.StatusIfNamed
	}
	const n = 200_000
	began := processorTime()
	for range n {
		p.Judge(e)
	}
	return (processorTime() - began).Seconds() / n
}
