package integrity

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/credentialstest"
)

func testPolicy() credentials.Policy {
	return credentials.Policy{Now: testTime.Add(time.Minute), Keys: credentials.ResolveDIDKey, Status: credentials.StatusElsewhere,
		Issuer: func(who credentials.DID, _ credentials.Kind, jurisdiction string) error {
			if who != didOf(1) || jurisdiction != "MA" {
				return credentials.Refuse(credentials.CheckIssuer, "it may not")
			}
			return nil
		}}
}

func judge(b []byte) (*credentials.Credential[credentials.License], credentials.Verdict) {
	return Judge[credentials.License](b, credentials.KindLicense, suites, testPolicy())
}

// Every field of a document and of its proof: by nobody, by a stranger, and by
// the issuer itself, who has no say in the form.
func TestJudgeEveryField(t *testing.T) {
	if _, v := judge(testSigned(t)); !v.IsGood() {
		t.Fatalf("unchanged: %+v", v)
	}
	n := credentialstest.EachChange(t, testSigned(t), func(c credentialstest.Change, edited []byte) {
		if _, v := judge(edited); v.Outcome != credentials.Bad {
			t.Errorf("%+v by nobody: %+v", c, v)
		}
	})
	if n < 90 {
		t.Errorf("%d changes only", n)
	}
	whole, _ := judge(testSigned(t))
	credentialstest.EachChange(t, testDraft(t), func(c credentialstest.Change, edited []byte) {
		if _, v := judge(forge(t, 2, string(edited), config(2, ""))); v.Outcome != credentials.Bad {
			t.Errorf("%+v by a stranger: %+v", c, v)
		}
		got, v := judge(forge(t, 1, string(edited), config(1, "")))
		own := slices.Contains([]string{"/id", "/validFrom", "/salt"}, c.Path) // its name, date and salt are its own
		if v.IsGood() && (got.Subject.Equal(whole.Subject) && !own || c.What == "another type" || c.What == "added") {
			t.Errorf("%+v by the issuer itself: it makes no difference", c)
		}
		if envelope := !strings.HasPrefix(c.Path, "/credentialSubject/"); envelope && c.What == "taken away" && v.IsGood() {
			t.Errorf("%+v by the issuer itself: good", c)
		}
	})
	credentialstest.EachChange(t, []byte(config(1, `,"expires":"2026-03-01T13:00:00Z"`)), func(c credentialstest.Change, edited []byte) {
		own := c == credentialstest.Change{Path: "/expires", What: "taken away"}
		if _, v := judge(forge(t, 1, string(testDraft(t)), string(edited))); v.IsGood() != own {
			t.Errorf("proof, %+v by the issuer itself: %+v", c, v)
		}
	})
}
