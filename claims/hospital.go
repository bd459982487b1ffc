package claims

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// HospitalTerms are what hospitals' claims (837I) come to under an edition, and
// what members pay of them. Under an edition without any such a claim waits.
type HospitalTerms struct {
	Contracts []HospitalContract
	Benefits  []HospitalBenefit
	// Authorization says which stays need one; nil where none does.
	Authorization *StayAuthorization `json:",omitempty"`
}

// A HospitalContract says what a stay, a visit or a line of it is worth: exactly
// one of its five terms. The first that fits a line is the line's, so that what is
// paid beside a stay (implants, say) stands before the stay.
type HospitalContract struct {
	Name      string
	Providers []credentials.NPI // who bills; anyone where there are none
	Bills     []string          // first two digits of the types of bill
	// From and Until bound the day on which the stay or the statement begins.
	From, Until credentials.Date
	Revenue     RevenueSet // lines by revenue code; any where there are none
	Codes       CodeSet    // lines by procedure; any where there are none

	CaseRates       []CaseRate // for all of the contract's lines on a claim together
	PerDiem         []DayRate  // likewise, for the covered days
	PerUnit         *Cents     // for each unit of a line
	PercentOfCharge *Rate
	PercentOfFees   *Rate // of the fee schedule's price of a line

	// LesserOfCharge holds the amount against the charge. Without it the contract
	// pays its amount even where less was charged.
	LesserOfCharge bool
	// Transfer are the patient statuses (CL103) of a patient who went on to another
	// hospital: a case is then paid by the day (42 CFR 412.4(f)).
	Transfer []string `json:",omitempty"`
	// Outlier is for cases and stays that were far dearer than others.
	Outlier *Outlier `json:",omitempty"`
}

// An Outlier is a contract's stop-loss: what it pays of charges beyond a threshold, or
// from the first dollar on of all charges.
type Outlier struct {
	Threshold       Cents
	PercentOfCharge Rate
	FirstDollar     bool
}

// A CaseRate is one amount for a case: of a DRG, of a claim on which a procedure
// stands, or, with neither, of any.
type CaseRate struct {
	DRG, Code string
	Amount    Cents
	MeanStay  Quantity `json:",omitempty"` // in days; needed where a contract has terms for transfers
}

// A HospitalBenefit is what a member pays of what some bills come to. The first
// that fits is a line's; the plan's own terms where none does.
type HospitalBenefit struct {
	Name             string
	Bills            []string
	Revenue          RevenueSet
	Codes            CodeSet
	Copay            Cents // once a claim
	DeductibleWaived bool
	Coinsurance      *Rate // nil: the plan's
}

// A RevenueSet is a list of ranges of revenue codes, both ends included.
type RevenueSet [][2]string

// Has says whether any range of the set has the revenue code.
func (s RevenueSet) Has(revenue string) bool {
	return slices.ContainsFunc(s, func(r [2]string) bool { return r[0] <= revenue && revenue <= r[1] })
}

// ContractFor finds the contract of a line, nil where there is none.
func (t *HospitalTerms) ContractFor(c *Claim, l *Line) *HospitalContract {
	for i := range t.Contracts {
		k := &t.Contracts[i]
		if !slices.Contains(k.Bills, c.Institutional.Facility) || !c.Institutional.Begins().Within(k.From, k.Until) ||
			len(k.Providers) > 0 && !slices.Contains(k.Providers, c.Billing.NPI) ||
			len(k.Revenue) > 0 && !k.Revenue.Has(l.Revenue) || len(k.Codes) > 0 && !k.Codes.Has(l.Code) ||
			len(k.CaseRates) > 0 && k.CaseOf(c) == nil {
			continue
		}
		return k
	}
	return nil
}

// CaseOf is the case rate of a claim, nil where it lists none for it.
func (k *HospitalContract) CaseOf(c *Claim) *CaseRate {
	for i := range k.CaseRates {
		r := &k.CaseRates[i]
		switch {
		case r.DRG != "" && r.DRG != c.Institutional.DRG:
		case r.Code != "" && !slices.ContainsFunc(c.Lines, func(l Line) bool { return l.Code == r.Code }):
		default:
			return r
		}
	}
	return nil
}

// benefitFor finds the benefit under which lines that are shared together fall.
func (t *HospitalTerms) benefitFor(c *Claim, lines []*work) *HospitalBenefit {
	for i := range t.Benefits {
		b := &t.Benefits[i]
		fits := func(w *work) bool {
			return (len(b.Revenue) == 0 || b.Revenue.Has(w.line.Revenue)) && (len(b.Codes) == 0 || b.Codes.Has(w.line.Code))
		}
		if slices.Contains(b.Bills, c.Institutional.Facility) && slices.ContainsFunc(lines, fits) {
			return b
		}
	}
	return nil
}

// Clinician says whose license is judged: who rendered the line, else on a
// hospital's claim the attending, whom the guide wants named where nobody else
// rendered it. Nil leaves it to the roster.
func (c *Claim) Clinician(l *Line) *Provider {
	r, in := c.Renderer(l), c.Institutional
	if in == nil || r != nil {
		return r
	}
	if in.Attending == nil || in.Attending.NPI == "" {
		return nil
	}
	return in.Attending
}

