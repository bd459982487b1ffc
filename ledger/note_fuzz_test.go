package ledger

import (
	"strings"
	"testing"
)

// A checkpoint and a signed note have one spelling.
func FuzzParseCheckpoint(f *testing.F) {
	c := Checkpoint{Origin: "ledger.example", Size: 5, Root: [32]byte{1}}
	f.Add(c.Text())
	f.Add(c.Text() + "\n— ledger.example AAAAAEFB\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCheckpoint(text); err == nil && c.Text() != text {
			t.Errorf("%q is a second spelling of %q", text, c.Text())
		}
		body, sigs, err := splitNote([]byte(text))
		if err != nil {
			return
		}
		again := body + "\n"
		for _, s := range sigs {
			again += signaturePrefix + s.Name + " " + s.Base64 + "\n"
		}
		if again != text || strings.Contains(body, "\n\n") {
			t.Errorf("%q is a second spelling of %q", text, again)
		}
	})
}
