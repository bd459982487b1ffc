package x12

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestCorpusEveryClaimFile: of each public 837, each transaction set is read, or
// refused with the place, what is wrong and what to do.
func TestCorpusEveryClaimFile(t *testing.T) {
	for _, path := range corpus(t, "x12-*/837*/*", 48) {
		name := filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))
		f, got := readAll(t, readFile(t, path))
		for _, r := range f.Refusals {
			if !strings.HasPrefix(r.Where, "segment ") || r.Scope == "" || r.What == "" || r.Do == "" {
				t.Errorf("%s: refused without a place: %+v", name, r)
			}
		}
		if f.Refused > 0 && len(f.Refusals) == 0 || f.Refused > f.Sets {
			t.Errorf("%s: %d of %d sets refused, %d refusals", name, f.Refused, f.Sets, len(f.Refusals))
		}
		if read := f.Sets - f.Refused; (read > 0) != (len(got) > 0) {
			t.Errorf("%s: %d sets read, %d claims", name, read, len(got))
		}
		for _, s := range got {
			if len(s.Claim.Lines) == 0 || !strings.HasPrefix(s.Source.Place, "ISA ") {
				t.Errorf("%s: claim %s of %q has %d lines", name, s.Claim.Number, s.Source.Place, len(s.Claim.Lines))
			}
		}
	}
}
