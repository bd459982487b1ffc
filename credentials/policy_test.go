package credentials

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// aged resolves did:keys to keys with this life.
func aged(life Key) ResolveKey {
	return func(kid string) (Key, error) {
		k, err := ResolveDIDKey(kid)
		k.Since, k.Until, k.BadFrom = life.Since, life.Until, life.BadFrom
		return k, err
	}
}

// Everything that a policy can find in a token whose proof holds.
func TestPolicy(t *testing.T) {
	until := testTime.Add(time.Hour)
	ending, err := issue(NewSigner("", testKey(1)), KindLicense, handle(7), testTime, &until, testStatus(), testLicense())
	if err != nil {
		t.Fatal(err)
	}
	bare, err := Issue(NewSigner("", testKey(1)), KindLicense, handle(7), testTime, nil, testLicense())
	if err != nil {
		t.Fatal(err)
	}
	second := testStatus()
	second[0].Credential = "https://board.example/status/2"
	elsewhere, err := Issue(NewSigner("", testKey(1)), KindLicense, handle(7), testTime, second, testLicense())
	if err != nil {
		t.Fatal(err)
	}
	away := errors.New("connection refused")
	rest := testPolicy(t).List
	lists := func(l *SignedList, err error) func(DID, StatusEntry) (*SignedList, error) {
		return func(who DID, e StatusEntry) (*SignedList, error) {
			if e.Purpose != PurposeRevocation {
				return rest(who, e)
			}
			return l, err
		}
	}
	good, revoked := testList(t, 4, 6), testList(t, 5)
	otherPurpose, othersKey := *good, *good
	otherPurpose.purpose, othersKey.issuer = "suspension", KeyDID(pubOf(testKey(2)))
	suspended, restricted := testListOf(t, PurposeSuspension, map[int]int{6: 1}), testListOf(t, PurposeMessage, map[int]int{7: 1})
	narrow := *restricted
	narrow.bits = NewStatusList(1)
	instead := func(p StatusPurpose, l *SignedList) func(DID, StatusEntry) (*SignedList, error) {
		return func(who DID, e StatusEntry) (*SignedList, error) {
			if e.Purpose != p {
				return rest(who, e)
			}
			return l, nil
		}
	}
	two := testStatus()
	unsuspended, err := Issue(NewSigner("", testKey(1)), KindLicense, handle(7), testTime, []StatusEntry{two[0], two[2]}, testLicense())
	if err != nil {
		t.Fatal(err)
	}
	handed, stolen := *good, *good
	handed.key.Until, stolen.key.BadFrom = 8, 8

	tests := []struct {
		name   string
		change func(*Policy)
		want   Outcome
		check  Check
		why    string
		says   string
		token  string // the license with status 5 where empty
	}{
		{name: "good", change: func(*Policy) {}, want: Good},

		{name: "nobody to accept issuers", change: func(p *Policy) { p.Issuer = nil }, want: NotKnown, check: CheckIssuer, why: "accept"},
		{name: "issuer refused", change: func(p *Policy) { p.Issuer = func(DID, Kind, string) error { return Refuse(CheckIssuer, "a hospital") } }, want: Bad, check: CheckIssuer, why: "a hospital"},
		{name: "register of issuers away", change: func(p *Policy) { p.Issuer = func(DID, Kind, string) error { return away } }, want: NotKnown, check: CheckIssuer, why: "refused"},

		{name: "key never heard of", change: func(p *Policy) { p.Keys = func(string) (Key, error) { return Key{}, Refuse(CheckKey, "nobody's") } }, want: Bad, check: CheckKey, why: "nobody's"},
		{name: "key not to be found out", change: func(p *Policy) { p.Keys = func(string) (Key, error) { return Key{}, away } }, want: NotKnown, check: CheckKey, why: "refused"},
		{name: "no key", change: func(p *Policy) { p.Keys = func(string) (Key, error) { return Key{}, nil } }, want: NotKnown, check: CheckKey, why: "none"},
		{name: "no keys", change: func(p *Policy) { p.Keys = nil }, want: NotKnown, check: CheckKey, why: "nothing was given"},
		{name: "another method", change: func(p *Policy) {}, want: NotKnown, check: CheckKey, why: "resolved",
			token: forge(testKey(1), `{"alg":"EdDSA","kid":"did:web:board.example#k","typ":"vc+jwt"}`, payloadOf(t, ending))},

		{name: "key at the end", change: func(p *Policy) { p.Keys = aged(Key{Since: 5}) }, want: Good},
		{name: "key before it was let in", change: func(p *Policy) { p.Keys, p.Position = aged(Key{Since: 5}), 5 }, want: Bad, check: CheckPeriod, why: "later"},
		{name: "key just let in", change: func(p *Policy) { p.Keys, p.Position = aged(Key{Since: 5}), 6 }, want: Good},
		{name: "key before rotation", change: func(p *Policy) { p.Keys, p.Position = aged(Key{Until: 9}), 9 }, want: Good},
		{name: "key after rotation", change: func(p *Policy) { p.Keys, p.Position = aged(Key{Until: 9}), 10 }, want: Bad, check: CheckPeriod, why: "handed over"},
		{name: "key after rotation, now", change: func(p *Policy) { p.Keys = aged(Key{Until: 9}) }, want: Bad, check: CheckPeriod, why: "handed over"},
		{name: "key before compromise", change: func(p *Policy) { p.Keys, p.Position = aged(Key{BadFrom: 9}), 8 }, want: Good},
		{name: "key after compromise", change: func(p *Policy) { p.Keys, p.Position = aged(Key{BadFrom: 9}), 9 }, want: Bad, check: CheckPeriod, why: "alone"},
		{name: "key after compromise and before rotation", change: func(p *Policy) { p.Keys, p.Position = aged(Key{BadFrom: 9, Until: 12}), 10 }, want: Bad, check: CheckPeriod, why: "alone"},
		{name: "rotated key, place unknown", change: func(p *Policy) { p.Keys, p.Position = aged(Key{Until: 9}), Unplaced }, want: NotKnown, check: CheckPeriod, why: "nothing says where"},
		{name: "compromised key, place unknown", change: func(p *Policy) { p.Keys, p.Position = aged(Key{BadFrom: 9}), Unplaced }, want: NotKnown, check: CheckPeriod, why: "nothing says where"},
		{name: "key in use, place unknown", change: func(p *Policy) { p.Keys, p.Position = aged(Key{Since: 5}), Unplaced }, want: Good},
		{name: "rotated key, held by something else", change: func(p *Policy) { p.Keys, p.Position = aged(Key{Until: 9}), Whenever }, want: Good},
		{name: "compromised key, held by something else", change: func(p *Policy) { p.Keys, p.Position = aged(Key{BadFrom: 9}), Whenever }, want: NotKnown, check: CheckPeriod, why: "nothing says where"},
		{name: "held by an entry before the compromise", change: func(p *Policy) { p.Keys, p.Position = aged(Key{BadFrom: 9}), Position(8).OrBefore() }, want: Good},
		{name: "held by an entry behind the compromise", change: func(p *Policy) { p.Keys, p.Position = aged(Key{BadFrom: 9}), Position(9).OrBefore() }, want: NotKnown, check: CheckPeriod, why: "nothing says where"},
		{name: "held by an entry behind the handover", change: func(p *Policy) { p.Keys, p.Position = aged(Key{Until: 9}), Position(10).OrBefore() }, want: Good},
		{name: "held by an entry before its key was let in", change: func(p *Policy) { p.Keys, p.Position = aged(Key{Since: 5}), Position(5).OrBefore() }, want: Bad, check: CheckPeriod, why: "later"},
		{name: "no place", change: func(p *Policy) { p.Position = math.MinInt64 }, want: NotKnown, check: CheckPeriod, why: "no place"},

		{name: "no time", change: func(p *Policy) { p.Now = time.Time{} }, want: NotKnown, check: CheckDates, why: "no time"},
		{name: "leeway backwards", change: func(p *Policy) { p.Leeway = -time.Second }, want: NotKnown, check: CheckDates, why: "no time"},
		{name: "not yet valid", change: func(p *Policy) { p.Now = testTime.Add(-time.Minute - 1) }, want: Bad, check: CheckDates, why: "valid from"},
		{name: "valid within the leeway", change: func(p *Policy) { p.Now = testTime.Add(-time.Minute) }, want: Good},
		{name: "expired", change: func(p *Policy) { p.Now = until.Add(time.Minute + 1) }, want: Bad, check: CheckDates, why: "valid until", token: ending},
		{name: "expired within the leeway", change: func(p *Policy) { p.Now = until.Add(time.Minute) }, want: Good, token: ending},

		{name: "status unread", change: func(p *Policy) { p.List = nil }, want: NotKnown, check: CheckStatus, why: "not read"},
		{name: "status unread, where it is enough if named", change: func(p *Policy) { p.List, p.Status = nil, StatusIfNamed }, want: NotKnown, check: CheckStatus, why: "not read"},
		{name: "status read elsewhere", change: func(p *Policy) { p.List, p.Status = nil, StatusElsewhere }, want: Good},
		{name: "unknown rule", change: func(p *Policy) { p.Status = 9 }, want: Bad, check: CheckStatus, why: "names no", token: bare},
		{name: "no status named", change: func(*Policy) {}, want: Bad, check: CheckStatus, why: "names no", token: bare},
		{name: "no status named, and none wanted", change: func(p *Policy) { p.Status = StatusIfNamed }, want: Good, token: bare},
		{name: "revoked", change: func(p *Policy) { p.List = lists(revoked, nil) }, want: Bad, check: CheckStatus, why: "bit"},
		{name: "revoked, where it is enough if named", change: func(p *Policy) { p.List, p.Status = lists(revoked, nil), StatusIfNamed }, want: Bad, check: CheckStatus, why: "bit"},
		{name: "list unreachable", change: func(p *Policy) { p.List = lists(nil, away) }, want: NotKnown, check: CheckStatus, why: "refused"},
		{name: "list refused is no word on the license", change: func(p *Policy) { p.List = lists(nil, Refuse(CheckSignature, "forged")) }, want: NotKnown, check: CheckStatus, why: "forged"},
		{name: "no status named for suspension", change: func(*Policy) {}, want: Bad, check: CheckStatus, why: "for suspension", token: unsuspended},
		{name: "no status named for suspension, where it is enough if named", change: func(p *Policy) { p.Status = StatusIfNamed }, want: Good, token: unsuspended},
		{name: "suspended", change: func(p *Policy) { p.List = instead(PurposeSuspension, suspended) }, want: Bad, check: CheckStatus, why: "for suspension"},
		{name: "suspended, and the other lists away", change: func(p *Policy) {
			p.List = func(_ DID, e StatusEntry) (*SignedList, error) {
				if e.Purpose == PurposeSuspension {
					return suspended, nil
				}
				return nil, away
			}
		}, want: Bad, check: CheckStatus, why: "for suspension"},
		{name: "suspensions unreachable", change: func(p *Policy) { p.List = instead(PurposeSuspension, nil) }, want: NotKnown, check: CheckStatus, why: "for suspension"},
		{name: "messages unreachable", change: func(p *Policy) { p.List = instead(PurposeMessage, nil) }, want: NotKnown, check: CheckStatus, why: "for message"},
		{name: "messages of one bit", change: func(p *Policy) { p.List = instead(PurposeMessage, &narrow) }, want: NotKnown, check: CheckStatus, why: "not the list"},
		{name: "restricted", change: func(p *Policy) { p.List = instead(PurposeMessage, restricted) }, want: Good, says: "restricted"},
		{name: "restricted, not to be read", change: func(p *Policy) { p.List, p.Status = instead(PurposeMessage, restricted), StatusElsewhere }, want: Good},
		{name: "restricted and revoked", change: func(p *Policy) {
			p.List = func(_ DID, e StatusEntry) (*SignedList, error) {
				return map[StatusPurpose]*SignedList{PurposeRevocation: revoked, PurposeSuspension: suspended, PurposeMessage: restricted}[e.Purpose], nil
			}
		}, want: Bad, check: CheckStatus, why: "for revocation", says: "restricted"},
		{name: "restricted and used before", change: func(p *Policy) {
			p.List, p.Replayed = instead(PurposeMessage, restricted), func(Handle) bool { return true }
		}, want: Bad, check: CheckReplay, why: "before", says: "restricted"},
		{name: "lists as old as what is known", change: func(p *Policy) { p.ListsSince = testTime.Add(time.Second - 1) }, want: Good},
		{name: "lists older than what is known", change: func(p *Policy) { p.ListsSince = testTime.Add(time.Second) }, want: NotKnown, check: CheckStatus, why: "known since"},
		{name: "no list", change: func(p *Policy) { p.List = lists(nil, nil) }, want: NotKnown, check: CheckStatus, why: "none"},
		{name: "stale list", change: func(p *Policy) { p.Now = testTime.Add(time.Hour + time.Minute + 1) }, want: NotKnown, check: CheckStatus, why: "valid until"},
		{name: "stale list that revokes", change: func(p *Policy) { p.Now, p.List = testTime.Add(2*time.Hour), lists(revoked, nil) }, want: NotKnown, check: CheckStatus, why: "valid until"},
		{name: "list of tomorrow", change: func(p *Policy) {
			later := *good
			later.from, later.until = testTime.AddDate(0, 0, 1), testTime.AddDate(0, 0, 2)
			p.List = lists(&later, nil)
		}, want: NotKnown, check: CheckStatus, why: "valid from"},
		{name: "another issuer's list", change: func(p *Policy) { p.List = lists(&othersKey, nil) }, want: NotKnown, check: CheckStatus, why: "another issuer"},
		{name: "list of another purpose", change: func(p *Policy) { p.List = lists(&otherPurpose, nil) }, want: NotKnown, check: CheckStatus, why: "not the list"},
		{name: "another list", change: func(*Policy) {}, want: NotKnown, check: CheckStatus, why: "not the list", token: elsewhere},
		{name: "list under a key that was handed over", change: func(p *Policy) { p.List = lists(&handed, nil) }, want: NotKnown, check: CheckStatus, why: "handed over"},
		{name: "list under a stolen key", change: func(p *Policy) { p.List = lists(&stolen, nil) }, want: NotKnown, check: CheckStatus, why: "alone"},

		{name: "not presented", change: func(p *Policy) { p.Presented = &Presentation{Challenge: "c", Domain: "d"} }, want: Bad, check: CheckBinding, why: "does not present"},

		{name: "used before", change: func(p *Policy) { p.Replayed = func(h Handle) bool { return h == handle(7) } }, want: Bad, check: CheckReplay, why: "before"},
		{name: "not used before", change: func(p *Policy) { p.Replayed = func(h Handle) bool { return h != handle(7) } }, want: Good},
		{name: "the memory of uses is not asked of what is not good", change: func(p *Policy) {
			p.List, p.Replayed = nil, func(Handle) bool { panic("asked") }
		}, want: NotKnown, check: CheckStatus, why: "not read"},

		{name: "a later no beats an earlier doubt", change: func(p *Policy) { p.Issuer, p.List = nil, lists(revoked, nil) }, want: Bad, check: CheckStatus, why: "bit"},
		{name: "of two doubts the first", change: func(p *Policy) { p.Issuer, p.List = nil, nil }, want: NotKnown, check: CheckIssuer, why: "accept"},
		{name: "of two noes the first", change: func(p *Policy) { p.Now, p.List = time.Unix(1, 0), lists(revoked, nil) }, want: Bad, check: CheckDates, why: "valid from"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, token := testPolicy(t), tt.token
			if token == "" {
				token = testToken(t, testKey(1))
			}
			tt.change(&p)
			_, v := Judge[License](token, KindLicense, p)
			if v.Outcome != tt.want || v.Check != tt.check || !strings.Contains(v.Why, tt.why) || v.IsGood() != (tt.want == Good) || v.Message != tt.says {
				t.Errorf("got %+v, want %s by %q: …%s…", v, tt.want, tt.check, tt.why)
			}
			if !v.IsGood() && VerdictOf(v.Err()) != v {
				t.Errorf("as an error it is %+v", VerdictOf(v.Err()))
			}
		})
	}
}

