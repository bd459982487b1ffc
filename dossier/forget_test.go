package dossier

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// What is forgotten is gone, and nothing else: the rest of the dossier holds,
// and so does what is left on the ledger of what went.
func TestForget(t *testing.T) {
	w := build(t, nil)
	for _, base := range w.files.in(Submissions, ".jwt") {
		h, _ := credentials.ParseHandle(base)
		name := fileOf(Submissions, h)
		g, err := w.files.Forget(h)
		if err != nil {
			if !strings.Contains(err.Error(), "would not hold any more") {
				t.Errorf("%s: %v", name, err)
			}
			continue // a claim rests on this authorization
		}
		if r := Verify(g.Rest, nil, nil); !r.OK() {
			t.Errorf("%s forgotten: the rest fails:%s", name, failures(r))
		}
		if r := VerifyExtract(g.Extract, nil); !r.OK() || r.Entries < 2 {
			t.Errorf("%s forgotten: what is left: %d entries%s", name, r.Entries, failures(r))
		}
		if !slices.Contains(g.Gone, name) || g.Rest[name] != nil || len(g.Rest)+len(g.Gone) != len(w.files) {
			t.Errorf("%s forgotten: got %v gone", name, g.Gone)
		}
		for file, content := range g.Rest {
			if bytes.Contains(content, []byte(base)) {
				t.Errorf("%s forgotten: %s names it", name, file)
			}
		}
	}
	g, err := w.files.Forget()
	if err != nil || len(g.Rest) != 1 || g.Rest[TrustFile] == nil {
		t.Fatalf("everything forgotten: %v left, %v", g.Rest, err)
	}
	if r := VerifyExtract(g.Extract, nil); !r.OK() || r.Entries != len(w.leaves)-1 {
		t.Errorf("everything forgotten: %d of %d entries are proved%s", r.Entries, len(w.leaves)-1, failures(r))
	}
	if _, err := w.files.Forget(handle("never heard of")); err == nil {
		t.Error("a submission that is not there was forgotten")
	}
}

// An extract is checked to the last file and byte.
func TestExtract(t *testing.T) {
	w := build(t, nil)
	g, err := w.files.Forget()
	if err != nil {
		t.Fatal(err)
	}
	var some string
	for name, content := range g.Extract {
		if name == TrustFile {
			continue
		}
		bad := Files{}
		for n, c := range g.Extract {
			bad[n] = c
		}
		bad[name] = bytes.Clone(content)
		bad[name][len(content)/2] ^= 1
		if r := VerifyExtract(bad, nil); r.OK() {
			t.Errorf("%s changed: nobody saw it", name)
		}
		if strings.HasSuffix(name, ".entry") && name != ExtractGenesisFile {
			some = strings.TrimSuffix(name, ".entry")
			delete(bad, name)
			if r := VerifyExtract(bad, nil); r.OK() {
				t.Errorf("%s gone: nobody saw it", name)
			}
		}
	}
	for _, name := range []string{"note.txt", "7000.entry", "entries/x.entry"} {
		bad := Files{name: g.Extract[some+".entry"]}
		for n, c := range g.Extract {
			bad[n] = c
		}
		if r := VerifyExtract(bad, nil); r.OK() {
			t.Errorf("%s added: nobody saw it", name)
		}
	}
	other := ledger.Trust{Origin: origin}
	if r := VerifyExtract(g.Extract, &other); r.OK() {
		t.Error("another ledger's trust was believed")
	}
}

