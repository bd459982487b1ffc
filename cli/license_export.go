package cli

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/vcalm"
)

// licenseExport folds the feed into the register as it is today.
func (r *run) licenseExport(c *urfave.Context) error {
	if form := c.String("form"); form != "" || c.NArg() > 0 {
		return r.exportForm(c, cmp.Or(form, vcalm.FormJWT))
	}
	d, err := r.desk(c, false)
	if err != nil {
		return err
	}
	var licenses []credentials.License
	orders := map[credentials.Handle][]credentials.Order{}
	for after := int64(0); ; {
		p, err := d.Feed(c.Context, after, 0)
		if err != nil {
			return err
		}
		for _, e := range p.Events {
			after = e.Sequence
			if e.Kind == board.EventLicense {
				doc, err := credentials.Open[credentials.License](e.Token, credentials.KindLicense, d.keys)
				if err != nil {
					return caught(fmt.Sprintf("check event %d of the feed", e.Sequence), err, "tell the board")
				}
				licenses = append(licenses, doc.Subject)
				continue
			}
			doc, err := credentials.Open[credentials.Order](e.Token, credentials.KindBoardOrder, d.keys)
			if err != nil {
				return caught(fmt.Sprintf("check event %d of the feed", e.Sequence), err, "tell the board")
			}
			orders[doc.Subject.License] = append(orders[doc.Subject.License], doc.Subject)
		}
		if after >= p.Head.Sequence {
			break
		}
	}
	on := credentials.DateOf(r.now())
	rows := []exportRow{}
	for _, l := range licenses {
		s := credentials.StandingOn([]credentials.License{l}, orders[l.Handle], l.Jurisdiction, on, true)
		rows = append(rows, exportRow{l, credentials.LastDay(l, orders[l.Handle]), s, len(orders[l.Handle])})
	}
	if r.json {
		return r.print(map[string]any{"on": on, "licenses": rows})
	}
	w := csv.NewWriter(r.Out)
	w.Write(append(slices.Clone(licenseColumns), "handle", "last_day", "standing", "reason", "restrictions", "orders", "taxonomy"))
	for _, x := range rows {
		w.Write([]string{string(x.NPI), x.Name, x.Jurisdiction, x.Profession, x.Number, string(x.From), string(x.Until),
			x.Handle.String(), string(x.LastDay), string(x.Standing.Answer), string(x.Standing.Reason), x.Standing.Restrictions, fmt.Sprint(x.Orders), codeWords(x.Taxonomy)})
	}
	w.Flush()
	return w.Error()
}

// An exportRow is a license as a register shows it.
type exportRow struct {
	credentials.License
	LastDay  credentials.Date     `json:"lastDay"` // with its renewals
	Standing credentials.Standing `json:"standing"`
	Orders   int                  `json:"orders"`
}

// exportForm writes one license in a form that others read, once it has been
// checked here.
func (r *run) exportForm(c *urfave.Context, form string) error {
	h, err := licenseHandle(c)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{vcalm.FormJWT, vcalm.FormJCS, vcalm.FormRDFC}, form) {
		return refused(commandName(c), "--form: there is no such form", "use jwt, jcs or rdfc; an SD-JWT is for its holder, see docs/vc-api.md")
	}
	d, err := r.desk(c, false)
	if err != nil {
		return err
	}
	text, err := d.Form(c.Context, h, form)
	if err != nil {
		return err
	}
	f, err := d.house().Examine(c.Context, text, nil)
	if err == nil && f.Check != credentials.CheckStatus { // what became of it is for whoever reads it
		err = f.Err()
	}
	if err != nil {
		return caught("check license", err, "tell the board")
	}
	_, err = fmt.Fprintln(r.Out, string(text))
	return err
}
