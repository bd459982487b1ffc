package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
)

func answersFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "answers", Usage: "write what a billing program reads into `DIR`: TA1 and 999, and of what was sent the 277CA"}
}

// writeEnvelopeAnswers writes FILE.ta1 and FILE.999: what was found of
// interchanges, groups and transaction sets. A sound interchange has a TA1 only
// where it asks for one (ISA14).
func (r *run) writeEnvelopeAnswers(f *checkedFile, dir string) error {
	if dir == "" {
		return nil
	}
	if err := f.file.Acknowledgeable(); err != nil {
		return refused(f.path, err.Error(), "")
	}
	var ta1, sets []byte
	for i := range f.file.Interchanges {
		in := &f.file.Interchanges[i]
		e := r.answering(in)
		if in.Refusal != nil || in.Asked {
			b, err := x12.WriteTA1(e, in)
			if err != nil {
				return fmt.Errorf("%s: %w", f.path, err)
			}
			ta1 = append(ta1, b...)
		}
		if in.Refusal == nil && len(in.Groups) > 0 {
			b, err := x12.Write999(e, in)
			if err != nil {
				return fmt.Errorf("%s: %w", f.path, err)
			}
			sets = append(sets, b...)
		}
	}
	return f.writeAnswers(dir, map[string][]byte{".ta1": ta1, ".999": sets})
}

// answering is the envelope of an answer. It bears the number of what it answers.
func (r *run) answering(in *x12.Interchange) x12.Envelope {
	number, err := strconv.Atoi(in.Control)
	if err != nil || number < 1 {
		number = 1
	}
	return in.Answer(x12.Envelope{Control: number, Produced: r.now()})
}

func (f *checkedFile) writeAnswers(dir string, answers map[string][]byte) error {
	base := strings.TrimSuffix(filepath.Base(f.path), filepath.Ext(f.path))
	for suffix, body := range answers {
		if len(body) == 0 {
			continue
		}
		name := filepath.Join(dir, base+suffix)
		if err := writeWhole(name, body); err != nil {
			return fmt.Errorf("%s: write: %w", name, err)
		}
	}
	return nil
}

// writeClaimAnswers writes FILE.277ca once every claim has its answer. Claims
// that were not asked about, since the sending broke off, are left out.
func (s *submitting) writeClaimAnswers(ctx context.Context, f io.ReadSeeker, dir string) error {
	if dir == "" {
		return nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	today := credentials.DateOf(s.now())
	sets := map[int][]x12.Answered{} // by interchange
	last, i := "", 0
	_, err := x12.ReadClaims(f, func(c x12.Submitted) error {
		row := &s.claims[i]
		i++
		if row.State == stateNotSent {
			return ctx.Err()
		}
		n, set := interchangeOf(c.Source.Place)
		if set != last {
			sets[n], last = append(sets[n], s.answered(&c, n, today)), set
		}
		a := &sets[n][len(sets[n])-1]
		claim := c.Claim
		a.Claims = append(a.Claims, x12.ClaimAnswer{Claim: &claim, Control: row.Control, Problems: row.problems})
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	var out []byte
	for n := range s.file.Interchanges {
		if len(sets[n]) == 0 {
			continue
		}
		b, err := x12.WriteClaimAnswers(s.answering(&s.file.Interchanges[n]), sets[n]...)
		if err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		out = append(out, b...)
	}
	return s.writeAnswers(dir, map[string][]byte{".277ca": out})
}

// answered starts the answer to a transaction set with its first claim. Whom
// the set leaves unnamed goes by the name in the envelope.
func (s *submitting) answered(c *x12.Submitted, interchange int, today credentials.Date) x12.Answered {
	in := &s.file.Interchanges[interchange]
	a := x12.Answered{Payer: c.Claim.Payer, Submitter: c.Submitter, Reference: c.Reference, Received: today, Processed: today}
	if a.Payer.ID == "" || a.Payer.Name == "" {
		a.Payer = claims.Payer{ID: in.Receiver.ID, Name: in.Receiver.ID}
	}
	if a.Submitter.ID == "" || a.Submitter.Name == "" {
		a.Submitter = x12.Submitter{Name: in.Sender.ID, ID: in.Sender.ID}
	}
	if a.Reference == "" {
		a.Reference = in.Control
	}
	return a
}

// interchangeOf takes "ISA 1, ST 2, CLM 3" apart: the index of the interchange,
// and which transaction set it is.
func interchangeOf(place string) (index int, set string) {
	set, _, _ = strings.Cut(place, ", CLM")
	isa, _, _ := strings.Cut(strings.TrimPrefix(place, "ISA "), ",")
	n, _ := strconv.Atoi(isa) // we wrote it
	return n - 1, set
}
