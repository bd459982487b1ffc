package x12

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/countersign-health/countersign/claims"
)

// A setReader takes the segments of one transaction set.
type setReader interface {
	// read takes the next segment between ST and SE. A *Refusal refuses the
	// set; any other error ends the reading of the file.
	read(*segment) error
	// close ends the set, before its SE is checked.
	close(se *segment) error
}

// A set is a transaction set as its envelope describes it.
type set struct {
	index   int    // in the file, from 0
	place   string // "ISA 1, ST 2"
	gs, st  *segment
	sender  claims.Sender
	version string // ST03, else GS08
	test    bool   // ISA15 is T
	reader  setReader
	count   int
	refusal *Refusal
}

// versionFault refuses the set for the guide it names, where it names it.
func (s *set) versionFault(what, do string) *Refusal {
	if s.st.at(3) != "" {
		return s.st.refuse(3, what, do).ofSet(setGuide)
	}
	return s.gs.refuse(8, what, do).ofSet(setGuide)
}

// An enclosure is an open interchange or group: what opened it, and how many
// it holds. Its first refusal refuses every set in it.
type enclosure struct {
	head    *segment
	place   string
	first   int // index of its first set
	holds   int
	refusal *Refusal
}

// A walker follows the envelopes of a file, ISA to IEA, and hands the segments
// of each set to its reader. What it finds broken it refuses at the narrowest
// scope that is certain: a set whose SE disagrees, a group whose GE, an
// interchange whose IEA (TA1 and 999 draw the same lines).
type walker struct {
	edits claims.Edits
	scan  *scanner
	open  func(*set) (setReader, error)
	// refuse is told of each refusal and of the sets that it covers,
	// [first, end).
	refuse   func(r *Refusal, first, end int)
	received *received

	isas, sets, setsInISA int
	isa, gs               *enclosure
	set                   *set
	controls              map[string]bool // ST02 within the group
	strayed               bool
}

func (w *walker) walk() error {
	for {
		seg, err := w.scan.next()
		r := refusalOf(err)
		switch {
		case err == io.EOF || r != nil:
			w.finish(r)
			return nil
		case err != nil:
			return fmt.Errorf("read X12 file: %w", err)
		}
		if err := w.step(seg); err != nil {
			return err
		}
	}
}

// finish closes what the end of the file, or of what can be read of it, leaves
// open.
func (w *walker) finish(r *Refusal) {
	if r == nil && w.isa == nil && w.isas > 0 {
		return
	}
	if r == nil {
		r = &Refusal{Where: where(max(w.scan.number, 1), "", 0), What: "the file is empty", Do: "send an X12 interchange, from ISA to IEA"}
		if w.isa != nil {
			r.What, r.Do = "the file ends before the IEA of its interchange", "send the whole file"
			r.ofInterchange(interchangeCutShort)
		}
	}
	if w.isa == nil {
		r.Scope = "rest of the file"
		if w.isas == 0 {
			r.Scope = "file"
		}
		w.refuse(r, w.sets, w.sets)
		return
	}
	w.endInterchange(r)
}

func (w *walker) step(seg *segment) error {
	switch id := seg.id(); {
	case id == "ISA":
		w.beginInterchange(seg)
	case w.isa == nil:
		w.stray(seg)
	case id == "GS":
		w.beginGroup(seg)
	case id == "ST":
		return w.beginSet(seg)
	case id == "SE":
		return w.endSet(seg)
	case id == "GE":
		w.endGroup(seg)
	case id == "IEA":
		w.endInterchange(w.disagree("group-count", seg, w.isa.holds, "functional groups", w.isa.head, 13))
	case w.set != nil:
		return w.pass(seg)
	case id == "TA1" && w.gs == nil:
	default:
		w.misplaced(seg, "stands outside a transaction set")
	}
	return nil
}

// stray reports the first segment after an IEA that starts no interchange.
func (w *walker) stray(seg *segment) {
	if !w.strayed {
		r := seg.refuse(0, "stands after the end of the interchange", "send whole interchanges, from ISA to IEA")
		r.Scope = "rest of the file"
		w.refuse(r, w.sets, w.sets)
	}
	w.strayed = true
}

func (w *walker) misplaced(seg *segment, what string) {
	e := w.isa
	if w.gs != nil {
		e = w.gs
	}
	if e.refusal == nil {
		e.refusal = seg.refuse(0, what, "nest the file as ISA, GS, ST, SE, GE, IEA")
		if seg.bad != nil {
			e.refusal = seg.bad
		}
	}
}

func (w *walker) beginInterchange(seg *segment) {
	if w.isa != nil {
		w.endInterchange(seg.refuse(0, "starts before the IEA of the interchange above", "close it with an IEA segment").ofInterchange(interchangeStructure))
	}
	w.isas, w.setsInISA, w.strayed = w.isas+1, 0, false
	w.isa = &enclosure{head: seg.kept(), place: fmt.Sprintf("ISA %d", w.isas), first: w.sets}
	w.received.interchange(w.isa.head)
}

func (w *walker) beginGroup(seg *segment) {
	if w.gs != nil {
		w.closeGroup(nil, seg.refuse(0, "starts before the GE of the group above", "close it with a GE segment").ofGroup(groupUnclosed))
	}
	w.isa.holds++
	w.gs = &enclosure{head: seg.kept(), place: fmt.Sprintf("%s, GS %d", w.isa.place, w.isa.holds), first: w.sets}
	w.controls = map[string]bool{}
	w.received.group(w.gs.head)
}

