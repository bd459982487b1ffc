package cli

import (
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/gateway/api"
)

func (r *run) memberCommand() *urfave.Command {
	return branch("member", "say whom the insurer covers",
		r.leaf(leaf{
			name: "enroll", usage: "enroll the members of a CSV file in a plan, as the insurer", args: "FILE.csv", min: 1, max: 1,
			about: "The columns are member_id,subscriber_id,last,first,birth,coverage_from,coverage_until; the end may be\nleft empty. A member who is known keeps what is on record; enrolling the same again changes nothing.",
			flags: gatewayFlags(&urfave.StringFlag{Name: "plan", Usage: "`NAME` of the plan, as its editions have it"}),
			do:    r.memberEnroll,
		}),
		r.leaf(leaf{
			name: "cover", usage: "write down when enrolled members are covered, by a CSV file, as the insurer", args: "FILE.csv", min: 1, max: 1,
			about: "The columns are member_id,first,birth,coverage_from,coverage_until; the end may be left empty. A row a\nperiod. One that is on record stays; one bad row, and nothing of the file is written.",
			flags: gatewayFlags(&urfave.StringFlag{Name: "plan", Usage: "`NAME` of the plan, as its editions have it"}),
			do:    r.memberCover,
		}),
	)
}

func (r *run) providerCommand() *urfave.Command {
	return branch("provider", "say who renders services for whom",
		r.leaf(leaf{
			name: "roster", usage: "write down the clinicians of billing organizations, by a CSV file, as the insurer", args: "FILE.csv", min: 1, max: 1,
			about: "The columns are billing_npi,npi,network,from,until; network and until may be left empty. Where a claim\n" +
				"names nobody who rendered it, the one clinician on the roster on that day did; of two or none, a person\n" +
				"has to say. The last file counts. No rule asks for the network yet.",
			flags: gatewayFlags(), do: r.providerRoster,
		}),
	)
}

func (r *run) memberCover(c *urfave.Context) error {
	plan, err := given(c, "plan", "")
	if err != nil {
		return err
	}
	return r.sendRoster(c, "coverage.csv ", "periods of coverage in "+plan,
		func(file []byte) error { _, err := claims.ParseCoverage(file); return err },
		func(d *door, file []byte) (api.Rostered, error) { return d.Cover(c.Context, plan, file) })
}

func (r *run) providerRoster(c *urfave.Context) error {
	return r.sendRoster(c, "providers.csv ", "providers",
		func(file []byte) error { _, err := claims.ParseProviders(file); return err },
		func(d *door, file []byte) (api.Rostered, error) { return d.Roster(c.Context, file) })
}

// sendRoster checks a file here, where each bad row is named, and sends it.
func (r *run) sendRoster(c *urfave.Context, called, what string, check func([]byte) error, send func(*door, []byte) (api.Rostered, error)) error {
	path := c.Args().First()
	body, err := readEdition(path)
	if err != nil {
		return err
	}
	if err := check(body); err != nil {
		return refusedFile(path, called, err, "correct the file; nothing of it was written")
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	got, err := send(d, body)
	if err != nil {
		return fmt.Errorf("send %s: %w", strings.TrimSpace(called), err)
	}
	if r.json {
		return r.print(got)
	}
	_, err = fmt.Fprintf(r.Out, "written  %d %s\n", got.Rows, oneLine(what))
	return err
}

func (r *run) memberEnroll(c *urfave.Context) error {
	path := c.Args().First()
	plan, err := given(c, "plan", "")
	if err != nil {
		return err
	}
	body, err := readEdition(path)
	if err != nil {
		return err
	}
	if _, err := claims.ParseMembers(body); err != nil {
		return refusedFile(path, "members.csv ", err, "correct the file; nobody was enrolled")
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	e, err := d.Enroll(c.Context, plan, body)
	if err != nil {
		return fmt.Errorf("enroll: %w", err)
	}
	if r.json {
		return r.print(map[string]any{"plan": e.Plan, "members": e.Members})
	}
	_, err = fmt.Fprintf(r.Out, "enrolled  %d members in %s\n", e.Members, oneLine(e.Plan))
	return err
}
