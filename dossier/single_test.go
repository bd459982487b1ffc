package dossier

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/ledger"
)

func TestVerifyFile(t *testing.T) {
	w := build(t, nil)
	trust := ledger.Trust{Origin: origin, Genesis: w.genesis}
	flipped := map[string]bool{}
	for name, content := range w.files {
		r := VerifyFile(w.files, name, content, &trust)
		pass := name != SummaryFile && !in(name, Status) // which no receipt vouches for
		if r.OK() != pass {
			t.Errorf("%s: got%s, want it to pass: %v", name, failures(r), pass)
		}
		if in(name, Decisions) && (r.Verified != 1 || r.Reproduced != 1 || r.Decisions != 1) {
			t.Errorf("%s: got %+v", name, *r)
		}
		if b := bytes.Clone(content); !flipped[kindOf(name)] {
			flipped[kindOf(name)] = true
			b[len(b)/2] ^= 1
			if r := VerifyFile(w.files, name, b, &trust); r.OK() {
				t.Errorf("%s: a changed byte goes unseen", name)
			}
		}
		// Whoever has the file alone cannot tell anything by it.
		if r := VerifyFile(nil, name, content, &trust); r.OK() && name != TrustFile && name != GenesisFile {
			t.Errorf("%s passes without its proofs", name)
		}
	}
}

func TestVerifyFileElsewhere(t *testing.T) {
	w := build(t, nil)
	c1 := decisionOf("C1", 1)
	token := w.files[fileOf(Decisions, c1)]
	only := func(names ...string) Files {
		f := Files{}
		for name, content := range w.files {
			for _, n := range names {
				if strings.HasPrefix(name, n) {
					f[name] = content
				}
			}
		}
		return f
	}
	for name, x := range map[string]struct {
		files   Files
		file    string
		content []byte
		check   string // that fails, "" for none
	}{
		"renamed":                 {w.files, "/home/me/my decision.jwt", token, ""},
		"in a folder of its name": {w.files, "/mnt/decisions/" + c1.String() + ".jwt", token, ""},
		"under another handle":    {w.files, "decisions/" + decisionOf("C4", 1).String() + ".jwt", token, checkName},
		"license and its receipt": {only(TrustFile, Entries, Receipts), "a.jwt", w.files[fileOf(Licenses, handle("license "+string(good)))], ""},
		"no receipt":              {only(TrustFile, Entries, Submissions, Evidence, Editions, Licenses), "a.jwt", token, checkReceipt},
		"no evidence":             {only(TrustFile, Entries, Receipts, Submissions, Editions, Licenses), "a.jwt", token, checkRests},
		"no plan":                 {only(TrustFile, Entries, Receipts, Submissions, Evidence, Licenses), "a.jwt", token, checkRests},
		"no license":              {only(TrustFile, Entries, Receipts, Submissions, Evidence, Editions), "a.jwt", token, checkRests},
		"no submission":           {only(TrustFile, Entries, Receipts, Evidence, Editions, Licenses), "a.jwt", token, checkRests},
		"submission unanswered":   {only(TrustFile, Entries, Receipts), "a.jwt", w.files[fileOf(Submissions, handle("claim C1"))], checkReceipt},
		"no trust":                {only(Entries, Receipts), "a.jwt", token, checkTrust},
		"not a token":             {w.files, "a.jwt", []byte("hello\n"), checkName},
		"not of a dossier":        {w.files, "a.txt", token, checkUncovered},
		"unsigned":                {w.files, SummaryFile, []byte("{}"), checkUncovered},
	} {
		r := VerifyFile(x.files, x.file, x.content, nil)
		got := ""
		for _, c := range r.Failures {
			if c.File == x.file || c.Name == checkTrust {
				got = c.Name
			}
		}
		if got != x.check || r.OK() != (x.check == "") {
			t.Errorf("%s: got %q%s, want %q", name, got, failures(r), x.check)
		}
	}
}

// A failure of something that the file rests on is told with it; failures of
// other files are not.
func TestVerifyFileTellsTheCause(t *testing.T) {
	w := build(t, nil)
	f := maps.Clone(w.files)
	license := fileOf(Licenses, handle("license "+string(good)))
	f[license] = append(bytes.Clone(f[license]), ' ')
	f[fileOf(Receipts, decisionOf("C4", 1))] = nil
	name := fileOf(Decisions, decisionOf("C1", 1))
	r := VerifyFile(f, name, f[name], nil)
	if len(r.Failures) != 2 || !(want{license, checkFormat}).in(r) || !(want{name, checkRests}).in(r) || r.Verified != 0 || r.Reproduced != 1 {
		t.Errorf("got %+v", *r)
	}
}

// TestNoClock reads the package's own text: a verdict must be the same a year
// later and on a machine without a network.
func TestNoClock(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"time.Now", "time.Since", "time.Until", `"net`} {
			if !strings.HasSuffix(name, "_test.go") && bytes.Contains(b, []byte(word)) {
				t.Errorf("%s has %s", name, word)
			}
		}
	}
}
