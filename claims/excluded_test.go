package claims

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// listed has the plan want a list of excluded providers, at most 35 days old, and puts
// what the newest of 10 February says on 2 March into the evidence.
func listed(p *Plan, c *Claim, e *Evidence, entries ...Exclusion) {
	p.Providers = Providers{ExclusionList: "oig-leie", ExclusionListMaxAge: 35}
	e.ExclusionList = &ExclusionFacts{
		On: "2026-03-02", AsOf: "2026-02-10", Listed: entries,
		List: &EditionRef{Name: "oig-leie", Edition: "2026-02", Digest: credentials.DigestOf([]byte("list"))},
		NPIs: []credentials.NPI{billing, rendering, attending, operating},
	}
}

const (
	billing   = credentials.NPI("1000000004")
	rendering = drA
	attending = credentials.NPI("1003000134")
	operating = credentials.NPI("1003000142")
)

// TestExcluded holds golden cases at each boundary of the list, by hand: the service
// was on 2 March 2026, and of 50.00 nothing is left to pay but the deductible.
func TestExcluded(t *testing.T) {
	const whole = "PR-1 50.00"
	entry := func(npi credentials.NPI, from, until credentials.Date) Exclusion {
		return Exclusion{NPI: npi, Kind: "1128a1", From: from, Reinstated: until}
	}
	waived := func(from, waived credentials.Date, state string) Exclusion {
		return Exclusion{NPI: rendering, Kind: "1128b4", From: from, Waived: waived, WaiverState: state}
	}
	nothing := func(*Plan, *Claim, *Evidence) {}
	days := func(from, to credentials.Date) func(*Plan, *Claim, *Evidence) {
		return func(_ *Plan, c *Claim, e *Evidence) {
			c.Lines[0].From, c.Lines[0].To, e.Lines[0].Standing.On = from, to, from
			last := e.Lines[0].Standing
			last.On = to
			e.Lines[0].StandingLast = &last
		}
	}
	for _, tt := range []struct {
		name    string
		entries []Exclusion
		with    func(*Plan, *Claim, *Evidence)
		want    string
	}{
		{"nobody listed", nil, nothing, whole},
		{"excluded from the day on", []Exclusion{entry(rendering, "2026-03-02", "")}, nothing, "CO-B7 50.00"},
		{"excluded from the day after on", []Exclusion{entry(rendering, "2026-03-03", "")}, nothing, whole},
		{"reinstated on the day", []Exclusion{entry(rendering, "2020-01-01", "2026-03-02")}, nothing, whole},
		{"reinstated the day after", []Exclusion{entry(rendering, "2020-01-01", "2026-03-03")}, nothing, "CO-B7 50.00"},
		{"reinstated, and excluded again", []Exclusion{entry(rendering, "2020-01-01", "2022-01-01"), entry(rendering, "2026-01-01", "")}, nothing, "CO-B7 50.00"},
		{"who bills", []Exclusion{entry(billing, "2026-03-02", "")}, nothing, "CO-B7 50.00"},
		{"somebody else, who was asked about", []Exclusion{entry(attending, "2026-03-02", "")}, nothing, whole},
		{"the last of three days", []Exclusion{entry(rendering, "2026-03-02", "")}, days("2026-02-28", "2026-03-02"), "CO-B7 50.00"},
		{"a day in their midst", []Exclusion{entry(rendering, "2026-03-01", "2026-03-02")}, days("2026-02-28", "2026-03-02"), "CO-B7 50.00"},
		{"the day before three days", []Exclusion{entry(rendering, "2020-01-01", "2026-02-28")}, days("2026-02-28", "2026-03-02"), whole},

		{"waived there from the day on", []Exclusion{waived("2020-01-01", "2026-03-02", "IL")}, nothing, "1 exclusion-waiver"},
		{"waived from the day after on", []Exclusion{waived("2020-01-01", "2026-03-03", "IL")}, nothing, "CO-B7 50.00"},
		{"waived elsewhere", []Exclusion{waived("2020-01-01", "2026-03-02", "NV")}, nothing, "CO-B7 50.00"},
		{"waived, and a person has seen for what", []Exclusion{waived("2020-01-01", "2026-03-02", "IL")}, func(_ *Plan, _ *Claim, e *Evidence) {
			e.Number, e.Review = 2, &Determination{Subject: e.Submission, Number: 1, Approve: true}
		}, whole},
		{"two of them, one not waived", []Exclusion{waived("2020-01-01", "2026-03-02", "IL"), entry(rendering, "2026-01-01", "")}, nothing, "CO-B7 50.00"},
		{"who bills is not waived", []Exclusion{waived("2020-01-01", "2026-03-02", "IL"), entry(billing, "2026-01-01", "")}, nothing, "CO-B7 50.00"},

		{"none is published", nil, func(_ *Plan, _ *Claim, e *Evidence) {
			e.ExclusionList.List, e.ExclusionList.AsOf = nil, ""
		}, "1 exclusion-list"},
		// 10 February and 35 days: 18 to the 28th, and 17 of March.
		{"on its last day", nil, func(_ *Plan, _ *Claim, e *Evidence) { e.ExclusionList.On = "2026-03-17" }, whole},
		{"a day too old", nil, func(_ *Plan, _ *Claim, e *Evidence) { e.ExclusionList.On = "2026-03-18" }, "1 exclusion-list"},
		{"too old, and somebody stood on it", []Exclusion{entry(rendering, "2020-01-01", "")}, func(_ *Plan, _ *Claim, e *Evidence) {
			e.ExclusionList.On = "2026-03-18"
		}, "1 exclusion-list"},
		{"too old, and a person approves", nil, func(_ *Plan, _ *Claim, e *Evidence) {
			e.ExclusionList.On = "2026-03-18"
			e.Number, e.Review = 2, &Determination{Subject: e.Submission, Number: 1, Approve: true}
		}, "1 exclusion-list"},
		{"not for the machine to deny", []Exclusion{entry(rendering, "2026-03-02", "")}, func(p *Plan, _ *Claim, _ *Evidence) {
			p.MachineDenials = []string{"29"}
		}, "1 denial-needs-person"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan2(t)
			c, e := case2(p, aLine{code: "73610", charge: 50_00, fee: 50_00})
			listed(p, c, e, tt.entries...)
			tt.with(p, c, e)
			e.Used = append(e.Used, UsedFact{Limit: "ankle images", Period: string(c.Lines[0].From)})
			d, err := Adjudicate(c, p, e)
			if err != nil {
				t.Fatal(err)
			}
			got := adjustments(d.Lines[0])
			if d.Outcome == Pended {
				got = pends(d)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if (d.ExclusionList == nil) != (e.ExclusionList.List == nil) || d.ExclusionList != nil && *d.ExclusionList != *e.ExclusionList.List {
				t.Errorf("the decision names the list %+v", d.ExclusionList)
			}
			if d.Outcome == Pended && (d.Pends[0].By == "" || d.Paid != 0) {
				t.Errorf("it waits without an end, or pays: %+v", d)
			}
			trail(t, d)
		})
	}
}

