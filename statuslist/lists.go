// Package statuslist is what every house needs that publishes status lists, and
// every house that reads those of others: random places for new documents, lists
// that are signed again on schedule and whenever they say something else, and a
// small cache that an event empties.
//
// What a bit means, and where it is kept, it leaves to its user. It reaches no
// network and no database, and it never calls a list good: that is for
// credentials.Policy, with every document anew.
package statuslist

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// ErrNone says that there is no list of this name.
var ErrNone = errors.New("there is no such status list")

// Life is for how long a list is valid, where nobody says otherwise. Whoever has
// a copy may take it for the current one that long.
const Life = 5 * time.Minute

// A Name is the address of a list: its purpose and its number.
type Name struct {
	Purpose credentials.StatusPurpose
	Number  int64
}

// URL is where the list stands, given the address of its house.
func (n Name) URL(base string) string {
	return base + "/status/" + string(n.Purpose) + "/" + strconv.FormatInt(n.Number, 10)
}

// ParseName reads the two last parts of a list's address.
func ParseName(purpose, number string) (Name, error) {
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n < 1 {
		return Name{}, errors.New("status lists are numbered from 1")
	}
	return Name{credentials.StatusPurpose(purpose), n}, nil
}

// NameOf is the name of the list that stands at an address, if that is one of
// the house's.
func NameOf(base, url string) (n Name, ok bool) {
	purpose, number, _ := strings.Cut(strings.TrimPrefix(url, base+"/status/"), "/")
	n, err := ParseName(purpose, number)
	return n, err == nil && n.URL(base) == url
}

// A Signed is a list as it was signed.
type Signed struct {
	Token       string
	Bits        *credentials.StatusList
	From, Until time.Time
	Next        time.Time // when it changes by itself; zero where it does not
	version     int64
}

// Due is when half of its life is over, and the next one has to be there.
func (s Signed) Due() time.Time { return s.From.Add(s.Until.Sub(s.From) / 2) }

// Keep is for how long a reader may keep the list: a copy that is kept this long
// is still in force for as long again.
func (s Signed) Keep(now time.Time) time.Duration {
	return max(min(30*time.Second, s.Until.Sub(now)/2), 0)
}

// Lists are the signed lists of a house. They are signed again when they say
// something else, or when half of their short life is over.
type Lists struct {
	Base     string // the house's address, to which the names are added
	Signer   credentials.Signer
	Life     time.Duration // Life where 0
	Purposes []credentials.StatusPurpose
	// Version is a number that moves whenever what the lists of a number say may
	// have moved; ErrNone where there are none.
	Version func(ctx context.Context, number int64) (int64, error)
	// Bits is what a list says now, and when that changes by itself.
	Bits func(ctx context.Context, n Name, now time.Time) (bits *credentials.StatusList, next time.Time, err error)

	mu   sync.Mutex
	kept map[Name]Signed
}

// Current is the list as it has to be now: the one that is kept, where it still
// says what is so and has more than half of its life before it.
func (l *Lists) Current(ctx context.Context, n Name, now time.Time) (Signed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.Purposes, n.Purpose) {
		return Signed{}, ErrNone
	}
	version, err := l.Version(ctx, n.Number)
	if err != nil {
		return Signed{}, fmt.Errorf("read status list: %w", err)
	}
	kept, ok := l.kept[n]
	// A list of more than its whole life was signed while the clock was ahead.
	young := ok && now.Before(kept.Due()) && kept.Until.Sub(now) <= l.life()
	if young && kept.version == version {
		return kept, nil
	}
	bits, next, err := l.Bits(ctx, n, now)
	if err != nil {
		return Signed{}, fmt.Errorf("read status list: %w", err)
	}
	if !young || !kept.Bits.Equal(bits) || !kept.Next.Equal(next) {
		if kept, err = l.sign(n, bits, now, next); err != nil {
			return Signed{}, err
		}
	}
	kept.version = version // what came after it is computed next time
	if l.kept == nil {
		l.kept = map[Name]Signed{}
	}
	l.kept[n] = kept
	return kept, nil
}

// Kept is the list that was signed last, whether it still holds or not.
func (l *Lists) Kept(n Name) (Signed, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.kept[n]
	return s, ok
}

func (l *Lists) life() time.Duration {
	if l.Life == 0 {
		return Life
	}
	return l.Life
}

// sign signs a list until the end of its life, or until it changes by itself: a
// copy that nobody renews is then no longer believed.
func (l *Lists) sign(n Name, bits *credentials.StatusList, now, next time.Time) (Signed, error) {
	until := now.Add(l.life())
	if last := next.Add(-time.Second); !next.IsZero() && last.Before(until) {
		until = last
	}
	from := now.Truncate(time.Second)
	if until.Before(from) {
		until = from
	}
	url := n.URL(l.Base)
	handle := credentials.Handle(credentials.DigestOf([]byte("countersign status list 1\n" + url)))
	token, err := credentials.IssueStatusList(l.Signer, handle, n.Purpose, url, bits, from, until)
	return Signed{Token: token, Bits: bits, From: from, Until: until, Next: next}, err
}
