package cli

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/mpfs"
	"github.com/countersign-health/countersign/claims/pricing"
)

// maxCMSFile bounds what is read of a file of CMS's; the largest has 3 MB.
const maxCMSFile = 64 << 20

func (r *run) feesCommand() *urfave.Command {
	return branch("fees", "price services by Medicare's fee schedule",
		r.leaf(leaf{
			name: "price", usage: "price codes in one locality", args: "CODE[-MOD] ...", min: 1, max: -1,
			about: "Prices one unit by the Medicare Physician Fee Schedule, from the files that CMS publishes: the relative\nvalue file (PPRRVU...csv) and the geographic indices (GPCI....csv). CODE-26 is the professional part of\na service, CODE-TC the technical one. Where the technical part of imaging may not cost more than in a\nhospital's outpatient department, that amount is shown too, and the lesser one is paid.",
			flags: cmsFlags(),
			do:    r.feesPrice,
		}),
		r.leaf(leaf{
			name: "localities", usage: "list the localities", args: "[WORD] ...", max: -1,
			about: "Lists the localities in which Medicare pays alike, with their indices; with words, those that have all of\nthem in their state's letters, their name or their counties.",
			flags: []urfave.Flag{
				&urfave.StringFlag{Name: "gpci", Usage: "`FILE` of the year's geographic indices"},
				&urfave.StringFlag{Name: "counties", Usage: "`FILE` of the year's counties (..LOCCO.csv)"},
			},
			do: r.feesLocalities,
		}),
		r.leaf(leaf{
			name: "make", usage: "make a fee schedule of a locality's prices", args: "",
			about: "Writes a fee schedule that plan publish --fees takes: every code that Medicare's schedule prices, for each\nclass of place, at a percentage of what Medicare pays. It prices each service by itself: Medicare's rules on\nseveral procedures of one day, on both sides of the body and on assistants are no part of a list of prices.\n" +
				"With --rules, it writes relative values and indicators beside the prices instead: a plan of rules/2 pays by\nthose rules then.",
			flags: append(cmsFlags(),
				&urfave.BoolFlag{Name: "rules", Usage: "with Medicare's payment rules, for plans of rules/2", DisableDefaultText: true},
				&urfave.StringFlag{Name: "percent", Usage: "`RATE` of Medicare's amount that the contract agrees on, such as 110%", Value: "100%"},
				outFlag("write the schedule to `FILE`; to stdout where there is none")),
			do: r.feesMake,
		}),
	)
}

// cmsFlags name the files of a year, and the locality.
func cmsFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "rvu", Usage: "relative value `FILE` of the year"},
		&urfave.StringFlag{Name: "gpci", Usage: "`FILE` of the year's geographic indices"},
		&urfave.StringFlag{Name: "locality", Usage: "`LOCALITY` where the service was: contractor and number, such as 01112-05"},
	}
}

// A pricedCode is one row as the command shows it; amounts are of one unit.
type pricedCode struct {
	Code           string        `json:"code"`
	Modifier       string        `json:"modifier,omitempty"`
	NonFacility    claims.Cents  `json:"nonFacilityCents"`
	Facility       claims.Cents  `json:"facilityCents"`
	CapNonFacility *claims.Cents `json:"outpatientCapNonFacilityCents,omitempty"`
	CapFacility    *claims.Cents `json:"outpatientCapFacilityCents,omitempty"`
}

func (r *run) feesPrice(c *urfave.Context) error {
	path, schedule, locality, err := cmsFiles(c)
	if err != nil {
		return err
	}
	var prices []pricedCode
	for _, name := range c.Args().Slice() {
		row, err := pricedRow(schedule, path, name)
		if err != nil {
			return err
		}
		p := row.Price(locality.Weights)
		priced := pricedCode{Code: row.Code, Modifier: row.Modifier, NonFacility: p.Schedule.NonFacility, Facility: p.Schedule.Facility}
		if p.Cap != nil {
			priced.CapNonFacility, priced.CapFacility = &p.Cap.NonFacility, &p.Cap.Facility
		}
		prices = append(prices, priced)
	}
	if r.json {
		return r.print(map[string]any{"locality": locality.ID.String(), "prices": prices})
	}
	t := table{head: []string{"code", "non-facility", "facility", ""}}
	for _, p := range prices {
		note := ""
		if p.CapNonFacility != nil && (*p.CapNonFacility < p.NonFacility || *p.CapFacility < p.Facility) {
			note = fmt.Sprintf("paid: %s and %s, as in a hospital's outpatient department", min(p.NonFacility, *p.CapNonFacility), min(p.Facility, *p.CapFacility))
		}
		t.add(strings.TrimSuffix(p.Code+"-"+p.Modifier, "-"), p.NonFacility.String(), p.Facility.String(), note)
	}
	return t.write(r.Out)
}

