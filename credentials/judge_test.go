package credentials

import (
	"testing"
	"time"
)

const testListURL = "https://board.example/status/1"

// testList is the list of testToken's status, with a bit set for each place.
func testList(t testing.TB, set ...int) *SignedList {
	t.Helper()
	var bits StatusList
	for _, i := range set {
		if err := bits.Set(i); err != nil {
			t.Fatal(err)
		}
	}
	token, err := IssueStatusList(NewSigner("", testKey(1)), handle(3), testListURL, &bits, testTime, testTime.Add(time.Hour))
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
	list := testList(t, 4, 6)
	board := KeyDID(pubOf(testKey(1)))
	return Policy{
		Now: testTime.Add(time.Minute), Leeway: time.Minute, Position: Latest, Keys: ResolveDIDKey,
		Issuer: func(who DID, kind Kind, jurisdiction string) error {
			if who != board || kind != KindLicense || jurisdiction != "MA" {
				return Refuse(CheckIssuer, "it may not")
			}
			return nil
		},
		List: func(DID, StatusEntry) (*SignedList, error) { return list, nil },
	}
}

func TestJudgeGood(t *testing.T) {
	c, v := Judge[License](testToken(t, testKey(1)), KindLicense, testPolicy(t))
	if !v.IsGood() || v != (Verdict{Outcome: Good}) || v.Err() != nil || c.Subject != testLicense() {
		t.Errorf("got %+v, %+v", c, v)
	}
}

// What we write with an escape goes another way through the reader.
func TestJudgeGoodWithEscapes(t *testing.T) {
	l := testLicense()
	l.Name = "Test\tPerson \u2028 \U0001F600"
	token, err := Issue(NewSigner("", testKey(1)), KindLicense, handle(7), testTime, NewStatusEntry(testListURL, 5), l)
	if err != nil {
		t.Fatal(err)
	}
	if c, v := Judge[License](token, KindLicense, testPolicy(t)); !v.IsGood() || c.Subject != l {
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
