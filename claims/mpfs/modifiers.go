package mpfs

import (
	"slices"

	"github.com/countersign-health/countersign/claims"
)

// A Verdict says what becomes of a line under a payment rule.
type Verdict string

const (
	Pays    Verdict = "pays"
	Review  Verdict = "review"  // a person decides, by report or by documents
	Refused Verdict = "refused" // the schedule never pays it so
)

// A Ruling is what one rule says of one service. The rate is of the amount that
// came to the rule, where it pays.
type Ruling struct {
	Verdict Verdict
	Rate    claims.Rate
	CARC    string // of a refusal
	Words   string
}

// CARCs of what the schedule refuses; what it reduces is CARC 59.
const (
	CARCModifier   = "4"  // the modifier does not go with the code
	CARCConcurrent = "59" // several procedures or persons at once
	CARCAssistants = "54" // no second person is paid for this procedure
)

func pays(rate claims.Rate, words string) Ruling { return Ruling{Pays, rate, "", words} }
func review(words string) Ruling                 { return Ruling{Review, 0, "", words} }
func refused(carc, words string) Ruling          { return Ruling{Refused, 0, carc, words} }

// Bilateral says what both sides of the body together are worth, by the bilateral
// surgery indicator, in shares of one side's amount.
func Bilateral(p Policy, r *Row) Ruling {
	switch r.Bilateral {
	case '1':
		return pays(p.Bilateral, "both sides")
	case '0', '2':
		// 0: it cannot be, or another code is for both; 2: the amount is for both.
		return pays(wholePE, "both sides are worth one amount")
	case '3':
		return pays(2*wholePE, "each side by itself")
	}
	return refused(CARCModifier, "modifier 50 does not go with this service")
}

// assistants are the modifiers of those who assist at surgery. AS is not a physician.
var assistants = []string{"80", "81", "82", "AS"}

// Assistant says what one who assists is paid of the surgeon's amount.
func Assistant(p Policy, r *Row, modifier string) Ruling {
	switch {
	case !slices.Contains(assistants, modifier):
		return pays(wholePE, "no assistant")
	case r.Assistant == '0':
		return review("an assistant is paid here on documents only")
	case r.Assistant != '2':
		return refused(CARCAssistants, "no assistant is paid for this procedure")
	case modifier == "AS":
		return pays(p.AssistantNotPhysician, "assistant who is not a physician")
	}
	return pays(p.Assistant, "assistant at surgery")
}

// CoSurgeon says what each of two surgeons is paid (modifier 62).
func CoSurgeon(p Policy, r *Row) Ruling {
	switch r.CoSurgeon {
	case '2':
		return pays(p.CoSurgeon, "one of two surgeons")
	case '1':
		return review("two surgeons are paid here on documents only")
	}
	return refused(CARCAssistants, "two surgeons are not paid for this procedure")
}

// Team says that a team's surgeons (modifier 66) are paid by report, if at all.
func Team(r *Row) Ruling {
	if r.Team == '1' || r.Team == '2' {
		return review("a team of surgeons is paid by report")
	}
	return refused(CARCAssistants, "a team of surgeons is not paid for this procedure")
}

// Component finds the row that a line is priced by: that of its professional or
// technical part (26, TC), of a procedure given up (53), or of the whole.
func Component(s *Schedule, code string, modifiers []string) (*Row, Ruling) {
	part := ""
	for _, m := range modifiers {
		if !slices.Contains([]string{"26", "TC", "53"}, m) || m == part {
			continue
		}
		if part != "" {
			return nil, refused(CARCModifier, "modifiers "+part+" and "+m+" exclude each other")
		}
		part = m
	}
	row, whole := s.Row(code, part), s.Row(code, "")
	switch {
	case row == nil && whole == nil:
		return nil, review("the schedule has no code " + code)
	case row == nil && part == "53":
		return nil, review("a procedure that was given up is priced by report")
	case row == nil:
		return nil, refused(CARCModifier, "modifier "+part+" does not go with "+code)
	case !row.Priced():
		return nil, review("the schedule sets no price: " + row.Words())
	}
	return row, pays(wholePE, "by the row "+row.Name())
}

// Lesser is what is allowed: never more than was charged.
func Lesser(charge, amount claims.Cents) claims.Cents { return min(charge, amount) }
