package x12

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A Submitted is one claim of an 837 file, with what its signer needs to know
// about where it came from.
type Submitted struct {
	Claim     claims.Claim
	Source    claims.Source
	Positions Positions
	Test      bool   // ISA15: the file is a test, not to be paid
	Purpose   string // BHT06: CH to be paid, RP reported only, 31 subrogation
	Reference string // BHT03: the sender's own number of the transaction set
	Submitter Submitter
	Sequence  string // SBR01: P where the payer is the primary one

	set    int // index of its transaction set in the file
	file   *File
	others []otherPayer
}

// A Submitter is who sent a transaction set (loop 1000A).
type Submitter struct {
	Name string // NM103
	ID   string // NM109, an ETIN
}

// A File is what a whole 837 file came to.
type File struct {
	Digest   credentials.Digest // SHA-256 of its bytes
	Sets     int                // transaction sets
	Refused  int                // of which refused
	Claims   int                // in the sets that were read
	Refusals []Refusal          // in file order, at most maxListed
	Notes    []Note             // likewise
	// Interchanges are what was received, for Acknowledge.
	Interchanges []Interchange
	more         int
	crowded      bool   // there are more envelopes than are remembered
	flat         []*Set // of Interchanges, for Fault
}

// maxListed bounds the refusals and notes that are listed for a broken file.
const maxListed = 1000

// More is how many refusals and notes were left off the lists.
func (f *File) More() int { return f.more }

// ReadClaims reads an 837 file, professional (005010X222) or institutional
// (005010X223), and hands each of its claims to each, in file order. A transaction set whose envelope or syntax is
// broken is refused whole and listed in the File; the other sets go through.
// A broken group or interchange is refused whole likewise. The error is of
// reading or of each, never of the file's content.
//
// The file is read twice, so that no claim is handed out before the set, the
// group and the interchange around it are known to be sound, and so that
// memory stays bounded by one claim whatever the file's size. A claim's strings
// share memory with the text around them: keep a clone of what outlives the call.
func ReadClaims(r io.ReadSeeker, each func(Submitted) error) (*File, error) {
	return ReadClaimsBy(claims.Edits{}, r, each)
}

// ReadClaimsBy is ReadClaims with some of the edits of reading switched off:
// counts, control numbers, segments that the guide does not know.
func ReadClaimsBy(edits claims.Edits, r io.ReadSeeker, each func(Submitted) error) (*File, error) {
	start, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, fmt.Errorf("read X12 file: %w", err)
	}
	// The second pass has to see the same bytes, which a hash under a seed of its
	// own tells as surely as the digest does, and at a tenth of the cost.
	var same maphash.Hash
	sum := sha256.New()
	first := &reading{edits: edits, file: &File{}, seen: io.MultiWriter(sum, &same)}
	if err := first.run(r); err != nil {
		return nil, err
	}
	file := first.file
	sum.Sum(file.Digest[:0])
	was := same.Sum64()
	same.Reset()
	if file.Refused == file.Sets {
		return file, nil
	}
	if _, err := r.Seek(start, io.SeekStart); err != nil {
		return file, fmt.Errorf("read X12 file: %w", err)
	}
	second := &reading{edits: edits, file: &File{}, seen: &same, refused: first.refused, emit: func(s Submitted) error {
		file.Claims++
		s.Source.File, s.file = file.Digest, file
		if err := each(s); err != nil {
			return &stop{err}
		}
		return nil
	}}
	if err := second.run(r); err != nil {
		if s := (*stop)(nil); errors.As(err, &s) {
			return file, s.cause
		}
		return file, err
	}
	if same.Sum64() != was {
		return file, errors.New("read X12 file: it changed while it was read")
	}
	return file, nil
}

// stop carries an error of the caller's out of the reading. It does not unwrap,
// so that it is never taken for a refusal of the file.
type stop struct{ cause error }

func (s *stop) Error() string { return s.cause.Error() }

