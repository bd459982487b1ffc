package credentials

import (
	"fmt"
	"testing"
	"time"
)

// What the lists say of a license, hour by hour, and when that changes by
// itself. The offset of each order decides when its days begin.
func TestListedAt(t *testing.T) {
	eastern := time.FixedZone("", -5*3600)
	l := License{Handle: handle(7), Jurisdiction: "MA", From: "2020-01-01", Until: "2030-12-31"}
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	order := func(n byte, a OrderAction, from string, until Date, reason string, upon ...Handle) Order {
		day, err := time.ParseInLocation(time.DateOnly, from, eastern)
		if err != nil {
			t.Fatal(err)
		}
		o := Order{Handle: handle(n), License: l.Handle, Action: a, Effective: day.Add(15 * time.Hour), Until: until, Reason: reason, Upon: upon}
		if a == OrderRestrict {
			o.Restrictions = []string{"R"}
		}
		return o
	}
	suspended := order(1, OrderSuspend, "2026-03-02", "2026-03-31", "R-1")
	open := order(2, OrderSuspend, "2026-03-02", "", "R-1")
	revoked := order(3, OrderRevoke, "2026-05-01", "", "R-2")
	surrendered := order(3, OrderRevoke, "2026-05-01", "", "surrendered")
	restricted := order(4, OrderRestrict, "2026-03-02", "", "R-3")
	probation := order(5, OrderRestrict, "2026-03-02", "2026-06-30", "PROBATION")
	const none, first, second, third = 0, 1, 2, 3
	for _, tt := range []struct {
		name   string
		orders []Order
		now    string
		want   Listed
		next   string
	}{
		{"nothing ordered", nil, "2026-03-02T00:00:00Z", Listed{}, ""},
		{"before its first day there", []Order{suspended}, "2026-03-02T04:59:59Z", Listed{}, "2026-03-02T05:00:00Z"},
		{"from the first hour of its first day", []Order{suspended}, "2026-03-02T05:00:00Z", Listed{Suspended: true}, "2026-04-01T05:00:00Z"},
		{"to the last hour of its last", []Order{suspended}, "2026-04-01T04:59:59Z", Listed{Suspended: true}, "2026-04-01T05:00:00Z"},
		{"over without anybody's doing", []Order{suspended}, "2026-04-01T05:00:00Z", Listed{}, ""},
		{"open", []Order{open}, "2029-01-01T00:00:00Z", Listed{Suspended: true}, ""},
		{"reinstated later", []Order{open, order(9, OrderReinstate, "2026-03-10", "", "R", handle(2))}, "2026-03-09T12:00:00Z", Listed{Suspended: true}, "2026-03-10T05:00:00Z"},
		{"reinstated", []Order{open, order(9, OrderReinstate, "2026-03-10", "", "R", handle(2))}, "2026-03-10T05:00:00Z", Listed{}, ""},
		{"revoked later", []Order{revoked}, "2026-04-30T12:00:00Z", Listed{}, "2026-05-01T05:00:00Z"},
		{"revoked", []Order{revoked}, "2026-05-01T05:00:00Z", Listed{Revoked: true}, ""},
		{"revoked for ever", []Order{revoked}, "2199-01-01T00:00:00Z", Listed{Revoked: true}, ""},
		{"revoked in error", []Order{revoked, order(9, OrderVoid, "2026-05-01", "", "R", handle(3))}, "2026-05-02T00:00:00Z", Listed{}, ""},
		{"issued in error", []Order{order(9, OrderVoid, "2020-01-01", "", "R")}, "2026-05-02T00:00:00Z", Listed{Revoked: true}, ""},
		{"a void of a void is not understood", []Order{order(8, OrderVoid, "2020-01-01", "", "R"), order(9, OrderVoid, "2020-01-01", "", "R", handle(8))}, "2026-05-02T00:00:00Z", Listed{Revoked: true, Suspended: true}, ""},
		{"surrendered", []Order{surrendered}, "2026-05-02T00:00:00Z", Listed{Revoked: true, Message: third}, ""},
		{"restricted", []Order{restricted}, "2026-05-02T00:00:00Z", Listed{Message: first}, ""},
		{"on probation", []Order{probation, restricted}, "2026-05-02T00:00:00Z", Listed{Message: second}, "2026-07-01T05:00:00Z"},
		{"probation over", []Order{probation, restricted}, "2026-07-01T05:00:00Z", Listed{Message: first}, ""},
		{"a label of something else", []Order{order(6, OrderSuspend, "2026-03-02", "", "probation")}, "2026-05-02T00:00:00Z", Listed{Suspended: true, Message: none}, ""},
		{"renewed", []Order{order(6, OrderRenew, "2026-03-02", "2031-12-31", "R")}, "2026-03-01T00:00:00Z", Listed{}, ""},
		{"another license's", []Order{{Handle: handle(9), License: handle(8), Action: OrderRevoke, Reason: "R"}}, "2026-03-01T00:00:00Z", Listed{}, ""},
		{"an action of a later day", []Order{{Handle: handle(9), License: handle(7), Action: "censure", Reason: "R"}}, "2026-03-01T00:00:00Z", Listed{Suspended: true}, ""},
	} {
		got, next := ListedAt(l, tt.orders, at(tt.now))
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
		if want := tt.next; (want == "") != next.IsZero() || want != "" && !next.Equal(at(want)) {
			t.Errorf("%s: changes on %s, want %q", tt.name, next, want)
		}
	}
	if got := []int{Listed{Revoked: true}.Value(PurposeRevocation), Listed{Revoked: true}.Value(PurposeSuspension),
		Listed{Suspended: true}.Value(PurposeSuspension), Listed{Message: 2}.Value(PurposeMessage), Listed{Message: 2}.Value(PurposeRevocation)}; got[0] != 1 ||
		got[1] != 0 || got[2] != 1 || got[3] != 2 || got[4] != 0 {
		t.Errorf("values %v", got)
	}
}

