package claims

import (
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// A LineKey is what makes a service line the same service as another. The
// claim number is not part of it: a second copy under another number is still
// a second copy.
type LineKey struct {
	Billing   credentials.NPI
	Rendering credentials.NPI
	On        credentials.Date
	Code      string
	Modifiers []string
	Units     Quantity
	Charge    Cents
}

// repeated are the modifiers by which a provider says that a service was
// rendered again on purpose, on another side or in another session.
var repeated = []string{"59", "76", "77", "91", "XE", "XP", "XS", "XU", "RT", "LT"}

// Compare says how alike this line is to an earlier one of the same patient. A line
// that is the same but says "repeated on purpose" goes to a person (CARC 18 is for exact copies only).
func (k LineKey) Compare(earlier LineKey) Duplicate {
	if k.Billing != earlier.Billing || k.Rendering != earlier.Rendering || k.On != earlier.On ||
		k.Code != earlier.Code || k.Units != earlier.Units || k.Charge != earlier.Charge {
		return NotDuplicate
	}
	for _, m := range k.Modifiers {
		if slices.Contains(repeated, m) {
			return NearDuplicate
		}
	}
	if slices.Equal(sorted(k.Modifiers), sorted(earlier.Modifiers)) {
		return ExactDuplicate
	}
	return NotDuplicate
}

// Resembles is how rules/2 says it: what Compare finds, and as a likely repeat too
// the same service of the day with other units or another charge, or by another
// clinician for whom the same organization bills.
func (k LineKey) Resembles(earlier LineKey) Duplicate {
	if d := k.Compare(earlier); d != NotDuplicate {
		return d
	}
	same := k.On == earlier.On && k.Code == earlier.Code && (k.Billing == earlier.Billing || k.Rendering == earlier.Rendering)
	if same && slices.Equal(sorted(k.Modifiers), sorted(earlier.Modifiers)) {
		return NearDuplicate
	}
	return NotDuplicate
}

// Likeness is how alike a line is to the most alike of earlier ones, as an edition
// of the rules compares them.
func Likeness(rules string, line LineKey, earlier []LineKey) Duplicate {
	worst := NotDuplicate
	r, err := rulesNamed(rules)
	if err != nil {
		return worst // Adjudicate refuses such a plan
	}
	for _, e := range earlier {
		if d := r.alike(line, e); d == ExactDuplicate || worst == NotDuplicate {
			worst = d
		}
	}
	return worst
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}
