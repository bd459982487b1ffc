package credentials

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func instantOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// Whose key is bound to a license is decided by the instants of the orders, in
// whatever sequence they are listed.
func TestHolderAt(t *testing.T) {
	first, second, third := KeyDID(pubOf(testKey(21))), KeyDID(pubOf(testKey(22))), KeyDID(pubOf(testKey(23)))
	l := License{Holder: first, Handle: handle(1), Jurisdiction: "MA", From: "2020-01-01", Until: "2030-12-31"}
	bind := func(n byte, from string, holder DID) Order {
		return Order{Handle: handle(n), License: handle(1), Action: OrderBind, Effective: instantOf(from), Reason: "R", Holder: holder}
	}
	void := func(n byte, o Order) Order {
		return Order{Handle: handle(n), License: handle(1), Action: OrderVoid, Effective: o.Effective, Reason: "R", Upon: []Handle{o.Handle}}
	}
	march := bind(11, "2026-03-01T00:00:00-05:00", second)
	may := bind(12, "2026-05-01T00:00:00-04:00", third)
	lost := bind(13, "2026-04-01T00:00:00-04:00", "")
	unbound := l
	unbound.Holder = ""
	other := bind(14, "2026-01-01T00:00:00Z", third)
	other.License = handle(2)
	for _, tt := range []struct {
		name   string
		l      License
		orders []Order
		on     string
		want   DID
		err    string
	}{
		{"issued with it", l, nil, "2026-01-01T00:00:00Z", first, ""},
		{"issued without", unbound, nil, "2026-01-01T00:00:00Z", "", ""},
		{"bound later, before", unbound, []Order{march}, "2026-03-01T04:59:59Z", "", ""},
		{"bound later, from then on", unbound, []Order{march}, "2026-03-01T05:00:00Z", second, ""},
		{"replaced, the second before", l, []Order{march}, "2026-03-01T04:59:59Z", first, ""},
		{"replaced, that second", l, []Order{march}, "2026-03-01T05:00:00Z", second, ""},
		{"replaced twice", l, []Order{march, may}, "2026-06-01T00:00:00Z", third, ""},
		{"replaced twice, between", l, []Order{march, may}, "2026-04-30T00:00:00Z", second, ""},
		{"lost", l, []Order{march, lost}, "2026-04-30T00:00:00Z", "", ""},
		{"lost and replaced", l, []Order{march, lost, may}, "2026-06-30T00:00:00Z", third, ""},
		{"bound in error", l, []Order{march, void(15, march)}, "2026-06-01T00:00:00Z", first, ""},
		{"upon another license", l, []Order{other}, "2026-06-01T00:00:00Z", first, ""},
		{"two at once", l, []Order{march, bind(16, "2026-03-01T05:00:00Z", third)}, "2026-06-01T00:00:00Z", "", "two keys at once"},
		{"one said twice", l, []Order{march, bind(16, "2026-03-01T05:00:00Z", second)}, "2026-06-01T00:00:00Z", second, ""},
		{"orders that do not fit", l, []Order{void(15, march)}, "2026-06-01T00:00:00Z", "", "do not fit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // in either sequence
				got, err := HolderAt(tt.l, tt.orders, instantOf(tt.on))
				if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %q, %v; want %q, %q", got, err, tt.want, tt.err)
				}
				slices.Reverse(tt.orders)
			}
			if s := StandingOn([]License{tt.l}, tt.orders, "MA", "2026-06-01", true); tt.err == "" && s.Answer != May {
				t.Errorf("a key changes nothing about the right to practice: %v", s)
			}
		})
	}
}