func (w *walker) beginSet(seg *segment) error {
	if w.gs == nil {
		w.misplaced(seg, "stands outside a functional group")
		return nil
	}
	if w.set != nil {
		w.closeSet(seg.refuse(0, "starts before the SE of the transaction set above", "close it with an SE segment").ofSet(setUnclosed))
	}
	w.gs.holds++
	w.setsInISA++
	s := &set{index: w.sets, gs: w.gs.head, st: seg.kept(), count: 1, test: w.isa.head.at(15) == "T"}
	s.version = s.st.at(3)
	s.sender = claims.Sender{Qualifier: w.isa.head.at(5), ID: strings.TrimRight(w.isa.head.at(6), " "), Application: w.gs.head.at(2)}
	s.place = fmt.Sprintf("%s, ST %d", w.isa.place, w.setsInISA)
	if s.version == "" {
		s.version = s.gs.at(8)
	}
	w.sets++
	w.set = s
	w.received.set(s.st)
	if w.controls[seg.at(2)] && w.edits.On("control-numbers") {
		return w.keep(seg.refuse(2, "repeats the control number of another transaction set of the group", "number the sets of a group differently").ofSet(setControlReused))
	}
	w.controls[s.st.at(2)] = true
	if seg.bad != nil {
		return w.keep(seg.bad)
	}
	var err error
	s.reader, err = w.open(s)
	return w.keep(err)
}

// keep notes the first refusal of the set that is open, and passes on other
// errors.
func (w *walker) keep(err error) error {
	r := refusalOf(err)
	if r == nil {
		return err
	}
	if w.set.refusal == nil {
		w.set.refusal = r
		if at, ok := w.set.reader.(interface{ at() (loop, claim string) }); ok {
			loop, claim := at.at()
			r.place.loop, r.place.claim = cmp.Or(r.place.loop, loop), claim
		}
	}
	return nil
}

func (w *walker) pass(seg *segment) error {
	w.set.count++
	switch {
	case w.set.refusal != nil:
		return nil
	case seg.bad != nil:
		return w.keep(seg.bad)
	}
	return w.keep(w.set.reader.read(seg))
}

func (w *walker) endSet(seg *segment) error {
	if w.set == nil {
		w.misplaced(seg, "closes a transaction set that was not opened")
		return nil
	}
	s := w.set
	s.count++
	if s.refusal == nil {
		if err := w.keep(s.reader.close(seg)); err != nil {
			return err
		}
	}
	w.closeSet(w.disagree("segment-count", seg, s.count, "segments", s.st, 2))
	return nil
}

func (w *walker) closeSet(r *Refusal) {
	s := w.set
	w.set = nil
	if s.refusal == nil {
		s.refusal = r
	}
	if s.refusal != nil {
		s.refusal.Scope = s.place
		w.refuse(s.refusal, s.index, s.index+1)
	}
	w.received.endSet(s.refusal)
}

func (w *walker) endGroup(seg *segment) {
	if w.gs == nil {
		w.misplaced(seg, "closes a group that was not opened")
		return
	}
	if w.set != nil {
		w.closeSet(seg.refuse(0, "closes the group before the SE of its last transaction set", "close the set with an SE segment").ofSet(setUnclosed))
	}
	w.closeGroup(seg, w.disagree("set-count", seg, w.gs.holds, "transaction sets", w.gs.head, 6))
}

// closeGroup takes the group's trailer, nil where it has none.
func (w *walker) closeGroup(ge *segment, r *Refusal) {
	if w.set != nil {
		w.closeSet(r.copy().ofSet(setUnclosed))
	}
	w.close(w.gs, r)
	w.received.endGroup(ge, w.gs.refusal)
	w.gs = nil
}

func (w *walker) endInterchange(r *Refusal) {
	if w.gs != nil {
		open := r
		if open == nil {
			open = refuseAt(w.scan.number, "IEA", 0, "closes the interchange before the GE of its last group", "close the group with a GE segment").ofGroup(groupUnclosed)
		}
		w.closeGroup(nil, open.copy())
	}
	w.close(w.isa, r)
	w.received.endInterchange(w.isa.refusal)
	w.isa = nil
}

func (w *walker) close(e *enclosure, r *Refusal) {
	if e.refusal == nil {
		e.refusal = r
	}
	if e.refusal != nil {
		e.refusal.Scope = e.place
		w.refuse(e.refusal, e.first, w.sets)
	}
}

func (r *Refusal) copy() *Refusal {
	c := *r
	return &c
}

// disagree checks a trailer: element 1 counts what the envelope holds, element
// 2 repeats the control number of its head.
func (w *walker) disagree(count string, tail *segment, holds int, what string, head *segment, control int) *Refusal {
	if tail.bad != nil {
		return tail.bad
	}
	if n, err := strconv.Atoi(tail.at(1)); (err != nil || n != holds) && w.edits.On(count) {
		return tail.refuse(1, fmt.Sprintf("should count %d %s", holds, what), "check that no segment was lost, and correct the count").
			ofSet(setCount).ofGroup(groupCount).ofInterchange(interchangeCount)
	}
	if (tail.at(2) != head.at(control) || tail.at(2) == "") && w.edits.On("control-numbers") {
		return tail.refuse(2, fmt.Sprintf("does not repeat the control number of %s element %d", head.where(0), control), "give both the same control number").
			ofSet(setControl).ofGroup(groupControl).ofInterchange(interchangeControl)
	}
	return nil
}
