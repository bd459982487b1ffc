package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
)

func (r *run) memberCommand() *urfave.Command {
	return branch("member", "say whom the insurer covers",
		r.leaf(leaf{
			name: "enroll", usage: "enroll the members of a CSV file in a plan, as the insurer", args: "FILE.csv", min: 1, max: 1,
			about: "The columns are member_id,subscriber_id,last,first,birth,coverage_from,coverage_until; the end may be\nleft empty. A member who is known keeps what is on record; enrolling the same again changes nothing.",
			flags: gatewayFlags(&urfave.StringFlag{Name: "plan", Usage: "`NAME` of the plan, as its editions have it"}),
			do:    r.memberEnroll,
		}),
	)
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