// What a board may order about keys.
func TestBinding(t *testing.T) {
	first, second := KeyDID(pubOf(testKey(21))), KeyDID(pubOf(testKey(22)))
	l := License{Holder: first, Handle: handle(1), Jurisdiction: "MA", From: "2020-01-01", Until: "2030-12-31"}
	bind := func(n byte, from string, holder DID) Order {
		return Order{Handle: handle(n), License: handle(1), Action: OrderBind, Effective: instantOf(from), Reason: "R", Holder: holder}
	}
	march := bind(11, "2026-03-01T00:00:00Z", second)
	withUntil := bind(12, "2026-05-01T00:00:00Z", second)
	withUntil.Until = "2027-01-01"
	restricted := Order{Handle: handle(13), License: handle(1), Action: OrderRestrict, Effective: instantOf("2026-05-01T00:00:00Z"), Reason: "R",
		Restrictions: []string{"A"}, Holder: second}
	for _, tt := range []struct {
		name   string
		before []Order
		o      Order
		want   string
	}{
		{"another key", nil, march, ""},
		{"none", nil, bind(12, "2026-05-01T00:00:00Z", ""), ""},
		{"back again", []Order{march}, bind(12, "2026-05-01T00:00:00Z", first), ""},
		{"the same key", nil, bind(12, "2026-05-01T00:00:00Z", first), "bound to that already"},
		{"the same key again", []Order{march}, bind(12, "2026-05-01T00:00:00Z", second), "bound to that already"},
		{"none of none", []Order{bind(11, "2026-03-01T00:00:00Z", "")}, bind(12, "2026-05-01T00:00:00Z", ""), "bound to that already"},
		{"at the same instant", []Order{march}, bind(12, "2026-03-01T00:00:00Z", first), "void that order first"},
		{"before another", []Order{march}, bind(12, "2026-02-01T00:00:00Z", first), "void that order first"},
		{"with a last day", nil, withUntil, "has no last day"},
		{"a restriction with a key", nil, restricted, "binds no key"},
		{"no did:key", nil, bind(12, "2026-05-01T00:00:00Z", "did:web:clinic.example"), "want a did:key"},
		{"no DID", nil, bind(12, "2026-05-01T00:00:00Z", "key"), "want a did:key"},
		{"of low order", nil, bind(12, "2026-05-01T00:00:00Z", DID(didKeyPrefix+EncodeMultikey(append([]byte{1}, make([]byte, 31)...)))), "want a did:key"},
	} {
		err := Contradiction(l, tt.before, tt.o)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestKeyProof(t *testing.T) {
	key, board, now := testKey(21), DID("did:web:board.example"), instantOf("2026-03-01T12:00:00Z")
	token, err := ProveKey(NewSigner("", key), board, "1234567893", handle(5), now)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenKeyProof(token, board)
	if want := (KeyProof{KeyDID(pubOf(key)), "1234567893", handle(5), now}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	head := fmt.Sprintf(`{"alg":"EdDSA","kid":"%s","typ":"%s"}`, KeyID(pubOf(key)), typKeyProof)
	payload := payloadOf(t, token)
	swap := func(old, new string) string {
		if !strings.Contains(payload, old) {
			t.Fatalf("payload does not hold %s: %s", old, payload)
		}
		return forge(key, head, strings.Replace(payload, old, new, 1))
	}
	followed := strings.Replace(head, "#"+EncodeMultikey(pubOf(key)), "#"+EncodeMultikey(pubOf(testKey(22))), 1)
	for name, tt := range map[string]struct{ token, board, want string }{
		"another board":           {token, "did:web:other.example", "another board"},
		"another's key":           {swap(string(KeyDID(pubOf(key))), string(KeyDID(pubOf(testKey(22))))), "", "not its holder's"},
		"signed by another":       {forge(testKey(22), head, payload), "", "signature"},
		"a key that followed":     {forge(testKey(22), followed, payload), "", "only the ledger knows"},
		"no challenge":            {swap(handle(5).String(), Handle{}.String()), "", "lacks its challenge"},
		"no time":                 {swap(fmt.Sprint(now.Unix()), "0"), "", "lacks its challenge"},
		"no NPI":                  {swap("1234567893", "12"), "", "lacks its challenge"},
		"a field more":            {swap(`{`, `{"admin":true,`), "", "/admin"},
		"not canonical":           {swap(`{`, `{ `), "", "canonical"},
		"a request":               {forge(key, strings.Replace(head, typKeyProof, typRequest, 1), payload), "", "type"},
		"nothing":                 {"", "", "three parts"},
		"one byte of the payload": {strings.Replace(token, ".", ".A", 1), "", ""},
	} {
		board := board
		if tt.board != "" {
			board = DID(tt.board)
		}
		if _, err := OpenKeyProof(tt.token, board); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	for name, do := range map[string]func() (string, error){
		"no challenge": func() (string, error) { return ProveKey(NewSigner("", key), board, "1234567893", Handle{}, now) },
		"no NPI":       func() (string, error) { return ProveKey(NewSigner("", key), board, "", handle(5), now) },
		"a key that followed": func() (string, error) {
			return ProveKey(NewSigner(NextKeyID(KeyDID(pubOf(testKey(22))), pubOf(key)), key), board, "1234567893", handle(5), now)
		},
		"of a web DID": func() (string, error) {
			return ProveKey(NewSigner("did:web:x.example#1", key), board, "1234567893", handle(5), now)
		},
	} {
		if token, err := do(); err == nil {
			t.Errorf("%s: %s was signed", name, token)
		}
	}
}
