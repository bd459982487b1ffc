package x12

import (
	"strconv"
	"strings"

	"github.com/countersign-health/countersign/claims"
)

// Positions tell at which segments of its file a claim stands, so that an edit
// that finds a fault later can still name the place.
type Positions struct{ at []position }

// A position holds no pointer, and little else: a file has one for nearly each
// of its segments.
type position struct {
	id     [3]byte // "CLM"
	loop   loopCode
	of     [3]byte // of a DTP "434", of an HI "BK", of an LX its LX01
	number int32
}

// lineNumber is the LX01 of a position that opens a line. Those that follow are
// of the same line: a claim's segments outside lines stand before all of them.
func (p position) lineNumber() int { return int(p.of[0])<<16 | int(p.of[1])<<8 | int(p.of[2]) }

func segmentName(s string) (n [3]byte) {
	for i := 0; i < len(s) && i < len(n); i++ {
		n[i] = s[i]
	}
	return n
}

// add remembers a segment. Of the dates only those of service and of a stay are
// asked for.
func (p *Positions) add(loop loopCode, line int, s *segment) {
	var of [3]byte
	switch s.id() {
	case "LX":
		of = [3]byte{byte(line >> 16), byte(line >> 8), byte(line)}
	case "DTP":
		switch qualifier := s.at(1); qualifier {
		case "472", "434", "435", "096":
			of = segmentName(qualifier)
		default:
			return
		}
	case "HI":
		before, _, _ := cut(s.at(1), s.marks.component)
		before, _, _ = cut(before, foreign)
		of = segmentName(qualifierOf(before))
	}
	p.at = append(p.at, position{segmentName(s.id()), loop, of, int32(s.number)})
}

// find is Segment for a problem.
func (p Positions) find(of claims.Problem) int {
	if of.Qualifier == "" {
		return p.Segment(of.Segment, of.Loop, of.Line)
	}
	for _, at := range p.at {
		if at.id == segmentName(of.Segment) && at.loop.String() == of.Loop && at.of == segmentName(of.Qualifier) {
			return int(at.number)
		}
	}
	return 0
}

// Segment is the number in the file of a segment of the claim: Segment("CLM",
// "", 0) or Segment("SV1", "2400", 2). An empty loop or a line of 0 means any;
// of several it is the first. It is 0 where the claim has no such segment.
func (p Positions) Segment(id, loop string, line int) int {
	open := 0
	for _, at := range p.at {
		if at.id == segmentName("LX") {
			open = at.lineNumber()
		}
		if at.id == segmentName(id) && (loop == "" || at.loop.String() == loop) && (line == 0 || open == line) {
			return int(at.number)
		}
	}
	return 0
}

// Place names where a problem with the claim stands in its file: "segment 37
// (SV1) element 2". Where the segment is missing from the claim, the place is
// the segment that opens its line or its claim.
func (p Positions) Place(problem claims.Problem) string {
	if n := p.find(problem); n > 0 {
		return where(n, problem.Segment, elementNumber(problem.Segment, problem.Element))
	}
	if n := p.Segment("LX", "2400", problem.Line); n > 0 && problem.Line > 0 {
		return where(n, "LX", 0)
	}
	return where(p.Segment("CLM", "2300", 0), "CLM", 0)
}

// elementNumber is 5 for "CLM05-3"; 0 where the element is not named so.
func elementNumber(segment, element string) int {
	digits, _, _ := strings.Cut(strings.TrimPrefix(element, segment), "-")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
