package cli

import (
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

// An actRow is an act as it is shown: nobody's name, neither the clerk's nor
// the licensee's.
type actRow struct {
	Number    int64              `json:"number"`
	Act       string             `json:"act"` // issued, revoked, suspended, …
	License   credentials.Handle `json:"license"`
	Effective string             `json:"effective"` // first day, or instant of the order
	Reason    string             `json:"reason,omitempty"`
	Order     *credentials.Order `json:"order,omitempty"` // the whole of it
	Clerk     string             `json:"clerk"`           // key id
	Signed    time.Time          `json:"signed"`
	Accepted  time.Time          `json:"accepted"`
}

func (r *run) licenseActs(c *urfave.Context) error {
	var only credentials.Handle
	if c.NArg() > 0 {
		var err error
		if only, err = credentials.ParseHandle(c.Args().First()); err != nil {
			return refused(commandName(c), "HANDLE: "+err.Error(), "find it with countersign license show --npi NPI")
		}
	}
	if c.Int64("after") < 0 {
		return refused(commandName(c), "--after: want a number from 0", "acts are numbered from 1")
	}
	d, err := r.desk(c, true)
	if err != nil {
		return err
	}
	rows := []actRow{}
	err = d.Deeds(c.Context, c.Int64("after"), func(deed board.Deed) error {
		if row := actOf(deed); only.IsZero() || row.License == only {
			rows = append(rows, row)
		}
		return nil
	})
	if err == nil && !only.IsZero() && len(rows) == 0 {
		err = refused(commandName(c), "the register holds no act upon this license", "check the handle, and --after")
	}
	return r.printActs(rows, err)
}

func actOf(d board.Deed) actRow {
	row := actRow{Number: d.Sequence, Clerk: d.Clerk, Signed: d.Signed, Accepted: d.Accepted}
	if l := d.License; l != nil {
		row.Act, row.License, row.Effective = "issued", l.Handle, string(l.From)
	}
	if o := d.Order; o != nil {
		row.Act, row.License, row.Effective, row.Reason = actWords[o.Action], o.License, o.Effective.Format(time.RFC3339), o.Reason
		row.Order = o
	}
	return row
}

// printActs shows what was made sure of, also where the reading ended early.
func (r *run) printActs(rows []actRow, ended error) error {
	if r.json {
		if err := r.print(struct {
			Acts []actRow `json:"acts"`
			ending
		}{rows, endingOf(ended)}); err != nil {
			return err
		}
		return ended
	}
	for i, a := range rows {
		if i > 0 {
			fmt.Fprintln(r.Out)
		}
		r.printAct(a)
	}
	if len(rows) == 0 && ended == nil {
		_, err := fmt.Fprintln(r.Out, "no acts")
		return err
	}
	return ended
}

func (r *run) printAct(a actRow) {
	line := fmt.Sprintf("%s from %s", a.Act, a.Effective)
	if a.Order != nil {
		line = strings.Join(strings.Fields(orderLine(*a.Order)), " ")
	}
	fmt.Fprintf(r.Out, "act %d  %s\n  license   %s\n  clerk     %s\n  signed    %s, accepted %s\n", a.Number, line, a.License, a.Clerk,
		a.Signed.Format(time.RFC3339), a.Accepted.Format(time.RFC3339))
}
