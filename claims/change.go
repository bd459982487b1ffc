package claims

import "strings"

// A Change is what the insurer knows of the claim that a replacement or a void
// names (REF*F8), among those of the same submitter.
type Change struct {
	Known      bool
	Final      bool   // its decision stands, and may be taken back
	ReversedBy string // the insurer's number of the claim that took it back already
	Claim      *Claim // where it is known
}

// Check says why a claim may not change the one that it names: it takes back a
// final decision, of the same member and billing provider, that still stands.
func (x Change) Check(c *Claim, edits Edits) []Problem {
	if !c.Changes() {
		return nil
	}
	k := &checker{claim: c, edits: edits}
	named := func(code, format string, args ...any) []Problem {
		k.qualified("F8", "change-taken", "2300", "REF", "REF02", code, "frequency %s: "+format, append([]any{c.Frequency}, args...)...)
		return k.problems
	}
	switch {
	case !x.Known:
		return named("A7:464", "no claim of yours has the number in REF*F8; give the insurer's own (CLP07 of the 835)")
	case x.ReversedBy != "":
		return named("A7:464", "the claim that it names was taken back by %s already; change that one", x.ReversedBy)
	case x.Claim.Frequency == Void:
		return named("A7:464", "the claim that it names is a void itself; send an original claim")
	case !x.Final:
		return named("A3:464", "the claim that it names is not decided yet; wait for its decision")
	case x.Claim.Payer.ID != c.Payer.ID:
		return named("A7:116", "the claim that it names went to another payer")
	case x.Claim.Billing.NPI != c.Billing.NPI:
		return named("A7:562", "the claim that it names was billed under another NPI; void that one and send this as an original")
	case !x.Claim.samePatient(c):
		return named("A7:164", "the claim that it names is of another patient; void that one and send this as an original")
	case (x.Claim.Institutional == nil) != (c.Institutional == nil):
		return named("A7:464", "one of the two is professional and the other institutional; void that one and send this as an original")
	}
	return nil
}

// samePatient compares whom two claims are for, as the member roster names them.
func (c *Claim) samePatient(o *Claim) bool {
	a, b := c.PatientPerson(), o.PatientPerson()
	return c.Subscriber.MemberID == o.Subscriber.MemberID && a.Birth == b.Birth && strings.EqualFold(a.First, b.First)
}

// Changes says whether the claim changes another one (CLM05-3 of 7 or 8).
func (c *Claim) Changes() bool { return c.Frequency == Replacement || c.Frequency == Void }