// TestStatusEntries issues credentials with entries that no reader could judge.
func TestStatusEntriesRefused(t *testing.T) {
	for name, edit := range map[string]func(e []StatusEntry) []StatusEntry{
		"two for one purpose":      func(e []StatusEntry) []StatusEntry { return append(e, e[0]) },
		"none":                     func(e []StatusEntry) []StatusEntry { return e[:0] },
		"another type":             func(e []StatusEntry) []StatusEntry { e[1].Type = "StatusList2021Entry"; return e },
		"another purpose":          func(e []StatusEntry) []StatusEntry { e[1].Purpose = "refresh"; return e },
		"a suspension of two bits": func(e []StatusEntry) []StatusEntry { e[1].Size = 2; return e },
		"a revocation that says":   func(e []StatusEntry) []StatusEntry { e[0].Messages = e[2].Messages; return e },
		"messages of no bit":       func(e []StatusEntry) []StatusEntry { e[2].Size, e[2].Messages = 0, e[2].Messages[:1]; return e },
		"messages of five bits": func(e []StatusEntry) []StatusEntry {
			e[2].Size = 5
			for i := 4; i < 32; i++ {
				e[2].Messages = append(e[2].Messages, StatusMessage{fmt.Sprintf("0x%x", i), "more"})
			}
			return e
		},
		"a message missing": func(e []StatusEntry) []StatusEntry { e[2].Messages = e[2].Messages[:3]; return e },
		"messages out of order": func(e []StatusEntry) []StatusEntry {
			e[2].Messages[1], e[2].Messages[2] = e[2].Messages[2], e[2].Messages[1]
			return e
		},
		"no words":            func(e []StatusEntry) []StatusEntry { e[2].Messages[1].Message = ""; return e },
		"too many words":      func(e []StatusEntry) []StatusEntry { e[2].Messages[1].Message = string(make([]byte, 61)); return e },
		"words that draw":     func(e []StatusEntry) []StatusEntry { e[2].Messages[1].Message = "\x1b[2J"; return e },
		"words beyond ASCII":  func(e []StatusEntry) []StatusEntry { e[2].Messages[1].Message = "é"; return e },
		"words of many lines": func(e []StatusEntry) []StatusEntry { e[2].Messages[1].Message = "a\nb"; return e },
	} {
		entries := edit(testStatus())
		c := Credential[License]{Context: contexts, ID: urnPrefix + handle(7).String(), Type: []string{baseType, string(KindLicense)},
			Issuer: KeyDID(pubOf(testKey(1))), ValidFrom: testTime, Schema: KindLicense.schema(), Subject: testLicense(), Salt: Digest{1}, Status: entries}
		if v := VerdictOf(c.checkEnvelope(KindLicense, contexts)); v.Outcome != Bad || v.Check != CheckContent {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestSaysLess: an order made for a label must not leave the list of messages
// with less than the label.
func TestSaysLess(t *testing.T) {
	for _, tt := range []struct {
		label, reason string
		want          bool
	}{
		{"probation", "P-1", true},
		{"probation", "probation", false},
		{"probation", "Probation", false},
		{"surrendered", "R-1", true},
		{"surrendered", "revoked", true},
		{"surrendered", "surrendered", false},
		{"restricted", "P-1", false},
		{"restricted", "probation", false},
		{"provisional", "P-1", false},
		{"suspended", "S-1", false},
		{"revoked", "R-1", false},
	} {
		l, err := LabelOf("CA", tt.label)
		if err != nil {
			t.Errorf("LabelOf(CA, %s): %v", tt.label, err)
			continue
		}
		o := Order{Action: l.Action(), Reason: tt.reason}
		if got := o.SaysLess("CA", l); got != tt.want {
			t.Errorf("%s for the reason %s says less: got %t, want %t", tt.label, tt.reason, got, tt.want)
		}
	}
}