// What a format proved of a holder is held against what was asked for.
func TestPolicyBinding(t *testing.T) {
	board, holder := KeyDID(pubOf(testKey(1))), KeyDID(pubOf(testKey(3)))
	want := Presentation{Holder: holder, Challenge: "c", Domain: "d"}
	for _, tt := range []struct {
		name      string
		want, got *Presentation
		verdict   Outcome
		why       string
	}{
		{"presented", &want, &want, Good, ""},
		{"whoever it is bound to", &Presentation{Challenge: "c", Domain: "d"}, &want, Good, ""},
		{"neither asked for nor there", nil, nil, Good, ""},
		{"not presented", &want, nil, Bad, "does not present"},
		{"another holder", &want, &Presentation{board, "c", "d"}, Bad, "another presents"},
		{"another challenge", &want, &Presentation{holder, "C", "d"}, Bad, "challenge"},
		{"no challenge", &want, &Presentation{holder, "", "d"}, Bad, "challenge"},
		{"another verifier", &want, &Presentation{holder, "c", "e"}, Bad, "verifier"},
		{"nothing to hold it against", nil, &want, NotKnown, "no challenge"},
		{"empty challenges are not equal", &Presentation{holder, "", "d"}, &Presentation{holder, "", "d"}, NotKnown, "no challenge"},
		{"nor are empty domains", &Presentation{holder, "c", ""}, &Presentation{holder, "c", ""}, NotKnown, "no challenge"},
	} {
		p := testPolicy(t)
		p.Presented, p.Status = tt.want, StatusElsewhere
		anybody := p
		anybody.Issuer = func(DID, Kind, string) error { return nil }
		if v := anybody.Judge(&Envelope{KeyID: "nobody", From: testTime}); v.Outcome != Bad || v.Check != CheckIssuer {
			t.Errorf("an envelope without an issuer: %+v", v)
		}
		e := &Envelope{Kind: KindLicense, Handle: handle(7), Issuer: board, KeyID: KeyID(pubOf(testKey(1))),
			From: testTime, Jurisdiction: "MA", Presented: tt.got}
		v := p.Judge(e)
		if v.Outcome != tt.verdict || v.Outcome != Good && v.Check != CheckBinding || !strings.Contains(v.Why, tt.why) {
			t.Errorf("%s: got %+v, want %s", tt.name, v, tt.verdict)
		}
	}
}

