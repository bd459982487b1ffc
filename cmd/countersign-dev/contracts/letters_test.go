package contracts

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
)

// TestInformed has a claim and a prior-authorization request wait for a person. The
// reviewer asks, the hospital answers with a document, the reviewer approves, and
// whoever has the dossier finds the letters that the reviewer had, or is told
// which is missing.
func TestInformed(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	template := h.claimsOf("claims.837")[0]
	h.decided(h.submit(h.sign(template.Claim, template.Source)), 1)
	c := template.Claim
	c.Number = "COPY-1"
	c.Lines[0].Modifiers = []string{"76"} // the same again, by the same clinician: a near duplicate
	claim := h.submit(h.sign(c, template.Source))
	h.decisionOn(claim, "pended")
	request := h.request("auth-b.json")
	h.decided(request, 1)

	folder := t.TempDir()
	text := func(name, words string) string {
		path := filepath.Join(folder, name)
		h.must(os.WriteFile(path, []byte(words), 0o600))
		return path
	}
	question, answer, notes := text("question.txt", "Why twice on one day?"), text("answer.txt", "Seen again in the afternoon."), text("notes.txt", "16:10 seen again")
	for kind, a := range map[string]string{"claim": claim.Handle.String(), "auth": request.Handle.String()} {
		h.says(0, `decision 1: letter \w+ sent, with no document`, h.typedBy(parties.Reviewer, "review", "ask", a, "--words", question, "--due", "2126-12-01")...)
		h.says(0, `the insurer asked on .*, by 2126-12-01: Why twice on one day\?`, h.hospitals(kind, "status", a)...)
		h.says(0, `letter \w+ sent, with 1 document`, h.hospitals(kind, "inform", a, "--words", answer, "--file", notes)...)
		h.says(0, `letter \w+ was sent before`, h.hospitals(kind, "inform", a, "--words", answer, "--file", notes)...)
		documents := filepath.Join(folder, kind+"-documents")
		h.says(0, `(?s)from the reviewer.*Why twice.*from the submitter.*notes.txt\s+Seen again in`,
			h.typedBy(parties.Reviewer, "review", "show", a, "--documents", documents)...)
		if got, err := filepath.Glob(filepath.Join(documents, "*-notes.txt")); err != nil || len(got) != 1 {
			t.Errorf("documents: %v, %v", got, err)
		} else if b, err := os.ReadFile(got[0]); err != nil || string(b) != "16:10 seen again" {
			t.Errorf("got %q, %v", b, err)
		}
		h.says(0, `(?m)^\w{12} +(claim|authorization) +\S+ +1 `, h.typedBy(parties.Reviewer, "review", "list")...)
		h.says(0, `approved \(two-visits\)`, h.typedBy(parties.Reviewer, "review", "approve", a, "--reason", "two-visits")...)
	}
	h.decided(claim, 2)
	h.decided(request, 2)
	h.says(2, ``, h.hospitals("claim", "inform", claim.Handle.String(), "--words", answer)...) // it waits no more
	for kind, a := range map[string]string{"claim": claim.Handle.String(), "auth": request.Handle.String()} {
		dir := filepath.Join(folder, kind)
		h.says(0, ``, h.hospitals(kind, "status", a, "--out", dir)...)
		h.says(0, `2 of 2 decisions computed again`, "verify", dir, "--trust", h.TrustFile())
		letters, err := filepath.Glob(filepath.Join(dir, "letters", "*.jwt"))
		if err != nil || len(letters) != 2 {
			t.Fatalf("%s: letters %v, %v", kind, letters, err)
		}
		h.must(os.Remove(letters[0]))
		h.says(3, `letters/`, "verify", dir, "--trust", h.TrustFile())
	}
}
