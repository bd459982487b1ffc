package x12

import (
	"strconv"

	"github.com/countersign-health/countersign/claims"
)

// An Interchange is one that was received, from ISA to IEA, as its
// acknowledgement has to know it.
type Interchange struct {
	Control  string // ISA13
	Date     string // ISA09, as it stands there
	Time     string // ISA10
	Sender   claims.Sender
	Receiver claims.Sender
	Test     bool // ISA15 is T
	Asked    bool // ISA14: its sender wants a TA1 even of a sound interchange
	Refusal  *Refusal
	Groups   []Group
}

// A Group is a functional group that was received, from GS to GE.
type Group struct {
	Kind     string // GS01
	Control  string // GS06
	Version  string // GS08
	Refusal  *Refusal
	Included int // transaction sets, as its GE counts them
	Received int // transaction sets, as they were counted here
	Refused  int // of which refused
	Sets     []Set
}

// A Set is a transaction set that was received, from ST to SE.
type Set struct {
	Kind    string // ST01
	Control string // ST02
	Version string // ST03
	Refusal *Refusal
	Faulty  bool // it was read, and some claim of it does not pass an edit of level 1 to 4
	first   int  // number of its ST
	faults  []fault
}

// maxReceived bounds the envelopes that are remembered of one file; each of
// them is some hundred bytes of it at the least.
const maxReceived = 10000

// received notes what a walker finds, to be acknowledged. A nil one notes nothing.
type received struct {
	interchanges []Interchange
	count        int
	more         bool
}

func (r *received) room() bool {
	if r == nil {
		return false
	}
	r.count++
	r.more = r.more || r.count > maxReceived
	return !r.more
}

func (r *received) interchange(isa *segment) {
	if r.room() {
		r.interchanges = append(r.interchanges, Interchange{
			Control: isa.at(13), Date: isa.at(9), Time: isa.at(10),
			Sender: claims.Sender{Qualifier: isa.at(5), ID: isa.at(6)}, Receiver: claims.Sender{Qualifier: isa.at(7), ID: isa.at(8)},
			Test: isa.at(15) == "T", Asked: isa.at(14) == "1",
		})
	}
}

func (r *received) group(gs *segment) {
	if !r.room() {
		return
	}
	in := &r.interchanges[len(r.interchanges)-1]
	if in.Sender.Application == "" {
		in.Sender.Application, in.Receiver.Application = gs.at(2), gs.at(3)
	}
	in.Groups = append(in.Groups, Group{Kind: gs.at(1), Control: gs.at(6), Version: gs.at(8)})
}

func (r *received) set(st *segment) {
	if r.room() {
		g := r.openGroup()
		g.Sets = append(g.Sets, Set{Kind: st.at(1), Control: st.at(2), Version: st.at(3), first: st.number})
	}
}

func (r *received) openGroup() *Group {
	in := &r.interchanges[len(r.interchanges)-1]
	return &in.Groups[len(in.Groups)-1]
}

func (r *received) endSet(refusal *Refusal) {
	if r == nil || r.more {
		return
	}
	g := r.openGroup()
	g.Received++
	if refusal != nil {
		g.Sets[len(g.Sets)-1].Refusal = refusal
		g.Refused++
	}
}

// endGroup takes the group's trailer, nil where it has none.
func (r *received) endGroup(ge *segment, refusal *Refusal) {
	if r == nil || r.more {
		return
	}
	g := r.openGroup()
	g.Refusal, g.Included = refusal, g.Received
	if ge != nil {
		if n, err := strconv.Atoi(ge.at(1)); err == nil && n >= 0 {
			g.Included = n
		}
	}
}

func (r *received) endInterchange(refusal *Refusal) {
	if r != nil && !r.more {
		r.interchanges[len(r.interchanges)-1].Refusal = refusal
	}
}
