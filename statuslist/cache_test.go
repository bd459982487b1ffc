package statuslist

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func signerOf(name string) credentials.Signer {
	seed := credentials.DigestOf([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	did := credentials.KeyDID(key.Public().(ed25519.PublicKey))
	return credentials.NewSigner(string(did)+"#"+string(did)[len("did:key:"):], key)
}

func didOf(t *testing.T, name string) credentials.DID {
	t.Helper()
	did, err := credentials.SignerDID(signerOf(name))
	if err != nil {
		t.Fatal(err)
	}
	return did
}

// A street has houses whose lists are fetched, and a clock.
type street struct {
	*Cache
	now     time.Time
	fetched int
	away    error
	events  map[credentials.DID]string
	deaf    error
	during  func() // while a list is fetched
}

func newStreet(t *testing.T, names ...string) *street {
	s := &street{now: noon, events: map[credentials.DID]string{}}
	by := map[credentials.DID]credentials.Signer{}
	for _, n := range names {
		by[didOf(t, n)] = signerOf(n)
	}
	s.Cache = &Cache{
		Now:   func() time.Time { return s.now },
		Event: func(_ context.Context, issuer credentials.DID) (string, error) { return s.events[issuer], s.deaf },
		Fetch: func(_ context.Context, issuer credentials.DID, e credentials.StatusEntry) (*credentials.SignedList, error) {
			s.fetched++
			if s.during != nil {
				s.during()
			}
			if s.away != nil {
				return nil, s.away
			}
			token, err := credentials.IssueStatusList(by[issuer], credentials.Handle{1}, e.Purpose, e.Credential, credentials.NewStatusList(1), s.now, s.now.Add(4*time.Minute))
			if err != nil {
				return nil, err
			}
			return credentials.ReadStatusList(token, credentials.ResolveDIDKey)
		},
	}
	return s
}

func entry(number int) credentials.StatusEntry {
	return credentials.NewStatusEntry(credentials.PurposeRevocation, fmt.Sprintf("https://house.test/status/revocation/%d", number), 7)
}

// A list is kept for its ttl, and until an event of its issuer's; one that
// cannot be had then is an error, whatever was kept before.
func TestCache(t *testing.T) {
	s := newStreet(t, "board", "other")
	board, other := didOf(t, "board"), didOf(t, "other")
	away := errors.New("away")
	for _, step := range []struct {
		name    string
		do      func()
		issuer  credentials.DID
		fetched int
		err     error
	}{
		{"first", func() {}, board, 1, nil},
		{"kept", func() {}, board, 1, nil},
		{"another issuer's at the same address", func() {}, other, 2, nil},
		{"away, and kept", func() { s.away = away }, board, 2, nil},
		{"an event of another issuer", func() { s.events[other] = "1" }, board, 2, nil},
		{"away, and an event", func() { s.events[board] = "1" }, board, 3, away},
		{"away still", func() {}, board, 4, away},
		{"back", func() { s.away = nil }, board, 5, nil},
		{"kept again", func() {}, board, 5, nil},
		{"within its ttl", func() { s.now = s.now.Add(2*time.Minute - time.Second) }, board, 5, nil},
		{"past its ttl", func() { s.now = s.now.Add(time.Second) }, board, 6, nil},
		{"nobody knows of events", func() { s.deaf = away }, board, 6, away},
		{"known again", func() { s.deaf = nil }, board, 6, nil},
		{"an event while it is fetched", func() {
			s.events[board] = "2"
			s.during = func() { // and somebody else hears of it first
				s.events[board], s.during = "3", nil
				if _, err := s.List(t.Context(), board, entry(2)); err != nil {
					t.Error(err)
				}
			}
		}, board, 8, nil},
		{"which is not kept", func() {}, board, 9, nil},
	} {
		step.do()
		l, err := s.List(t.Context(), step.issuer, entry(1))
		if !errors.Is(err, step.err) || (err == nil) != (l != nil) || s.fetched != step.fetched {
			t.Errorf("%s: got %v, %v after %d fetched, want %v after %d", step.name, l, err, s.fetched, step.err, step.fetched)
		}
	}
}

// However many lists are asked for, so many are kept, and the one that ends
// first goes first.
func TestCacheIsBounded(t *testing.T) {
	s := newStreet(t, "board")
	s.Most = 3
	board := didOf(t, "board")
	ask := func(number int) (fetched bool) {
		t.Helper()
		before := s.fetched
		if _, err := s.List(t.Context(), board, entry(number)); err != nil {
			t.Fatal(err)
		}
		return s.fetched > before
	}
	for n := range 10 {
		ask(n + 1)
		s.now = s.now.Add(time.Second)
		if len(s.kept) > 3 {
			t.Fatalf("after %d: %d are kept", n+1, len(s.kept))
		}
	}
	for n := 10; n > 7; n-- {
		if ask(n) {
			t.Errorf("list %d was not kept", n)
		}
	}
	if !ask(7) {
		t.Error("the list that ended first was kept")
	}
}
