package x12

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/countersign-health/countersign/claims"
)

// FuzzReadClaims wants every file read or refused with a place, never both for
// one set, and what is read to be whole.
func FuzzReadClaims(f *testing.F) {
	f.Add([]byte(sound()))
	f.Add([]byte(fileOf(setOf("1", claimSegments), setOf("2", "BHT*0019*00*1*20261102")) + fileOf()))
	f.Add([]byte(strings.NewReplacer("*", "|", ":", "<", "~\n", "\n").Replace(sound())))
	f.Add([]byte(stay()))
	f.Add([]byte(fileOf(institutionalSet("1", staySegments), setOf("2", claimSegments))))
	if b, err := os.ReadFile("../../examples/claims.837"); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sets := map[string]bool{}
		n := 0
		file, err := ReadClaims(bytes.NewReader(b), func(s Submitted) error {
			n++
			set, _, _ := strings.Cut(s.Source.Place, ", CLM")
			sets[set] = true
			c := &s.Claim
			if len(c.Lines) == 0 || len(c.Lines) > 999 || c.Institutional == nil && len(c.Lines) > maxLines || c.Number == "" || c.Charge < 0 || c.Subscriber.Last == "" || c.Billing.Name == "" || s.Source.Created == "" {
				t.Errorf("half a claim: %+v", c)
			}
			for _, l := range c.Lines {
				if l.Code == "" && l.Revenue == "" || (l.Revenue == "") != (c.Institutional == nil) || l.From == "" || l.To < l.From || l.Units <= 0 || l.Charge < 0 {
					t.Errorf("half a line: %+v", l)
				}
			}
			for _, p := range append(s.Check(claims.Edits{}), claims.Check(c, claims.Edits{}, "2026-11-02")...) {
				if e, known := claims.EditNamed(p.Edit); !known || e.Off || !strings.HasPrefix(s.Positions.Place(p), "segment ") {
					t.Errorf("%+v at %s", p, s.Positions.Place(p))
				}
				s.Fault(p)
			}
			if in := c.Institutional; in != nil && (in.Through < in.From || in.Facility == "" || len(in.Present) > len(c.Diagnoses)) {
				t.Errorf("half a stay: %+v", in)
			}
			if !utf8.ValidString(c.Number + c.Subscriber.Last + c.Billing.Name + c.Payer.ID) {
				t.Error("text that is not UTF-8")
			}
			return nil
		})
		if err != nil {
			t.Fatalf("an error for a file that can be read: %v", err)
		}
		if n != file.Claims || n == 0 && len(file.Refusals) == 0 || len(sets) > file.Sets-file.Refused {
			t.Errorf("%d claims of %d sets, the file says %+v", n, len(sets), file)
		}
		for _, r := range file.Refusals {
			if r.Where == "" || r.What == "" || r.Do == "" || r.Scope == "" || sets[r.Scope] {
				t.Errorf("refusal %+v of %v", r, sets)
			}
		}
	})
}

// FuzzReadRemittance wants no panic, and whatever balances and can be written
// again to read the same and to satisfy the second reader.
func FuzzReadRemittance(f *testing.F) {
	if b, err := os.ReadFile("testdata/remittance.835"); err == nil {
		f.Add(b)
		f.Add(bytes.Replace(b, []byte("SE*37"), []byte("PLB*1*20261231*WO:X*1*L6*-1~\nSE*38"), 1))
		f.Add(bytes.ReplaceAll(b, []byte("HC:"), []byte("HC>")))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ReadRemittance(bytes.NewReader(b))
		if err != nil {
			return
		}
		for i := range got {
			if CheckBalance(&got[i]) != nil {
				return
			}
		}
		text, err := WriteRemittance(envelope, got...)
		if err != nil {
			return
		}
		if err := secondReader(string(text)); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		again, err := ReadRemittance(bytes.NewReader(text))
		if err != nil || len(again) != len(got) {
			t.Fatalf("what was written cannot be read: %v\n%s", err, text)
		}
		twice, err := WriteRemittance(envelope, again...)
		if err != nil || !bytes.Equal(twice, text) {
			t.Fatalf("written twice: %v\n%s\n%s", err, text, twice)
		}
	})
}
