package x12

import (
	"fmt"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A guide is where the implementation guides for professional and institutional
// claims differ in their loops.
type guide struct {
	institutional bool
	claimLoops    map[string]loopCode // the loop that an NM1 of a claim opens
	lineLoops     map[string]loopCode // the same of a line
	rendering     loopCode
	facility      loopCode
	lineRendering loopCode
	lineFacility  loopCode
	lines         int // most on a claim
	diagnoses     int // likewise
}

var professionalGuide = &guide{
	claimLoops: map[string]loopCode{
		"DN": loop2310A, "P3": loop2310A, "82": loop2310B, "77": loop2310C, "DQ": loop2310D, "PW": loop2310E, "45": loop2310F,
	},
	lineLoops: map[string]loopCode{
		"82": loop2420A, "QB": loop2420B, "77": loop2420C, "DQ": loop2420D, "DK": loop2420E, "DN": loop2420F, "P3": loop2420F, "PW": loop2420G, "45": loop2420H,
	},
	rendering: loop2310B, facility: loop2310C, lineRendering: loop2420A, lineFacility: loop2420C, lines: maxLines, diagnoses: maxDiagnoses,
}

var institutionalGuide = &guide{
	institutional: true,
	claimLoops:    map[string]loopCode{"71": loop2310A, "72": loop2310B, "ZZ": loop2310C, "82": loop2310D, "77": loop2310E, "DN": loop2310F},
	lineLoops:     map[string]loopCode{"72": loop2420A, "ZZ": loop2420B, "82": loop2420C, "DN": loop2420D},
	rendering:     loop2310D, facility: loop2310E, lineRendering: loop2420C, lines: 999, diagnoses: 25,
}

// maxCodes bounds each kind of code of loop 2300: two segments of twelve.
const maxCodes = 24

// stay reads a segment of loop 2300, or of the providers below it, that only
// institutional claims have.
func (r *claimReader) stay(s *segment) error {
	in := r.claim.Claim.Institutional
	switch {
	case s.id() == "CL1":
		if in.AdmissionType+in.AdmissionSource+in.PatientStatus != "" {
			return s.refuse(0, "stands twice in the claim", "write one CL1 for each claim").as(repeatedSegment)
		}
		in.AdmissionType, in.AdmissionSource, in.PatientStatus = s.at(1), s.at(2), s.at(3)
	case s.id() == "DTP" && r.loop == loop2300:
		return stayDate(in, s)
	case s.id() == "NM1" && r.loop == loop2310A:
		return provider(s, &in.Attending, "attending")
	case s.id() == "NM1" && r.loop == loop2310B:
		return provider(s, &in.Operating, "operating")
	case s.id() == "PRV" && r.loop == loop2310A:
		in.Attending.Taxonomy = s.at(3)
	}
	return nil
}

func provider(s *segment, to **claims.Provider, what string) error {
	if *to != nil {
		return s.refuse(0, "names a second "+what+" provider of the claim", "name one").as(repeatedSegment)
	}
	p := readProvider(s)
	*to = &p
	return nil
}

// stayDate reads DTP of loop 2300: the statement's days (434), the admission
// (435) and the hour of discharge (096).
func stayDate(in *claims.Institutional, s *segment) (err error) {
	switch s.at(1) {
	case "434":
		if in.From != "" {
			return s.refuse(0, "stands twice in the claim", "write one DTP*434, as a range (RD8)").as(repeatedSegment)
		}
		in.From, in.Through, err = s.days()
	case "435":
		if in.Admitted != "" {
			return s.refuse(0, "stands twice in the claim", "write one DTP*435").as(repeatedSegment)
		}
		day := s.at(3)
		switch {
		case s.at(2) == "DT" && len(day) == 12:
			day, in.AdmissionHour = day[:8], day[8:]
		case s.at(2) != "D8":
			return s.refuse(2, "is not a date format that is read here", "write DT and CCYYMMDDHHMM, or D8 and CCYYMMDD")
		}
		var ok bool
		if in.Admitted, ok = parseD8(day); !ok {
			return s.refuse(3, "is not a date of the calendar", "write it as CCYYMMDDHHMM, such as 202611020930").with(badDate)
		}
	case "096":
		in.DischargeHour = s.at(3)
	}
	return err
}

// hospitalCodes reads HI of an institutional claim. The qualifiers of ICD-9 and
// ICD-10 differ by a letter; which of them is due is for an edit.
func (r *claimReader) hospitalCodes(s *segment) error {
	for i := 1; i < s.count; i++ {
		if s.at(i) == "" {
			continue
		}
		parts := r.composite(s, i)
		if part(parts, 1) == "" {
			return s.refuse(i, "is not a code with its qualifier", "write it as ABK:CODE, BE:CODE:::AMOUNT or BH:CODE:D8:CCYYMMDD")
		}
		if err := r.hospitalCode(s, i, qualifierOf(parts[0]), parts); err != nil {
			return err
		}
	}
	return nil
}

// qualifierOf is the qualifier of a code under ICD-9, for that of ICD-10.
func qualifierOf(q string) string {
	switch q {
	case "ABK", "ABF", "ABJ", "ABN", "APR", "BBR", "BBQ":
		return q[1:]
	}
	return q
}

func (r *claimReader) hospitalCode(s *segment, i int, qualifier string, parts []string) error {
	c := &r.claim.Claim
	in, code := c.Institutional, parts[1]
	var full, again bool
	switch qualifier {
	case "BK", "BF":
		return r.diagnosis(s, i, qualifier == "BK", code, part(parts, 8))
	case "BJ":
		again, in.Admitting = in.Admitting != "", code
	case "DR":
		again, in.DRG = in.DRG != "", code
	case "PR":
		full = len(in.Reasons) == 3
		in.Reasons = append(in.Reasons, code)
	case "BN":
		full = len(in.External) == 12
		in.External = append(in.External, code)
	case "BG":
		full = len(in.Conditions) == maxCodes
		in.Conditions = append(in.Conditions, code)
	case "BE":
		full = len(in.Values) == maxCodes
		amount, err := claims.ParseCents(part(parts, 4))
		if err != nil || len(part(parts, 4)) > wholeDigits+3 {
			return s.refuse(i, "has a value code without an amount", "write it as BE:CODE:::AMOUNT").with(badCharacter)
		}
		in.Values = append(in.Values, claims.ValueCode{Code: code, Amount: amount})
	case "BR", "BQ":
		full, again = len(in.Procedures) == maxCodes+1, qualifier == "BR" && len(in.Procedures) > 0
		day, _, err := codeDays(s, i, parts, true)
		if err != nil {
			return err
		}
		in.Procedures = append(in.Procedures, claims.Procedure{Code: code, On: day})
	case "BH", "BI":
		full = len(in.Occurred) == 2*maxCodes
		from, through, err := codeDays(s, i, parts, false)
		if err != nil {
			return err
		}
		if through == from {
			through = ""
		}
		in.Occurred = append(in.Occurred, claims.Occurrence{Code: code, From: from, Through: through})
	}
	switch {
	case full:
		return s.refuse(i, "is one more of its kind than a claim holds", "split the claim").as(repeatedSegment)
	case again:
		return s.refuse(i, "is a second one of its kind", "write it once").as(repeatedSegment)
	}
	return nil
}

// codeDays reads the day or days of a code: component 3 says how, 4 which.
func codeDays(s *segment, i int, parts []string, optional bool) (from, through credentials.Date, err error) {
	if optional && part(parts, 3) == "" {
		return "", "", nil
	}
	first, last := part(parts, 3), part(parts, 3)
	if part(parts, 2) == "RD8" {
		first, last, _ = strings.Cut(first, "-")
	}
	from, ok := parseD8(first)
	through, too := parseD8(last)
	if !ok || !too || through < from {
		return "", "", s.refuse(i, "has a code without its date", "write it as BH:CODE:D8:CCYYMMDD or BI:CODE:RD8:CCYYMMDD-CCYYMMDD").with(badDate)
	}
	return from, through, nil
}

// diagnosis adds one of an institutional claim, with whether it was there when
// the patient came.
func (r *claimReader) diagnosis(s *segment, i int, principal bool, code, present string) error {
	c := &r.claim.Claim
	switch {
	case principal != (len(c.Diagnoses) == 0):
		return s.refuse(i, "breaks the order of diagnoses", "write the principal diagnosis first (ABK), and the others after it (ABF)")
	case len(c.Diagnoses) == r.guide.diagnoses:
		return s.refuse(i, fmt.Sprintf("is more than %d diagnoses", r.guide.diagnoses), "split the claim")
	}
	c.Diagnoses = append(c.Diagnoses, code)
	if in := c.Institutional; present != "" || len(in.Present) > 0 {
		for len(in.Present) < len(c.Diagnoses)-1 {
			in.Present = append(in.Present, "")
		}
		in.Present = append(in.Present, present)
	}
	return nil
}

// sv2 reads the service of an institutional line: a revenue code, and mostly a
// procedure beside it.
func (r *claimReader) sv2(s *segment) (err error) {
	l := r.line
	if l.Revenue != "" {
		return s.refuse(0, "is a second service of the line", "start every service with LX").as(repeatedSegment)
	}
	if l.Revenue = s.at(1); l.Revenue == "" {
		return s.refuse(1, "is missing", "write the revenue code").with(missingElement)
	}
	if s.at(2) != "" {
		if err := r.procedure(s, 2); err != nil {
			return err
		}
	}
	if err := r.chargeOf(s, 3); err != nil {
		return err
	}
	if l.Unit = s.at(4); !oneOf(l.Unit, "UN", "DA") {
		return s.refuse(4, "is not a unit of service", "write UN for units or DA for days")
	}
	if l.Units, err = s.quantity(5); err != nil {
		return err
	}
	if s.at(7) != "" {
		l.NonCovered, err = s.cents(7)
	}
	return err
}
