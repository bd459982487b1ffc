package x12

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits that keep memory bounded whatever the input. The longest segment of
// the guides is far below maxSegment.
const (
	maxSegment  = 16 << 10
	maxElements = 128
	isaLength   = 106
	// textBlock is how much text is laid down at once. A string that is kept
	// keeps its block, so that it is small.
	textBlock = 16 << 10
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
	text   strings.Builder
}

func newScanner(r io.Reader) *scanner {
	return &scanner{in: chunks{r: r, buf: make([]byte, 4*maxSegment)}}
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
	if head, _ := s.in.peek(3); string(head) == "ISA" {
		return s.isa()
	}
	if s.marks.terminator == 0 {
		return nil, s.refuse("the file does not start with an ISA segment", "send an X12 interchange, from ISA to IEA")
	}
	return s.segment()
}

// skipSpace ends with io.EOF where only white space is left. It leaves alone
// white space that the interchange uses as a delimiter.
func (s *scanner) skipSpace() error {
	for {
		b, err := s.in.peek(1)
		if err != nil {
			return err
		}
		if b[0] == s.marks.element || !isSpace(b[0]) {
			return nil
		}
		s.in.from++
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
	text := s.lay(b[:isaLength-1])
	s.in.from += isaLength
	return s.split(text), nil
}

// delimiter says whether b can delimit: it must not be able to occur in a
// code, a number or a name.
func delimiter(b byte) bool {
	return b > ' ' && b < 0x7f && !(b >= '0' && b <= '9') && !(b >= 'A' && b <= 'Z') && !(b >= 'a' && b <= 'z') ||
		b >= 0x1c && b <= 0x1f || b == '\t'
}

func (s *scanner) segment() (*segment, error) {
	b, err := s.in.upTo(s.marks.terminator)
	switch {
	case err == errLong:
		return nil, s.refuse(fmt.Sprintf("is longer than %d characters; is a segment terminator missing?", maxSegment), "end every segment with the terminator that the ISA declares")
	case err == io.EOF:
		return nil, s.refuse("the file ends inside a segment", "send the whole file").ofInterchange(interchangeCutShort)
	case err != nil:
		return nil, err
	}
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return s.split(s.lay(b)), nil
}

// lay copies bytes to where they last, many segments to one allocation.
func (s *scanner) lay(b []byte) string {
	if s.text.Cap()-s.text.Len() < len(b) {
		s.text = strings.Builder{}
		s.text.Grow(max(textBlock, len(b)))
	}
	start := s.text.Len()
	s.text.Write(b)
	return s.text.String()[start:]
}

// split checks the characters of a segment and cuts it into elements. What is
// wrong with it is kept with it: the segments that follow can still be read.
func (s *scanner) split(text string) *segment {
	seg := &s.open
	seg.number, seg.marks, seg.bad = s.number, s.marks, nil
	elements, mark := seg.elements[:0], s.marks.element
	ordinary, from := true, 0 // plain ASCII, as nearly all segments are
	for i := 0; i < len(text) && len(elements) <= maxElements; i++ {
		if b := text[i]; b == mark {
			elements = append(elements, trimSpaces(text[from:i]))
			from = i + 1
		} else if b < ' ' || b > '~' {
			ordinary = false
		}
	}
	if len(elements) <= maxElements {
		elements = append(elements, trimSpaces(text[from:]))
	}
	seg.elements = elements
	if !segmentID(seg.elements[0]) {
		seg.elements = append(seg.elements[:0], "")
		seg.bad = seg.refuse(0, "does not start with a segment identifier", "start every segment with two or three capitals and digits, such as CLM or N4")
		return seg
	}
	if len(seg.elements) > maxElements {
		seg.bad = seg.refuse(0, fmt.Sprintf("has more than %d elements", maxElements), "check the delimiters that the ISA declares")
	}
	if ordinary {
		return seg
	}
	for i, e := range seg.elements {
		if what := badText(e, s.marks); what != "" && seg.bad == nil {
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

// chunks reads ahead of a scanner. What it returns holds until the next call.
type chunks struct {
	r        io.Reader
	buf      []byte
	from, to int
	err      error // of the reader, once what came before it is used up
}

// errLong means that maxSegment bytes hold no terminator.
var errLong = errors.New("the segment does not end")

// peek is the next n bytes, or as many as there are and an error.
func (c *chunks) peek(n int) ([]byte, error) {
	for c.to-c.from < n {
		if c.err != nil {
			return c.buf[c.from:c.to], c.err
		}
		c.more()
	}
	return c.buf[c.from : c.from+n], nil
}

// upTo takes what stands before the next mark, and the mark.
func (c *chunks) upTo(mark byte) ([]byte, error) {
	for looked := 0; ; {
		there := c.buf[c.from:min(c.to, c.from+maxSegment)]
		if i := bytes.IndexByte(there[looked:], mark); i >= 0 {
			c.from += looked + i + 1
			return there[:looked+i], nil
		}
		switch looked = len(there); {
		case looked == maxSegment:
			return nil, errLong
		case c.err != nil:
			return nil, c.err
		}
		c.more()
	}
}

// more reads once; what is left moves to the front.
func (c *chunks) more() {
	c.to = copy(c.buf, c.buf[c.from:c.to])
	c.from = 0
	for range 100 {
		n, err := c.r.Read(c.buf[c.to:])
		if c.to, c.err = c.to+n, err; n > 0 || err != nil {
			return
		}
	}
	c.err = io.ErrNoProgress
}