// TestExcludedBelongs: facts that no gathering could have found are refused.
func TestExcludedBelongs(t *testing.T) {
	for want, with := range map[string]func(*Plan, *Evidence){
		"the plan edition names none":     func(p *Plan, _ *Evidence) { p.Providers = Providers{} },
		"does not say whether":            func(_ *Plan, e *Evidence) { e.ExclusionList = nil },
		"does not say whether anybody":    func(_ *Plan, e *Evidence) { e.ExclusionList.On = "" },
		"entries of no exclusion list":    func(_ *Plan, e *Evidence) { e.ExclusionList.List = nil },
		`the plan wants "oig-leie"`:       func(_ *Plan, e *Evidence) { e.ExclusionList.List.Name = "sam" },
		"nobody asked whether NPI 100000": func(_ *Plan, e *Evidence) { e.ExclusionList.NPIs = []credentials.NPI{rendering} },
		"nobody asked for": func(_ *Plan, e *Evidence) {
			e.ExclusionList.Listed = []Exclusion{{NPI: "2234567891", Kind: "1128a1", From: "2026-01-01"}}
		},
	} {
		p := plan2(t)
		c, e := case2(p, aLine{code: "73610", charge: 50_00, fee: 50_00})
		listed(p, c, e)
		with(p, e)
		if _, err := Adjudicate(c, p, e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestInvolved(t *testing.T) {
	p := func(npi credentials.NPI) *Provider { return &Provider{NPI: npi} }
	c := &Claim{Billing: Provider{NPI: billing, Organization: true}, Lines: []Line{{Number: 1}, {Number: 2, Rendering: p(rendering)}}}
	c.Institutional = &Institutional{Attending: p(attending), Operating: p(operating)}
	for i, want := range []string{"1000000004 1003000134 1003000142", "1000000004 1234567893 1003000134 1003000142"} {
		var got []string
		for _, npi := range c.Involved(&c.Lines[i], c.Clinician(&c.Lines[i]).NPI) {
			got = append(got, string(npi))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("line %d: got %v, want %s", i+1, got, want)
		}
	}
}

func TestParseExclusionList(t *testing.T) {
	for with, want := range map[string]string{
		"exclusionList: oig-leie\n  exclusionListMaxAge: 35": "",
		"exclusionList: oig-leie":                            "want both exclusionList and exclusionListMaxAge",
		"exclusionListMaxAge: 35":                            "want both exclusionList and exclusionListMaxAge",
		"exclusionList: OIG\n  exclusionListMaxAge: 35":      "want small letters",
		"exclusionList: x\n  exclusionListMaxAge: 0":         "from 1 to 3660",
	} {
		p, err := ParsePlan([]byte(strings.Replace(planText2, "providers:\n", "providers:\n  "+with+"\n", 1)))
		switch {
		case want == "" && (err != nil || p.Providers.ExclusionList != "oig-leie" || p.Providers.ExclusionListMaxAge != 35):
			t.Errorf("got %v", err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", with, err, want)
		}
	}
}
