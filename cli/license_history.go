package cli

import (
	"fmt"
	"slices"
	"time"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

// A historyRow is an act with what the ledger says of it.
type historyRow struct {
	actRow
	Known *time.Time `json:"known,omitempty"` // when a quorum had countersigned it
	Index *int64     `json:"index,omitempty"` // on the ledger
}

func (r *run) licenseHistory(c *urfave.Context) error {
	h, err := licenseHandle(c)
	if err != nil {
		return err
	}
	d, err := r.desk(c, true)
	if err != nil {
		return err
	}
	f, err := d.Show(c.Context, h)
	if err != nil {
		return err
	}
	deeds, err := d.History(c.Context, f)
	if err != nil {
		return err
	}
	rows := []historyRow{}
	for _, deed := range deeds {
		row, err := d.history(f, deed)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	if r.json {
		return r.print(map[string]any{"history": rows})
	}
	for i, row := range rows {
		if i > 0 {
			fmt.Fprintln(r.Out)
		}
		r.printAct(row.actRow)
		if row.Index == nil {
			fmt.Fprintln(r.Out, "  ledger    no receipt yet; what the board signed stands")
		} else {
			fmt.Fprintf(r.Out, "  ledger    entry %d, known since %s\n", *row.Index, row.Known.Format(time.RFC3339))
		}
	}
	return nil
}

// history holds what a clerk had done against the document and its receipt.
func (d *desk) history(f board.File, deed board.Deed) (historyRow, error) {
	row := historyRow{actRow: actOf(deed)}
	doc := f.License
	if i := slices.IndexFunc(f.Orders, func(o board.Document) bool { return o.Handle == deed.Document }); i >= 0 {
		doc = f.Orders[i]
	}
	if len(doc.Receipt) == 0 {
		return row, nil
	}
	proof, _, err := d.place(doc.Handle, credentials.DocumentDigest(doc.Token), doc.Entry, doc.Receipt)
	if err != nil {
		return row, caught("check ledger entry", err, "tell the board")
	}
	row.Known, row.Index = &proof.Known, &proof.Index
	return row, nil
}
