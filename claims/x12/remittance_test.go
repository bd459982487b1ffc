package x12

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
)

var envelope = Envelope{Sender: "INSURER", To: claims.Sender{ID: "HOSPITAL"}, Control: 42, Produced: time.Date(2026, 11, 3, 8, 30, 0, 0, time.UTC)}

// paidAndDenied are two claims of the sample with made-up decisions: one paid
// with every kind of share, a dependent's denied.
func paidAndDenied(t *testing.T) Remittance {
	t.Helper()
	_, got := readAll(t, sound())
	first, second := got[0].Claim, got[1].Claim
	d1 := &claims.Decision{
		Claim: "C1", Outcome: claims.Paid, Charge: 15050, Allowed: 12000, Paid: 6050, Patient: 5950,
		Lines: []claims.LineDecision{{
			Line: 1, Outcome: claims.Paid, Charge: 10050, Allowed: 7000, Paid: 1050, Patient: 5950, Adjustments: []claims.Adjustment{
				{Group: claims.Contractual, CARC: "45", RARC: "N381", Amount: 3050}, {Group: claims.Patient, CARC: "1", Amount: 4000},
				{Group: claims.Patient, CARC: "2", Amount: 1950}, {Group: claims.Patient, CARC: "3", Amount: 0},
			},
		}, {Line: 2, Outcome: claims.Paid, Charge: 5000, Allowed: 5000, Paid: 5000}},
	}
	d2 := &claims.Decision{
		Claim: "C2", Outcome: claims.Denied, Charge: 8000, Lines: []claims.LineDecision{{
			Line: 1, Outcome: claims.Denied, Charge: 8000, Adjustments: []claims.Adjustment{{Group: claims.Contractual, CARC: "B7", RARC: "N570", Amount: 8000}},
		}},
	}
	r := Remittance{
		Payer: Payer{
			Name: "Plan: Demo*PPO", ID: "PAYER1", TaxID: "123456789", Contact: "Provider services", Phone: "8005550100",
			Address: claims.Address{Street: "1 Main Street", City: "Boston", State: "MA", ZIP: "02108"},
		},
		Payee: first.Billing, Trace: "T1", Date: "2026-11-04", Produced: "2026-11-03",
	}
	for _, x := range []struct {
		c *claims.Claim
		d *claims.Decision
	}{{&first, d1}, {&second, d2}} {
		p, err := PaymentOf(x.c, x.d, "ICN-"+x.c.Number)
		if err != nil {
			t.Fatal(err)
		}
		r.Payments = append(r.Payments, p)
	}
	r.Total = r.Sum()
	return r
}

