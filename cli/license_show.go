package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

func (r *run) printLicenses(rows []*licenseRow, ended error) error {
	if r.json {
		return r.print(struct {
			Licenses []*licenseRow `json:"licenses"`
			ending
		}{rows, endingOf(ended)})
	}
	if len(rows) == 0 && ended != nil {
		return nil
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(r.Out, "no licenses")
		return err
	}
	for i, l := range rows {
		if i > 0 {
			fmt.Fprintln(r.Out)
		}
		fmt.Fprintf(r.Out, "%s %s %s, NPI %s, %s\n", l.Jurisdiction, oneLine(l.Profession), oneLine(l.Number), l.NPI, oneLine(l.Name))
		fmt.Fprintf(r.Out, "  handle   %s\n  valid    %s to %s\n", l.Handle, l.From, l.Until)
		if len(l.Taxonomy) > 0 {
			fmt.Fprintf(r.Out, "  taxonomy %s\n", codeWords(l.Taxonomy))
		}
		if l.Holder != "" {
			fmt.Fprintf(r.Out, "  bound    %s\n", keyWords(l.Holder))
		}
		for _, o := range l.Orders {
			fmt.Fprintf(r.Out, "  %s\n           order %s\n", orderLine(o), o.Handle)
		}
		fmt.Fprintf(r.Out, "  today    %s\n", standingLine(l.Standing))
		if l.Receipt {
			fmt.Fprintln(r.Out, "  ledger   it has its receipt")
		} else {
			fmt.Fprintln(r.Out, "  ledger   no receipt yet; what the board signed stands")
		}
	}
	return nil
}

// codeWords are codes with spaces between them, as they are typed.
func codeWords(codes []credentials.Taxonomy) string {
	var words []string
	for _, c := range codes {
		words = append(words, oneLine(string(c)))
	}
	return strings.Join(words, " ")
}

// actWords are what a license has become by an act.
var actWords = map[credentials.OrderAction]string{
	credentials.OrderRevoke: "revoked", credentials.OrderSuspend: "suspended", credentials.OrderReinstate: "reinstated",
	credentials.OrderRestrict: "restricted", credentials.OrderRenew: "renewed", credentials.OrderVoid: "voided",
	credentials.OrderBind: "bound",
}

// orderLine tells an order in a line: what, from when, to when, why.
func orderLine(o credentials.Order) string {
	line := fmt.Sprintf("%-8s from %s", actWords[o.Action], o.Effective.Format(time.RFC3339))
	if o.Until != "" {
		line += " to " + string(o.Until)
	}
	if len(o.Restrictions) > 0 {
		line += ", limited by " + limits(strings.Join(o.Restrictions, " "))
	}
	if o.Action == credentials.OrderBind {
		line += " " + keyWords(o.Holder)
	}
	line += " (" + oneLine(o.Reason) + ")"
	for _, h := range o.Upon {
		line += ", order " + h.String()
	}
	return line
}

// keyWords says to which key a license is bound.
func keyWords(holder credentials.DID) string {
	if holder == "" {
		return "to no key"
	}
	return "to " + oneLine(string(holder))
}

// limits are codes of restrictions as a sentence has them. Each is a limit by
// the board's own name, never a service that is allowed.
func limits(codes string) string { return oneLine(strings.ReplaceAll(codes, " ", ", ")) }

// standingLine tells in words what a license is good for.
func standingLine(s credentials.Standing) string {
	words := map[credentials.Answer]string{
		credentials.May: "may practice", credentials.MayNot: "may not practice", credentials.Unknown: "not known",
		credentials.MayRestricted: "may practice, limited by " + limits(s.Restrictions),
	}
	return fmt.Sprintf("%s (%s)", words[s.Answer], s.Reason)
}
