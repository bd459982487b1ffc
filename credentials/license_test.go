package credentials

import (
	"slices"
	"testing"
	"time"
)

func handle(b byte) Handle { return Handle{b} }

func mustTime(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestStandingOn(t *testing.T) {
	ma := License{Handle: handle(1), NPI: "1881600012", Jurisdiction: "MA", Profession: "MD", From: "2025-01-01", Until: "2026-12-31"}
	ny := License{Handle: handle(2), NPI: "1881600012", Jurisdiction: "NY", Profession: "MD", From: "2025-01-01", Until: "2026-12-31"}
	old := License{Handle: handle(3), NPI: "1881600012", Jurisdiction: "MA", Profession: "MD", From: "2020-01-01", Until: "2024-12-31"}
	revoke := func(l License, at string) Order {
		return Order{License: l.Handle, Action: OrderRevoke, Effective: mustTime(t, at)}
	}
	tests := []struct {
		name     string
		licenses []License
		orders   []Order
		on       Date
		stale    bool
		want     Standing
	}{
		{"in force", []License{ma}, nil, "2026-03-01", false, Standing{Answer: May, Reason: ReasonLicensed}},
		{"on its first day", []License{ma}, nil, "2025-01-01", false, Standing{Answer: May, Reason: ReasonLicensed}},
		{"on its last day", []License{ma}, nil, "2026-12-31", false, Standing{Answer: May, Reason: ReasonLicensed}},
		{"the day before", []License{ma}, nil, "2024-12-31", false, Standing{Answer: MayNot, Reason: ReasonNotYet}},
		{"the day after", []License{ma}, nil, "2027-01-01", false, Standing{Answer: MayNot, Reason: ReasonExpired}},
		{"nothing on record", nil, nil, "2026-03-01", false, Standing{Answer: MayNot, Reason: ReasonNoLicense}},
		{"only elsewhere", []License{ny}, nil, "2026-03-01", false, Standing{Answer: MayNot, Reason: ReasonOtherState}},
		{"here and elsewhere", []License{ny, ma}, nil, "2026-03-01", false, Standing{Answer: May, Reason: ReasonLicensed}},
		{"old one and new one", []License{old, ma}, nil, "2026-03-01", false, Standing{Answer: May, Reason: ReasonLicensed}},

		{"work before a revocation", []License{ma}, []Order{revoke(ma, "2026-03-02T00:00:00-05:00")}, "2026-03-01", false, Standing{Answer: May, Reason: ReasonLicensed}},
		{"revoked on the very day", []License{ma}, []Order{revoke(ma, "2026-03-02T00:00:00-05:00")}, "2026-03-02", false, Standing{Answer: MayNot, Reason: ReasonRevoked}},
		{"revoked in the evening, binding all day", []License{ma}, []Order{revoke(ma, "2026-03-02T23:59:59-05:00")}, "2026-03-02", false, Standing{Answer: MayNot, Reason: ReasonRevoked}},
		{"the board's own day, not UTC's", []License{ma}, []Order{revoke(ma, "2026-03-01T22:00:00-05:00")}, "2026-03-01", false, Standing{Answer: MayNot, Reason: ReasonRevoked}},
		{"revoked long ago", []License{ma}, []Order{revoke(ma, "2025-06-01T00:00:00Z")}, "2026-03-01", false, Standing{Answer: MayNot, Reason: ReasonRevoked}},
		{"another license revoked", []License{ma}, []Order{revoke(ny, "2025-06-01T00:00:00Z")}, "2026-03-01", false, Standing{Answer: May, Reason: ReasonLicensed}},
		{"revoked here, in force elsewhere", []License{ny, ma}, []Order{revoke(ma, "2025-06-01T00:00:00Z")}, "2026-03-01", false, Standing{Answer: MayNot, Reason: ReasonRevoked}},
		{"one revoked, another in force", []License{old, ma}, []Order{revoke(old, "2024-06-01T00:00:00Z")}, "2026-03-01", false, Standing{Answer: May, Reason: ReasonLicensed}},
		{"one revoked, another expired", []License{old, ma}, []Order{revoke(ma, "2025-06-01T00:00:00Z")}, "2026-03-01", false, Standing{Answer: MayNot, Reason: ReasonRevoked}},

		{"stale, in force", []License{ma}, nil, "2026-03-01", true, Standing{Answer: Unknown, Reason: ReasonStale}},
		{"stale, nothing on record", nil, nil, "2026-03-01", true, Standing{Answer: Unknown, Reason: ReasonStale}},
		{"stale, only elsewhere", []License{ny}, nil, "2026-03-01", true, Standing{Answer: Unknown, Reason: ReasonStale}},
		{"stale, expired: may have been renewed", []License{ma}, nil, "2027-03-01", true, Standing{Answer: Unknown, Reason: ReasonStale}},
		{"stale, revoked", []License{ma}, []Order{revoke(ma, "2025-06-01T00:00:00Z")}, "2026-03-01", true, Standing{Answer: MayNot, Reason: ReasonRevoked}},
		{"stale, revoked from tomorrow", []License{ma}, []Order{revoke(ma, "2026-03-02T00:00:00Z")}, "2026-03-01", true, Standing{Answer: Unknown, Reason: ReasonStale}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := StandingOn(tt.licenses, tt.orders, "MA", tt.on, !tt.stale)
			if got != tt.want {
				t.Errorf("StandingOn = %v, want %v", got, tt.want)
			}
			backwards := slices.Clone(tt.licenses)
			slices.Reverse(backwards)
			if again := StandingOn(backwards, tt.orders, "MA", tt.on, !tt.stale); again != got {
				t.Errorf("the order of the licenses matters: %v, then %v", got, again)
			}
		})
	}
}

