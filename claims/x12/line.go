package x12

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

func (r *claimReader) lx(s *segment) error {
	if r.claim == nil {
		return s.refuse(0, "stands outside a claim", "start the claim with CLM").as(outOfSequence)
	}
	if err := r.endLine(); err != nil {
		return err
	}
	n, err := strconv.Atoi(s.at(1))
	if err != nil || n < 1 || n > 999999 {
		return s.refuse(1, "is not a line number", "number the lines of a claim from 1").with(badCharacter)
	}
	c := &r.claim.Claim
	if len(c.Lines) == r.guide.lines {
		return s.refuse(0, fmt.Sprintf("opens more than %d service lines", r.guide.lines), "split the claim").as(repeatedSegment)
	}
	// Numbers that rise, as nearly all do, need no search.
	if r.rising = r.rising && (len(c.Lines) == 0 || n > c.Lines[len(c.Lines)-1].Number); !r.rising {
		for _, l := range c.Lines {
			if l.Number == n {
				return s.refuse(1, "repeats a line number of the claim", "number the lines of a claim from 1")
			}
		}
	}
	c.Lines = append(c.Lines, claims.Line{Number: n})
	r.line, r.lineHead, r.loop = &c.Lines[len(c.Lines)-1], s.number, loop2400
	r.mark(s)
	return nil
}

// endLine checks that the line is whole.
func (r *claimReader) endLine() error {
	l := r.line
	if l == nil {
		return nil
	}
	if in := r.claim.Claim.Institutional; in != nil && l.From == "" {
		// A line of a stay may leave its date to the statement (guide, loop 2400).
		l.From, l.To = in.From, in.Through
	}
	switch {
	case r.guide.institutional && l.Revenue == "":
		return refuseAt(r.lineHead, "LX", 0, "opens a line without an SV2 segment", "add SV2 with the revenue code, charge and units").lacks("SV2").in("2400")
	case !r.guide.institutional && l.Code == "":
		return refuseAt(r.lineHead, "LX", 0, "opens a line without an SV1 segment", "add SV1 with the service's code, charge and units").lacks("SV1").in("2400")
	case l.From == "":
		return refuseAt(r.lineHead, "LX", 0, "opens a line without a date of service", "add DTP*472 to the line").lacks("DTP").in("2400")
	}
	r.line = nil
	return nil
}

func (r *claimReader) inLine(s *segment) error {
	id := s.id()
	switch id {
	case "NM1":
		r.loop = r.guide.lineLoops[s.at(1)]
	case "LIN":
		r.loop = loop2410
	case "SVD":
		r.loop = loop2430
	}
	r.mark(s)
	switch id {
	case "SV1":
		if r.guide.institutional {
			return s.refuse(0, "is the service of a professional claim", "write SV2 on an institutional claim").as(outOfSequence)
		}
		return r.sv1(s)
	case "SV2":
		return r.sv2(s)
	case "DTP":
		if s.at(1) == "472" {
			return r.serviceDate(s)
		}
	case "REF":
		return r.lineReference(s)
	case "SVD", "CAS":
		r.others(s)
	case "HI", "SBR", "PAT", "DMG":
		return s.refuse(0, "stands inside a service line", "put it before the first LX of the claim").as(outOfSequence)
	case "NM1", "PRV", "N4":
		return r.lineParty(s)
	}
	return nil
}

// lineParty reads who rendered the line, and where.
func (r *claimReader) lineParty(s *segment) error {
	switch {
	case s.id() == "NM1" && r.loop == r.guide.lineRendering:
		if r.line.Rendering != nil {
			return s.refuse(0, "names a second rendering provider of the line", "name one").as(repeatedSegment)
		}
		r.line.Rendering = r.provided(s)
	case s.id() == "PRV" && r.loop == r.guide.lineRendering:
		r.line.Rendering.Taxonomy = s.at(3)
	case s.id() == "N4" && r.loop == r.guide.lineFacility && r.loop != noLoop:
		return r.lineFacility(s)
	}
	return nil
}

// lineFacility refuses a line that was rendered in another state than its
// claim: a claim has one service state, and the license would be sought in the
// wrong one.
func (r *claimReader) lineFacility(s *segment) error {
	claim := r.claim.Claim
	if s.at(2) == r.serviceState(&claim) {
		return nil
	}
	return s.refuse(2, "is another state than that of the claim, which this release does not read", "send the line as a claim of its own")
}