// An attacker has the whole ledger, and knows everything about a decision but
// one thing with few values, a date of birth, and the salts. With the salts it
// takes a moment to find the date; without them, when they were destroyed,
// nothing that is on the ledger tells one date from another.
func TestForgottenIsNotGuessed(t *testing.T) {
	w := build(t, nil)
	for _, base := range w.files.in(Decisions, ".jwt") {
		decision := string(payloadOf(t, w.files["decisions/"+base+".jwt"]))
		doc, err := peekAt(w.files["decisions/"+base+".jwt"])
		if err != nil {
			t.Fatal(err)
		}
		a := &attacker{T: t, decision: decision, header: headerOf(w.files["decisions/"+base+".jwt"]), evidence: string(w.files["evidence/"+base+".json"])}
		name := fileOf(Submissions, doc.Decision.Submission)
		a.submission, a.subHeader = string(payloadOf(t, w.files[name])), headerOf(w.files[name])
		m := birthDate.FindStringSubmatch(a.submission)
		if m == nil {
			t.Fatal("the claim has no date of birth: attack something else")
		}
		g, err := w.files.Forget(doc.Decision.Submission)
		if err != nil {
			t.Fatal(err)
		}
		for _, leaf := range w.leaves {
			a.ledger = append(a.ledger, leaf...)
		}
		for _, left := range g.Extract {
			a.ledger = append(a.ledger, left...)
		}
		if got := a.try(m[1], nil); got != m[1] {
			t.Fatalf("with the salts: got %q, want %q: the attack itself does not work", got, m[1])
		}
		// It may take anything that stands on the ledger for a salt.
		guesses := []string{strings.Repeat("0", 64), base}
		for _, leaf := range w.leaves[1:] {
			if e, err := ledger.ParseEntry(leaf); err == nil {
				guesses = append(guesses, e.Document.String())
			}
		}
		for _, guess := range guesses[:min(len(guesses), 6)] {
			if got := a.try(m[1], &guess); got != "" {
				t.Errorf("without the salts: found %s", got)
			}
		}
		return // one is enough
	}
	t.Fatal("no decision")
}

var (
	birthDate = regexp.MustCompile(`"birth":"(\d{4}-\d\d-\d\d)"`)
	saltField = regexp.MustCompile(`"salt":"[0-9a-f]{64}"`)
)

type attacker struct {
	*testing.T
	submission, evidence, decision string // payloads
	subHeader, header              string
	ledger                         []byte
}

// try goes through every day of thirty years around the true one and looks for
// the digest of the decision on the ledger. With a guess, that is what it takes
// all salts for.
func (a *attacker) try(truth string, guess *string) string {
	salted := func(s string) string {
		if guess == nil {
			return s
		}
		return saltField.ReplaceAllString(s, `"salt":"`+*guess+`"`)
	}
	submission, evidence, decision := salted(a.submission), salted(a.evidence), salted(a.decision)
	before := credentials.DigestOf([]byte(a.subHeader + "." + b64(a.submission))).String()
	_, rootBefore, err := claims.OpenEvidence[claims.Evidence]([]byte(a.evidence))
	if err != nil {
		a.Fatal(err)
	}
	if !strings.Contains(decision, before) || !strings.Contains(decision, rootBefore.String()) {
		a.Fatal("the decision names its submission and its evidence in another way: attack that")
	}
	whereBorn := strings.Contains(evidence, truth)
	_, root, err := claims.OpenEvidence[claims.Evidence]([]byte(evidence))
	if err != nil {
		a.Fatal(err)
	}
	day := credentials.Date(truth).AddDays(-15 * 365)
	for range 30 * 365 {
		day = day.AddDays(1)
		s := strings.Replace(submission, `"birth":"`+truth+`"`, `"birth":"`+string(day)+`"`, -1)
		digest := credentials.DigestOf([]byte(a.subHeader + "." + b64(s))).String()
		if whereBorn {
			if _, root, err = claims.OpenEvidence[claims.Evidence]([]byte(strings.ReplaceAll(evidence, truth, string(day)))); err != nil {
				a.Fatal(err)
			}
		}
		d := strings.Replace(strings.Replace(decision, before, digest, 1), rootBefore.String(), root.String(), 1)
		found := credentials.DigestOf([]byte(a.header + "." + b64(d)))
		if bytes.Contains(a.ledger, found[:]) {
			return string(day)
		}
	}
	return ""
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func headerOf(token []byte) string {
	header, _, _ := strings.Cut(string(token), ".")
	return header
}

func payloadOf(t *testing.T, token []byte) []byte {
	t.Helper()
	parts := strings.Split(string(token), ".")
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return b
}
