package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/codelist"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/promptpay"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/gateway/api"
)

// maxEdition is what a gateway takes.
const maxEdition = 8 << 20

func (r *run) planCommand() *urfave.Command {
	return branch("plan", "publish what the insurer pays by",
		r.leaf(leaf{
			name: "publish", usage: "publish an edition of a plan, a fee schedule or a list of codes", args: "[FILE.yaml]", max: 1,
			about: "Either a plan, which names itself, or with --fees a fee schedule, or with --codes a list of codes, by which the\ngateway checks claims from then on. What is published is never changed: a new rule or price is a new edition.",
			flags: gatewayFlags(&urfave.StringFlag{Name: "fees", Usage: "publish the fee schedule of a CSV `FILE`"},
				&urfave.StringFlag{Name: "name", Usage: "`NAME` of the fee schedule, as plans call it"},
				&urfave.StringFlag{Name: "edition", Usage: "`EDITION` of the fee schedule, such as 2026-01"},
				&urfave.StringFlag{Name: "codes", Usage: "publish the list of codes of a `FILE` that codes make wrote"}),
			do: r.planPublish,
		}),
	)
}

func (r *run) planPublish(c *urfave.Context) error {
	fees, codes := c.String("fees"), c.String("codes")
	what := c.NArg()
	for _, file := range []string{fees, codes} {
		if file != "" {
			what++
		}
	}
	if what != 1 {
		return refused(commandName(c), "want either a plan FILE.yaml or --fees FILE.csv or --codes FILE.csv", "see countersign plan publish --help")
	}
	var publish func(d *door) (api.Edition, error)
	switch {
	case codes != "":
		body, err := readEdition(codes)
		if err != nil {
			return err
		}
		if _, err := codelist.ReadEdition("codes.csv", bytes.NewReader(body)); err != nil {
			return refusedFile(codes, "codes.csv ", err, "make it by countersign codes make; nothing was published")
		}
		publish = func(d *door) (api.Edition, error) { return d.PublishCodes(c.Context, body) }
	case fees == "":
		body, err := readEdition(c.Args().First())
		if err != nil {
			return err
		}
		plan, err := claims.ParsePlan(body)
		if err == nil {
			_, err = terms.Compile(plan)
		}
		if err == nil {
			err = promptpay.Check(plan)
		}
		if err != nil {
			return refusedFile(c.Args().First(), "plan.yaml ", err, "correct the plan; nothing was published")
		}
		publish = func(d *door) (api.Edition, error) { return d.PublishPlan(c.Context, body) }
	default:
		body, err := readEdition(fees)
		if err != nil {
			return err
		}
		if _, err := pricing.ParseFees(body); err != nil {
			return refusedFile(fees, "fees.csv ", err, "correct the schedule; nothing was published")
		}
		name, err := given(c, "name", "")
		if err != nil {
			return err
		}
		edition, err := given(c, "edition", "")
		if err != nil {
			return err
		}
		publish = func(d *door) (api.Edition, error) { return d.PublishFees(c.Context, name, edition, body) }
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	e, err := publish(d)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if r.json {
		return r.print(map[string]any{"kind": e.Kind, "ref": e.Ref, "handle": e.Handle})
	}
	_, err = fmt.Fprintf(r.Out, "published  %s %s\nSHA-256    %s\nhandle     %s\n", oneLine(e.Ref.Name), oneLine(e.Ref.Edition), e.Ref.Digest, e.Handle)
	return err
}

func readEdition(path string) ([]byte, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, maxEdition)
}

// readAll reads a file that has to fit in memory.
func readAll(f *os.File, most int) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	if len(body) > most {
		return nil, refused(f.Name(), fmt.Sprintf("is larger than %d MB", most>>20), "split it")
	}
	return body, nil
}