func write(t *testing.T, e Envelope, rs ...Remittance) string {
	t.Helper()
	b, err := WriteRemittance(e, rs...)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestWriteRemittance compares with a golden file, which was read by hand
// against the guide.
func TestWriteRemittance(t *testing.T) {
	text := write(t, envelope, paidAndDenied(t))
	want, err := os.ReadFile("testdata/remittance.835")
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if err := secondReader(text); err != nil {
		t.Errorf("the second reader: %v", err)
	}
	if text != write(t, envelope, paidAndDenied(t)) {
		t.Error("the same arguments gave other bytes")
	}
}

func TestReadWhatWasWritten(t *testing.T) {
	r := paidAndDenied(t)
	r.Adjustments = []ProviderAdjustment{{Provider: "2999001003", Year: "2026-12-31", Reason: "WO", Reference: "ICN-9", Amount: 1000}}
	r.Payments[0].Remarks = []string{"MA01"}
	r.Total = r.Sum()
	none := paidAndDenied(t)
	none.Payments, none.Trace = none.Payments[1:], "T2"
	none.Total = none.Sum()
	text := write(t, envelope, r, none)
	if err := secondReader(text); err != nil {
		t.Fatalf("the second reader: %v", err)
	}
	got, err := ReadRemittance(strings.NewReader(text))
	if err != nil || len(got) != 2 {
		t.Fatalf("got %d remittances, %v", len(got), err)
	}
	if got[0].Total != 5050 || got[1].Total != 0 || got[1].Method != "NON" || got[0].Method != "CHK" {
		t.Errorf("got totals %s and %s, methods %s and %s", got[0].Total, got[1].Total, got[0].Method, got[1].Method)
	}
	for i := range got {
		if err := CheckBalance(&got[i]); err != nil {
			t.Errorf("remittance %d: %v", i+1, err)
		}
	}
	if again := write(t, envelope, got...); again != text {
		t.Errorf("read and written again:\n%s\nwant\n%s", again, text)
	}
	p := got[0].Payments[0]
	line := p.Lines[0]
	want := ServicePayment{
		Code: "99213", Modifiers: []string{"25", "GT", "59"}, Charge: 10050, Paid: 1050, Units: 1500, From: "2026-10-01", To: "2026-10-03",
		Adjustments: []claims.Adjustment{{Group: "CO", CARC: "45", Amount: 3050}, {Group: "PR", CARC: "1", Amount: 4000}, {Group: "PR", CARC: "2", Amount: 1950}},
		Control:     "L1", Allowed: 7000, Rendering: "2999002183", Remarks: []string{"N381"}, segment: line.segment,
	}
	if !reflect.DeepEqual(line, want) || p.Patient != 5950 || p.Remarks[0] != "MA01" || p.Person.MemberID != "M1" {
		t.Errorf("got %+v\nwant %+v", line, want)
	}
	denied := got[0].Payments[1]
	if denied.Status != "4" || denied.Lines[0].Units != 0 || denied.Lines[0].Submitted != 1000 || denied.Subscriber.MemberID != "M1" || denied.Person.First != "JUNIOR" {
		t.Errorf("got %+v", denied)
	}
}

// TestRandomRemittances writes payments with random adjustments, more of them
// than one CAS holds, and lets the second reader add them up.
func TestRandomRemittances(t *testing.T) {
	rnd := rand.New(rand.NewSource(835))
	for range 300 {
		r := paidAndDenied(t)
		r.Payments = nil
		for n := range 1 + rnd.Intn(5) {
			r.Payments = append(r.Payments, randomPayment(rnd, n))
		}
		if r.Sum() > 100 {
			r.Adjustments = []ProviderAdjustment{{Provider: "2999001003", Year: "2026-12-31", Reason: "L6", Amount: claims.Cents(rnd.Intn(50)) - 50}}
		}
		r.Total = r.Sum()
		text := write(t, envelope, r)
		if err := secondReader(text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		got, err := ReadRemittance(strings.NewReader(text))
		if err != nil || CheckBalance(&got[0]) != nil {
			t.Fatalf("%v, %v\n%s", err, CheckBalance(&got[0]), text)
		}
	}
}

func randomPayment(rnd *rand.Rand, n int) Payment {
	p := Payment{Number: fmt.Sprint("C", n), Status: "1", Filing: "12", Control: fmt.Sprint("ICN", n), Person: claims.Person{Last: "DOE"}}
	for range 1 + rnd.Intn(4) {
		l := ServicePayment{Code: "99213", Units: 1000, From: "2026-10-01", To: "2026-10-01", Paid: claims.Cents(rnd.Intn(50000))}
		l.Charge = l.Paid
		for range rnd.Intn(16) {
			a := claims.Adjustment{Group: []claims.Group{"CO", "PR", "OA", "PI"}[rnd.Intn(4)], CARC: fmt.Sprint(1 + rnd.Intn(250)), Amount: claims.Cents(rnd.Intn(9000))}
			l.Adjustments = append(l.Adjustments, a)
			l.Charge += a.Amount
			if a.Group == claims.Patient {
				p.Patient += a.Amount
			}
		}
		p.Charge += l.Charge
		p.Paid += l.Paid
		p.Lines = append(p.Lines, l)
	}
	return p
}

func TestWriteRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Remittance)
		want   string
	}{
		"line":          {func(r *Remittance) { r.Payments[0].Lines[0].Paid++ }, "claim 1 line 1 does not balance: charge less adjustments is 10.50, it says 10.51"},
		"line charges":  {func(r *Remittance) { r.Payments[0].Charge++ }, "claim 1 does not balance: its lines' charges come to 150.50, it says 150.51"},
		"claim":         {func(r *Remittance) { r.Payments[0].Paid++; r.Total++ }, "claim 1 does not balance: charge less adjustments is 60.50, it says 60.51"},
		"patient":       {func(r *Remittance) { r.Payments[0].Patient-- }, "claim 1 does not balance: adjustments of group PR come to 59.50, it says 59.49"},
		"payment":       {func(r *Remittance) { r.Total++ }, "payment (BPR element 2) does not balance: claims and provider adjustments come to 60.50, it says 60.51"},
		"counted twice": {func(r *Remittance) { r.Payments[0].Adjustments = r.Payments[0].Lines[0].Adjustments }, "claim 1 does not balance"},
		"negative":      {func(r *Remittance) { r.Adjustments = []ProviderAdjustment{{Amount: 7000}}; r.Total = r.Sum() }, "a payment is at least 0.00, it says -9.50"},
		"negative line": {func(r *Remittance) {
			l := &r.Payments[0].Lines[1]
			l.Paid -= 6000
			l.Adjustments = []claims.Adjustment{{Group: "CO", CARC: "45", Amount: 6000}}
		}, "a payment is at least 0.00"},
		"claim number":    {func(r *Remittance) { r.Payments[0].Number = "A*B" }, "remittance 1, claim 1: CLP element 1 holds a delimiter"},
		"component mark":  {func(r *Remittance) { r.Payments[0].Control = "A:B" }, "CLP element 7 holds a delimiter"},
		"repetition mark": {func(r *Remittance) { r.Trace = "A^B" }, "TRN element 2 holds a delimiter"},
		"line break":      {func(r *Remittance) { r.Payments[0].Lines[0].Control = "A\nB" }, "REF element 2 holds a delimiter"},
		"code":            {func(r *Remittance) { r.Payments[0].Lines[0].Code = "99~13" }, "SVC element 1 holds a delimiter"},
		"group":           {func(r *Remittance) { r.Payments[0].Lines[0].Adjustments[0].Group = "XX" }, "no group code"},
		"reason":          {func(r *Remittance) { r.Payments[0].Lines[0].Adjustments[0].CARC = "" }, "no group code or reason"},
		"no trace":        {func(r *Remittance) { r.Trace = " " }, "the trace number is missing"},
		"no name":         {func(r *Remittance) { r.Payments[0].Person.Last = "" }, "last name is missing"},
		"no payee NPI":    {func(r *Remittance) { r.Payee.NPI = "" }, "the payee's NPI is missing"},
		"no payer":        {func(r *Remittance) { r.Payer.Name = "" }, "the payer's name is missing"},
		"no address":      {func(r *Remittance) { r.Payer.Address = claims.Address{} }, "street and city is missing"},
		"no telephone":    {func(r *Remittance) { r.Payer.Phone = "" }, "telephone number is missing"},
		"tax number":      {func(r *Remittance) { r.Payer.TaxID = "12-345678" }, "nine digits"},
		"PLB of nothing": {func(r *Remittance) {
			r.Adjustments = []ProviderAdjustment{{Provider: "1", Year: "2026-12-31", Reason: "WO"}}
		}, "an adjustment of nothing"},
		"PLB reason": {func(r *Remittance) {
			r.Adjustments = []ProviderAdjustment{{Provider: "1", Year: "2026-12-31", Reason: "XX", Amount: 1}}
			r.Total = r.Sum()
		}, "not one of the guide's"},
		"PLB reference": {func(r *Remittance) {
			r.Adjustments = []ProviderAdjustment{{Provider: "1", Year: "2026-12-31", Reason: "WO", Reference: strings.Repeat("9", 51), Amount: 1}}
			r.Total = r.Sum()
		}, "longer than 50"},
		"PLB year": {func(r *Remittance) {
			r.Adjustments = []ProviderAdjustment{{Provider: "1", Reason: "WO", Amount: 1}}
			r.Total = r.Sum()
		}, "the fiscal year of an adjustment is not a date"},
		"date":         {func(r *Remittance) { r.Date = "2026-11-31" }, "the date of payment is not a date"},
		"no control":   {func(r *Remittance) { r.Payments[0].Control = "" }, "the payer's claim number is missing"},
		"service date": {func(r *Remittance) { r.Payments[0].Lines[1].From = "" }, "date of service is not a date"},
		"method":       {func(r *Remittance) { r.Method = "NON" }, "payment method"},
		"ACH":          {func(r *Remittance) { r.Method = "ACH" }, "payment method"},
	} {
		r := paidAndDenied(t)
		c.change(&r)
		b, err := WriteRemittance(envelope, r)
		if err == nil || !strings.Contains(err.Error(), c.want) || b != nil {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	for name, e := range map[string]Envelope{
		"control": {Sender: "A", To: claims.Sender{ID: "B"}}, "sender": {Sender: "A*", To: claims.Sender{ID: "B"}, Control: 1}, "receiver": {Sender: "A", Control: 1},
		"long sender": {Sender: strings.Repeat("A", 16), To: claims.Sender{ID: "B"}, Control: 1},
	} {
		if _, err := WriteRemittance(e, paidAndDenied(t)); err == nil {
			t.Errorf("envelope without a good %s was written", name)
		}
	}
	if _, err := WriteRemittance(envelope); err == nil {
		t.Error("a file of nothing was written")
	}
}

func TestNamesAreCleaned(t *testing.T) {
	r := paidAndDenied(t)
	r.Payments[0].Person.Last = "  Núñez*~:^\n O'Brien  "
	text := write(t, envelope, r)
	if !strings.Contains(text, "NM1*QC*1*Nunez O'Brien*JANE*") || !strings.Contains(text, "N1*PR*Plan Demo PPO~") {
		t.Errorf("got\n%s", text)
	}
	if err := secondReader(text); err != nil {
		t.Error(err)
	}
}

func TestPaymentOf(t *testing.T) {
	c := &claims.Claim{Number: "C1", Lines: []claims.Line{{Number: 1}}}
	line := []claims.LineDecision{{Line: 1, Outcome: claims.Paid}}
	for name, d := range map[string]*claims.Decision{
		"pended":       {Claim: "C1", Outcome: claims.Pended, Lines: line},
		"other claim":  {Claim: "C2", Outcome: claims.Paid, Lines: line},
		"no lines":     {Claim: "C1", Outcome: claims.Paid},
		"other line":   {Claim: "C1", Outcome: claims.Paid, Lines: []claims.LineDecision{{Line: 2, Outcome: claims.Paid}}},
		"pended line":  {Claim: "C1", Outcome: claims.Paid, Lines: []claims.LineDecision{{Line: 1, Outcome: claims.Pended}}},
		"no outcome":   {Claim: "C1", Lines: line},
		"lines beyond": {Claim: "C1", Outcome: claims.Paid, Lines: append(line, line...)},
	} {
		if _, err := PaymentOf(c, d, "ICN"); err == nil {
			t.Errorf("%s: remitted", name)
		}
	}
}

func TestReadRemittanceRefuses(t *testing.T) {
	sound := write(t, envelope, paidAndDenied(t))
	for _, c := range []struct{ name, old, new, start, what string }{
		{"no BPR amount", "BPR*I*60.50", "BPR*I*", "BPR*", "amount"},
		{"two BPR", "DTM*405*20261103", "BPR*I*1*C*CHK", "BPR*I*1*", "second payment"},
		{"no BPR", "BPR*I*60.50*C*CHK************20261104~\n", "", "CLP*C1", "before the BPR"},
		{"no trace", "TRN*1*T1*", "TRN*1**", "SE*", "trace number"},
		{"production date", "DTM*405*20261103", "DTM*405*20261133", "DTM*405", "date"},
		{"claim number", "CLP*C1*", "CLP**", "CLP**", "missing"},
		{"status", "CLP*C1*1*", "CLP*C1*7*", "CLP*C1", "status"},
		{"claim charge", "*150.50*60.50*", "*150,50*60.50*", "CLP*C1", "amount"},
		{"claim payment", "*150.50*60.50*", "*150.50*x*", "CLP*C1", "amount"},
		{"patient's share", "*60.50*59.50*", "*60.50*-*", "CLP*C1", "amount"},
		{"group", "CAS*CO*45", "CAS*XX*45", "CAS*XX", "group"},
		{"empty CAS", "CAS*CO*45*30.50", "CAS*CO", "CAS*CO", "missing"},
		{"CAS amount", "CAS*CO*45*30.50", "CAS*CO*45", "CAS*CO", "amount"},
		{"CAS reason", "CAS*CO*45*30.50", "CAS*CO**30.50", "CAS*CO", "missing"},
		{"CAS outside", "LX*1", "CAS*CO*45*30.50", "CAS*CO", "outside a claim"},
		{"SVC outside", "LX*1", "SVC*HC:1*1*1", "SVC*HC:1*", "outside a claim"},
		{"SVC code", "SVC*HC:00142*", "SVC*HC*00142*", "SVC*HC*", "code with its qualifier"},
		{"SVC units", "*50.00*50.00**61", "*50.00*50.00**six", "SVC*HC:00142", "units"},
		{"service date", "DTM*472*20261004", "DTM*472*20261044", "DTM*472", "date"},
		{"NM1 in a line", "REF*6R*L1", "NM1*QC*1*X", "NM1*QC*1*X", "inside a service line"},
		{"unknown segment", "LX*1", "HL*1", "HL*", "not a segment of a remittance"},
		{"version", "005010X221A1", "004010X091A1", "GS*", "version"},
		{"set", "ST*835", "ST*837", "ST*", "not a remittance"},
		{"PLB date", "SE*", "PLB*1*2026*WO*1~\nSE*", "PLB*", "date"},
		{"PLB amount", "SE*", "PLB*1*20261231*WO*one~\nSE*", "PLB*", "amount"},
		{"PLB empty", "SE*", "PLB*1*20261231~\nSE*", "PLB*", "missing"},
		{"SE count", "SE*37", "SE*38", "SE*", "should count"},
		{"IEA", "IEA*1*000000042", "IEA*1*000000043", "IEA*", "control number"},
	} {
		text := swap(t, sound, c.old, c.new)
		got, err := ReadRemittance(strings.NewReader(text))
		place, _, _ := strings.Cut(placeOf(t, text, c.start, 0), " element")
		if err == nil || !strings.Contains(err.Error(), place) || !strings.Contains(err.Error(), c.what) || got != nil {
			t.Errorf("%s: got %v, want %s", c.name, err, place)
		}
	}
	for n := range len(sound) - 2 {
		if _, err := ReadRemittance(strings.NewReader(sound[:n])); err == nil {
			t.Fatalf("cut at %d and read", n)
		}
	}
	if _, err := ReadRemittance(bytes.NewReader(bytes.Repeat([]byte(" "), MaxRemittanceFile+2))); err == nil || !strings.Contains(err.Error(), "64 MB") {
		t.Errorf("a file that is too long: %v", err)
	}
}

// TestBalanceNamesPlaces breaks amounts in a file that still reads.
func TestBalanceNamesPlaces(t *testing.T) {
	sound := write(t, envelope, paidAndDenied(t))
	for _, c := range []struct{ old, new, start, claim string }{
		{"CAS*CO*45*30.50", "CAS*CO*45*30.49", "SVC*HC:99213", "claim 1 line 1, "},
		{"*60.50*59.50*", "*60.50*59.40*", "CLP*C1", "claim 1, "},
		{"CLP*C2*4*80.00", "CLP*C2*4*81.00", "CLP*C2", "claim 2, "},
	} {
		text := swap(t, sound, c.old, c.new)
		got, err := ReadRemittance(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		want := c.claim + placeOf(t, text, c.start, 0) + " does not balance"
		if err := CheckBalance(&got[0]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if secondReader(text) == nil {
			t.Error("the second reader did not notice")
		}
	}
}
