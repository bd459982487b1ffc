package x12

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// Limits that keep memory bounded whatever the input. The longest segment of
// the guides is far below maxSegment.
const (
	maxSegment  = 16 << 10
	maxElements = 128
	isaLength   = 106
)

// A scanner cuts a file into segments, holding one at a time. It reads the
// delimiters anew from every ISA, whose elements stand at fixed positions
// (X12.5). White space before a segment is skipped: many senders put every
// segment on a line of its own, and some indent them.
//
// The segment that it returns is its own and holds until the next: whoever
// keeps one keeps a copy (segment.kept).
type scanner struct {
	in     chunks
	marks  marks
	number int
	broken *Refusal // the syntax can no longer be followed
	open   segment
}

func newScanner(r io.Reader) *scanner {
	return &scanner{in: chunks{r: r, buf: make([]byte, maxSegment)}, open: segment{dates: &dates{}}}
}

// next returns the next segment, or io.EOF after the last, or a *Refusal from
// which the scanner cannot recover, or an error of the reader.
func (s *scanner) next() (*segment, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	seg, err := s.scan()
	s.broken = refusalOf(err)
	return seg, err
}

func (s *scanner) scan() (*segment, error) {
	if s.number == 0 {
		if bom, err := s.in.peek(3); err == nil && string(bom) == "\xEF\xBB\xBF" {
			s.in.from += 3
		}
	}
	if err := s.skipSpace(); err != nil {
		return nil, err
	}
	s.number++
	if s.in.buf[s.in.from] == 'I' {
		if head, _ := s.in.peek(3); string(head) == "ISA" {
			return s.isa()
		}
	}
	if s.marks.terminator == 0 {
		return nil, s.refuse("the file does not start with an ISA segment", "send an X12 interchange, from ISA to IEA")
	}
	return s.segment()
}

// skipSpace ends with io.EOF where only white space is left. It leaves alone
// white space that the interchange uses as a delimiter.
func (s *scanner) skipSpace() error {
	for c := &s.in; ; c.more() {
		for ; c.from < c.to; c.from++ {
			if b := c.buf[c.from]; b == s.marks.element || !isSpace(b) {
				return nil
			}
		}
		if c.err != nil {
			return c.err
		}
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// isaEnds are the positions at which the elements of an ISA end.
var isaEnds = []int{3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103}

func (s *scanner) isa() (*segment, error) {
	b, err := s.in.peek(isaLength)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(b) < isaLength {
		return nil, s.refuse("the file ends inside the ISA segment", "send the whole file").ofInterchange(interchangeCutShort)
	}
	m := marks{element: b[3], repetition: b[82], component: b[104], terminator: b[105]}
	for i, at := range isaEnds {
		if b[at] != m.element {
			r := s.refuse(fmt.Sprintf("element %d does not end at position %d: ISA has elements of fixed width and is 106 characters long", i, at+1), "pad every element of the ISA to its width")
			r.Where = where(s.number, "ISA", max(i, 1))
			return nil, r
		}
	}
	if m.element == m.component || m.element == m.terminator || m.component == m.terminator ||
		!delimiter(m.element) || !delimiter(m.component) || !(delimiter(m.terminator) || m.terminator == '\n' || m.terminator == '\r') {
		r := s.refuse("the delimiters are not three different marks", "use marks such as * : ~ that do not occur in the data")
		r.Where = where(s.number, "ISA", 16)
		return nil, r
	}
	s.marks = m
	text := s.in.text[s.in.from : s.in.from+isaLength-1]
	s.in.from += isaLength
	return s.cut(text), nil
}

// delimiter says whether b can delimit: it must not be able to occur in a
// code, a number or a name.
func delimiter(b byte) bool {
	return b > ' ' && b < 0x7f && !(b >= '0' && b <= '9') && !(b >= 'A' && b <= 'Z') && !(b >= 'a' && b <= 'z') ||
		b >= 0x1c && b <= 0x1f || b == '\t'
}

// segment takes the next segment. Nearly all are plain ASCII, lie whole in
// what was read, and are cut in one look at each byte.
func (s *scanner) segment() (*segment, error) {
	for c := &s.in; ; {
		there := c.buf[c.from:c.to]
		end, plain := s.split(there)
		switch {
		case end < len(there):
			text := c.text[c.from : c.from+end]
			c.from += end + 1
			if !plain {
				return s.cut(strings.TrimRight(text, "\r\n")), nil
			}
			s.open.text = text
			return s.check(true), nil
		case len(there) == maxSegment:
			return nil, s.refuse(fmt.Sprintf("is longer than %d characters; is a segment terminator missing?", maxSegment), "end every segment with the terminator that the ISA declares")
		case c.err == io.EOF:
			return nil, s.refuse("the file ends inside a segment", "send the whole file").ofInterchange(interchangeCutShort)
		case c.err != nil:
			return nil, c.err
		}
		c.more()
	}
}

// split notes where the elements of the segment at the start of b stand, and says
// where it ends, len(b) if nowhere, and whether it is plain ASCII. It looks at
// eight bytes at once.
func (s *scanner) split(b []byte) (end int, plain bool) {
	seg, n, i := &s.open, 0, 0
	element, terminator := uint64(s.marks.element)*each, uint64(s.marks.terminator)*each
	var strange uint64
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		elements, last := zeros(w^element), zeros(w^terminator)
		z := w ^ 0x7f*each
		odd := (w-0x20*each)&^w&highs | w&highs | (z-each)&^z&highs
		if last != 0 {
			before := last&-last - 1
			elements &= before
			odd &= before
		}
		for ; elements != 0; elements &= elements - 1 {
			if n++; n < len(seg.starts) {
				seg.starts[n] = uint16(i + bits.TrailingZeros64(elements)>>3 + 1)
			}
		}
		strange |= odd
		if last != 0 {
			i += bits.TrailingZeros64(last) >> 3
			seg.end(n, i)
			return i, strange == 0
		}
	}
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == s.marks.element:
			if n++; n < len(seg.starts) {
				seg.starts[n] = uint16(i + 1)
			}
		case c == s.marks.terminator:
			seg.end(n, i)
			return i, strange == 0
		case c < ' ' || c > '~':
			strange = 1
		}
	}
	return len(b), strange == 0
}

