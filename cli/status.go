package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// shortest is how many digits of a handle name it; 32 bits do not meet by
// chance in a hospital's list.
const shortest = 8

// find resolves what people type for a handle against a list, which is fetched
// only where the handle is not whole.
func find(arg, what string, list func() ([]api.Submission, error)) (h credentials.Handle, err error) {
	if h, err := credentials.ParseHandle(arg); err == nil {
		return h, nil
	}
	all, err := list()
	if err != nil {
		return h, err
	}
	found := 0
	for _, s := range all {
		if s.Number == arg || s.Control != "" && s.Control == arg || len(arg) >= shortest && strings.HasPrefix(s.Handle.String(), arg) {
			h = s.Handle
			found++
		}
	}
	switch found {
	case 1:
		return h, nil
	case 0:
		return h, refused(what, fmt.Sprintf("nothing is named %q", arg), "give a handle, its first 8 digits or more, or the number")
	}
	return h, refused(what, fmt.Sprintf("%d submissions are named %q", found, arg), "give the handle")
}

func (d *door) all(ctx context.Context, kind string) func() ([]api.Submission, error) {
	return func() ([]api.Submission, error) {
		list, err := d.Submissions(ctx, "")
		if err != nil {
			return nil, fmt.Errorf("list submissions: %w", err)
		}
		var of []api.Submission
		for _, s := range list {
			if s.Kind == kind {
				of = append(of, s)
			}
		}
		return of, nil
	}
}

// A statusRow is where one claim stands.
type statusRow struct {
	Claim     string             `json:"claim"`
	State     string             `json:"state"`
	Control   string             `json:"control"`
	Handle    credentials.Handle `json:"handle"`
	Decisions []*verdict         `json:"decisions"`
	Reopening *api.Reopening     `json:"reopening,omitempty"`
	Appeals   []appealRow        `json:"appeals,omitempty"`
	Letters   []letterRow        `json:"letters,omitempty"`
	// ReversedBy is the insurer's number of the claim that has taken the latest
	// decision back.
	ReversedBy string `json:"reversedBy,omitempty"`
}

func (r *run) claimStatus(c *urfave.Context) error {
	d, err := r.door(c)
	if err != nil {
		return err
	}
	ctx, cancel := c.Context, context.CancelFunc(func() {})
	if c.Bool("wait") {
		ctx, cancel = context.WithTimeout(ctx, c.Duration("for"))
	}
	defer cancel()
	handles, err := d.named(ctx, c.Args().Slice())
	if err != nil {
		return err
	}
	p := r.progress(c)
	rows := []statusRow{}
	for i, h := range handles {
		p.step(i+1, len(handles), "asking for claim")
		row, err := d.claimRow(ctx, h, c.Bool("wait"), c.String("out"))
		if err != nil {
			p.end()
			err = waitError(err)
			return errors.Join(r.printStatus(rows, err), err)
		}
		rows = append(rows, *row)
	}
	p.end()
	if err := r.printStatus(rows, nil); err != nil {
		return err
	}
	return unsure(latestOf(rows)...)
}

func latestOf(rows []statusRow) (all []*decisionStatus) {
	for i := range rows {
		all = append(all, rows[i].latest())
	}
	return all
}

// named are the claims that the arguments name, or all of the caller's.
func (d *door) named(ctx context.Context, args []string) (handles []credentials.Handle, err error) {
	list := d.all(ctx, "claim")
	if len(args) == 0 {
		all, err := list()
		for _, s := range all {
			handles = append(handles, s.Handle)
		}
		return handles, err
	}
	for _, a := range args {
		h, err := find(a, "claim status", list)
		if err != nil {
			return nil, err
		}
		handles = append(handles, h)
	}
	return handles, nil
}

func (d *door) claimRow(ctx context.Context, h credentials.Handle, wait bool, out string) (*statusRow, error) {
	var s *api.Submission
	var err error
	if wait {
		s, err = d.await(ctx, h, 0, out != "")
	} else {
		var now api.Submission
		now, err = d.Status(ctx, h, 0, 0, out != "")
		s = &now
	}
	if err != nil {
		return nil, fmt.Errorf("claim status: %w", err)
	}
	if s.Kind != "claim" {
		return nil, refused("claim status", "that is an authorization", "use countersign auth status")
	}
	row := &statusRow{Claim: s.Number, State: s.State, Control: s.Control, Handle: s.Handle, Decisions: []*verdict{}, Reopening: s.Reopening}
	for _, n := range s.Decisions {
		v, err := d.verdict(s, n)
		if err != nil {
			return nil, err
		}
		row.Decisions = append(row.Decisions, v)
	}
	for i, v := range row.Decisions {
		if v.Status, err = d.standing(ctx, s, i, func(j int) *credentials.Handle { return row.Decisions[j].supersedes }); err != nil {
			return nil, err
		}
	}
	if row.Appeals, err = d.appeals(s); err != nil {
		return nil, err
	}
	if row.Letters, err = d.letters(ctx, s); err != nil {
		return nil, err
	}
	if err := d.corrected(row, s.Correction); err != nil {
		return nil, err
	}
	return row, d.keepListed(s.Files, out)
}

