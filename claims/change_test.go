package claims

import (
	"strings"
	"testing"
)

var changeTests = []struct {
	name string
	with func(c *Claim, x *Change)
	want string // code and a part of the message
}{
	{"an original", func(c *Claim, x *Change) { c.Frequency, *x = Original, Change{} }, ""},
	{"decided, and still standing", func(c *Claim, x *Change) {}, ""},
	{"a name in capitals", func(c *Claim, x *Change) { c.Subscriber.First = strings.ToUpper(c.Subscriber.First) }, ""},
	{"not known", func(c *Claim, x *Change) { *x = Change{} }, "A7:464 no claim of yours"},
	{"not decided", func(c *Claim, x *Change) { x.Final = false }, "A3:464 is not decided yet"},
	{"taken back", func(c *Claim, x *Change) { x.Final, x.ReversedBy = false, "CSANOTHER" }, "A7:464 was taken back by CSANOTHER"},
	{"a void", func(c *Claim, x *Change) { x.Final, x.Claim.Frequency = false, Void }, "A7:464 is a void itself"},
	{"another payer", func(c *Claim, x *Change) { c.Payer.ID = "Q" }, "A7:116 another payer"},
	{"another NPI", func(c *Claim, x *Change) { c.Billing.NPI = drA }, "A7:562 another NPI"},
	{"another member", func(c *Claim, x *Change) { c.Subscriber.MemberID = "M2" }, "A7:164 another patient"},
	{"a dependent", func(c *Claim, x *Change) { c.Patient = &Person{First: "Ben", Birth: "2012-03-04"} }, "A7:164 another patient"},
	{"a hospital's", func(c *Claim, x *Change) { c.Institutional = &Institutional{} }, "A7:464 institutional"},
}

// changeTest is a claim that changes another one, with a change to one of them.
func changeTest(t *testing.T, with func(*Claim, *Change)) (*Claim, *Change) {
	t.Helper()
	first, c := sample(t, ""), sample(t, "")
	c.Frequency, c.OriginalReference = Replacement, "CSFIRST"
	x := &Change{Known: true, Final: true, Claim: first}
	with(c, x)
	return c, x
}

func TestChange(t *testing.T) {
	for _, tt := range changeTests {
		c, x := changeTest(t, tt.with)
		got := ""
		for _, p := range x.Check(c, Edits{}) {
			got += p.Code + " " + p.Message
			if p.Edit != "change-taken" || p.Segment != "REF" || p.Element != "REF02" || p.Qualifier != "F8" {
				t.Errorf("%s: placed at %+v", tt.name, p)
			}
		}
		code, words, _ := strings.Cut(tt.want, " ")
		if (tt.want == "") != (got == "") || !strings.HasPrefix(got, code) || !strings.Contains(got, words) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
