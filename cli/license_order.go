package cli

import (
	"fmt"
	"slices"
	"time"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

// licenseOrder has an order made upon a license. The same command again is the
// same order.
func (r *run) licenseOrder(action credentials.OrderAction) func(*urfave.Context) error {
	return func(c *urfave.Context) error {
		h, err := licenseHandle(c)
		if err != nil {
			return err
		}
		o, err := orderFlags(c, action)
		if err != nil {
			return err
		}
		if o.Holder, o.Proof, err = r.holderProof(c); err != nil {
			return err
		}
		d, err := r.desk(c, true)
		if err != nil {
			return err
		}
		if err := d.complete(c, h, o); err != nil {
			return err
		}
		if _, err := d.Order(c.Context, h, *o); err != nil {
			return err
		}
		f, err := d.settle(c.Context, h, waiting(c))
		if err != nil {
			return err
		}
		if err := d.keepFile(f); err != nil {
			return err
		}
		row, err := d.row(f)
		if err != nil {
			return err
		}
		return r.printLicenses([]*licenseRow{row}, nil)
	}
}

func licenseHandle(c *urfave.Context) (credentials.Handle, error) {
	h, err := credentials.ParseHandle(c.Args().First())
	if err != nil {
		return h, refused(commandName(c), "HANDLE: "+err.Error(), "find it with countersign license show --npi NPI")
	}
	return h, nil
}

// orderFlags reads what the flags say of an order. The board is not asked yet.
func orderFlags(c *urfave.Context, action credentials.OrderAction) (o *board.OrderRequest, err error) {
	o = &board.OrderRequest{Action: action}
	if action != credentials.OrderVoid { // a void is dated as what it voids
		text, err := given(c, "effective", "")
		if err != nil {
			return nil, err
		}
		if o.Effective, err = instant(text); err != nil {
			return nil, refused(commandName(c), "--effective: "+err.Error(), "write 2026-11-02 or 2026-11-02T00:00:00-08:00")
		}
	}
	if o.Reason, err = given(c, "reason", ""); err != nil {
		return nil, err
	}
	if s := c.String("until"); s != "" {
		if o.Until, err = credentials.ParseDate(s); err != nil {
			return nil, refused(commandName(c), "--until: "+err.Error(), "write 2027-06-30")
		}
	} else if action == credentials.OrderRenew {
		return nil, refused(commandName(c), "--until is missing", "give the new last day with --until")
	}
	if action == credentials.OrderRestrict {
		codes, err := given(c, "restrictions", "")
		if err != nil {
			return nil, err
		}
		o.Restrictions = codesOf(codes)
		slices.Sort(o.Restrictions)
	}
	if s := c.String("order"); s != "" {
		h, err := credentials.ParseHandle(s)
		if err != nil {
			return nil, refused(commandName(c), "--order: "+err.Error(), "license show names the orders")
		}
		o.Upon = append(o.Upon, h)
	}
	if action == credentials.OrderBind && (c.String("holder-key") != "") == c.Bool("lost") {
		return nil, refused(commandName(c), "want either --holder-key FILE or --lost", "say which key signs from then on")
	}
	if action == credentials.OrderVoid && (len(o.Upon) == 1) == c.Bool("license") {
		return nil, refused(commandName(c), "want either --order ORDER or --license", "say what was made in error")
	}
	return o, nil
}

// complete fills in what a reinstatement or a void takes from the orders
// before it. Where the very order is there already, it is asked for again.
func (d *desk) complete(c *urfave.Context, license credentials.Handle, o *board.OrderRequest) error {
	if o.Action != credentials.OrderReinstate && o.Action != credentials.OrderVoid {
		return nil
	}
	f, err := d.Show(c.Context, license)
	if err != nil {
		return err
	}
	row, err := d.row(f)
	if err != nil {
		return err
	}
	if o.Action == credentials.OrderVoid {
		return dateVoid(c, row, o)
	}
	if len(o.Upon) > 0 {
		return nil
	}
	on := credentials.DateOf(o.Effective)
	for _, was := range row.Orders {
		o.Upon = was.Upon
		if o.AskedFor(was) {
			return nil
		}
	}
	o.Upon = nil
	for _, action := range []credentials.OrderAction{credentials.OrderSuspend, credentials.OrderRestrict} {
		for _, in := range credentials.InForce(row.License, row.Orders, on) {
			if in.Action == action && in.EffectiveDate() < on {
				o.Upon = append(o.Upon, in.Handle)
			}
		}
		if len(o.Upon) > 0 {
			return nil
		}
	}
	return refused(commandName(c), fmt.Sprintf("nothing is suspended or restricted before %s that is still in force then", on), "see countersign license show "+license.String())
}

// dateVoid dates a void as what it voids: an order, or the license.
func dateVoid(c *urfave.Context, row *licenseRow, o *board.OrderRequest) error {
	if len(o.Upon) == 0 {
		from, err := time.Parse(time.DateOnly, string(row.From))
		if err != nil {
			return fmt.Errorf("read license: %w", err)
		}
		o.Effective = from
		return nil
	}
	i := slices.IndexFunc(row.Orders, func(was credentials.Order) bool { return was.Handle == o.Upon[0] })
	if i < 0 {
		return refused(commandName(c), "--order: the license has no such order", "see countersign license show "+row.Handle.String())
	}
	o.Effective = row.Orders[i].Effective
	return nil
}
