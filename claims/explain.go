package claims

// Trail is the line's steps with the codes of what each takes off. Steps carry
// them from rules/2 on; under rules/1 they follow from the rule's name and from
// the line's one denial.
func (l *LineDecision) Trail() []Step {
	trail := make([]Step, len(l.Steps))
	for i, s := range l.Steps {
		trail[i] = s
		if s.CARC != "" || s.Before == s.After || s.Rule == RuleMaximum {
			continue
		}
		carc, rarc := firstRules[s.Rule], ""
		if l.Outcome == Denied && len(l.Adjustments) > 0 {
			carc, rarc = l.Adjustments[0].CARC, l.Adjustments[0].RARC
		}
		if group, ok := GroupOf(carc); ok {
			trail[i].Group, trail[i].CARC, trail[i].RARC = group, carc, rarc
		}
	}
	return trail
}

// RuleMaximum names the step by which the plan bears what is beyond the patient's
// maximum: it gives back what steps before it took.
const RuleMaximum = "out-of-pocket-maximum"

// firstRules are the rules of rules/1 that take something off a line which they do
// not deny.
var firstRules = map[string]string{
	"allowed-amount": CARCContractual, "copay": CARCCopay, "deductible": CARCDeductible, "coinsurance": CARCCoinsurance,
}

// RemarkWords says in our own plain words what a RARC means, "" for one that no
// released rules use.
func RemarkWords(rarc string) string {
	switch rarc {
	case RARCPlanExcludes:
		return "the plan's terms say so"
	case RARCSignature:
		return "the clinician's signature is missing or wrong"
	}
	return ""
}
