package x12

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// An Answered is what intake said to the claims of one transaction set: for
// each whether it was taken in, or by which edits it was refused.
type Answered struct {
	Payer     claims.Payer
	Submitter Submitter
	Reference string           // BHT03 of the 837
	Received  credentials.Date // when the claims came in
	Processed credentials.Date // when they were answered
	Claims    []ClaimAnswer    // in file order
}

// A ClaimAnswer is intake's answer to one claim. A claim without problems was
// taken in, to be decided.
type ClaimAnswer struct {
	Claim    *claims.Claim
	Control  string // the payer's claim control number, where it was taken in
	Problems []claims.Problem
}

// Taken says whether the claim goes on to be decided.
func (a *ClaimAnswer) Taken() bool { return len(a.Problems) == 0 }

// WriteClaimAnswers writes the claim acknowledgement (277CA, 005010X214), one
// transaction set for each that was answered. The codes are those of the
// problems; X12 keeps the list of what they say in words.
func WriteClaimAnswers(e Envelope, answered ...Answered) ([]byte, error) {
	if len(answered) == 0 {
		return nil, errors.New("write 277CA: there is no claim to answer")
	}
	w := &writer{}
	w.open(e, "HN", "005010X214")
	for i := range answered {
		w.about = fmt.Sprintf("transaction set %d", i+1)
		w.answers(e, i+1, &answered[i])
	}
	return w.close(e, "277CA", len(answered))
}

func (w *writer) answers(e Envelope, n int, a *Answered) {
	control := fmt.Sprintf("%04d", n)
	trace := fmt.Sprintf("%d-%d", e.Control, n)
	w.count = 0
	w.segment("ST", "277", control, "005010X214")
	w.segment("BHT", "0085", "08", trace, e.Produced.Format("20060102"), e.Produced.Format("150405"), "TH")

	w.segment("HL", "1", "", "20", "1")
	w.segment("NM1", "PR", "2", w.need("the payer's name", clean(a.Payer.Name, 60)), "", "", "", "", "PI", w.need("the payer's id", clean(a.Payer.ID, 80)))
	w.segment("TRN", "1", trace)
	w.segment("DTP", "050", "D8", w.date("the date of receipt", a.Received))
	w.segment("DTP", "009", "D8", w.date("the date of the answer", a.Processed))
	w.receiver(a)

	levels, billing := 2, -1
	for i := range a.Claims {
		c := &a.Claims[i]
		if i == 0 || a.Claims[i-1].Claim.Billing != c.Claim.Billing {
			levels++
			billing = levels
			w.segment("HL", fmt.Sprint(levels), "2", "19", "1")
			w.entity("85", &c.Claim.Billing)
		}
		levels++
		w.segment("HL", fmt.Sprint(levels), fmt.Sprint(billing), "PT")
		w.claimAnswer(a, c)
	}
	w.segment("SE", fmt.Sprint(w.count+1), control)
}

// receiver writes loop 2100B and 2200B: who sent the claims, and what of them
// was taken in, in numbers.
func (w *writer) receiver(a *Answered) {
	count, sum := map[bool]int{}, map[bool]claims.Cents{}
	for i := range a.Claims {
		taken := a.Claims[i].Taken()
		count[taken]++
		sum[taken] += a.Claims[i].Claim.Charge
	}
	w.segment("HL", "2", "1", "21", "1")
	w.segment("NM1", "41", "2", w.need("the submitter's name", clean(a.Submitter.Name, 60)), "", "", "", "", "46", w.need("the submitter's id", clean(a.Submitter.ID, 80)))
	w.segment("TRN", "2", w.need("the reference of the transaction set", clean(a.Reference, 50)))
	// A1:19 is that the entity (PR, the payer) acknowledges receipt.
	w.segment("STC", composite{"A1", "19", "PR"}, d8(a.Processed), "WQ", (sum[true] + sum[false]).String())
	for _, taken := range []bool{true, false} {
		if count[taken] > 0 {
			w.segment("QTY", map[bool]string{true: "90", false: "AA"}[taken], fmt.Sprint(count[taken]))
		}
	}
	for _, taken := range []bool{true, false} {
		if count[taken] > 0 {
			w.segment("AMT", map[bool]string{true: "YU", false: "YY"}[taken], sum[taken].String())
		}
	}
}

// entity names a provider (NM1) with its NPI, where that is one.
func (w *writer) entity(code string, p *claims.Provider) {
	kind := "1"
	if p.Organization {
		kind = "2"
	}
	qualifier, npi := "XX", clean(string(p.NPI), 80)
	if npi == "" {
		qualifier = ""
	}
	w.segment("NM1", code, kind, clean(p.Name, 60), clean(p.First, 35), "", "", "", qualifier, npi)
}

