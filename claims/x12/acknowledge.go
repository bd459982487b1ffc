package x12

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrCrowded means that a file holds more envelopes than can be acknowledged at once.
var ErrCrowded = fmt.Errorf("the file holds more than %d interchanges, groups and transaction sets: split it", maxReceived)

// Acknowledgeable says whether the file's Interchanges are all that it holds.
func (f *File) Acknowledgeable() error {
	if f.crowded {
		return ErrCrowded
	}
	return nil
}

// Answer is the envelope in which an interchange is answered: from whom it was
// sent to, to who sent it.
func (in *Interchange) Answer(e Envelope) Envelope {
	e.As, e.Sender, e.To, e.Test = in.Receiver.Qualifier, clean(in.Receiver.ID, 15), in.Sender, in.Test
	e.To.ID, e.To.Application = clean(e.To.ID, 15), clean(e.To.Application, 15)
	return e
}

// WriteTA1 writes the interchange acknowledgement (X12.5, TA1): that the
// envelope was sound, or which fault of it has the whole interchange refused.
func WriteTA1(e Envelope, in *Interchange) ([]byte, error) {
	w := &writer{}
	w.open(e, "", "")
	status, code := "A", interchangeSound
	if in.Refusal != nil {
		status, code = "R", in.Refusal.place.whole
	}
	if code == "" {
		code = interchangeStructure
	}
	w.segment("TA1", clean(in.Control, 9), clean(in.Date, 6), clean(in.Time, 4), status, code)
	return w.close(e, "TA1", 0)
}

// Write999 writes the implementation acknowledgement (999, 005010X231A1): for
// each functional group which of its transaction sets were accepted, and of the
// others the first fault with its place. An interchange that was refused whole
// has none; WriteTA1 answers it.
func Write999(e Envelope, in *Interchange) ([]byte, error) {
	switch {
	case in.Refusal != nil:
		return nil, errors.New("write 999: the interchange was refused as a whole, which a TA1 says")
	case len(in.Groups) == 0:
		return nil, errors.New("write 999: the interchange holds no functional group")
	}
	w := &writer{}
	w.open(e, "FA", "005010X231A1")
	for i := range in.Groups {
		w.about = fmt.Sprintf("functional group %d", i+1)
		w.acknowledge(i+1, &in.Groups[i])
	}
	return w.close(e, "999", len(in.Groups))
}

func (w *writer) acknowledge(n int, g *Group) {
	control := fmt.Sprintf("%04d", n)
	w.count = 0
	w.segment("ST", "999", control, "005010X231A1")
	w.segment("AK1", clean(g.Kind, 2), clean(g.Control, 9), clean(g.Version, 12))
	accepted, status, code := g.Received-g.Refused, "A", ""
	switch {
	case g.Refusal != nil:
		accepted, status, code = 0, "R", g.Refusal.place.group
	case accepted == 0:
		status = "R"
	case g.Refused > 0:
		status = "P"
	case slices.ContainsFunc(g.Sets, func(s Set) bool { return s.Faulty }):
		status = "E"
	}
	for i := range g.Sets {
		if g.Refusal == nil || g.Sets[i].Refusal != nil {
			w.acknowledgeSet(&g.Sets[i])
		}
	}
	w.segment("AK9", status, fmt.Sprint(g.Included), fmt.Sprint(g.Received), fmt.Sprint(accepted), code)
	w.segment("SE", fmt.Sprint(w.count+1), control)
}

func (w *writer) acknowledgeSet(s *Set) {
	w.segment("AK2", clean(s.Kind, 3), clean(s.Control, 9), clean(s.Version, 12))
	switch {
	case s.Refusal == nil && s.Faulty:
		for _, at := range s.faults {
			w.faulty(s, at)
		}
		w.segment("IK5", "E", setSegments)
		return
	case s.Refusal == nil:
		w.segment("IK5", "A")
		return
	}
	at := s.Refusal.place
	if at.set == "" {
		at.set = setSegments
		w.faulty(s, at)
	}
	w.segment("IK5", "R", at.set)
}

// faulty writes where in its set a fault stands (IK3), in which claim (CTX), and
// in which element (IK4). The faulty data itself is not repeated.
func (w *writer) faulty(s *Set, at fault) {
	if !segmentID(at.id) {
		return
	}
	code := at.segment
	switch {
	case code == "" && at.element > 0:
		code = badElements
	case code == "":
		code = unexpectedSegment
	}
	w.segment("IK3", at.id, fmt.Sprint(at.number-s.first+1), clean(at.loop, 6), string(code))
	if at.claim != "" && strings.IndexFunc(at.claim, unwritable) < 0 {
		w.segment("CTX", composite{"CLM01", at.claim})
	}
	if code != badElements {
		return
	}
	if at.value == "" {
		at.value = badCode
	}
	w.segment("IK4", fmt.Sprint(at.element), "", string(at.value))
}
