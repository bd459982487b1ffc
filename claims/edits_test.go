package claims

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// checkTests break a sound claim in one place each.
var checkTests = []struct {
	name string
	with func(c *Claim)
	want string // "element code", empty where all is well
}{
	{"nothing wrong", func(c *Claim) {}, ""},
	{"total", func(c *Claim) { c.Charge-- }, "CLM02 A8:400"},
	{"replacement", func(c *Claim) { c.Frequency, c.OriginalReference = Replacement, "1" }, ""},
	{"void of nothing", func(c *Claim) { c.Frequency = Void }, "REF02 A6:464"},
	{"interim", func(c *Claim) { c.Frequency = "2" }, "CLM05-3 A7:535"},
	{"no number", func(c *Claim) { c.Number = "" }, "CLM01 A7:21"},
	{"no payer", func(c *Claim) { c.Payer.ID = "" }, "NM109 A6:153"},
	{"no member id", func(c *Claim) { c.Subscriber.MemberID = "" }, "NM109 A6:164"},
	{"no name", func(c *Claim) { c.Subscriber.Last = "" }, "NM103 A6:125"},
	{"born later", func(c *Claim) { c.Subscriber.Birth = "2026-03-03" }, "DMG02 A7:158"},
	{"born that day", func(c *Claim) { c.Subscriber.Birth = "2026-03-02" }, ""},
	{"NPI", func(c *Claim) { c.Billing.NPI = "3234567890" }, "NM109 A7:562"},
	{"short NPI", func(c *Claim) { c.Billing.NPI = "123456789" }, "NM109 A7:562"},
	{"five modifiers", func(c *Claim) { c.Lines[0].Modifiers = []string{"25", "59", "76", "GT", "RT"} }, "SV101-6 A7:453"},
	{"NPI check digit", func(c *Claim) { c.Rendering.NPI = "1234567890" }, "NM109 A7:562"},
	{"NPI of the line", func(c *Claim) { c.Lines[0].Rendering = &Provider{} }, "NM109 A6:562"},
	{"place", func(c *Claim) { c.Place = "1" }, "CLM05-1 A7:249"},
	{"no diagnosis", func(c *Claim) { c.Diagnoses, c.Lines[0].Pointers = nil, []int{} }, "HI01 A7:255, SV107 A7:477"},
	{"diagnosis with a dot", func(c *Claim) { c.Diagnoses[0] = "M54.5" }, "HI01-2 A7:255"},
	{"pointer", func(c *Claim) { c.Lines[0].Pointers = []int{2} }, "SV107 A8:477"},
	{"five pointers", func(c *Claim) { c.Lines[0].Pointers = []int{1, 1, 1, 1, 1} }, "SV107 A7:477"},
	{"procedure", func(c *Claim) { c.Lines[0].Code = "9921" }, "SV101-2 A7:454"},
	{"modifier", func(c *Claim) { c.Lines[0].Modifiers = []string{"2"} }, "SV101-3 A7:453"},
	{"units", func(c *Claim) { c.Lines[0].Units = 0 }, "SV104 A7:476"},
	{"unit", func(c *Claim) { c.Lines[0].Unit = "DA" }, "SV103 A7:476"},
	{"charge", func(c *Claim) { c.Charge, c.Lines[0].Charge = -1, -1 }, "CLM02 A7:178, SV102 A7:178"},
	{"no date", func(c *Claim) { c.Lines[0].To = "" }, "DTP03 A6:187"},
	{"dates the wrong way", func(c *Claim) { c.Lines[0].To = "2026-03-01" }, "DTP03 A7:187"},
	{"in the future", func(c *Claim) { c.Lines[0].To = "2026-04-02" }, "DTP03 A7:187"},
	{"on the day of receipt", func(c *Claim) { c.Lines[0].To = "2026-04-01" }, ""},
	{"place not listed", func(c *Claim) { c.Place = "88" }, "CLM05-1 A7:249"},
	{"place of the line", func(c *Claim) { c.Lines[0].Place = "1" }, "SV105 A7:249"},
	{"place before its day", func(c *Claim) { c.Place, c.Lines[0].From = "66", "2023-12-31" }, "CLM05-1 A7:249"},
	{"place on its day", func(c *Claim) { c.Place, c.Lines[0].From = "66", "2024-01-01" }, ""},
	{"state", func(c *Claim) { c.Billing.Address.State = "XX" }, "N402 A7:500"},
	{"ZIP", func(c *Claim) { c.Subscriber.Address = Address{State: "IL", ZIP: "6060"} }, "N403 A7:500"},
	{"ZIP+4", func(c *Claim) { c.Subscriber.Address = Address{State: "IL", ZIP: "60601-1234"} }, ""},
	{"sex", func(c *Claim) { c.Subscriber.Sex = "X" }, "DMG03 A7:157"},
	{"minutes", func(c *Claim) { c.Lines[0].Unit = "MJ" }, "SV103 A7:476"},
	{"minutes of anesthesia", func(c *Claim) { c.Lines[0].Unit, c.Lines[0].Code = "MJ", "00142" }, ""},
	{"revenue code", func(c *Claim) { c.Lines[0].Revenue = "0300" }, "SV101 A7:455"},
	{"51 lines", func(c *Claim) {
		for i := range 50 {
			c.Lines = append(c.Lines, c.Lines[0])
			c.Lines[i+1].Number = i + 2
		}
		c.Charge *= 51
	}, "LX01 A7:21"},
	{"no lines", func(c *Claim) { c.Lines = nil }, "LX01 A6:21"},
	{"a number twice", func(c *Claim) { c.Lines = append(c.Lines, c.Lines[0]); c.Charge *= 2 }, "LX01 A8:21"},
}

