package x12

import (
	"fmt"
	"strings"

	"github.com/countersign-health/countersign/claims"
)

// Edit is the name of the edit that a refusal is of, as claims.AllEdits has it.
// It follows from what the 999 and the TA1 say.
func (r *Refusal) Edit() string {
	at := r.place
	switch {
	case at.set == setGuide || at.set == setUnsupported:
		return "guide"
	case at.set == setControl || at.set == setControlReused:
		return "control-numbers"
	case at.set == setCount:
		return map[string]string{"SE": "segment-count", "GE": "set-count"}[at.id] + map[string]string{"IEA": "group-count"}[at.id]
	case at.set+at.group+at.whole != "" || strings.Contains(r.Where, "(ISA)") || strings.Contains(r.Where, "(GS)"):
		return "envelope"
	case at.id == "":
		return "segment-syntax"
	case at.segment == unknownSegment:
		return "known-segment"
	case at.segment == missingSegment || at.value == missingElement:
		return "required"
	case at.segment == repeatedSegment:
		return "repeat"
	case at.value == badCharacter || at.value == badDate:
		return "element-syntax"
	case at.element > 0:
		return "guide-code"
	}
	return "sequence"
}

// Loop is the loop in which a refusal stands, where it stands in one.
func (r *Refusal) Loop() string { return r.place.loop }

// An otherPayer is what a claim says of a payer besides the one it is addressed
// to (loop 2320), and what the lines say of it (loop 2430).
type otherPayer struct {
	id       string
	paid     claims.Cents // AMT*D
	said     bool
	adjusted claims.Cents // CAS of the claim
	lines    int          // SVD segments
	linePaid claims.Cents
	lineLess claims.Cents // CAS of the lines
	at       int          // segment of its AMT, or of its SBR
}

// maxOtherPayers is the guide's limit of loop 2320.
const maxOtherPayers = 10

// others takes what loop 2320 and 2430 say of other payers. An amount that
// cannot be read is passed over: it is not this insurer's money.
func (r *claimReader) others(s *segment) {
	o := &r.held.others
	last := len(*o) - 1
	switch {
	case s.id() == "SBR" && len(*o) < maxOtherPayers:
		*o = append(*o, otherPayer{at: s.number})
	case s.id() == "SVD":
		r.judged = -1
		for i := range *o {
			if (*o)[i].id == s.at(1) {
				r.judged = i
			}
		}
		if paid, err := s.cents(2); err == nil && r.judged >= 0 {
			(*o)[r.judged].lines++
			(*o)[r.judged].linePaid += paid
		}
	case s.id() == "CAS" && r.line != nil && r.loop == loop2430 && r.judged >= 0:
		(*o)[r.judged].lineLess += adjustments(s)
	case last < 0 || r.line != nil:
	case s.id() == "CAS":
		(*o)[last].adjusted += adjustments(s)
	case s.id() == "AMT" && s.at(1) == "D":
		paid, err := s.cents(2)
		(*o)[last].paid, (*o)[last].said, (*o)[last].at = paid, err == nil, s.number
	case s.id() == "NM1" && s.at(1) == "PR":
		(*o)[last].id = s.at(9)
	}
}

// adjustments sums up the amounts of a CAS: every third element from the third.
func adjustments(s *segment) (sum claims.Cents) {
	for i := 3; i < s.count; i += 3 {
		if amount, err := s.cents(i); err == nil {
			sum += amount
		}
	}
	return sum
}

// Check runs the edits that look at what a file says beyond the claim: how it is
// addressed, and whether what other payers paid adds up.
func (s *Submitted) Check(edits claims.Edits) (found []claims.Problem) {
	add := func(edit, loop, segment, element, code, message string) {
		if edits.On(edit) {
			found = append(found, claims.Problem{Edit: edit, Loop: loop, Segment: segment, Element: element, Code: code, Message: message})
		}
	}
	if s.Test {
		add("production-file", "", "ISA", "ISA15", "A3:0", "the interchange is marked as a test")
	}
	if s.Purpose != "" && s.Purpose != "CH" {
		add("to-be-paid", "", "BHT", "BHT06", "A3:0", "the claims are sent to be reported, not to be paid")
	}
	if s.Sequence != "" && s.Sequence != "P" {
		add("first-payer", "2000B", "SBR", "SBR01", "A3:0", "another payer comes first")
	}
	for _, o := range s.others {
		if !o.said {
			continue
		}
		if o.lines > 0 && o.paid != o.linePaid-o.adjusted {
			add("other-payer-balance", "2320", "AMT", "AMT02", "A8:286", fmt.Sprintf(
				"another payer paid %s, and its lines (SVD) less the claim's adjustments (CAS) come to %s", o.paid, o.linePaid-o.adjusted))
		} else if less := o.adjusted + o.lineLess; (less != 0 || o.lines > 0) && s.Claim.Charge != o.paid+less {
			add("other-payer-balance", "2320", "AMT", "AMT02", "A8:286", fmt.Sprintf(
				"the charge is %s, and what another payer paid and all its adjustments come to %s", s.Claim.Charge, o.paid+less))
		}
	}
	return found
}

// maxFaults bounds what a 999 lists of one transaction set.
const maxFaults = 100

// Fault notes for the file's 999 that the claim does not pass an edit of level 1
// to 4: its set is then accepted with errors. It is for the call that is handed
// the claim.
func (s *Submitted) Fault(p claims.Problem) {
	f := s.file
	if f == nil {
		return // it was read from no X12 file
	}
	e, known := claims.EditNamed(p.Edit)
	if !known || e.Answer() != "999" {
		return
	}
	if f.flat == nil {
		for i := range f.Interchanges {
			for g := range f.Interchanges[i].Groups {
				sets := f.Interchanges[i].Groups[g].Sets
				for n := range sets {
					f.flat = append(f.flat, &sets[n])
				}
			}
		}
	}
	if s.set >= len(f.flat) {
		return // beyond what is acknowledged
	}
	set := f.flat[s.set]
	set.Faulty = true
	if len(set.faults) < maxFaults {
		set.faults = append(set.faults, s.Positions.fault(p, s.Claim.Number))
	}
}

// fault is where a problem stands, as a 999 has it.
func (p Positions) fault(problem claims.Problem, claim string) fault {
	at := fault{id: problem.Segment, loop: problem.Loop, claim: strings.Clone(claim)}
	if at.number = p.find(problem); at.number > 0 {
		at.element = elementNumber(problem.Segment, problem.Element)
		if strings.HasPrefix(problem.Code, "A6:") {
			at.value = missingElement
		}
		return at
	}
	at.segment = missingSegment
	if at.number = p.Segment("LX", "2400", problem.Line); at.number == 0 || problem.Line == 0 {
		at.number = p.Segment("CLM", "2300", 0)
	}
	return at
}
