package claims

import (
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

func TestPaymentStateOf(t *testing.T) {
	hold := &Hold{Reason: HoldStanding}
	for _, test := range []struct {
		receipt, taken, takenReceipt bool
		hold                         *Hold
		want                         PaymentState
	}{
		{false, false, false, nil, PaymentDecided},
		{false, false, false, hold, PaymentDecided},
		{true, false, false, hold, PaymentHeld},
		{true, false, false, nil, PaymentPayable},
		{true, true, false, nil, PaymentReleased},
		{true, true, false, hold, PaymentReleased},
		{true, true, true, hold, PaymentPaid},
	} {
		if got := PaymentStateOf(test.receipt, test.taken, test.takenReceipt, test.hold); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}

func TestParsePayment(t *testing.T) {
	for _, s := range PaymentStates {
		if got, err := ParsePaymentState(string(s)); err != nil || got != s {
			t.Errorf("%s: got %q, %v", s, got, err)
		}
	}
	for _, r := range HoldReasons {
		if got, err := ParseHoldReason(string(r)); err != nil || got != r || r.Words() == "" {
			t.Errorf("%s: got %q, %v", r, got, err)
		}
	}
	for _, s := range []string{"", "Paid", "paid ", "pending"} {
		if _, err := ParsePaymentState(s); err == nil {
			t.Errorf("state %q is taken", s)
		}
		if _, err := ParseHoldReason(s); err == nil {
			t.Errorf("reason %q is taken", s)
		}
	}
	if len(HoldReasons) != len(holdWords) {
		t.Errorf("%d reasons, %d with words", len(HoldReasons), len(holdWords))
	}
}

// The first reason that holds is told, and only what nothing else holds counts
// against a debt.
func TestHolds(t *testing.T) {
	rest := func(answer credentials.Answer, reason credentials.Reason) []Rest {
		return []Rest{{Standing: credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}},
			{Standing: credentials.Standing{Answer: answer, Reason: reason}}}
	}
	may := rest(credentials.May, credentials.ReasonLicensed)
	restricted := func(codes, reviewed string) []Rest {
		r := rest(credentials.MayRestricted, credentials.ReasonRestricted)
		r[1].Standing.Restrictions, r[1].Reviewed = codes, reviewed
		return r
	}
	staff := &Hold{Reason: HoldStaff}
	payee := Payee{NPI: "1003000126"}
	for _, test := range []struct {
		name string
		due  Due
		want HoldReason
	}{
		{"an order before the staff", Due{payee, Paid, 100, rest(credentials.MayNot, credentials.ReasonRevoked), staff, false}, HoldOrder},
		{"a suspension", Due{payee, Paid, 100, rest(credentials.MayNot, credentials.ReasonSuspended), nil, false}, HoldOrder},
		{"a license that was issued in error", Due{payee, Paid, 100, rest(credentials.MayNot, credentials.ReasonVoid), nil, false}, HoldOrder},
		{"a restriction before the staff", Due{payee, Paid, 100, restricted("A", ""), staff, false}, HoldRestriction},
		{"a restriction that nobody reviewed", Due{payee, Paid, 100, restricted("A B", "B"), nil, false}, HoldRestriction},
		{"a restriction without its codes", Due{payee, Paid, 100, restricted("", "A"), nil, false}, HoldRestriction},
		{"a restriction that a reviewer saw, and a debt", Due{payee, Paid, 100, restricted("B", "A B"), nil, false}, HoldRecoupment},
		{"a denial of a restricted license", Due{payee, Denied, 0, restricted("A", ""), nil, false}, ""},
		{"orders that nobody understands", Due{payee, Paid, 100, rest(credentials.Unknown, credentials.ReasonUnclear), nil, false}, HoldStanding},
		{"an expired license before the staff", Due{payee, Paid, 100, rest(credentials.MayNot, credentials.ReasonExpired), staff, false}, HoldLicense},
		{"the staff before a stale feed", Due{payee, Paid, 100, rest(credentials.Unknown, credentials.ReasonStale), staff, false}, HoldStaff},
		{"a stale feed before a debt", Due{payee, Paid, 100, rest(credentials.Unknown, credentials.ReasonStale), nil, false}, HoldStanding},
		{"an answer that is none", Due{payee, Paid, 100, rest("", ""), nil, false}, HoldStanding},
		{"no standing at all", Due{payee, Paid, 100, nil, nil, false}, HoldStanding},
		{"an outcome that is neither", Due{payee, Pended, 100, may, nil, false}, HoldStanding},
		{"a denial under a stale feed", Due{payee, Denied, 0, nil, nil, false}, ""},
		{"a denial held by the staff", Due{payee, Denied, 0, nil, staff, false}, HoldStaff},
		{"a debt", Due{payee, Paid, 100, may, nil, false}, HoldRecoupment},
		{"a debtor's claim of nothing", Due{payee, Paid, 0, may, nil, false}, ""},
		{"another payee", Due{Payee{NPI: "1003000134"}, Paid, 100, may, nil, false}, ""},
		{"somebody on a newer list, before the staff", Due{payee, Paid, 100, may, staff, true}, HoldExclusion},
		{"an order before the list", Due{payee, Paid, 100, rest(credentials.MayNot, credentials.ReasonRevoked), nil, true}, HoldOrder},
		{"a denial of somebody on a newer list", Due{payee, Denied, 0, may, nil, true}, ""},
	} {
		// The one held for its own reason counts nothing against the debt of 1.
		holds := Holds([]Due{test.due, {payee, Paid, 100, may, nil, false}, {payee, Paid, 100, may, nil, false}}, map[credentials.NPI]Cents{payee.NPI: 1})
		got := HoldReason("")
		if holds[0] != nil {
			got = holds[0].Reason
		}
		if got != test.want || (holds[1] == nil) != (test.want == HoldRecoupment) || holds[2] != nil {
			t.Errorf("%s: got %q, then %+v, %+v; want %q", test.name, got, holds[1], holds[2], test.want)
		}
	}
}