func TestCheck(t *testing.T) {
	for _, tt := range checkTests {
		c, _ := aCase(goldPlan(t), aLine{code: "73610", charge: 50_00, fee: 50_00})
		tt.with(c)
		var got []string
		for _, p := range Check(c, Edits{}, "2026-04-01") {
			got = append(got, p.Element+" "+p.Code)
			if p.Loop == "" || p.Segment == "" || !strings.Contains(p.String(), p.Element) {
				t.Errorf("%s: %+v does not say where", tt.name, p)
			}
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: got %v, want %q", tt.name, got, tt.want)
		}
	}
	c, _ := aCase(goldPlan(t), aLine{code: "73610", charge: 50_00, fee: 50_00})
	c.Rendering.NPI = "1234567890"
	if got := Check(c, Edits{SkipNPICheckDigit: true}, "2026-04-01"); len(got) > 0 {
		t.Errorf("with the check digit off: %v", got)
	}
}

// wantedTests break what is checked only where an insurer wants it.
var wantedTests = map[string]func(c *Claim){
	"patient-birth":    func(c *Claim) {},
	"billing-address":  func(c *Claim) {},
	"billing-tax-id":   func(c *Claim) {},
	"rendering-named":  func(c *Claim) { c.Rendering = nil },
	"billing-zip-four": func(c *Claim) { c.Billing.Address = Address{State: "IL", ZIP: "60601"} },
	"tax-id-format":    func(c *Claim) { c.Billing.TaxID = "12-34567" },
	"taxonomy-code":    func(c *Claim) { c.Rendering.Taxonomy = "207Q000000" },
	"payer-ours":       func(c *Claim) { c.Payer.ID = "OTHER" },
}

