package claims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/credentials"
)

// An Edit is one check that intake makes of a claim. The list of all of them is
// AllEdits; docs/edits.md is held to it by a test.
type Edit struct {
	Name    string
	Level   int    // SNIP level, WEDI's: 1 syntax to 7 trading partner
	Loop    string // where it looks: the first place, where there are several
	Segment string
	Element string
	Words   string // what it wants
	Off     bool   // unless it is switched on
	Needs   Need
}

// A Need says what rests on an edit, and so who may switch it off.
type Need string

const (
	// ByNothing: an insurer may switch it off.
	ByNothing Need = ""
	// ByDecisions: money or a license rests on what it checks. It may be switched
	// off to look at the rest of a file, never where claims are taken in.
	ByDecisions Need = "decisions"
	// ByReading: what follows it in the file could not be understood without.
	ByReading Need = "reading"
)

// Answer is the document that tells of a failure, the 999 for levels 1 to 4 and
// the 277CA for 5 to 7. A claim that was read and fails an edit of level 2 to 4
// alone is told of by both: its 999 accepts the set "with errors", and only the
// 277CA says that the claim does not go on.
func (e Edit) Answer() string {
	if e.Level <= 4 {
		return "999"
	}
	return "277CA"
}

// EditNamed finds an edit of the list.
func EditNamed(name string) (Edit, bool) {
	for _, e := range AllEdits {
		if e.Name == name {
			return e, true
		}
	}
	return Edit{}, false
}

// Edits are the switches of the intake edits. The zero value has each edit as it
// comes.
type Edits struct {
	// SkipNPICheckDigit switches npi-check-digit off: it takes NPIs that are well
	// formed but fail Luhn, as most public sample files have them.
	SkipNPICheckDigit bool
	// Switched are the edits that were switched, by name.
	Switched map[string]bool
	// Payers are the payer ids for payer-ours.
	Payers []string
	// Codes asks the published lists; without them codes are checked by their form
	// alone.
	Codes func(kind CodeKind, code string, day credentials.Date) CodeAnswer
}

// On says whether an edit is made. A name that is not in the list is always on,
// so that a slip of a pen lets nothing through.
func (e Edits) On(name string) bool {
	if on, switched := e.Switched[name]; switched {
		return on
	}
	if name == "npi-check-digit" && e.SkipNPICheckDigit {
		return false
	}
	edit, _ := EditNamed(name)
	return !edit.Off
}

// ParseEdits reads switches: "npi-check-digit=off". Where claims are taken in
// (door), what decisions rest on cannot be switched off.
func ParseEdits(switches []string, door bool) (Edits, error) {
	out := Edits{Switched: map[string]bool{}}
	for _, s := range switches {
		name, state, _ := strings.Cut(strings.TrimSpace(s), "=")
		e, known := EditNamed(name)
		_, twice := out.Switched[name]
		switch {
		case !known:
			return out, fmt.Errorf("there is no edit %q%s; \"countersign claim edits\" lists them", name, like(name))
		case state != "on" && state != "off":
			return out, fmt.Errorf("want %s=on or %s=off", name, name)
		case twice:
			return out, fmt.Errorf("edit %s is switched twice", name)
		case state == "off" && e.Needs == ByReading:
			return out, fmt.Errorf("edit %s cannot be switched off: without it the file cannot be read", name)
		case state == "off" && e.Needs == ByDecisions && door:
			return out, fmt.Errorf("edit %s cannot be switched off where claims are taken in: decisions rest on it (claim check may)", name)
		}
		out.Switched[name] = state == "on"
	}
	return out, nil
}

// like is a hint at an edit whose name holds a part of the given one.
func like(name string) string {
	for part := range strings.SplitSeq(name, "-") {
		i := slices.IndexFunc(AllEdits, func(e Edit) bool { return len(part) > 2 && strings.Contains(e.Name, part) })
		if i >= 0 {
			return fmt.Sprintf(" (%s?)", AllEdits[i].Name)
		}
	}
	return ""
}
