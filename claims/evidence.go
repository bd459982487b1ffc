package claims

import "github.com/countersign-health/countersign/credentials"

// Evidence is every fact that Adjudicate reads besides the claim itself and the
// plan edition, as of the dates of service. It holds facts ("units left: 3"),
// never other people's claims. Its leaves are salted one by one under one root
// (Facts), which the decision names.
type Evidence struct {
	Submission   credentials.Handle `json:"submission"`
	Number       int                `json:"number"` // of the decision that rests on it, from 1
	Received     credentials.Date   `json:"received"`
	Plan         EditionRef         `json:"plan"`
	Fees         EditionRef         `json:"fees"`
	Member       MemberFact         `json:"member"`
	Accumulators []Accumulators     `json:"accumulators"` // one a benefit period touched
	Lines        []LineFact         `json:"lines"`
	// Review is a reviewer's determination on the claim, where there is one.
	Review *Determination `json:"review,omitempty"`
	// Signatures are the clinicians' own upon the claim, where the plan's edition
	// wants any.
	Signatures []SignatureFact `json:"signatures,omitempty"`
	// Used says what was used of each benefit limit of the plan, in every period
	// that a line counts in; from rules/2 on.
	Used []UsedFact `json:"used,omitempty"`
	// Priced are the lines among which the Priced facts were worked out.
	Priced []int `json:"priced,omitempty"`
	// Stay is the authorization that the claim names for its days, where the plan's
	// edition wants one for the stay.
	Stay *AuthorizationFact `json:"stay,omitempty"`
	// Original is the decision that this one takes back, if any.
	Original *OriginalFact `json:"original,omitempty"`
	// Appeals are the reviewers' determinations that set denials aside, oldest first.
	Appeals []Determination `json:"appeals,omitempty"`
	// ExclusionList is what the list of excluded providers says of the claim's, where
	// the plan's edition names one.
	ExclusionList *ExclusionFacts `json:"exclusionList,omitempty"`
}

// An EditionRef names a published edition by content.
type EditionRef struct {
	Name    string             `json:"name"`    // "demo-ppo"
	Edition string             `json:"edition"` // "2026-01"
	Digest  credentials.Digest `json:"digest"`  // SHA-256 of the file as published
}

// A MemberFact says whether the insurer knows the patient, and when covered.
type MemberFact struct {
	Found    bool       `json:"found"`
	Matches  bool       `json:"matches"` // name and date of birth agree
	Coverage []Coverage `json:"coverage,omitempty"`
}

// Coverage is one period of cover, both days included; an empty Until is open.
type Coverage struct {
	From  credentials.Date `json:"from"`
	Until credentials.Date `json:"until,omitempty"`
}

// Accumulators are what the member and the family have met so far in one
// benefit period, before this claim.
type Accumulators struct {
	Period               string `json:"period"` // "2026"
	DeductibleIndividual Cents  `json:"deductibleIndividual"`
	DeductibleFamily     Cents  `json:"deductibleFamily"`
	OutOfPocketPerson    Cents  `json:"outOfPocketIndividual"`
	OutOfPocketFamily    Cents  `json:"outOfPocketFamily"`
}

