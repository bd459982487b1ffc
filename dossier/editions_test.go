package dossier

import (
	"bytes"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// feesWithRules has the amounts of testdata/fees.csv for 99213 and, in a
// hospital, 10.00 less for 72148: at ten dollars a relative value unit.
const feesWithRules = `countersign/fee-rules/1,locality,work_gpci,pe_gpci,malpractice_gpci,percent
,01112-05,1.000,1.000,1.000,100%
code,modifier,status,not_medicare,work,nonfacility_pe,facility_pe,malpractice,pc_tc,global,multiple_procedure,bilateral,assistant,co_surgeon,team,endoscopic_base,factor,imaging_family,cap_nonfacility_pe,cap_facility_pe,cap_malpractice,nonfacility_amount,facility_amount
99213,,A,,5.00,4.00,3.00,0.00,0,XXX,0,0,9,9,9,,10.0000,99,0.00,0.00,0.00,90.00,80.00
72148,,A,,10.00,16.00,15.00,0.00,3,XXX,4,0,9,9,9,,10.0000,88,0.00,0.00,0.00,260.00,250.00
`

// byRules2 has the whole story decided under rules/2, with payment rules, a
// contract and sequestration.
func byRules2(twist func(step string, v any)) func(*world) {
	return func(w *world) {
		w.twist = func(step string, v any) {
			switch step {
			case "plan":
				text := strings.Replace(string(*v.(*[]byte)), "rules: rules/1", "rules: rules/2\npendDays: 30\nsequestration: true\n"+
					"contracts: [{name: imaging, codes: [72148], percentOfFees: 90%}]", 1)
				*v.(*[]byte) = []byte(text)
			case "fees":
				*v.(*[]byte) = []byte(feesWithRules)
			default:
				if twist != nil {
					twist(step, v)
				}
			}
		}
	}
}

// TestEditionsOfRules: a dossier is computed again under the rules that its plan
// edition names, rules/1 and rules/2 alike.
func TestEditionsOfRules(t *testing.T) {
	for _, tt := range []struct {
		rules  string
		change func(*world)
		want   map[string]string // paid, and what of it each reason took
	}{
		{claims.Rules1, nil, map[string]string{"C1": "65.00: CO-45 50.00 PR-3 25.00", "C2": "0.00: CO-45 640.00 PR-1 260.00"}},
		// 90% of 250 is 225, all of it deductible. 2% of the 65.00 for the visit are 1.30.
		{claims.Rules2, byRules2(nil), map[string]string{"C1": "63.70: CO-45 50.00 PR-3 25.00 CO-253 1.30", "C2": "0.00: CO-45 675.00 PR-1 225.00"}},
	} {
		w := build(t, tt.change)
		report, all := ClaimDecisions(w.files, nil, nil)
		if !report.OK() || report.Reproduced != report.Decisions || len(all) != 4 {
			t.Fatalf("%s: %d of %d decisions again:%s", tt.rules, report.Reproduced, report.Decisions, failures(report))
		}
		for _, told := range all {
			d := told.Decision
			got := d.Paid.String() + ":"
			for _, a := range d.Lines[0].Adjustments {
				got += " " + string(a.Group) + "-" + a.CARC + " " + a.Amount.String()
			}
			if want := tt.want[d.Claim]; want != "" && got != want || d.Rules != tt.rules {
				t.Errorf("%s, %s: got %q, want %q", d.Claim, d.Rules, got, want)
			}
			for i := range d.Lines {
				checkTrail(t, &d.Lines[i])
			}
		}
	}
}

// checkTrail wants every step that moves an amount to say by which code, under
// either edition.
func checkTrail(t *testing.T, l *claims.LineDecision) {
	for _, s := range l.Trail() {
		if s.Before != s.After && s.Rule != claims.RuleMaximum && (s.CARC == "" || s.Group == "" || claims.Words(s.CARC) == "") {
			t.Errorf("line %d: step %+v has no code", l.Line, s)
		}
	}
}

// A price that the published editions do not come to is caught, whoever signed it.
func TestPricesAreComputedAgain(t *testing.T) {
	for name, tamper := range map[string]func(e *claims.Evidence){
		"amount": func(e *claims.Evidence) { e.Lines[0].Priced.Steps[0].Amount-- },
		"words":  func(e *claims.Evidence) { e.Lines[0].Priced.Steps[0].Words = "as we like" },
		"none": func(e *claims.Evidence) {
			fee := claims.Cents(80_00)
			e.Lines[0].Priced, e.Lines[0].Fee, e.Priced = nil, &fee, nil
		},
		"global": func(e *claims.Evidence) { e.Lines[0].Global = "010" },
		"rate":   func(e *claims.Evidence) { *e.Lines[0].Withheld = 300 },
	} {
		w := build(t, byRules2(func(step string, v any) {
			if step == "evidence C1" {
				tamper(v.(*claims.Evidence))
			}
		}))
		report := Verify(w.files, nil, nil)
		if !bytes.Contains([]byte(failures(report)), []byte(checkFee)) {
			t.Errorf("%s: got%s", name, failures(report))
		}
	}
}

// The evidence of a request that is decided again says what was approved before.
func TestUnitsBefore(t *testing.T) {
	w := build(t, func(w *world) {
		w.twist = func(step string, v any) {
			if e, is := v.(*claims.AuthorizationEvidence); is && e.Before == claims.AuthorizationApproved {
				e.BeforeUnits = 500
			}
		}
	})
	if report := Verify(w.files, nil, nil); !strings.Contains(failures(report), "approved 0.5 units, it was 0") {
		t.Errorf("got%s", failures(report))
	}
}
