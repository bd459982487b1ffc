package x12

import (
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// stayPaid is the stay of the sample, decided by hand: 900.00 and 200.00 charged, a
// case of 880.00 by their charges is 720.00 and 160.00; 88.00 are the patient's.
func stayPaid(t *testing.T) (*claims.Claim, *claims.Decision) {
	t.Helper()
	_, got := readAll(t, stay())
	c := got[0].Claim
	c.Lines[0].NonCovered = 0
	line := func(n int, charge, written, patient claims.Cents) claims.LineDecision {
		return claims.LineDecision{Line: n, Outcome: claims.Paid, Charge: charge, Allowed: charge - written, Paid: charge - written - patient, Patient: patient,
			Adjustments: []claims.Adjustment{{Group: claims.Contractual, CARC: "45", Amount: written}, {Group: claims.Patient, CARC: "2", Amount: patient}}}
	}
	return &c, &claims.Decision{
		Claim: "S1", Outcome: claims.Paid, Charge: 1100_00, Allowed: 880_00, Paid: 792_00, Patient: 88_00, Whole: true,
		Lines: []claims.LineDecision{line(1, 900_00, 180_00, 72_00), line(2, 200_00, 40_00, 16_00)},
	}
}

func remitted(t *testing.T, c *claims.Claim, payments ...Payment) string {
	t.Helper()
	r := paidAndDenied(t)
	r.Payee, r.Payments = c.Billing, payments
	r.Total = r.Sum()
	text := write(t, envelope, r)
	if err := secondReader(text); err != nil {
		t.Errorf("the second reader: %v\n%s", err, text)
	}
	read, err := ReadRemittance(strings.NewReader(text))
	if err != nil || CheckBalance(&read[0]) != nil {
		t.Fatalf("%v, %v\n%s", err, CheckBalance(&read[0]), text)
	}
	if again := write(t, envelope, read...); again != text {
		t.Errorf("read and written again:\n%s\nwant\n%s", again, text)
	}
	return text
}

// loop is what stands between the patient's name and the end of the claim.
func loop(text string) (all []string) {
	for _, s := range strings.Split(text, "~\n") {
		if id, _, _ := strings.Cut(s, "*"); strings.Contains(" CLP CAS MIA MOA DTM QTY SVC AMT LQ REF ", " "+id+" ") && s != "DTM*405*20261103" && !strings.HasPrefix(s, "REF*2U") && !strings.HasPrefix(s, "REF*TJ") {
			all = append(all, s)
		}
	}
	return all
}

// A claim that was decided whole is told without lines, and taken back so.
func TestStayToldWhole(t *testing.T) {
	c, d := stayPaid(t)
	p, err := PaymentOf(c, d, "ICN1")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"CLP*S1*1*1100.00*792.00*88.00*12*ICN1*11*1", "CAS*CO*45*220.00", "CAS*PR*2*88.00", "DTM*232*20261001", "DTM*233*20261004", "QTY*CA*3"}
	if got := loop(remitted(t, c, p)); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	back, err := ReversalOf(c, (&claims.OriginalFact{Submission: credentials.Handle{1}, Decision: *d}).Reverse(), "ICN1")
	if err != nil {
		t.Fatal(err)
	}
	want = []string{"CLP*S1*22*-1100.00*-792.00**12*ICN1*11*1", "CAS*CO*45*-220.00", "CAS*PR*2*-88.00", "DTM*232*20261001", "DTM*233*20261004", "QTY*CA*3"}
	if got := loop(remitted(t, c, back, p)); len(got) < len(want) || !reflect.DeepEqual(got[:len(want)], want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Where something was adjusted at a line, every line is told: a revenue code by
// itself, or beside its procedure.
func TestStayToldByLine(t *testing.T) {
	c, d := stayPaid(t)
	d.Whole = false
	d.Lines[0].Adjustments[0] = claims.Adjustment{Group: claims.OtherAdjust, CARC: "96", RARC: "N130", Amount: 180_00}
	c.Lines[1].Revenue, c.Lines[1].Code, c.Lines[1].Modifiers = "0301", "80053", []string{"91"}
	p, err := PaymentOf(c, d, "ICN1")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"CLP*S1*1*1100.00*792.00*88.00*12*ICN1*11*1", "DTM*232*20261001", "DTM*233*20261004", "QTY*CA*3",
		"SVC*NU:0120*900.00*648.00**3", "DTM*150*20261001", "DTM*151*20261004", "CAS*OA*96*180.00", "CAS*PR*2*72.00", "AMT*B6*720.00", "LQ*HE*N130",
		"SVC*HC:80053:91*200.00*144.00*0301*1", "DTM*472*20261002", "CAS*CO*45*40.00", "CAS*PR*2*16.00", "REF*6R*L2", "REF*HPI*2999002183", "AMT*B6*160.00"}
	if got := loop(remitted(t, c, p)); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	c.Lines[1].Revenue, c.Lines[1].Code, c.Lines[1].Modifiers = "0022", "KAGD1", nil
	if p, err = PaymentOf(c, d, "ICN1"); err != nil || !strings.Contains(remitted(t, c, p), "SVC*HP:KAGD1*200.00*144.00*0022*1~") {
		t.Errorf("%v: a HIPPS code is not told as one", err)
	}
}

// More than the charge is paid by an amount below zero.
func TestStayToldAboveCharge(t *testing.T) {
	c, d := stayPaid(t)
	for i, l := range []claims.Cents{900_00, 200_00} {
		d.Lines[i].Adjustments = []claims.Adjustment{{Group: claims.Contractual, CARC: "94", Amount: -l}}
		d.Lines[i].Allowed, d.Lines[i].Paid, d.Lines[i].Patient = 2*l, 2*l, 0
	}
	d.Allowed, d.Paid, d.Patient = 2200_00, 2200_00, 0
	p, err := PaymentOf(c, d, "ICN1")
	if err != nil {
		t.Fatal(err)
	}
	if got := loop(remitted(t, c, p)); got[0] != "CLP*S1*1*1100.00*2200.00**12*ICN1*11*1" || got[1] != "CAS*CO*94*-1100.00" {
		t.Errorf("got %q", got)
	}
}

// The first remark of a stay stands in MIA05, the others from MIA20 on; MOA has those
// of a visit.
func TestStayRemarks(t *testing.T) {
	c, d := stayPaid(t)
	p, err := PaymentOf(c, d, "ICN1")
	if err != nil {
		t.Fatal(err)
	}
	p.Remarks = []string{"MA15", "N1", "N2"}
	if text := remitted(t, c, p); !strings.Contains(text, "MIA*0****MA15"+strings.Repeat("*", 15)+"N1*N2~") || strings.Contains(text, "MOA") {
		t.Errorf("got %q", loop(text))
	}
	p.Inpatient = false
	if text := remitted(t, c, p); !strings.Contains(text, "MOA***MA15*N1*N2~") || strings.Contains(text, "MIA") {
		t.Errorf("got %q", loop(text))
	}
}

// HP qualifies a HIPPS code, behind its revenue codes alone.
func TestReadHIPPS(t *testing.T) {
	_, got := readAll(t, strings.Replace(stay(), "SV2*0301*HC:80053:91*", "SV2*0022*HP:KAGD1*", 1))
	if len(got) != 1 || got[0].Claim.Lines[1].Code != "KAGD1" || !claims.HIPPS(&got[0].Claim.Lines[1]) {
		t.Errorf("got %+v", got)
	}
	f, got := readAll(t, strings.Replace(stay(), "SV2*0301*HC:80053:91*", "SV2*0301*HP:KAGD1*", 1))
	if len(got) != 0 || len(f.Refusals) != 1 || !strings.Contains(f.Refusals[0].Error(), "qualifier is not HC") {
		t.Errorf("got %+v, %+v", got, f.Refusals)
	}
}