// Of several status entries one bit is enough, and each has to be read.
func TestPolicyManyStatusEntries(t *testing.T) {
	p := testPolicy(t)
	p.Status = StatusIfNamed
	good, revoked := testList(t), testList(t, 5)
	e := &Envelope{Kind: KindLicense, Handle: handle(7), Issuer: KeyDID(pubOf(testKey(1))), KeyID: KeyID(pubOf(testKey(1))),
		From: testTime, Jurisdiction: "MA", Status: []StatusEntry{NewStatusEntry(PurposeRevocation, testListURL, 5), NewStatusEntry(PurposeRevocation, testListURL, 5)}}
	for _, tt := range []struct {
		name  string
		lists []*SignedList
		want  Outcome
	}{
		{"both hold", []*SignedList{good, good}, Good},
		{"the second revokes", []*SignedList{good, revoked}, Bad},
		{"the first is away, the second revokes", []*SignedList{nil, revoked}, Bad},
		{"the first is away", []*SignedList{nil, good}, NotKnown},
		{"the second is away", []*SignedList{good, nil}, NotKnown},
	} {
		asked := 0
		p.List = func(DID, StatusEntry) (*SignedList, error) { asked++; return tt.lists[asked-1], nil }
		if v := p.Judge(e); v.Outcome != tt.want {
			t.Errorf("%s: got %+v, want %s", tt.name, v, tt.want)
		}
	}
	order := &Envelope{Kind: KindBoardOrder, Handle: handle(7), Issuer: e.Issuer, KeyID: e.KeyID, From: testTime}
	accepting := p
	accepting.Status, accepting.Issuer = StatusRequired, func(DID, Kind, string) error { return nil }
	if v := accepting.Judge(order); v.Outcome != Bad || v.Check != CheckStatus {
		t.Errorf("a kind of which no list is wanted, without any: %+v", v)
	}
	e.Status = []StatusEntry{{Type: statusEntryType, Purpose: PurposeRevocation, Index: "-1", Credential: testListURL}}
	p.List = func(DID, StatusEntry) (*SignedList, error) { return good, nil }
	if v := p.Judge(e); v.Outcome != Bad || v.Check != CheckStatus {
		t.Errorf("a place that no list has: %+v", v)
	}
}

func TestVerdictOf(t *testing.T) {
	refused := Refuse(CheckKey, "nobody's")
	for _, tt := range []struct {
		err  error
		want Verdict
	}{
		{nil, Verdict{Outcome: Good}},
		{refused, Verdict{Outcome: Bad, Check: CheckKey, Why: "nobody's"}},
		{fmt.Errorf("open: %w", refused), Verdict{Outcome: Bad, Check: CheckKey, Why: "nobody's"}},
		{Lack(CheckKey, "ask: %w", refused), Verdict{Outcome: NotKnown, Check: CheckKey, Why: "ask: nobody's"}},
		{errors.New("disk full"), Verdict{Outcome: NotKnown, Why: "disk full"}},
	} {
		if got := VerdictOf(tt.err); got != tt.want {
			t.Errorf("VerdictOf(%v) = %+v, want %+v", tt.err, got, tt.want)
		}
	}
	if !errors.Is(Lack(CheckKey, "ask: %w", refused), refused) {
		t.Error("the cause is lost")
	}
	for _, s := range []string{"", "Good", "yes", "good "} {
		if o, err := ParseOutcome(s); err == nil {
			t.Errorf("ParseOutcome(%q) = %q", s, o)
		}
	}
}