// cmsFiles reads the files that the flags name.
func cmsFiles(c *urfave.Context) (path string, s *mpfs.Schedule, l *mpfs.Locality, err error) {
	if l, err = localityOf(c); err != nil {
		return "", nil, nil, err
	}
	path, s, err = readCMS(c, "rvu", mpfs.NewSchedule)
	return path, s, l, err
}

// feesMake writes an edition that pricing.ParseFees reads.
func (r *run) feesMake(c *urfave.Context) error {
	percent, err := claims.ParsePercent(c.String("percent"))
	if err != nil {
		return refused(commandName(c), "--percent: "+oneLine(err.Error()), "see "+c.Command.HelpName+" --help")
	}
	_, schedule, locality, err := cmsFiles(c)
	if err != nil {
		return err
	}
	list := schedule.FeeList(locality.Weights, percent)
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Medicare Physician Fee Schedule in locality %s, %s of what Medicare pays.\n", locality.ID, percent)
	if c.Bool("rules") {
		err = (&mpfs.Edition{Schedule: schedule, Locality: locality.ID, Weights: locality.Weights, Percent: percent}).Write(&b)
	} else {
		err = mpfs.WriteFees(&b, list)
	}
	if err != nil {
		return err
	}
	if _, err := pricing.ParseFees(b.Bytes()); err != nil {
		return fmt.Errorf("make fee schedule: %w", err)
	}
	out := c.String("out")
	switch {
	case out == "" && !r.json:
		_, err := r.Out.Write(b.Bytes())
		return err
	case out == "":
		return refused(commandName(c), "--out is missing", "give --out FILE with --json")
	}
	if err := writeWhole(out, b.Bytes()); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"file": out, "locality": locality.ID.String(), "percent": percent.String(), "prices": len(list)})
	}
	_, err = fmt.Fprintf(r.Out, "wrote      %s\nprices     %d\n", oneLine(out), len(list))
	return err
}

// localityOf is the one that the flags name.
func localityOf(c *urfave.Context) (*mpfs.Locality, error) {
	name, err := given(c, "locality", "")
	if err != nil {
		return nil, err
	}
	id, err := mpfs.ParseLocality(name)
	if err != nil {
		return nil, refused(commandName(c), "--"+oneLine(err.Error()), "see countersign fees localities")
	}
	path, all, err := readCMS(c, "gpci", mpfs.NewLocalities)
	if err != nil {
		return nil, err
	}
	if all[id] == nil {
		return nil, refused(path, "has no locality "+id.String(), "correct --locality, or take the file of another year")
	}
	return all[id], nil
}

// readCMS reads the file that a flag names.
func readCMS[T any](c *urfave.Context, flag string, read func(string, io.Reader) (T, error)) (path string, v T, err error) {
	if path, err = given(c, flag, ""); err != nil {
		return "", v, err
	}
	f, err := openFile(path)
	if err != nil {
		return "", v, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > maxCMSFile {
		return "", v, refused(path, fmt.Sprintf("is larger than %d MB", maxCMSFile>>20), "give --"+flag+" the file as CMS publishes it")
	}
	base := filepath.Base(path)
	if v, err = read(base, f); err != nil {
		return "", v, refusedFile(path, base+" ", err, "give --"+flag+" the file as CMS publishes it")
	}
	return path, v, nil
}

// pricedRow finds CODE or CODE-MOD, where the schedule sets a price.
func pricedRow(s *mpfs.Schedule, path, name string) (*mpfs.Row, error) {
	code, modifier, _ := strings.Cut(name, "-")
	row := s.Row(code, modifier)
	switch {
	case row == nil && s.Row(code, "") != nil:
		return nil, refused(name, fmt.Sprintf("%s has %s, but no row of its own for %q", path, code, modifier), "rows have the modifiers 26, TC and 53 only")
	case row == nil:
		return nil, refused(name, path+" has no such code", "want CODE or CODE-MOD, such as 99213 or 76813-26")
	case !row.Priced():
		return nil, refused(name, fmt.Sprintf("the schedule sets no price: %s (status %s)", row.Words(), row.Status), "leave it out")
	}
	return row, nil
}