// latest is the status of the decision that is shown.
func (row *statusRow) latest() *decisionStatus {
	if len(row.Decisions) == 0 {
		return nil
	}
	return row.Decisions[len(row.Decisions)-1].Status
}

func (r *run) printStatus(rows []statusRow, ended error) error {
	if r.json {
		return r.print(struct {
			Claims []statusRow `json:"claims"`
			ending
		}{rows, endingOf(ended)})
	}
	if len(rows) == 0 && ended != nil {
		return nil
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(r.Out, "no claims")
		return err
	}
	t := table{head: []string{"claim", "handle", "decision", "charge", "allowed", "paid", "patient", "reason"}}
	// Of decisions from before there were lists, a column would say nothing.
	listed := slices.ContainsFunc(latestOf(rows), func(s *decisionStatus) bool { return s != nil })
	if listed {
		t.head = slices.Insert(t.head, 3, "status")
	}
	for _, row := range rows {
		if len(row.Decisions) == 0 {
			t.add(row.Claim, short(row.Handle), row.State)
			continue
		}
		last := row.Decisions[len(row.Decisions)-1]
		cells := append([]string{row.Claim, short(row.Handle)}, last.cells()...)
		if listed {
			cells = slices.Insert(cells, 3, last.Status.word())
		}
		t.add(cells...)
	}
	if err := t.write(r.Out); err != nil {
		return err
	}
	for _, row := range rows {
		if row.ReversedBy != "" {
			fmt.Fprintf(r.Out, "%s: taken back by %s, whose decision counts in its place\n", oneLine(row.Claim), row.ReversedBy)
		} else if s := row.latest(); s != nil && !s.IsGood() {
			fmt.Fprintf(r.Out, "%s: do not rely on this decision: %s; ask again\n", oneLine(row.Claim), oneLine(s.Why))
		}
		if o := row.Reopening; o != nil {
			fmt.Fprintf(r.Out, "%s: decision %d is open again (%s); it counts until another one follows\n", oneLine(row.Claim), o.Number, o.Kind)
		}
		for i := range row.Appeals {
			fmt.Fprintf(r.Out, "%s: %s\n", oneLine(row.Claim), oneLine(row.Appeals[i].line()))
		}
		r.printLetters(row.Claim, row.Letters)
	}
	return nil
}

// claimWatch prints decisions as they come.
func (r *run) claimWatch(c *urfave.Context) error {
	d, err := r.door(c)
	if err != nil {
		return err
	}
	ctx := c.Context
	if limit := c.Duration("for"); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	h, err := find(c.Args().First(), "claim watch", d.all(ctx, "claim"))
	if err != nil {
		return err
	}
	for after := 0; ; {
		s, err := d.await(ctx, h, after, false)
		if errors.Is(err, context.DeadlineExceeded) {
			return later("watch", "the claim is not finally decided yet", "watch on, or look again later")
		}
		if err != nil {
			return err
		}
		for _, n := range s.Decisions {
			if n.Number <= after {
				continue
			}
			after = n.Number
			v, err := d.verdict(s, n)
			if err != nil {
				return err
			}
			if err := r.printVerdict(s.Number, v); err != nil {
				return err
			}
			if v.Outcome != claims.Pended {
				return nil
			}
		}
	}
}

// printVerdict writes a decision on one line.
func (r *run) printVerdict(claim string, v *verdict) error {
	if r.json {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		r.told = true
		_, err = r.Out.Write(append(b, '\n'))
		return err
	}
	sums := ""
	if v.Outcome != claims.Pended {
		sums = fmt.Sprintf("charge %s, allowed %s, paid %s, patient %s: ", v.Cents.Charge, v.Cents.Allowed, v.Cents.Paid, v.Cents.Patient)
	}
	_, err := fmt.Fprintln(r.Out, oneLine(fmt.Sprintf("%s  claim %s, decision %d: %s: %s%s",
		v.Settled.Local().Format(time.DateTime), claim, v.Number, v.Outcome, sums, v.Reason)))
	return err
}
