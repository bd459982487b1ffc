package credentials

import (
	"strings"
	"testing"
)

func TestContradiction(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before []string
		order  string
		want   string // "" where it may
	}{
		{"suspend", nil, "suspend 2026-03-01", ""},
		{"suspend from its first day", nil, "suspend 2025-01-01", ""},
		{"suspend before it began", nil, "suspend 2024-12-31", "begins on 2025-01-01"},
		{"suspend what has run out, so that a renewal does not help", nil, "suspend 2027-06-01", ""},
		{"suspend twice", []string{"suspend 2026-03-01"}, "suspend 2026-03-01 2026-04-01", ""},
		{"suspend what is revoked", []string{"revoke 2026-03-01"}, "suspend 2026-03-01", "revoked from 2026-03-01"},
		{"suspend until a revocation binds", []string{"revoke 2026-03-01"}, "suspend 2026-02-28", ""},
		{"suspend what was revoked in error", []string{"revoke 2026-03-01", "void 2026-03-01 of 1"}, "suspend 2026-02-01", ""},
		{"restrict", nil, "restrict 2026-03-01 - A", ""},
		{"restrict before it began", nil, "restrict 2024-03-01 - A", "begins on"},
		{"restrict what is revoked", []string{"revoke 2026-03-01"}, "restrict 2026-03-02 - A", "revoked from"},
		{"restrict until a revocation binds", []string{"revoke 2026-03-01"}, "restrict 2026-02-01 - A", ""},
		{"reinstate", []string{"suspend 2026-03-01"}, "reinstate 2026-04-01 of 1", ""},
		{"reinstate a restriction", []string{"restrict 2026-03-01 - A"}, "reinstate 2026-04-01 of 1", ""},
		{"reinstate both", []string{"suspend 2026-03-01", "suspend 2026-03-15"}, "reinstate 2026-04-01 of 1 2", ""},
		{"reinstate on its first day", []string{"suspend 2026-03-01"}, "reinstate 2026-03-01 of 1", "before it has begun"},
		{"reinstate on its last day", []string{"suspend 2026-03-01 2026-03-31"}, "reinstate 2026-03-31 of 1", ""},
		{"reinstate after its last day", []string{"suspend 2026-03-01 2026-03-31"}, "reinstate 2026-04-01 of 1", "is over by 2026-04-01"},
		{"reinstate once more, later", []string{"suspend 2026-03-01", "reinstate 2026-04-01 of 1"}, "reinstate 2026-05-01 of 1", "is over by"},
		{"reinstate once more, earlier", []string{"suspend 2026-03-01", "reinstate 2026-04-01 of 1"}, "reinstate 2026-03-15 of 1", ""},
		{"reinstate what is not there", []string{"suspend 2026-03-01"}, "reinstate 2026-04-01 of 2", "is no order upon the license"},
		{"reinstate what was void", []string{"suspend 2026-03-01", "void 2026-03-01 of 1"}, "reinstate 2026-04-01 of 1", "or is void"},
		{"reinstate a renewal", []string{"renew 2026-03-01 2028-12-31"}, "reinstate 2026-04-01 of 1", "neither a suspension nor"},
		{"reinstate what is revoked", []string{"suspend 2026-03-01", "revoke 2026-03-15"}, "reinstate 2026-04-01 of 1", "revoked from"},
		{"renew", nil, "renew 2027-01-01 2028-12-31", ""},
		{"renew for nothing", nil, "renew 2026-06-01 2026-12-31", "runs to 2026-12-31 already"},
		{"renew while suspended", []string{"suspend 2026-03-01"}, "renew 2027-01-01 2028-12-31", ""},
		{"renew for less than before", []string{"renew 2027-01-01 2028-12-31"}, "renew 2027-01-01 2028-06-30", "runs to 2028-12-31 already"},
		{"renew what was renewed in error", []string{"renew 2027-01-01 2028-12-31", "void 2027-01-01 of 1"}, "renew 2027-01-01 2028-06-30", ""},
		{"renew what is revoked", []string{"revoke 2026-03-01"}, "renew 2027-01-01 2028-12-31", "revoked from"},
		{"revoke", []string{"suspend 2026-03-01", "renew 2027-01-01 2028-12-31"}, "revoke 2026-04-01", ""},
		{"revoke twice", []string{"revoke 2026-03-01"}, "revoke 2026-03-01", "revoked from 2026-03-01"},
		{"revoke sooner", []string{"revoke 2026-03-01"}, "revoke 2026-02-28", ""},
		{"revoke later than the sooner of two", []string{"revoke 2026-03-01", "revoke 2026-02-01"}, "revoke 2026-02-15", "revoked from 2026-02-01"},
		{"reinstate until a revocation binds", []string{"suspend 2026-01-01", "revoke 2026-03-01"}, "reinstate 2026-02-01 of 1", "revoked from"},
		{"void the license", nil, "void 2025-01-01", ""},
		{"void the license from another day", nil, "void 2025-01-02", "want 2025-01-01"},
		{"void the license twice", []string{"void 2025-01-01"}, "void 2025-01-01", "is void"},
		{"void a revoked license", []string{"revoke 2026-03-01"}, "void 2025-01-01", ""},
		{"void a revocation", []string{"revoke 2026-03-01"}, "void 2026-03-01 of 1", ""},
		{"void a revocation from another day", []string{"revoke 2026-03-01"}, "void 2026-03-02 of 1", "want 2026-03-01"},
		{"void twice", []string{"suspend 2026-03-01", "void 2026-03-01 of 1"}, "void 2026-03-01 of 1", "is void already"},
		{"void a void", []string{"suspend 2026-03-01", "void 2026-03-01 of 1"}, "void 2026-03-01 of 2", "order anew"},
		{"void what is not there", nil, "void 2026-03-01 of 1", "is no order upon"},
		{"void a reinstatement", []string{"suspend 2026-03-01", "reinstate 2026-04-01 of 1"}, "void 2026-04-01 of 2", ""},
		{"anything upon a void license", []string{"void 2025-01-01"}, "revoke 2026-03-01", "is void"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := (&acts{t: t, license: ma.Handle}).do(append(tt.before, tt.order)...)
			last := len(all) - 1
			err := Contradiction(ma, all[:last], all[last])
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")) {
				t.Fatalf("Contradiction = %v, want %q", err, tt.want)
			}
			// What a board may order, everybody understands.
			if s := StandingOn([]License{ma}, all, "MA", "2026-06-01", true); err == nil && s == unclear {
				t.Error("the orders are accepted and nobody understands them")
			}
		})
	}
}

// A board whose register does not fit together orders nothing more.
func TestContradictionOfWhatIsUnclear(t *testing.T) {
	before := []Order{{Handle: Handle{1: 1}, License: ma.Handle, Action: "censure", Effective: mustTime(t, "2026-03-01T00:00:00Z")}}
	o := Order{Handle: Handle{1: 2}, License: ma.Handle, Action: OrderSuspend, Effective: mustTime(t, "2026-03-01T00:00:00Z")}
	if err := Contradiction(ma, before, o); err == nil || !strings.Contains(err.Error(), "do not fit together") {
		t.Errorf("Contradiction = %v", err)
	}
	if err := Contradiction(ma, nil, before[0]); err == nil {
		t.Error("an order of no known action may be made")
	}
}