// A LineFact holds the facts of one line.
type LineFact struct {
	Line int `json:"line"`
	// Duplicate of an earlier claim of this submitter that was not reversed.
	Duplicate Duplicate `json:"duplicate,omitempty"`
	// Fee is the schedule's amount for one unit; nil where it lists none.
	Fee           *Cents             `json:"fee,omitempty"`
	Authorization *AuthorizationFact `json:"authorization,omitempty"`
	Standing      StandingFact       `json:"standing"` // on the line's first day
	// StandingLast is the same on the last day of a line of several days; such
	// a line waits for a person where it is missing.
	StandingLast *StandingFact `json:"standingLast,omitempty"`
	// StandingWithin is the same on the first day between the two on which the
	// clinician was not simply licensed; absent where there is none.
	StandingWithin *StandingFact `json:"standingWithin,omitempty"`
	// What follows is read from rules/2 on. Recorded is the day on which the insurer
	// wrote down the coverage of the line's first day, where that came later.
	Recorded credentials.Date `json:"recorded,omitempty"`
	// Priced is the line's worth under a
	// contract or under payment rules, which Fee knows nothing of.
	Priced *Priced `json:"priced,omitempty"`
	// Withheld is the rate of sequestration on the line's last day.
	Withheld *Rate `json:"withheld,omitempty"`
	// Global is the code's global surgery indicator, where the fee edition has one.
	Global string `json:"global,omitempty"`
	// Surgery is one on an earlier claim in whose global days the line lies.
	Surgery *SurgeryFact `json:"surgery,omitempty"`
	// Primaries are codes beside which the line may stand as an add-on, paid on an
	// earlier claim for the same day and clinician.
	Primaries []string `json:"primaries,omitempty"`
	// Ranked are codes, paid on an earlier claim for the same day and clinician, that
	// would be ranked with the line under the fee edition's payment rules.
	Ranked []string `json:"ranked,omitempty"`
	// Terms answers each term of the plan's edition, in its order.
	Terms []TermFact `json:"terms,omitempty"`
}

// later says whether a fact is there that rules/1 does not read.
func (f *LineFact) later() bool {
	return f.Recorded != "" || f.Priced != nil || f.Withheld != nil || f.Global != "" || f.Surgery != nil || f.Primaries != nil || f.Ranked != nil || f.Terms != nil
}

// Duplicate says how alike an earlier line is.
type Duplicate string

const (
	NotDuplicate   Duplicate = ""
	ExactDuplicate Duplicate = "exact" // same member, providers, date, code, modifiers, units and charge
	NearDuplicate  Duplicate = "near"  // likely, but a person has to look: LineKey.Compare, and Resembles
)

// An AuthorizationFact is the authorization that a line names.
type AuthorizationFact struct {
	Number string             `json:"number"`
	Handle credentials.Handle `json:"handle,omitzero"` // of the signed authorization decision
	Found  bool               `json:"found"`
	// Outcome of its latest decision; pended ones make the claim wait.
	Outcome AuthorizationOutcome `json:"outcome,omitempty"`
	Matches bool                 `json:"matches"` // same member, clinician and code; of a stay same member and hospital
	From    credentials.Date     `json:"from,omitempty"`
	Until   credentials.Date     `json:"until,omitempty"`
	Left    Quantity             `json:"left"` // units not yet drawn
	// Code is the revenue code by which days of a stay were asked for.
	Code string `json:"code,omitempty"`
}

// A StandingFact says who rendered the line, whether that person may practice
// there on that day, and what the answer rests on.
type StandingFact struct {
	NPI      credentials.NPI      `json:"npi,omitempty"` // empty: nobody is named and no roster helps
	State    string               `json:"state"`
	On       credentials.Date     `json:"on"`
	Rostered bool                 `json:"rostered,omitempty"` // named by the insurer's roster, not by the claim
	Standing credentials.Standing `json:"standing"`
	Licenses []credentials.Handle `json:"licenses,omitempty"`
	Orders   []credentials.Handle `json:"orders,omitempty"`
	// Feed is how far the board's feed had been read: one more than the ledger
	// index of its last entry. Every order below it has been heard.
	Feed  int64 `json:"feed"`
	Fresh bool  `json:"fresh"` // the feed was current when it was asked
}

// Standings are the facts about the days of a line, first day first.
func (f *LineFact) Standings() []*StandingFact {
	all := []*StandingFact{&f.Standing}
	for _, s := range []*StandingFact{f.StandingWithin, f.StandingLast} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// DoubtWithin is the first day between a line's first and last on which the
// clinician is not simply licensed, empty where there is none.
func (l *Line) DoubtWithin(licenses []credentials.License, orders []credentials.Order, state string) credentials.Date {
	return credentials.FirstDoubt(licenses, orders, state, l.From.AddDays(1), l.To.AddDays(-1))
}