// sv1 reads the service: SV101 is HC:CODE:MODIFIERS, up to four of them.
func (r *claimReader) sv1(s *segment) (err error) {
	l := r.line
	if l.Code != "" {
		return s.refuse(0, "is a second service of the line", "start every service with LX").as(repeatedSegment)
	}
	if err := r.procedure(s, 1); err != nil {
		return err
	}
	if err := r.chargeOf(s, 2); err != nil {
		return err
	}
	if l.Unit = s.at(3); l.Unit != "UN" && l.Unit != "MJ" {
		return s.refuse(3, "is not a unit of service", "write UN for units or MJ for minutes of anesthesia")
	}
	if l.Units, err = s.quantity(4); err != nil {
		return err
	}
	if place := s.at(5); place != r.claim.Claim.Place {
		l.Place = place
	}
	return r.pointers(s)
}

// procedure reads a code with up to four modifiers, HC:CODE:25:59.
func (r *claimReader) procedure(s *segment, at int) error {
	l := r.line
	code := r.composite(s, at)
	switch {
	case part(code, 0) == "HP" && oneOf(l.Revenue, "0022", "0023", "0024") && part(code, 1) != "":
	case part(code, 0) != "HC":
		return s.refuse(at, "is not a CPT or HCPCS code: its qualifier is not HC", "write the code as HC:CODE, with modifiers after it")
	case part(code, 1) == "":
		return s.refuse(at, "has a qualifier without a code", "write the code as HC:CODE, with modifiers after it").with(missingElement)
	}
	l.Code = code[1]
	if r.emit == nil {
		return nil // the first pass hands out no claim
	}
	modifiers := code[2:min(len(code), 6)]
	if slices.Contains(modifiers, "") {
		modifiers = slices.DeleteFunc(modifiers, func(m string) bool { return m == "" })
	}
	l.Modifiers = kept(&r.memory.words, modifiers)
	return nil
}

// chargeOf reads the line's charge.
func (r *claimReader) chargeOf(s *segment, at int) (err error) {
	if r.line.Charge, err = s.cents(at); err != nil {
		return err
	}
	if r.line.Charge < 0 {
		return s.refuse(at, "is a negative charge", "void or replace a claim by its frequency code, 8 or 7")
	}
	return nil
}

// pointers reads SV107, which some senders write as decimals ("1.00").
func (r *claimReader) pointers(s *segment) error {
	if s.at(7) == "" {
		return nil
	}
	var pointers [4]int
	count := 0
	for _, p := range r.composite(s, 7) {
		if p == "" {
			continue
		}
		n := pointer(p)
		if n == 0 || count == len(pointers) {
			return s.refuse(7, "does not point to diagnoses", "write up to four numbers from 1 to 12, such as 1:2")
		}
		pointers[count] = n
		count++
	}
	if r.emit != nil {
		r.line.Pointers = kept(&r.memory.numbers, pointers[:count])
	}
	return nil
}

// pointer reads one, 0 if it points to no diagnosis.
func pointer(p string) int {
	if len(p) == 1 && p[0] >= '1' && p[0] <= '9' {
		return int(p[0] - '0')
	}
	q, err := claims.ParseQuantity(p)
	if n := int(q / 1000); err == nil && q%1000 == 0 && n >= 1 && n <= maxDiagnoses {
		return n
	}
	return 0
}

// serviceDate reads DTP*472, one day (D8) or a range of days (RD8).
func (r *claimReader) serviceDate(s *segment) error {
	l := r.line
	if l.From != "" {
		return s.refuse(0, "is a second date of service of the line", "write one DTP*472, as a range (RD8) where the service took several days").as(repeatedSegment)
	}
	var err error
	l.From, l.To, err = s.days()
	return err
}

// days reads the date of a DTP: one day (D8), or a range (RD8).
func (s *segment) days() (first, last credentials.Date, err error) {
	from, to := s.at(3), s.at(3)
	switch s.at(2) {
	case "D8":
	case "RD8":
		var ok bool
		if from, to, ok = strings.Cut(s.at(3), "-"); !ok {
			return "", "", s.refuse(3, "is not a range of dates", "write it as CCYYMMDD-CCYYMMDD").with(badDate)
		}
	default:
		return "", "", s.refuse(2, "is not a date format that is read here", "write D8 for a day or RD8 for a range")
	}
	first, firstOK := s.dates.parse(from)
	last, lastOK := first, firstOK
	if to != from {
		last, lastOK = s.dates.parse(to)
	}
	switch {
	case !firstOK || !lastOK:
		return "", "", s.refuse(3, "is not a date of the calendar", "write it as CCYYMMDD, such as 20261102").with(badDate)
	case last < first:
		return "", "", s.refuse(3, "ends before it starts", "write the earlier date first").with(badDate)
	}
	return first, last, nil
}

// lineReference reads the line's own numbers. A prior authorization with a
// fourth element (2U and a payer's number) is another payer's.
func (r *claimReader) lineReference(s *segment) error {
	switch {
	case s.at(1) == "6R":
		return once(s, &r.line.Control)
	case s.at(1) == "G1" && s.at(4) == "":
		return once(s, &r.line.Authorization)
	}
	return nil
}
