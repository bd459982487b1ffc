package claims

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// A late claim waits for a person where it gives a reason for the delay (CLM20)
// that the edition names, and is denied everywhere else. 90 days from 2 March are
// over on 31 May.
func TestDelayReason(t *testing.T) {
	const named = "delayReasons: [\"8\", \"15\"]\nfilingExtensions:"
	review := func(approve bool) *Determination {
		return &Determination{Subject: credentials.Handle{1}, Number: 1, Approve: approve}
	}
	for _, tt := range []struct {
		name, plan, reason string
		received           credentials.Date
		review             *Determination
		want               string
	}{
		{"in time, with a reason", named, "8", "2026-05-31", nil, "PR-1 50.00"},
		{"late, with a reason that is named", named, "8", "2026-06-01", nil, "late-with-reason"},
		{"late, with the other one", named, "15", "2026-06-01", nil, "late-with-reason"},
		{"late, with one that is not named", named, "7", "2026-06-01", nil, "CO-29 50.00"},
		{"late, without", named, "", "2026-06-01", nil, "CO-29 50.00"},
		{"late, and no edition names any", "filingExtensions:", "8", "2026-06-01", nil, "CO-29 50.00"},
		{"late, and a reviewer takes the reason", named, "8", "2026-06-01", review(true), "PR-1 50.00"},
		{"late, and a reviewer does not", named, "8", "2026-06-01", review(false), "CO-29 50.00"},
	} {
		p := plan2(t, "filingExtensions:", tt.plan)
		c, e := case2(p, aLine{code: "73610", charge: 50_00, fee: 50_00})
		c.DelayReason, e.Received, e.Review = tt.reason, tt.received, tt.review
		c.Lines[0].From, c.Lines[0].To, e.Lines[0].Standing.On = "2026-03-02", "2026-03-02", "2026-03-02"
		e.Used = append(e.Used, UsedFact{Limit: "ankle images", Period: "2026-03-02"})
		if e.Review != nil {
			e.Submission, e.Number = credentials.Handle{1}, 2
		}
		d, err := Adjudicate(c, p, e)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got := adjustments(d.Lines[0])
		if d.Outcome == Pended {
			got = string(d.Pends[0].Reason)
			if len(d.Pends) != 1 || !strings.Contains(d.Pends[0].Note, "delay reason "+tt.reason) || d.Pends[0].Reason.Words() == got {
				t.Errorf("%s: %+v", tt.name, d.Pends)
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	for _, code := range []string{"12", "0", "eight"} {
		if _, err := ParsePlan([]byte(strings.Replace(planText2, "filingExtensions:", "delayReasons: [\""+code+"\"]\nfilingExtensions:", 1))); err == nil || !strings.Contains(err.Error(), "CLM20") {
			t.Errorf("%s: got %v", code, err)
		}
	}
}
