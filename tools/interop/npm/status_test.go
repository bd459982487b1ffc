//go:build interop && linux

package npm

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
)

// The places of a license in a board's three lists.
var (
	revocation = credentials.NewStatusEntry(credentials.PurposeRevocation, listURL, revocationPlace)
	suspension = credentials.NewStatusEntry(credentials.PurposeSuspension, "https://board.example/status/2", 12)
	message    = credentials.NewMessageEntry("https://board.example/status/3", revocationPlace, [4]string{"none", "restricted", "see orders", "reserved"})
)

func listSubject(e credentials.StatusEntry, encoded string) credentials.StatusListSubject {
	return credentials.StatusListSubject{ID: e.Credential + "#list", Type: "BitstringStatusList", Purpose: e.Purpose, Encoded: encoded}
}

// encoded is our list with these places set.
func encoded(t *testing.T, bits int, set ...int) string {
	t.Helper()
	l := credentials.NewStatusList(bits)
	for _, i := range set {
		if err := l.Set(i, 1); err != nil {
			t.Fatal(err)
		}
	}
	return l.Encode()
}

// proved is a document of ours with a proof.
func proved[T any](t *testing.T, p party, suite integrity.Suite, kind credentials.Kind, from time.Time, status []credentials.StatusEntry, subject T) string {
	t.Helper()
	draft, err := credentials.Draft(p, kind, handle, from, from.Add(time.Hour), status, subject)
	if err != nil {
		t.Fatal(err)
	}
	b, err := integrity.Sign(p, suite, draft, integrity.Terms{Purpose: integrity.Assertion, Created: now})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Digital Bazaar's libraries read revocation and suspension in our lists. They
// hold a list against the clock of the machine, whatever time they are given.
func TestOurLists(t *testing.T) {
	clock := time.Now()
	for _, suite := range suites {
		license := proved(t, board, suite, credentials.KindLicense, now, []credentials.StatusEntry{revocation, suspension}, licensed)
		asking := func(revoked, suspended string) question {
			q := verifyCredential(license)
			q["lists"] = map[string]string{revocation.Credential: revoked, suspension.Credential: suspended}
			return q
		}
		list := func(p party, e credentials.StatusEntry, from time.Time, set ...int) string {
			return proved(t, p, suite, credentials.KindStatusList, from, nil, listSubject(e, encoded(t, 1, set...)))
		}
		practices, present := list(board, revocation, clock, 0, 4710, 4712), list(board, suspension, clock, 11, 13)
		for _, c := range []struct {
			what               string
			revoked, suspended string
			want               []bool
		}{
			{"neither", practices, present, []bool{false, false}},
			{"revoked", list(board, revocation, clock, 4711), present, []bool{true, false}},
			{"suspended", practices, list(board, suspension, clock, 12), []bool{false, true}},
		} {
			if got := accepted(t, c.what, "verifyCredential", asking(c.revoked, c.suspended)); !slices.Equal(got.Statuses, c.want) {
				t.Errorf("%s, %s: they read %v, want %v", suite.Name, c.what, got.Statuses, c.want)
			}
		}
		for _, c := range []struct{ what, list, why string }{
			{"a list of another purpose", list(board, suspension, clock), "purpose"},
			{"another's list", list(thief, revocation, clock), "Issuers"},
			{"a list that has ended", list(board, revocation, clock.Add(-2*time.Hour)), "validUntil"},
		} {
			refused(t, suite.Name+", "+c.what, []string{c.why}, "verifyCredential", asking(c.list, present))
		}
		for _, c := range changes(t, practices) {
			refused(t, suite.Name+" list "+c.at+" "+c.what, []string{""}, "verifyCredential", asking(c.text, present))
		}
	}
	say(t, "Digital Bazaar's vc-bitstring-status-list reads revocation and suspension in our lists, and takes none that is another's, has ended or was changed")
}

// theirList is a list that theirs made and jose signed, as a verifier of ours
// has read it.
func theirList(t *testing.T, p party, e credentials.StatusEntry, from time.Time, length int, set ...int) (*credentials.SignedList, error) {
	t.Helper()
	var subject struct {
		EncodedList string
		ID          string
	}
	made := ask(t, "makeList", question{"url": e.Credential, "purpose": e.Purpose, "length": length, "set": append([]int{}, set...)}).Document
	if err := json.Unmarshal([]byte(made), &subject); err != nil {
		t.Fatal(err)
	}
	if want := listSubject(e, subject.EncodedList); want.ID != subject.ID {
		t.Errorf("they name the list %s, we %s", subject.ID, want.ID)
	}
	ours, err := credentials.IssueStatusList(p, handle, e.Purpose, e.Credential, credentials.NewStatusList(1), from, from.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	payload := edited(decoded(t, payloadOf(t, ours)), "/credentialSubject/encodedList", func(any) any { return subject.EncodedList })
	b, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return credentials.ReadStatusList(signedBy(t, p, "vc+jwt", string(b)), credentials.ResolveDIDKey)
}

// We read lists of theirs, of one bit an entry and of two, and a license that
// jose signed is good, bad or unknown by them.
func TestTheirLists(t *testing.T) {
	token, err := credentials.Issue(board, credentials.KindLicense, handle, now, []credentials.StatusEntry{revocation, suspension, message}, licensed)
	if err != nil {
		t.Fatal(err)
	}
	token = signedBy(t, board, "vc+jwt", payloadOf(t, token))
	const size = credentials.StatusListSize
	type lists map[credentials.StatusPurpose]func() (*credentials.SignedList, error)
	list := func(p party, e credentials.StatusEntry, from time.Time, length int, set ...int) func() (*credentials.SignedList, error) {
		return func() (*credentials.SignedList, error) { return theirList(t, p, e, from, length, set...) }
	}
	misnamed := suspension
	misnamed.Credential = revocation.Credential
	for _, c := range []struct {
		what    string
		other   lists
		want    credentials.Outcome
		message string
	}{
		{"nothing set", lists{}, credentials.Good, ""},
		{"revoked", lists{credentials.PurposeRevocation: list(board, revocation, now, size, 4711)}, credentials.Bad, ""},
		{"suspended", lists{credentials.PurposeSuspension: list(board, suspension, now, size, 12)}, credentials.Bad, ""},
		{"restricted", lists{credentials.PurposeMessage: list(board, message, now, 2*size, 2*4711+1)}, credentials.Good, "restricted"},
		{"another's list", lists{credentials.PurposeRevocation: list(thief, revocation, now, size)}, credentials.NotKnown, ""},
		{"a list that has ended", lists{credentials.PurposeRevocation: list(board, revocation, now.Add(-2*time.Hour), size)}, credentials.NotKnown, ""},
		{"a list of another length", lists{credentials.PurposeRevocation: list(board, revocation, now, 3*size/2)}, credentials.NotKnown, ""},
		{"a list of another purpose", lists{credentials.PurposeRevocation: list(board, misnamed, now, size)}, credentials.NotKnown, ""},
		{"no list", lists{credentials.PurposeSuspension: func() (*credentials.SignedList, error) { return nil, errors.New("it is away") }}, credentials.NotKnown, ""},
	} {
		at := lists{credentials.PurposeRevocation: list(board, revocation, now, size, 0, 4710, 4712), credentials.PurposeSuspension: list(board, suspension, now, size),
			credentials.PurposeMessage: list(board, message, now, 2*size, 4711)}
		for purpose, other := range c.other {
			at[purpose] = other
		}
		p := policy()
		p.Status = credentials.StatusRequired
		p.List = func(_ credentials.DID, e credentials.StatusEntry) (*credentials.SignedList, error) {
			return at[e.Purpose]()
		}
		_, v := credentials.Judge[credentials.License](token, credentials.KindLicense, p)
		if v.Outcome != c.want || v.Outcome != credentials.Good && v.Check != credentials.CheckStatus || v.Message != c.message {
			t.Errorf("%s: got %+v, want %s %q", c.what, v, c.want, c.message)
		}
	}
	say(t, "we read revocation, suspension and messages in lists by Digital Bazaar under jose's signature, and know nothing by a list that is another's, has ended or is of another form")
}

// What a status list says, theirs leave to the caller; and they read a list of
// two bits an entry as one of single bits.
func TestTheyAcceptStatus(t *testing.T) {
	suite := suites[0]
	ask := func(e credentials.StatusEntry, list string) question {
		q := verifyCredential(proved(t, board, suite, credentials.KindLicense, now, []credentials.StatusEntry{e}, licensed))
		q["lists"] = map[string]string{e.Credential: proved(t, board, suite, credentials.KindStatusList, time.Now(), nil, listSubject(e, list))}
		return q
	}
	revoked := ask(revocation, encoded(t, 1, revocationPlace))
	p := policy()
	p.Status = credentials.StatusIfNamed
	p.List = func(_ credentials.DID, e credentials.StatusEntry) (*credentials.SignedList, error) {
		return theirList(t, board, e, now, credentials.StatusListSize, revocationPlace)
	}
	hold(t, "vc", []difference{{"a revoked credential, with the status beside it", "verifyCredential", revoked,
		judge(revoked["document"].(string), credentials.KindLicense, p), credentials.CheckStatus}})
	if got := accepted(t, "a message", "verifyCredential", ask(message, encoded(t, 2, revocationPlace))); !slices.Equal(got.Statuses, []bool{false}) {
		t.Errorf("they read a message in a list of two bits: docs/interop.md says otherwise: %v", got.Statuses)
	}
}

const revocationPlace = 4711
