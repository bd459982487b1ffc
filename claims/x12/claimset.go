package x12

import (
	"slices"
	"strconv"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A claimReader reads one 837P or 837I transaction set. Loops of an 837 have no marks
// of their own: where a segment belongs follows from the hierarchical level,
// from what is open (claim, other payer, line) and from the qualifier of the
// NM1 above it.
type claimReader struct {
	*reading
	guide   *guide
	set     *set
	created credentials.Date
	purpose string
	batch   string // BHT03
	sender  Submitter
	claims  int
	foreign bool // a note on its separators was made

	level      string    // HL03: 20 billing provider, 22 subscriber, 23 patient
	loop       loopCode  // of the last NM1, CLM, LX or SVD
	ids        [2]string // HL01 of the billing provider's level and of the subscriber's
	sequence   string
	billing    *claims.Provider
	subscriber *claims.Person
	payer      *claims.Payer
	patient    *claims.Person
	above      Positions // of the levels above the claim
	ends       [2]int    // where in above the billing provider's level ends, and the subscriber's
	people     struct {  // memory of those above: a claim has copies
		subscriber, patient claims.Person
		payer               claims.Payer
	}

	claim    *Submitted // nil, or &held
	held     Submitted
	head     int             // number of its CLM
	other    bool            // inside loop 2320, another payer's
	facility string          // state of the service facility
	line     *claims.Line    // nil, or the last of the claim
	lineHead int             // number of its LX
	rising   bool            // every line's number so far is above the one before
	scratch  claims.Provider // of the first pass
	memory   struct {        // of the claims handed out; kept says how
		words     []string
		numbers   []int
		positions []position
	}
	judged int // the other payer whose loop 2430 is open, or -1
}

// known says whether a segment is one of the guide, so that a garbled
// identifier is not passed over in silence.
func (g *guide) known(id string) bool {
	switch id {
	case "CL1", "SV2":
		return g.institutional
	case "BHT", "NM1", "N2", "N3", "N4", "PER", "REF", "HL", "PRV", "CUR", "SBR", "PAT", "DMG", "CLM", "DTP", "PWK", "CN1",
		"AMT", "K3", "NTE", "CR1", "CR2", "CR3", "CRC", "HI", "HCP", "OI", "MOA", "MIA", "CAS", "SVD", "LX", "SV1", "SV5",
		"QTY", "MEA", "PS1", "LIN", "CTP", "LQ", "FRM", "HSD":
		return true
	}
	return false
}

func (g *guide) notOurs() string {
	if g.institutional {
		return "is not a segment of an institutional claim"
	}
	return "is not a segment of a professional claim"
}

func (r *claimReader) read(s *segment) error {
	if !r.guide.known(s.id()) {
		if !r.edits.On("known-segment") {
			return nil
		}
		return s.refuse(0, r.guide.notOurs(), "remove it, or check the segment identifier").as(unknownSegment)
	}
	if r.created == "" && s.id() != "BHT" {
		return s.refuse(0, "stands before the BHT segment", "start the transaction set with ST and BHT").lacks("BHT")
	}
	switch s.id() {
	case "BHT":
		return r.bht(s)
	case "HL":
		return r.hl(s)
	case "CLM":
		return r.clm(s)
	case "LX":
		return r.lx(s)
	}
	switch {
	case r.line != nil:
		return r.inLine(s)
	case r.claim != nil:
		return r.inClaim(s)
	}
	return r.inLevel(s)
}

func (r *claimReader) bht(s *segment) error {
	if r.created != "" {
		return s.refuse(0, "stands twice in the transaction set", "write one BHT for each ST").as(repeatedSegment)
	}
	created, err := s.date(4)
	if err != nil {
		return err
	}
	r.created, r.purpose, r.batch = created, s.at(6), s.at(3)
	return nil
}

// hl opens a level. Its parent must be the level that is open above it: a
// claim would otherwise be put on the wrong member or provider.
func (r *claimReader) hl(s *segment) error {
	if err := r.endClaim(); err != nil {
		return err
	}
	level, parent := s.at(3), ""
	switch level {
	case "22":
		parent = r.ids[0]
	case "23":
		parent = r.ids[1]
	}
	switch {
	case level != "20" && level != "22" && level != "23":
		return s.refuse(3, "is not a level of a claim", "write 20 for the billing provider, 22 for the subscriber or 23 for the patient")
	case s.at(1) == "":
		return s.refuse(1, "is missing", "number the levels of a transaction set from 1").with(missingElement)
	case s.at(2) != parent || parent == "" && level != "20":
		return s.refuse(2, "does not name the level above it", "nest the levels as billing provider (20), subscriber (22), patient (23)")
	}
	switch r.level, r.loop = level, noLoop; level {
	case "20":
		r.billing, r.subscriber, r.payer, r.patient = nil, nil, nil, nil
		r.ids = [2]string{s.at(1), ""}
		r.above.at, r.ends = r.above.at[:0], [2]int{}
	case "22":
		r.subscriber, r.payer, r.patient, r.sequence = nil, nil, nil, ""
		r.ids[1] = s.at(1)
		r.ends[1] = 0
		r.ends[0] = r.above.until(r.ends[0])
	case "23":
		r.patient = nil
		r.ends[1] = r.above.until(r.ends[1])
	}
	return nil
}

// until forgets the segments of the levels that a new one replaces. They stand
// behind those of the level above, which end where the first of them began.
func (p *Positions) until(end int) int {
	if end == 0 {
		end = len(p.at)
	}
	p.at = p.at[:min(end, len(p.at))]
	return end
}

// maxLevelSegments bounds what is remembered of the levels above a claim.
const maxLevelSegments = 200

func (r *claimReader) inLevel(s *segment) error {
	if s.id() == "NM1" {
		r.loop = levelLoop(r.level, s.at(1))
	}
	if loop := r.openLoop(); r.emit != nil && len(r.above.at) < maxLevelSegments && loop != noLoop {
		r.above.add(loop, 0, s)
	}
	switch s.id() {
	case "NM1":
		return r.party(s)
	case "SV1", "SV2", "SV5":
		return s.refuse(0, "stands outside a service line", "start the claim with CLM and the line with LX").as(outOfSequence)
	case "PRV":
		// PRV*BI stands before the NM1 of the provider whom it describes.
		if r.level == "20" && s.at(1) == "BI" {
			r.provider().Taxonomy = s.at(3)
		}
	case "SBR":
		r.sequence = s.at(1)
		r.person(&r.subscriber, &r.people.subscriber).Relationship = s.at(2)
	case "PAT":
		if r.level == "23" {
			r.person(&r.patient, &r.people.patient).Relationship = s.at(1)
		}
	default:
		return r.describe(s)
	}
	return nil
}

func (r *claimReader) provider() *claims.Provider {
	if r.billing == nil {
		r.billing = &claims.Provider{}
	}
	return r.billing
}

// person is the one at *p, who is put into memory if there is none yet.
func (r *claimReader) person(p **claims.Person, memory *claims.Person) *claims.Person {
	if *p == nil {
		*memory = claims.Person{}
		*p = memory
	}
	return *p
}

func (r *claimReader) party(s *segment) error {
	named := false
	switch r.loop {
	case loop1000A:
		r.sender = Submitter{s.at(3), s.at(9)}
	case loop2010AA:
		named = r.provider().Name != ""
		taxonomy := r.provider().Taxonomy
		*r.billing = readProvider(s)
		r.billing.Taxonomy = taxonomy
	case loop2010BA:
		named = r.person(&r.subscriber, &r.people.subscriber).Last != ""
		name(r.subscriber, s)
	case loop2010CA:
		named = r.person(&r.patient, &r.people.patient).Last != ""
		name(r.patient, s)
	case loop2010BB:
		named = r.payer != nil
		r.people.payer = claims.Payer{ID: s.at(9), Name: s.at(3)}
		r.payer = &r.people.payer
	}
	if named {
		return s.refuse(1, "names a second party of this kind at its level", "open a level (HL) for each")
	}
	return nil
}

// describe takes what follows an NM1: address, birth, tax number.
func (r *claimReader) describe(s *segment) error {
	switch r.loop {
	case loop2010AA:
		address(&r.billing.Address, s)
		if s.id() == "REF" && oneOf(s.at(1), "EI", "SY") {
			r.billing.TaxID = s.at(2)
		}
	case loop2010BA:
		return describePerson(r.subscriber, s)
	case loop2010CA:
		return describePerson(r.patient, s)
	}
	return nil
}

func readProvider(s *segment) claims.Provider {
	p := claims.Provider{Organization: s.at(2) == "2", Name: s.at(3), First: s.at(4)}
	if s.at(8) == "XX" {
		p.NPI = credentials.NPI(s.at(9))
	}
	return p
}

func name(p *claims.Person, s *segment) {
	p.Last, p.First, p.Middle = s.at(3), s.at(4), s.at(5)
	if oneOf(s.at(8), "MI", "II") {
		p.MemberID = s.at(9)
	}
}

func address(a *claims.Address, s *segment) {
	switch s.id() {
	case "N3":
		a.Street = strings.TrimSpace(s.at(1) + " " + s.at(2))
	case "N4":
		a.City, a.State, a.ZIP = s.at(1), s.at(2), s.at(3)
	}
}

func describePerson(p *claims.Person, s *segment) error {
	address(&p.Address, s)
	if s.id() != "DMG" {
		return nil
	}
	if s.at(1) != "D8" {
		return s.refuse(1, "is not the date format D8", "write D8 and the date of birth as CCYYMMDD")
	}
	birth, err := s.date(2)
	if err != nil {
		return err
	}
	p.Birth, p.Sex = birth, s.at(3)
	return nil
}

// close ends the set.
func (r *claimReader) close(se *segment) error {
	if err := r.endClaim(); err != nil {
		return err
	}
	if r.claims == 0 {
		return se.refuse(0, "closes a transaction set without a claim", "send at least one CLM segment with its levels (HL)").lacks("CLM")
	}
	return nil
}

// endClaim checks that the claim is whole, and hands it out.
func (r *claimReader) endClaim() error {
	if r.claim == nil {
		return nil
	}
	if err := r.endLine(); err != nil {
		return err
	}
	c := &r.claim.Claim
	if len(c.Lines) == 0 {
		return refuseAt(r.head, "CLM", 0, "opens a claim without a service line", "add at least one LX segment with SV1, on an institutional claim SV2, and DTP*472").lacks("LX").in("2300")
	}
	c.ServiceState = r.serviceState(c)
	if r.claim = nil; r.emit == nil {
		return nil
	}
	whole := r.held
	whole.Positions.at, whole.Claim.Lines = kept(&r.memory.positions, whole.Positions.at), slices.Clone(c.Lines)
	if len(c.Diagnoses) > 0 {
		whole.Claim.Diagnoses = kept(&r.memory.words, c.Diagnoses)
	} else {
		whole.Claim.Diagnoses = []string{} // as it is signed
	}
	return r.emit(whole)
}

// serviceState is where the patient was: at home in telehealth (places 02 and
// 10), else at the service facility, else at the billing provider. It stays
// empty where the claim does not tell, and nobody's license is then found.
func (r *claimReader) serviceState(c *claims.Claim) string {
	switch {
	case oneOf(c.Place, "02", "10"):
		return c.PatientPerson().Address.State
	case r.facility != "":
		return r.facility
	}
	return c.Billing.Address.State
}

// at is the loop in which a fault stands, and the claim, where one is open.
func (r *claimReader) at() (loop, claim string) {
	if r.claim != nil {
		claim = strings.Clone(r.claim.Claim.Number)
	}
	return r.openLoop().String(), claim
}

// openLoop is the loop in which a segment stands: that of the last NM1, or of the
// level itself.
func (r *claimReader) openLoop() loopCode {
	if r.loop == noLoop {
		return ofLevel(r.level)
	}
	return r.loop
}

func (r *claimReader) place() string {
	return r.set.place + ", CLM " + strconv.Itoa(r.claims)
}