func TestParseOrderAction(t *testing.T) {
	if _, err := ParseOrderAction("revoke"); err != nil {
		t.Error(err)
	}
	for _, s := range []string{"", "Revoke", "unsuspend"} {
		if _, err := ParseOrderAction(s); err == nil {
			t.Errorf("ParseOrderAction(%q) accepted", s)
		}
	}
}

func TestNPI(t *testing.T) {
	tests := []struct {
		npi               NPI
		wellFormed, valid bool
	}{
		{"1234567893", true, true}, // the example of 45 CFR 162.406's check digit
		{"1234567890", true, false},
		{"2234567890", true, false},
		{"3234567893", true, false}, // no NPI starts with 3
		{"123456789", false, false},
		{"12345678931", false, false},
		{"12345678 3", false, false},
		{"", false, false},
	}
	for _, tt := range tests {
		if got := tt.npi.WellFormed(); got != tt.wellFormed {
			t.Errorf("NPI(%q).WellFormed() = %v", tt.npi, got)
		}
		if got := tt.npi.Valid(); got != tt.valid {
			t.Errorf("NPI(%q).Valid() = %v", tt.npi, got)
		}
	}
}

func TestDates(t *testing.T) {
	for _, s := range []string{"2026-02-30", "2026-2-3", "20260203", "2026-02-03 ", "2026-02-03T00:00:00Z", ""} {
		if d, err := ParseDate(s); err == nil {
			t.Errorf("ParseDate(%q) = %q, want an error", s, d)
		}
	}
	d := Date("2028-02-28")
	if got := d.AddDays(2); got != "2028-03-01" {
		t.Errorf("AddDays over a leap day = %s", got)
	}
	if got := d.DaysUntil("2028-03-01"); got != 2 {
		t.Errorf("DaysUntil = %d, want 2", got)
	}
	if got := Date("2026-03-07").DaysUntil("2026-03-09"); got != 2 {
		t.Errorf("DaysUntil over a change of clocks = %d, want 2", got)
	}
	if !d.Within("2028-02-28", "") || d.Within("2028-02-29", "") || d.Within("2028-01-01", "2028-02-27") {
		t.Error("Within does not include both ends")
	}
}