// clinicianOf is whom the facts of a line have to be about. Where no edition reads
// them, on a hospital's claim that waits, they may be about the roster's clinician,
// as they were before any edition had terms for hospitals.
func (p *Plan) clinicianOf(c *Claim, l *Line, s *StandingFact) *Provider {
	named := c.Clinician(l)
	if p.Hospital != nil || !s.Rostered && named != nil && named.NPI == s.NPI {
		return named
	}
	return c.Renderer(l)
}

// Key is the line's service as duplicates are looked for: the code, and on a
// hospital's claim the revenue code before it. What a hospital charges for the use
// of its rooms is no second copy of what the clinician charges.
func (l *Line) Key() string {
	if l.Revenue == "" {
		return l.Code
	}
	return l.Revenue + "/" + l.Code
}

// named is the line's service as people read it.
func (l *Line) named() string {
	switch {
	case l.Revenue == "":
		return l.Code
	case l.Code == "":
		return "revenue code " + l.Revenue
	}
	return l.Code + " under revenue code " + l.Revenue
}

// Begins is the day on which a stay began, else the statement's first.
func (in *Institutional) Begins() credentials.Date {
	if in.Inpatient() && in.Admitted != "" {
		return in.Admitted
	}
	return in.From
}

// maxStay bounds a stay, whose days are counted one by one.
const maxStay = 3660

// coveredDays and the like are the NUBC's value codes; uncovered are its occurrence
// spans of days that the payer is not asked to pay.
const (
	valueCoveredDays    = "80"
	valueNonCoveredDays = "81"
)

var uncoveredSpans = []string{"74", "77", "79"}

// CoveredDays counts the days of a stay that are to be paid: from admission, or the
// statement's first day where that is later, without the day of discharge (Medicare
// Benefit Policy Manual, chapter 3, section 20.1), less the days that the claim says
// are not covered, by spans (74, 77, 79) or by number (value codes 80 and 81). Where
// these contradict each other, or the patient has not left, why says so.
func (in *Institutional) CoveredDays() (days int, why string) {
	first, last := max(in.From, in.Begins()), in.Through
	stay := first.DaysUntil(last)
	switch {
	case last < first || stay > maxStay:
		return 0, fmt.Sprintf("a stay from %s to %s cannot be counted", first, last)
	case in.PatientStatus == "30":
		return 0, "the patient is still there (patient status 30), and a stay is paid whole"
	case stay == 0:
		stay, last = 1, last.AddDays(1)
	}
	for day := first; day < last; day = day.AddDays(1) {
		if !in.uncovered(day) {
			days++
		}
	}
	covered, given, ok := in.daysValue(valueCoveredDays)
	uncovered, other, too := in.daysValue(valueNonCoveredDays)
	switch {
	case !ok || !too:
		return 0, "its value codes for covered days (80) and others (81) are no whole numbers, or stand there twice"
	case !given && other:
		covered, given = stay-uncovered, true
	case given && other && covered+uncovered != stay:
		return 0, fmt.Sprintf("it says %d covered days and %d others (value codes 80 and 81), and the stay has %d", covered, uncovered, stay)
	}
	switch {
	case given && days < stay && covered != days:
		return 0, fmt.Sprintf("it says %d covered days (value code 80 or 81), and its spans leave %d of %d", covered, days, stay)
	case given && (covered < 0 || covered > stay):
		return 0, fmt.Sprintf("it says %d covered days (value code 80 or 81), and the stay has %d", covered, stay)
	case given:
		days = covered
	}
	if days == 0 {
		return 0, "none of its days is covered, by what the claim itself says"
	}
	return days, ""
}

// uncovered says whether a day lies in a span of days that are not covered.
func (in *Institutional) uncovered(day credentials.Date) bool {
	return slices.ContainsFunc(in.Occurred, func(o Occurrence) bool {
		return slices.Contains(uncoveredSpans, o.Code) && day.Within(o.From, max(o.From, o.Through))
	})
}

// daysValue reads a value code that is a number of days; ok is that it can be read.
func (in *Institutional) daysValue(code string) (days int, given, ok bool) {
	for _, v := range in.Values {
		if v.Code != code {
			continue
		}
		if given || v.Amount%100 != 0 || v.Amount < 0 || v.Amount > maxStay*100 {
			return 0, true, false
		}
		days, given = int(v.Amount/100), true
	}
	return days, given, true
}

// The rules by which lines are priced together, as steps name them.
const (
	RuleCaseRate = "case-rate"
	RulePerDiem  = "per-diem"
	RuleTransfer = "transfer"
	RuleOutlier  = "outlier"
)

// Covered is what the plan is asked to pay of a line's charge: without what the
// hospital itself holds for not covered (SV207), unless an appeal has set that aside.
func (e *Evidence) Covered(l *Line) Cents {
	for i := range e.Appeals {
		if slices.Contains(e.Appeals[i].SetsAside, SetAside{l.Number, CARCExcluded}) {
			return l.Charge
		}
	}
	return l.Charge - l.NonCovered
}
