package aries

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

func TestHandover(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	first, err := s.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	did, _ := credentials.SignerDID(first)
	kids := []string{first.KeyID()}
	for range 2 {
		var wait sync.WaitGroup
		got := make([]string, 4)
		for i := range got { // all at once, each as a process of its own would
			wait.Go(func() {
				if next, err := openStore(t, dir).Prepare("a"); err != nil {
					t.Error(err)
				} else {
					got[i] = next.KeyID()
				}
			})
		}
		wait.Wait()
		for _, kid := range got {
			if kid != got[0] || !strings.HasPrefix(kid, string(did)+"#z6Mk") || kid == kids[len(kids)-1] {
				t.Fatalf("prepared %q, after %q", got, kids)
			}
		}
		if now, err := s.Signer("a"); err != nil || now.KeyID() != kids[len(kids)-1] {
			t.Errorf("before Promote %v signs, %v", now, err)
		}
		if err := s.Promote("a", kids[0]+"x"); err == nil {
			t.Error("promoted a key that nobody prepared")
		}
		_, fragment, _ := strings.Cut(kids[len(kids)-1], "#")
		next := filepath.Join(dir, "names", "a.next."+fragment)
		stale, err := os.ReadFile(next)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Promote("a", got[0]); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(next); !os.IsNotExist(err) {
				t.Errorf("promoted, and %s is still there: %v", next, err)
			}
			// As if it had been cut off before its last step.
			if err := os.WriteFile(next, stale, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		kids = append(kids, got[0])
		if now, err := openStore(t, dir).Signer("a"); err != nil || now.KeyID() != got[0] {
			t.Errorf("after Promote %v signs, %v", now, err)
		}
	}
	k, err := s.Key("a")
	if err != nil || k.KeyID != kids[2] || len(k.Past) != 2 || k.Past[0].KeyID != kids[1] || k.Past[1].KeyID != kids[0] || k.Past[1].Retired == nil {
		t.Errorf("got %+v, %v", k, err)
	}
	for _, v := range k.Past { // kept, for what was signed or sealed with it
		if _, err := s.open("a", v); err != nil {
			t.Error(err)
		}
	}
}
