package operator_test

import (
	"errors"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// The operator holds a declaration against the place that it gives it, takes
// nothing from a key that the founders have declared bad, and remembers both.
func TestCompromise(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		log := lt.Open(t, open())
		first, second, third := ledgertest.Signer("insurer"), following("second"), following("third")
		did, _ := credentials.SignerDID(first)
		declare := func(s credentials.Signer, c ledger.Compromise) ledger.Entry {
			c.DID = did
			if c.Next != "" {
				for _, f := range []string{"board", "hospital"} {
					ap, err := ledger.ApproveCompromise(lt.Genesis.Digest(), c, ledgertest.Signer(f))
					if err != nil {
						t.Fatal(err)
					}
					c.Approvals = append(c.Approvals, ap)
				}
			}
			e, err := c.Entry()
			if err == nil {
				e, err = e.Sign(s)
			}
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		stolen := ledgertest.Entry(t, "by the thief")
		mustAppend(t, log, "before", ledgertest.Entry(t, "before"))
		mustAppend(t, log, "by the thief", stolen)
		mustAppend(t, log, "hand over", handOver(t, lt, first, second))
		ahead := declare(second, ledger.Compromise{Key: first.KeyID(), From: 5})
		if _, err := log.Append(ctx, business("ahead"), ahead.Marshal()); !errors.Is(err, operator.ErrRefused) {
			t.Fatalf("a place behind its own: %v", err) // it would stand at 4
		}
		said := declare(second, ledger.Compromise{Key: first.KeyID(), From: 2})
		if got := mustAppend(t, log, "declare", said); got != 4 {
			t.Fatalf("declared at %d", got)
		}
		_, multikey, _ := credentials.ParseKeyID(third.KeyID())
		founders := declare(third, ledger.Compromise{Key: second.KeyID(), From: 5, Next: multikey})
		if got := mustAppend(t, log, "founders", founders); got != 5 {
			t.Fatalf("declared by the founders at %d", got)
		}
		for what, l := range map[string]*operator.Log{"the same": log, "a new one": lt.Open(t, open())} {
			if got := mustAppend(t, l, "declare", said); got != 4 {
				t.Errorf("%s: sent again: got index %d", what, got)
			}
			if got := mustAppend(t, l, "by the thief", stolen); got != 2 {
				t.Errorf("%s: what the thief had recorded, sent again: got index %d", what, got)
			}
			for name, e := range map[string]ledger.Entry{
				"an entry by the first key":        ledgertest.Entry(t, "late"),
				"an entry by the second":           decisionOf(t, second),
				"a handover by the second":         handOver(t, lt, second, following("fourth")),
				"a later place":                    declare(third, ledger.Compromise{Key: first.KeyID(), From: 3}),
				"of the honest key, by the second": declare(second, ledger.Compromise{Key: third.KeyID(), From: 6}),
			} {
				if _, err := l.Append(ctx, business("late "+name), e.Marshal()); !errors.Is(err, operator.ErrRefused) {
					t.Errorf("%s: %s: got %v, want a refusal", what, name, err)
				}
			}
		}
		mustAppend(t, log, "by the key that followed", decisionOf(t, third))
	})
}

func decisionOf(t *testing.T, s credentials.Signer) ledger.Entry {
	t.Helper()
	e, err := ledger.Entry{Kind: ledger.KindClaimDecision, Subject: credentials.Handle{1}, Document: credentials.Digest{1}}.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
