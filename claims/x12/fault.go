package x12

// A fault is where a refusal stands and what it is in the words of the 999 and
// the TA1, by which other people's programs are told.
type fault struct {
	number  int    // of the segment in the file; 0 where it has none
	id      string // of the segment, or of the one that is missing
	element int
	loop    string
	claim   string // CLM01 of the claim in which it stands
	segment segmentCode
	value   elementCode
	set     string // IK502
	group   string // AK905
	whole   string // TA105, of an interchange
}

// A segmentCode is an IK304. A fault without one stands in an element, or is a
// segment that nothing expected.
type segmentCode string

const (
	unknownSegment    segmentCode = "1"
	unexpectedSegment segmentCode = "2"
	missingSegment    segmentCode = "3"
	repeatedSegment   segmentCode = "5"
	outOfSequence     segmentCode = "7"
	badElements       segmentCode = "8"
)

// An elementCode is an IK403. A faulty element without one holds a code that the
// guide does not list.
type elementCode string

const (
	missingElement elementCode = "1"
	badCharacter   elementCode = "6"
	badCode        elementCode = "7"
	badDate        elementCode = "8"
)

// Codes of a whole transaction set (IK502).
const (
	setUnsupported   = "1"
	setUnclosed      = "2"
	setControl       = "3"
	setCount         = "4"
	setSegments      = "5"
	setGuide         = "I6"
	setControlReused = "23"
)

// Codes of a functional group (AK905).
const (
	groupUnclosed = "3"
	groupControl  = "4"
	groupCount    = "5"
)

// Codes of an interchange (TA105).
const (
	interchangeSound     = "000"
	interchangeControl   = "001"
	interchangeCount     = "021"
	interchangeStructure = "022"
	interchangeCutShort  = "023"
)

// as says what is wrong with the segment as a whole.
func (r *Refusal) as(code segmentCode) *Refusal {
	r.place.segment = code
	return r
}

// with says what is wrong with the element.
func (r *Refusal) with(code elementCode) *Refusal {
	r.place.value = code
	return r
}

// lacks says which segment was expected where the refusal stands.
func (r *Refusal) lacks(id string) *Refusal {
	r.place.id, r.place.element = id, 0
	return r.as(missingSegment)
}

// in names the loop where that is not the one that is open.
func (r *Refusal) in(loop string) *Refusal {
	r.place.loop = loop
	return r
}

// ofSet, ofGroup and ofInterchange say what is wrong with the envelope. One
// fault may be of several, since a trailer is checked alike at each level.
func (r *Refusal) ofSet(code string) *Refusal {
	r.place.set = code
	return r
}

func (r *Refusal) ofGroup(code string) *Refusal {
	r.place.group = code
	return r
}

func (r *Refusal) ofInterchange(code string) *Refusal {
	r.place.whole = code
	return r
}
