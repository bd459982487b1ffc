package x12

import (
	"fmt"

	"github.com/countersign-health/countersign/claims"
)

// Limits of the guide: twelve diagnoses (loop 2300, HI), fifty service lines
// (loop 2400).
const (
	maxDiagnoses     = 12
	maxLines         = 50
	maxClaimSegments = 5000
)

func (r *claimReader) clm(s *segment) error {
	if err := r.endClaim(); err != nil {
		return err
	}
	if err := r.ready(s); err != nil {
		return err
	}
	charge, err := s.cents(2)
	if err != nil {
		return err
	}
	place := r.composite(s, 5)
	r.claims++
	lines, diagnoses, positions := r.held.Claim.Lines[:0], r.held.Claim.Diagnoses[:0], r.held.Positions.at[:0]
	r.held = Submitted{Test: r.set.test, Purpose: r.purpose, Reference: r.batch, Submitter: r.sender, Sequence: r.sequence, set: r.set.index, others: r.held.others[:0]}
	if r.emit != nil {
		r.held.others = nil
	}
	r.claim = &r.held
	if r.emit != nil {
		r.claim.Source = claims.Source{Created: r.created, Place: r.place(), Sender: r.set.sender}
	}
	r.claim.Claim = claims.Claim{
		Number: s.at(1), Charge: charge, Frequency: claims.Frequency(part(place, 2)),
		Payer: *r.payer, Billing: *r.billing, Subscriber: *r.subscriber, Lines: lines, Diagnoses: diagnoses,
		DelayReason: s.at(20),
	}
	if r.level == "23" {
		patient := *r.patient
		r.claim.Claim.Patient = &patient
	} else if r.subscriber.Relationship != "18" {
		r.note(s, 0, "stands at the subscriber's level although SBR element 2 is not 18 (self); the subscriber is taken for the patient")
	}
	if r.guide.institutional {
		r.claim.Claim.Institutional = &claims.Institutional{Facility: part(place, 0)}
	} else {
		r.claim.Claim.Place = part(place, 0)
	}
	if r.emit != nil {
		// Like lines and diagnoses they are gathered where those of the claim before
		// were: what is handed out is a copy, of just their size (endClaim).
		r.claim.Positions.at = append(positions, r.above.at...)
	}
	r.head, r.loop, r.other, r.facility, r.rising = s.number, loop2300, false, "", true
	r.mark(s)
	return r.checkCLM(s, place)
}

// ready checks that the levels above a claim name everyone it needs.
func (r *claimReader) ready(s *segment) error {
	missing := ""
	switch {
	case r.level != "22" && r.level != "23":
		return s.refuse(0, "stands at no subscriber's or patient's level", "open an HL with level 22, or 23 for a dependent, before it").lacks("HL")
	case r.billing == nil || r.billing.Name == "":
		missing = "billing provider (NM1*85) at the level of HL 20"
	case r.subscriber == nil || r.subscriber.Last == "":
		missing = "subscriber (NM1*IL) at the level of HL 22"
	case r.payer == nil:
		missing = "payer (NM1*PR) at the level of HL 22"
	case r.level == "23" && (r.patient == nil || r.patient.Last == ""):
		missing = "patient (NM1*QC) at the level of HL 23"
	}
	if missing != "" {
		return s.refuse(0, "opens a claim that names no "+missing, "add the NM1 segment with its name").lacks("NM1")
	}
	return nil
}

func (r *claimReader) checkCLM(s *segment, place []string) error {
	switch {
	case s.at(1) == "":
		return s.refuse(1, "is missing", "write the claim's number").with(missingElement)
	case r.claim.Claim.Charge < 0:
		return s.refuse(2, "is a negative charge", "void or replace a claim by its frequency code, 8 or 7")
	case r.guide.institutional:
		return checkBill(s, place)
	case part(place, 0) == "":
		return s.refuse(5, "has no place of service", "write it as PLACE:B:FREQUENCY, such as 11:B:1").with(missingElement)
	case !oneOf(part(place, 1), "", "B"):
		return s.refuse(5, "does not hold a place of service: its second component is not B", "write it as PLACE:B:FREQUENCY, such as 11:B:1")
	case !oneOf(part(place, 2), "1", "7", "8"):
		return s.refuse(5, "has no frequency code that is read here", "write 1 for a claim of its own, 7 to replace or 8 to void another")
	}
	return nil
}

// checkBill checks the type of bill. Interim bills (2, 3, 4) are read, so that an
// edit can refuse the one claim.
func checkBill(s *segment, bill []string) error {
	switch {
	case part(bill, 0) == "":
		return s.refuse(5, "has no type of bill", "write it as FACILITY:A:FREQUENCY, such as 11:A:1").with(missingElement)
	case part(bill, 1) != "A":
		return s.refuse(5, "does not hold a type of bill: its second component is not A", "write it as FACILITY:A:FREQUENCY, such as 11:A:1")
	case !oneOf(part(bill, 2), "1", "2", "3", "4", "7", "8"):
		return s.refuse(5, "has no frequency code that is read here", "write 1 for a claim of its own, 2 to 4 for interim bills, 7 to replace or 8 to void another")
	}
	return nil
}