// TestSwitches switches each edit by name: on, the claim that breaks it is
// refused by it; off, it is not. None of the list is left out.
func TestSwitches(t *testing.T) {
	met := map[string]bool{}
	finds := func(c *Claim, name string, on bool) bool {
		edits := Edits{Switched: map[string]bool{name: on}, Payers: []string{"P"}}
		return slices.ContainsFunc(Check(c, edits, "2026-04-01"), func(p Problem) bool { return p.Edit == name })
	}
	for _, tt := range append(checkTests, hospitalTests...) {
		c := sample(t, tt.name)
		tt.with(c)
		for _, p := range Check(c, Edits{}, "2026-04-01") {
			if e, known := EditNamed(p.Edit); !known || e.Off {
				t.Errorf("%s: edit %q", tt.name, p.Edit)
			}
			met[p.Edit] = true
			if !finds(c, p.Edit, true) || finds(c, p.Edit, false) {
				t.Errorf("%s: %s cannot be switched", tt.name, p.Edit)
			}
		}
	}
	for name, with := range wantedTests {
		c := sample(t, "")
		with(c)
		e, _ := EditNamed(name)
		if met[name] = true; !e.Off || !finds(c, name, true) || finds(c, name, false) || len(Check(c, Edits{}, "2026-04-01")) > 0 {
			t.Errorf("%s cannot be switched", name)
		}
		if c = sample(t, ""); name != "patient-birth" && name != "billing-address" && name != "billing-tax-id" && finds(c, name, true) {
			t.Errorf("%s refuses a sound claim", name)
		}
	}
	for _, tt := range changeTests {
		if tt.want != "" {
			c, x := changeTest(t, tt.with)
			met["change-taken"] = len(x.Check(c, Edits{})) == 1 && len(x.Check(c, Edits{Switched: map[string]bool{"change-taken": false}})) == 0
		}
	}
	for _, tt := range listTests { // TestListedCodes switches them
		for part := range strings.SplitSeq(tt.want, " | ") {
			name, _, _ := strings.Cut(part, " ")
			met[name] = true
		}
	}
	for _, tt := range inHospital {
		name, _, _ := strings.Cut(tt.want, " ")
		met[name] = true
	}
	// Those of reading and of whole files are switched in package x12.
	for _, e := range AllEdits {
		files := e.Loop == "" || e.Name == "first-payer" || e.Name == "other-payer-balance"
		if met[e.Name] == files {
			t.Errorf("%s: tested here %v", e.Name, met[e.Name])
		}
	}
}

func TestCheckRequest(t *testing.T) {
	r, _ := aRequest(goldPlan(t), "72148", 1000)
	if got := CheckRequest(r, Edits{}); len(got) > 0 {
		t.Errorf("got %v", got)
	}
	bad := &AuthorizationRequest{Clinician: Provider{NPI: "1"}, Items: []RequestItem{
		{Sequence: 1, Code: "x", Modifiers: []string{"?"}}, {Sequence: 1, Code: "72148", Units: 1000, From: "2026-01-01", Until: "2026-01-01"}}}
	want := "/number /requester/npi /clinician/npi /patient/memberId /state /items/0/code /items/0/modifiers /items/0/units /items/0/from /items/1/sequence"
	var got []string
	for _, p := range CheckRequest(bad, Edits{}) {
		got = append(got, p.Element)
	}
	if fmt.Sprint(strings.Join(got, " ")) != want {
		t.Errorf("got %v", got)
	}
	if got := CheckRequest(&AuthorizationRequest{}, Edits{}); got[len(got)-1].Element != "/items" {
		t.Errorf("got %v", got)
	}
}

// TestReasons: every code has words, none is clinical, and 96 has its remark.
func TestReasons(t *testing.T) {
	for _, r := range adjustmentReasons {
		if Words(r.carc) == "" || IsClinical(r.carc) || r.denial && r.group == Patient {
			t.Errorf("%+v", r)
		}
		if g, ok := GroupOf(r.carc); !ok || g != r.group {
			t.Errorf("group of %s: %s", r.carc, g)
		}
	}
	if _, ok := GroupOf("50"); ok || Words("50") != "" || IsDenial("50") || !IsClinical("50") {
		t.Error("50 is a reason of these rules")
	}
	p := &Plan{MachineDenials: []string{"50", "29"}}
	if p.MayDeny("50") || !p.MayDeny("29") || p.MayDeny("18") {
		t.Error("what the machine may deny")
	}
	cleared := map[PendReason]bool{
		PendNearDuplicate: true, PendUnpriced: true, PendReview: true, PendNobodyNamed: false, PendStanding: false,
		PendAuthorization: false, PendPlanEdition: false, PendDenial: false,
	}
	for r, want := range cleared {
		if r.ClearedByReview() != want || r.Words() == string(r) {
			t.Errorf("%s: cleared %v, %q", r, r.ClearedByReview(), r.Words())
		}
	}
}
