package cli

import (
	"cmp"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims/mpfs"
)

// A localityRow is one locality as the command lists it.
type localityRow struct {
	Locality string   `json:"locality"`
	State    string   `json:"state"`
	Name     string   `json:"name"`
	Counties []string `json:"counties,omitempty"`
	Work     string   `json:"workGPCI"`
	PE       string   `json:"practiceExpenseGPCI"`
	MP       string   `json:"malpracticeGPCI"`
}

// feesLocalities lists the localities that have all the words somewhere.
func (r *run) feesLocalities(c *urfave.Context) error {
	_, localities, err := readCMS(c, "gpci", mpfs.NewLocalities)
	if err != nil {
		return err
	}
	counties := map[mpfs.LocalityID][]string{}
	if c.String("counties") != "" {
		_, areas, err := readCMS(c, "counties", mpfs.NewAreas)
		if err != nil {
			return err
		}
		for _, a := range areas {
			if !slices.Contains(counties[a.ID], a.Counties) {
				counties[a.ID] = append(counties[a.ID], a.Counties)
			}
		}
	}
	rows := []localityRow{}
	for _, l := range localities {
		row := localityRow{l.ID.String(), l.State, l.Name, counties[l.ID], l.Weights.Work.String(), l.Weights.PE.String(), l.Weights.Malpractice.String()}
		if row.has(c.Args().Slice()) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(x, y localityRow) int {
		return cmp.Or(cmp.Compare(x.State, y.State), cmp.Compare(x.Locality, y.Locality))
	})
	if r.json {
		return r.print(map[string]any{"localities": rows})
	}
	t := table{head: []string{"locality", "state", "work", "expense", "malpractice", "name"}}
	for _, row := range rows {
		t.add(row.Locality, row.State, row.Work, row.PE, row.MP, strings.Join(append([]string{row.Name}, row.Counties...), ": "))
	}
	return t.write(r.Out)
}

func (l *localityRow) has(words []string) bool {
	text := strings.ToUpper(strings.Join(append([]string{l.Locality, l.State, l.Name}, l.Counties...), " "))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, strings.ToUpper(w)) })
}
