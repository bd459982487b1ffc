package credentials

import (
	"testing"
	"time"
)

const testListURL = "https://board.example/status/1"

// testStatus are the entries of testToken.
func testStatus() []StatusEntry {
	return LicenseStatus(testURL, [3]int{5, 6, 7})
}

func testURL(p StatusPurpose) string {
	if p == PurposeRevocation {
		return testListURL
	}
	return "https://board.example/" + string(p) + "/1"
}

// testList is testToken's list for revocation, with a bit set for each place.
func testList(t testing.TB, set ...int) *SignedList {
	t.Helper()
	values := map[int]int{}
	for _, i := range set {
		values[i] = 1
	}
	return testListOf(t, PurposeRevocation, values)
}

func testListOf(t testing.TB, p StatusPurpose, values map[int]int) *SignedList {
	t.Helper()
	size := 1
	if p == PurposeMessage {
		size = MessageSize
	}
	bits := NewStatusList(size)
	for i, v := range values {
		if err := bits.Set(i, v); err != nil {
			t.Fatal(err)
		}
	}
	token, err := IssueStatusList(NewSigner("", testKey(1)), handle(3), p, testURL(p), bits, testTime, testTime.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	l, err := ReadStatusList(token, ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// testPolicy finds testToken good.
func testPolicy(t testing.TB) Policy {
	lists := map[StatusPurpose]*SignedList{
		PurposeRevocation: testList(t, 4, 6),
		PurposeSuspension: testListOf(t, PurposeSuspension, map[int]int{5: 1, 7: 1}),
		PurposeMessage:    testListOf(t, PurposeMessage, map[int]int{6: 3, 8: 3}),
	}
	board := KeyDID(pubOf(testKey(1)))
	return Policy{
		Now: testTime.Add(time.Minute), Leeway: time.Minute, Position: Latest, Keys: ResolveDIDKey,
		Issuer: func(who DID, kind Kind, jurisdiction string) error {
			if who != board || kind != KindLicense || jurisdiction != "MA" {
				return Refuse(CheckIssuer, "it may not")
			}
			return nil
		},
		List: func(_ DID, e StatusEntry) (*SignedList, error) { return lists[e.Purpose], nil },
	}
}

func TestJudgeGood(t *testing.T) {
	c, v := Judge[License](testToken(t, testKey(1)), KindLicense, testPolicy(t))
	if !v.IsGood() || v != (Verdict{Outcome: Good}) || v.Err() != nil || !c.Subject.Equal(testLicense()) {
		t.Errorf("got %+v, %+v", c, v)
	}
}

// What we write with an escape goes another way through the reader.
func TestJudgeGoodWithEscapes(t *testing.T) {
	l := testLicense()
	l.Name = "Test\tPerson \u2028 \U0001F600"
	token, err := Issue(NewSigner("", testKey(1)), KindLicense, handle(7), testTime, testStatus(), l)
	if err != nil {
		t.Fatal(err)
	}
	if c, v := Judge[License](token, KindLicense, testPolicy(t)); !v.IsGood() || !c.Subject.Equal(l) {
		t.Errorf("got %+v, %+v", c, v)
	}
}

// What a policy does not say is not waived.
func TestZeroPolicy(t *testing.T) {
	token := testToken(t, testKey(1))
	if _, v := Judge[License](token, KindLicense, Policy{}); v.Outcome != NotKnown || v.Check != CheckKey {
		t.Errorf("got %+v", v)
	}
	if (Verdict{}).IsGood() || (Verdict{}).Err() == nil {
		t.Error("the zero verdict is good")
	}
}