func (w *writer) claimAnswer(a *Answered, c *ClaimAnswer) {
	patient := c.Claim.PatientPerson()
	member := patient.MemberID
	if member == "" {
		member = c.Claim.Subscriber.MemberID
	}
	qualifier := "MI"
	if clean(member, 80) == "" {
		qualifier = ""
	}
	w.segment("NM1", "QC", "1", clean(patient.Last, 60), clean(patient.First, 35), clean(patient.Middle, 25), "", "", qualifier, clean(member, 80))
	w.segment("TRN", "2", w.need("the claim's number", clean(c.Claim.Number, 50)))
	// A2:20 is that the claim was accepted into adjudication.
	status := []claims.Problem{{Code: "A2:20"}}
	if !c.Taken() {
		status = about(c.Problems, 0)
		if len(status) == 0 {
			status = c.Problems[:1] // every fault is a line's: its first stands for the claim, too
		}
	}
	w.status(a, c.Claim, status, c.Taken(), c.Claim.Charge)
	if c.Control != "" {
		w.segment("REF", "1K", clean(c.Control, 50))
	}
	w.servedOn(c.Claim.FirstService(), c.Claim.LastService())
	for i := range c.Claim.Lines {
		l := &c.Claim.Lines[i]
		wrong := about(c.Problems, l.Number)
		if len(wrong) == 0 {
			continue
		}
		w.claimed(l)
		w.status(a, c.Claim, wrong, false, -1)
		if control := clean(l.Control, 50); control != "" {
			w.segment("REF", "FJ", control)
		} else {
			w.segment("REF", "FJ", fmt.Sprint(l.Number))
		}
		w.servedOn(l.From, l.To)
	}
}

// claimed names a line by its procedure and, on an institutional claim, by its
// revenue code (SVC04), or by that alone (qualifier NU).
func (w *writer) claimed(l *claims.Line) {
	code, revenue := composite{"HC", clean(l.Code, 48)}, clean(l.Revenue, 48)
	if l.Code == "" && revenue != "" {
		code, revenue = composite{"NU", revenue}, ""
	}
	w.segment("SVC", code, l.Charge.String(), "", revenue)
}

// about are the problems of a line, or with 0 those of the claim as a whole.
func about(all []claims.Problem, line int) (some []claims.Problem) {
	for _, p := range all {
		if p.Line == line {
			some = append(some, p)
		}
	}
	return some
}

// problemEntities are who a fault is about (STC01-3), by the loop in which it stands.
var problemEntities = map[string]string{
	"2010AA": "85", "2010BA": "IL", "2010CA": "QC", "2010BB": "PR", "2310B": "82", "2420A": "82",
}

// hospitalEntities are those of an institutional claim that differ.
var hospitalEntities = map[string]string{"2310A": "71", "2310B": "72", "2310D": "82", "2420C": "82"}

func entityOf(c *claims.Claim, loop string) string {
	if code := hospitalEntities[loop]; code != "" && c.Institutional != nil {
		return code
	}
	return problemEntities[loop]
}

// status writes STC, up to three codes in one, each code once.
func (w *writer) status(a *Answered, claim *claims.Claim, problems []claims.Problem, taken bool, charge claims.Cents) {
	var codes []composite
	for _, p := range problems {
		category, code, _ := strings.Cut(p.Code, ":")
		c := composite{w.need("the category of a problem", category), w.need("the status code of a problem", code), entityOf(claim, p.Loop)}
		if !slices.ContainsFunc(codes, func(o composite) bool { return slices.Equal(o, c) }) {
			codes = append(codes, c)
		}
	}
	action, amount := "U", ""
	if taken {
		action = "WQ"
	}
	if charge >= 0 {
		amount = charge.String()
	}
	for chunk := range slices.Chunk(codes, 3) {
		chunk = append(chunk, nil, nil)
		w.segment("STC", chunk[0], d8(a.Processed), action, amount, "", "", "", "", "", chunk[1], chunk[2])
	}
}

// servedOn writes DTP*472. A claim that was refused may lack its dates.
func (w *writer) servedOn(from, to credentials.Date) {
	switch {
	case from == "" || to < from:
	case from == to:
		w.segment("DTP", "472", "D8", d8(from))
	default:
		w.segment("DTP", "472", "RD8", d8(from)+"-"+d8(to))
	}
}
