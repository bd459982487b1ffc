package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/vcalm"
)

// licenseExport folds the feed into the register as it is today, and writes it
// while it reads: a register may have a million licenses.
func (r *run) licenseExport(c *urfave.Context) error {
	if form := c.String("form"); form != "" || c.NArg() > 0 {
		return r.exportForm(c, cmp.Or(form, vcalm.FormJWT))
	}
	d, err := r.desk(c, false)
	if err != nil {
		return err
	}
	x := &exporting{keys: d.keys, on: credentials.DateOf(r.now()),
		feed: func(after int64) (board.FeedPage, error) { return d.Feed(c.Context, after, 0) }}
	if r.json {
		return r.exportJSON(x)
	}
	w := csv.NewWriter(r.Out)
	w.Write(append(slices.Clone(licenseColumns), "handle", "last_day", "standing", "reason", "restrictions", "orders", "taxonomy"))
	err = x.read(func(x exportRow) error {
		return w.Write([]string{string(x.NPI), x.Name, x.Jurisdiction, x.Profession, x.Number, string(x.From), string(x.Until),
			x.Handle.String(), string(x.LastDay), string(x.Standing.Answer), string(x.Standing.Reason), x.Standing.Restrictions, fmt.Sprint(x.Orders), codeWords(x.Taxonomy)})
	})
	w.Flush()
	return cmp.Or(err, w.Error())
}

// exportJSON writes what print would have written of all rows together. Where
// the reading ends early, the object says so.
func (r *run) exportJSON(x *exporting) error {
	r.told = true
	w := bufio.NewWriter(r.Out)
	w.WriteString("{\n  \"licenses\": [")
	between := "\n    "
	err := x.read(func(row exportRow) error {
		b, err := json.MarshalIndent(row, "    ", "  ")
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		w.WriteString(between)
		between = ",\n    "
		_, err = w.Write(b)
		return err
	})
	if between != "\n    " {
		w.WriteString("\n  ")
	}
	rest, no := json.MarshalIndent(struct {
		On credentials.Date `json:"on"`
		ending
	}{x.on, endingOf(err)}, "", "  ")
	w.WriteString("],")
	w.Write(bytes.TrimPrefix(append(rest, '\n'), []byte("{")))
	return cmp.Or(err, no, w.Flush())
}

// exporting reads a feed twice: once for what was ordered, which is little, and
// once for the licenses, of which none is kept.
type exporting struct {
	feed   func(after int64) (board.FeedPage, error)
	keys   credentials.ResolveKey
	on     credentials.Date
	orders map[credentials.Handle][]credentials.Order
}

func (x *exporting) read(each func(exportRow) error) error {
	x.orders = map[credentials.Handle][]credentials.Order{}
	head := int64(-1) // what comes after the first page was read is left out
	err := x.events(&head, func(e board.Event) error {
		if e.Kind != board.EventOrder {
			return nil
		}
		doc, err := exported[credentials.Order](x, e, credentials.KindBoardOrder)
		if err == nil {
			x.orders[doc.License] = append(x.orders[doc.License], doc)
		}
		return err
	})
	if err != nil {
		return err
	}
	return x.events(&head, func(e board.Event) error {
		if e.Kind != board.EventLicense {
			return nil
		}
		l, err := exported[credentials.License](x, e, credentials.KindLicense)
		if err != nil {
			return err
		}
		orders := x.orders[l.Handle]
		s := credentials.StandingOn([]credentials.License{l}, orders, l.Jurisdiction, x.on, true)
		return each(exportRow{l, credentials.LastDay(l, orders), s, len(orders)})
	})
}

func exported[T any](x *exporting, e board.Event, kind credentials.Kind) (subject T, err error) {
	doc, err := credentials.Open[T](e.Token, kind, x.keys)
	if err != nil {
		return subject, caught(fmt.Sprintf("check event %d of the feed", e.Sequence), err, "tell the board")
	}
	return doc.Subject, nil
}

// events hands on those up to head, which the first page sets where it is
// negative.
func (x *exporting) events(head *int64, each func(board.Event) error) error {
	for after := int64(0); *head < 0 || after < *head; {
		p, err := x.feed(after)
		if err != nil {
			return err
		}
		if *head < 0 {
			*head = p.Head.Sequence
		}
		for _, e := range p.Events {
			if after = e.Sequence; after > *head {
				return nil
			}
			if err := each(e); err != nil {
				return err
			}
		}
	}
	return nil
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