// composite reads a composite element, and notes once a separator that is not
// the declared one.
func (r *claimReader) composite(s *segment, i int) []string {
	parts, foreigner := s.components(i)
	if foreigner && !r.foreign {
		r.foreign = true
		r.note(s, i, "separates components with > although ISA element 16 declares another mark; read so")
	}
	return parts
}

// mark remembers where a segment of the open claim stands.
func (r *claimReader) mark(s *segment) {
	if r.emit == nil {
		return // the first pass hands out no claim
	}
	line := 0
	if r.line != nil {
		line = r.line.Number
	}
	if len(r.claim.Positions.at) < maxClaimSegments {
		r.claim.Positions.add(r.loop, line, s)
	}
}

func (r *claimReader) inClaim(s *segment) error {
	switch {
	case s.id() == "SBR":
		// From here to the first line, other payers are described; their
		// numbers must not be taken for the claim's own.
		r.other, r.loop = true, loop2320
	case s.id() == "NM1" && r.other:
		r.loop = loop2330
	case s.id() == "NM1":
		r.loop = r.guide.claimLoops[s.at(1)]
	}
	r.mark(s)
	c, id := &r.claim.Claim, s.id()
	switch {
	case id == "SV1" || id == "SV2" || id == "SV5" || id == "SVD":
		return s.refuse(0, "stands outside a service line", "start the line with LX").as(outOfSequence)
	case (id == "PAT" || id == "DMG") && !r.other:
		return s.refuse(0, "stands after the CLM", "put it at the level of the person, before the CLM").as(outOfSequence)
	case r.other:
		r.others(s)
	case id == "HI" && r.guide.institutional:
		return r.hospitalCodes(s)
	case id == "HI":
		return r.diagnoses(s)
	case id == "REF" && r.loop == loop2300:
		return r.claimReference(s)
	case id == "NM1" && r.loop == r.guide.rendering:
		if c.Rendering != nil {
			return s.refuse(0, "names a second rendering provider of the claim", "name the provider of a line after its SV1").as(repeatedSegment)
		}
		c.Rendering = r.provided(s)
	case id == "PRV" && r.loop == r.guide.rendering:
		c.Rendering.Taxonomy = s.at(3)
	case id == "N4" && r.loop == r.guide.facility:
		r.facility = s.at(2)
	case r.guide.institutional:
		return r.stay(s)
	}
	return nil
}

// provided reads a provider. On the first pass, whose claims nobody sees, all
// share one.
func (r *claimReader) provided(s *segment) *claims.Provider {
	if r.emit == nil {
		r.scratch = readProvider(s)
		return &r.scratch
	}
	p := readProvider(s)
	return &p
}

// diagnoses reads HI. ABK and ABF qualify ICD-10-CM codes, BK and BF the
// ICD-9-CM of old samples; other qualifiers are no diagnoses.
func (r *claimReader) diagnoses(s *segment) error {
	c := &r.claim.Claim
	for i := 1; i < s.count; i++ {
		if s.at(i) == "" {
			continue
		}
		parts := r.composite(s, i)
		principal := oneOf(parts[0], "ABK", "BK")
		switch {
		case !principal && !oneOf(parts[0], "ABF", "BF"):
			if part(parts, 1) == "" {
				return s.refuse(i, "is not a code with its qualifier", "write it as ABK:CODE or ABF:CODE")
			}
			continue
		case part(parts, 1) == "":
			return s.refuse(i, "has a qualifier without a code", "write the diagnosis as ABK:CODE or ABF:CODE").with(missingElement)
		case principal != (len(c.Diagnoses) == 0):
			return s.refuse(i, "breaks the order of diagnoses", "write the principal diagnosis first (ABK), and the others after it (ABF)")
		case len(c.Diagnoses) == maxDiagnoses:
			return s.refuse(i, fmt.Sprintf("is more than %d diagnoses", maxDiagnoses), "split the claim")
		}
		c.Diagnoses = append(c.Diagnoses, parts[1])
	}
	return nil
}

func (r *claimReader) claimReference(s *segment) error {
	switch s.at(1) {
	case "G1":
		return once(s, &r.claim.Claim.Authorization)
	case "F8":
		return once(s, &r.claim.Claim.OriginalReference)
	}
	return nil
}

// once keeps a reference number, and refuses a second of its kind.
func once(s *segment, to *string) error {
	switch {
	case s.at(2) == "":
		return s.refuse(2, "is missing", "write the number, or leave the segment out").with(missingElement)
	case *to != "":
		return s.refuse(1, "repeats a reference of the same kind", "write it once").as(repeatedSegment)
	}
	*to = s.at(2)
	return nil
}
