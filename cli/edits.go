package cli

import (
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
)

// editFlags switch intake edits.
func editFlags() []urfave.Flag {
	return []urfave.Flag{
		skipNPIFlag(),
		&urfave.StringSliceFlag{Name: "edits", Usage: "switch `EDIT`=off or EDIT=on, several by commas; \"countersign claim edits\" lists them"},
		&urfave.StringSliceFlag{Name: "payer", Usage: "the insurer's payer `ID`, for the edit payer-ours"},
	}
}

// editsOf reads the switches. On the way to an insurer (door), what decisions
// rest on stays on.
func editsOf(c *urfave.Context, door bool) (claims.Edits, error) {
	edits, err := claims.ParseEdits(c.StringSlice("edits"), door)
	if err != nil {
		return edits, refused(commandName(c), "--edits: "+err.Error(), "")
	}
	edits.SkipNPICheckDigit = c.Bool("skip-npi-check-digit")
	edits.Payers = c.StringSlice("payer")
	if edits.On("payer-ours") && len(edits.Payers) == 0 {
		return edits, refused(commandName(c), "--payer is missing", "give the insurer's payer id for the edit payer-ours")
	}
	return edits, nil
}

// editJSON is an edit as claim edits --json prints it.
type editJSON struct {
	Edit    string `json:"edit"`
	Level   int    `json:"level"`
	Loop    string `json:"loop,omitempty"`
	Segment string `json:"segment"`
	Element string `json:"element"`
	On      bool   `json:"on"`
	Needed  string `json:"neededBy,omitempty"`
	Answer  string `json:"answer"`
	Words   string `json:"words"`
}

func (r *run) claimEdits(c *urfave.Context) error {
	edits, err := editsOf(c, false)
	if err != nil {
		return err
	}
	all := []editJSON{}
	t := table{head: []string{"level", "edit", "", "where", "wants that"}}
	for _, e := range claims.AllEdits {
		on := edits.On(e.Name)
		all = append(all, editJSON{e.Name, e.Level, e.Loop, e.Segment, e.Element, on, string(e.Needs), e.Answer(), e.Words})
		state := map[bool]string{true: "on", false: "off"}[on]
		if e.Needs != claims.ByNothing {
			state += ", needed by " + string(e.Needs)
		}
		t.add(strconv.Itoa(e.Level), e.Name, state, strings.TrimSpace(e.Loop+" "+e.Element), e.Words)
	}
	if r.json {
		return r.print(map[string]any{"edits": all})
	}
	return t.write(r.Out)
}
