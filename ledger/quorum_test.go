package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// A ledger whose witnesses one liar could turn is refused, and the words say so.
func TestQuorumRefused(t *testing.T) {
	policy := func(k, n int) error {
		g, _ := ledgertest.Draft()
		var keys []string
		for i := range n {
			name := fmt.Sprint("w", i+1)
			keys = append(keys, renamed(t, "witness.example/"+name, name))
		}
		_, err := ledger.NewPolicy(g.Origin, g.LogKey, keys, k)
		return err
	}
	why := "one that lies could make two histories final, want 2k-n of at least 2, such as 3 of 4 or 5 of 7"
	for n := range 17 {
		for k := range n + 2 {
			err := policy(k, n)
			switch safe := k >= 1 && k <= n && n <= 15 && 2*k-n >= 2; {
			case safe && err != nil:
				t.Errorf("%d of %d: got %v", k, n, err)
			case !safe && (err == nil || !strings.Contains(err.Error(), fmt.Sprintf("quorum of %d among %d witnesses", k, n))):
				t.Errorf("%d of %d: got %v, want a refusal", k, n, err)
			case k >= 1 && k <= n && n <= 15 && !safe && !strings.Contains(err.Error(), why):
				t.Errorf("%d of %d: got %v, want it to say %s", k, n, err, why)
			}
		}
	}
}

// Liars countersign both of two histories, every other witness the one that it
// is shown first, and whoever splits the view chooses which. Over all choices:
// both become final exactly where two quorums need share no honest witness.
func TestLiars(t *testing.T) {
	for _, c := range []struct {
		k, n, liars int
		breaks      bool
	}{
		{3, 4, 1, false}, {5, 7, 1, false}, {5, 7, 2, false}, {2, 2, 1, false}, {4, 5, 2, false},
		{2, 3, 1, true}, {3, 5, 1, true}, {4, 7, 1, true}, // refused for this
		{3, 4, 2, true}, {5, 7, 3, true}, // more liars than 2k-n bears
		{2, 3, 0, false}, {2, 4, 0, true},
	} {
		t.Run(fmt.Sprintf("%d of %d, %d lie", c.k, c.n, c.liars), func(t *testing.T) {
			ledgertest.AnyQuorum(t)
			l := ledgertest.NewOf(t, c.k, c.n)
			sides := []ledger.Checkpoint{newTree(t, 5).checkpoint(), fork(t, 5, 3).checkpoint()}
			lines := make([][]string, 2)
			var log [2]string
			for s, cp := range sides {
				signed, err := note.Sign(&note.Note{Text: cp.Text()}, l.LogKey)
				if err != nil {
					t.Fatal(err)
				}
				log[s] = string(signed)
				for i := range c.n {
					lines[s] = append(lines[s], cosignAt(t, fmt.Sprint("w", i+1), cp.Text(), start))
				}
			}
			broken := 0
			for choice := range 1 << (c.n - c.liars) {
				final := 0
				for s, b := range log {
					for i := range c.n {
						if i >= c.n-c.liars || choice>>i&1 == s {
							b += lines[s][i]
						}
					}
					if got, _, err := l.Policy.Final([]byte(b)); err == nil && got == sides[s] {
						final++
					}
				}
				if final == 2 {
					broken++
				}
			}
			if breaks := broken > 0; breaks != c.breaks {
				t.Errorf("two histories are final under %d of %d choices, want some: %v", broken, 1<<(c.n-c.liars), c.breaks)
			}
		})
	}
}