// A reading is one pass over a file.
type reading struct {
	edits   claims.Edits
	file    *File
	seen    io.Writer // is told of every byte
	refused []bool    // by set index; filled on the first pass, obeyed on the second
	emit    func(Submitted) error
}

func (p *reading) run(r io.Reader) error {
	w := &walker{edits: p.edits, scan: newScanner(io.TeeReader(r, p.seen)), refuse: p.refuse, open: p.open}
	if p.emit == nil {
		w.received = &received{}
	}
	if err := w.walk(); err != nil {
		return err
	}
	if w.received != nil {
		p.file.Interchanges, p.file.crowded = w.received.interchanges, w.received.more
	}
	p.file.Sets = w.sets
	if w.sets == 0 && len(p.file.Refusals) == 0 {
		p.refuse(&Refusal{Scope: "file", Where: where(w.scan.number, "", 0), What: "the file ends without a transaction set", Do: "send claims as 837P, 005010X222, or 837I, 005010X223"}, 0, 0)
	}
	for _, refused := range p.refused {
		if refused {
			p.file.Refused++
		}
	}
	// What follows a break in the syntax still belongs to the digest.
	if _, err := io.Copy(p.seen, r); err != nil {
		return fmt.Errorf("read X12 file: %w", err)
	}
	return nil
}

func (p *reading) refuse(r *Refusal, first, end int) {
	if p.emit != nil {
		return
	}
	for len(p.refused) < end {
		p.refused = append(p.refused, false)
	}
	for i := first; i < end; i++ {
		p.refused[i] = true
	}
	f := p.file
	// A file that breaks off leaves set, group and interchange open: name the
	// widest only.
	if n := len(f.Refusals); n > 0 && f.Refusals[n-1].Where == r.Where && f.Refusals[n-1].What == r.What {
		f.Refusals[n-1] = *r
		return
	}
	if len(f.Refusals) >= maxListed {
		f.more++
		return
	}
	f.Refusals = append(f.Refusals, *r)
}

func (p *reading) note(s *segment, element int, what string) {
	if len(p.file.Notes) >= maxListed {
		p.file.more++
		return
	}
	p.file.Notes = append(p.file.Notes, Note{Where: s.where(element), What: what})
}

// skipper takes the place of a reader for sets that the first pass refused.
type skipper struct{}

func (skipper) read(*segment) error  { return nil }
func (skipper) close(*segment) error { return nil }

func (p *reading) open(s *set) (setReader, error) {
	if s.index < len(p.refused) && p.refused[s.index] {
		return skipper{}, nil
	}
	g, err := guideOf(s)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(s.version, "004010") {
		p.note(s.st, 0, "opens a set of version 004010, which 005010 replaced on 2012-01-01 (45 CFR 162.1102); it is read, but other insurers refuse it")
	}
	return &claimReader{reading: p, set: s, guide: g}, nil
}

// guideOf finds the guide of a set. The version's last letters are errata of the
// guide (X222A1 and X223A2 in force; others in samples), which change nothing
// that is read here.
func guideOf(s *set) (*guide, error) {
	const instead = "send professional services as 837P, 005010X222, and institutional ones as 837I, 005010X223"
	v := s.version
	switch {
	case s.st.at(1) != "837":
		return nil, s.st.refuse(1, "is not a claim: only transaction set 837 is", instead).ofSet(setUnsupported)
	case strings.HasPrefix(v, "005010X222"), strings.HasPrefix(v, "004010X098"):
		return professionalGuide, nil
	case strings.HasPrefix(v, "005010X223"), strings.HasPrefix(v, "004010X096"):
		return institutionalGuide, nil
	case strings.HasPrefix(v, "005010X224"):
		return nil, s.versionFault("is a dental claim (837D, 005010X224), which this release does not read", instead)
	case strings.HasPrefix(v, "004010"):
		return nil, s.versionFault("is of version 004010, of which this release reads professional and institutional claims (004010X098, 004010X096) alone", instead)
	}
	return nil, s.versionFault("does not name a guide that is read here", "write the version, such as 005010X222A1, in ST element 3 and GS element 8")
}
