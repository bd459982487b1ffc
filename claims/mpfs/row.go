package mpfs

import "github.com/countersign-health/countersign/claims"

// A Row is one line of the relative value file: a code, whole or one part of
// it, with what CMS's payment rules ask about it.
type Row struct {
	Code     string
	Modifier string // "", "26" (professional part), "TC" (technical part) or "53" (given up)
	Status   Status
	// NotForMedicare marks relative values that CMS shows for others to use.
	NotForMedicare bool

	Work, NonFacilityPE, FacilityPE, Malpractice RVU
	// Seldom says that CMS does not expect the service in such places. Its
	// amount there is that of the other class, and listed all the same.
	SeldomNonFacility, SeldomFacility bool
	Factor                            Factor

	PCTC              Indicator // how professional and technical part divide
	Global            string    // "000", "010", "090" days; MMM, XXX, YYY, ZZZ
	Pre, Intra, Post  claims.Rate
	MultipleProcedure Indicator
	Bilateral         Indicator
	Assistant         Indicator
	CoSurgeon         Indicator
	Team              Indicator
	// EndoscopicBase is the code whose worth is in every other code of its
	// family, where MultipleProcedure is 3.
	EndoscopicBase  string
	Supervision     string // level of physician supervision of a diagnostic test
	CalculationFlag string // "0" since July 2014
	ImagingFamily   string // "88": the technical part is reduced with others of its family
	Cap             Cap

	line int // in the file
}

// A Cap holds the relative values that come to the hospital outpatient amount.
type Cap struct{ NonFacilityPE, FacilityPE, Malpractice RVU }

// An Indicator is one of CMS's payment policy indicators, a digit as published.
type Indicator byte

// String is the digit.
func (i Indicator) String() string { return string(rune(i)) }

// A Status says whether the schedule sets a price at all.
type Status string

// The statuses of codes that are paid by the schedule, and the others.
const (
	Active        Status = "A"
	Bundled       Status = "B"
	CarrierPriced Status = "C"
	Excluded      Status = "E"
	Invalid       Status = "I"
	Anesthesia    Status = "J"
	Measurement   Status = "M"
	NotCovered    Status = "N"
	Incident      Status = "P"
	Restricted    Status = "R"
	Injection     Status = "T"
	Statutory     Status = "X"
)

// statuses is the one table of them, in our own words.
var statuses = map[Status]struct {
	priced bool
	words  string
}{
	Active:        {true, "paid by the schedule"},
	Restricted:    {true, "paid by the schedule where coverage is found"},
	Injection:     {true, "paid by the schedule where nothing else is that day"},
	Bundled:       {false, "always part of another service"},
	CarrierPriced: {false, "priced by each contractor"},
	Excluded:      {false, "excluded by regulation"},
	Invalid:       {false, "not valid for Medicare; another code is used"},
	Anesthesia:    {false, "anesthesia, which is priced by time"},
	Measurement:   {false, "a measurement, which is reported and not paid"},
	NotCovered:    {false, "not covered by Medicare"},
	Incident:      {false, "bundled or excluded"},
	Statutory:     {false, "not a physician's service by law"},
}

// Priced says whether the schedule's amount is one to pay. Some other rows have
// relative values too; those are for others to use, and fail closed here.
func (s Status) Priced() bool { return statuses[s].priced }

// Words says in our own plain words what the status means.
func (s Status) Words() string { return statuses[s].words }

// Priced says whether the row's amount is one to pay. Restricted codes often
// have no relative values at all: those are not worth nothing, but are priced by
// each contractor.
func (r *Row) Priced() bool { return r.Status.Priced() && !r.NotForMedicare && r.valued() }

func (r *Row) valued() bool { return r.Work+r.NonFacilityPE+r.FacilityPE+r.Malpractice > 0 }

// Name is "76813" or "76813-26".
func (r *Row) Name() string {
	if r.Modifier == "" {
		return r.Code
	}
	return r.Code + "-" + r.Modifier
}

// Words says in our own plain words whether and why the row is paid.
func (r *Row) Words() string {
	switch {
	case r.NotForMedicare:
		return "its relative values are shown for others to use"
	case r.Status.Priced() && !r.valued():
		return "it has no relative values; each contractor prices it"
	}
	return r.Status.Words()
}
