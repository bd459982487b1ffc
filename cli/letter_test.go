package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// What cannot be sent is told before any key is asked for.
func TestInformRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, size int) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Repeat("a", size)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	words := file("words.txt", 10)
	for says, args := range map[string][]string{
		"--words":                      {"claim", "inform", "C1"},
		"no such file":                 {"claim", "inform", "C1", "--words", filepath.Join(dir, "none")},
		"20000 bytes of plain text":    {"auth", "inform", "C1", "--words", file("long.txt", claims.MaxLetterWords+1)},
		"at most 500000":               {"claim", "inform", "C1", "--words", words, "--file", file("large.pdf", claims.MaxEnclosed+1)},
		"--due: want a day to come":    {"review", "ask", "C1", "--words", words, "--due", "2020-01-01"},
		"--due: want a day to come, s": {"review", "ask", "C1", "--words", words, "--due", "soon"},
	} {
		code, _, told := typed(args...)
		if code != exitRefused || !strings.Contains(told, says) || strings.Count(told, "\n") != 1 {
			t.Errorf("%v: got exit %d, %q, want %q", args, code, told, says)
		}
	}
}