// each times a byte is eight of it; highs are their highest bits.
const (
	each  = 0x0101010101010101
	highs = 0x80 * each
)

// zeros has the highest bit of every byte of w that is zero.
func zeros(w uint64) uint64 {
	const low = 0x7f * each
	return ^((w&low + low) | w | low)
}

// end notes that the segment has an element n, from 0, and ends at i.
func (s *segment) end(n, i int) {
	if n++; n < len(s.starts) {
		s.starts[n] = uint16(i + 1)
	}
	s.count = min(n, maxElements+1)
}

// cut cuts a text that is known to be one segment.
func (s *scanner) cut(text string) *segment {
	seg, n := &s.open, 0
	for i := range len(text) {
		if text[i] != s.marks.element {
			continue
		}
		if n++; n < len(seg.starts) {
			seg.starts[n] = uint16(i + 1)
		}
	}
	seg.end(n, len(text))
	seg.text = text
	return s.check(false)
}

// check looks at the characters of the segment that was cut. What is wrong with
// it is kept with it: the segments that follow can still be read.
func (s *scanner) check(plain bool) *segment {
	seg := &s.open
	seg.number, seg.marks, seg.bad, seg.name = s.number, s.marks, nil, seg.at(0)
	if !segmentID(seg.name) {
		seg.count, seg.name = 0, ""
		seg.bad = seg.refuse(0, "does not start with a segment identifier", "start every segment with two or three capitals and digits, such as CLM or N4")
		return seg
	}
	if seg.count > maxElements {
		seg.bad = seg.refuse(0, fmt.Sprintf("has more than %d elements", maxElements), "check the delimiters that the ISA declares")
	}
	for i := 0; i < seg.count && !plain; i++ {
		if what := badText(seg.at(i), s.marks); what != "" && seg.bad == nil {
			seg.bad = seg.refuse(i, what, "end every segment with the terminator that the ISA declares, and write text as UTF-8").with(badCharacter)
		}
	}
	return seg
}

// cut is strings.Cut by a byte.
func cut(text string, mark byte) (before, after string, found bool) {
	if i := strings.IndexByte(text, mark); i >= 0 {
		return text[:i], text[i+1:], true
	}
	return text, "", false
}

func trimSpaces(e string) string {
	for len(e) > 0 && e[0] == ' ' {
		e = e[1:]
	}
	for len(e) > 0 && e[len(e)-1] == ' ' {
		e = e[:len(e)-1]
	}
	return e
}

// badText says what is wrong with an element's characters. A line break inside
// a segment means that its terminator was lost, and data that is not UTF-8
// could not be signed as it stands.
func badText(e string, m marks) string {
	if strings.ContainsAny(e, "\r\n") {
		return "holds a line break; is a segment terminator missing?"
	}
	if !utf8.ValidString(e) {
		return "holds bytes that are not UTF-8"
	}
	for _, r := range e {
		if (r < ' ' || r == 0x7f) && r != rune(m.component) && r != rune(m.repetition) {
			return "holds a control character"
		}
	}
	return ""
}

func segmentID(id string) bool {
	if len(id) < 2 || len(id) > 3 || id[0] < 'A' || id[0] > 'Z' {
		return false
	}
	for i := 1; i < len(id); i++ {
		if !(id[i] >= 'A' && id[i] <= 'Z' || id[i] >= '0' && id[i] <= '9') {
			return false
		}
	}
	return true
}

// refusalOf is the refusal that an error is, or nil.
func refusalOf(err error) *Refusal {
	if err == nil {
		return nil // the way of nearly every segment
	}
	var r *Refusal
	errors.As(err, &r)
	return r
}

func (s *scanner) refuse(what, do string) *Refusal {
	return &Refusal{Where: where(s.number, "", 0), What: what, Do: do}
}

// chunks reads ahead of a scanner. A string that is kept keeps the text of which
// it is a part, so that it is small.
type chunks struct {
	r        io.Reader
	buf      []byte // what was read, up to to
	text     string // the same, which outlives the next reading
	from, to int
	err      error // of the reader, once what came before it is used up
}

// peek is the next n bytes, or as many as there are and an error. It holds until
// the next call.
func (c *chunks) peek(n int) ([]byte, error) {
	for c.to-c.from < n {
		if c.err != nil {
			return c.buf[c.from:c.to], c.err
		}
		c.more()
	}
	return c.buf[c.from : c.from+n], nil
}

// more fills the buffer; what is left moves to the front.
func (c *chunks) more() {
	c.to = copy(c.buf, c.buf[c.from:c.to])
	c.from = 0
	for idle := 0; c.to < len(c.buf) && c.err == nil; {
		n, err := c.r.Read(c.buf[c.to:])
		if c.to, c.err = c.to+n, err; n > 0 {
			idle = 0
		} else if idle++; idle == 100 && err == nil {
			c.err = io.ErrNoProgress
		}
	}
	c.text = string(c.buf[:c.to])
}
