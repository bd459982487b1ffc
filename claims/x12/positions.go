package x12

import (
	"regexp"
	"strconv"
	"strings"
)

// Positions tell at which segments of its file a claim stands, so that an edit
// that finds a fault later can still name the place.
type Positions struct{ at []position }

type position struct {
	loop   string // "2300", "2400", "2010AA"
	id     string // "CLM"
	line   int    // LX01 of the service line, 0 outside lines
	number int
}

func (p *Positions) add(loop string, line int, s *segment) {
	p.at = append(p.at, position{loop, s.id(), line, s.number})
}

var (
	lineWords    = regexp.MustCompile(`(?i)line\s*(\d+)`)
	elementWords = regexp.MustCompile(`^[A-Z0-9]*?0*(\d{1,2})(-\d+)?$`)
)

// Segment is the number in the file of a segment of the claim, such as "CLM"
// or "SV1 line 2"; 0 where it has none. Without a line it is the first.
func (p Positions) Segment(name string) int {
	line := 0
	if m := lineWords.FindStringSubmatch(name); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	id, _, _ := strings.Cut(strings.TrimSpace(name), " ")
	return p.find(id, "", line)
}

func (p Positions) find(id, loop string, line int) int {
	for _, at := range p.at {
		if at.id == id && (loop == "" || at.loop == loop) && (line == 0 || at.line == line) {
			return at.number
		}
	}
	return 0
}

// Place names where a problem with the claim stands, by its segment ("SV1"),
// element ("2", "02" or "SV102"), loop ("2400", or nothing) and line (LX01, or
// 0). Where the segment is missing from the claim, the place is the segment
// that opens its loop: the line's LX or the claim's CLM.
func (p Positions) Place(segment, element, loop string, line int) string {
	if m := lineWords.FindStringSubmatch(loop); m != nil && line == 0 {
		line, _ = strconv.Atoi(m[1])
	}
	loop, _, _ = strings.Cut(loop, " ")
	number := p.find(segment, loop, line)
	if number == 0 {
		number = p.find(segment, "", line)
	}
	n := 0
	if m := elementWords.FindStringSubmatch(strings.TrimPrefix(element, segment)); m != nil {
		n, _ = strconv.Atoi(m[1])
	}
	if number > 0 {
		return where(number, segment, n)
	}
	if line > 0 && p.find("LX", "", line) > 0 {
		return where(p.find("LX", "", line), "LX", 0)
	}
	return where(p.find("CLM", "", 0), "CLM", 0)
}
