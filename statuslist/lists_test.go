package statuslist

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// A list is signed when it is asked for first, says something else or is half
// over, and not otherwise; it ends before it changes by itself.
func TestLists(t *testing.T) {
	var version int64
	var next time.Time
	var away, broken error
	bits := credentials.NewStatusList(1)
	computed := 0
	l := &Lists{
		Base: "https://house.test", Signer: signerOf("house"), Life: 4 * time.Minute, Purposes: []credentials.StatusPurpose{credentials.PurposeRevocation},
		Version: func(_ context.Context, number int64) (int64, error) {
			if number != 1 {
				return 0, ErrNone
			}
			return version, away
		},
		Bits: func(context.Context, Name, time.Time) (*credentials.StatusList, time.Time, error) {
			computed++
			if broken != nil {
				return nil, next, broken
			}
			same := credentials.NewStatusList(1)
			for i := range 10 {
				value, err := bits.Get(i)
				if err == nil {
					err = same.Set(i, value)
				}
				if err != nil {
					return nil, next, err
				}
			}
			return same, next, nil
		},
	}
	now, name := noon, Name{credentials.PurposeRevocation, 1}
	last := ""
	for _, step := range []struct {
		name     string
		do       func()
		anew     bool
		computed int
	}{
		{"first", func() {}, true, 1},
		{"again", func() { now = now.Add(time.Minute) }, false, 1},
		{"an event that changes nothing", func() { version++ }, false, 2},
		{"a bit", func() { version++; bits.Set(3, 1) }, true, 3},
		{"the same", func() { now = now.Add(2*time.Minute - time.Second) }, false, 3},
		{"half over", func() { now = now.Add(time.Second) }, true, 4},
		{"a day begins soon", func() { version++; next = now.Add(time.Minute) }, true, 5},
		{"the clock was set back", func() { now = now.Add(-time.Hour) }, true, 6},
	} {
		step.do()
		s, err := l.Current(t.Context(), name, now)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if (s.Token != last) != step.anew || computed != step.computed {
			t.Errorf("%s: signed anew %t after %d, want %t after %d", step.name, s.Token != last, computed, step.anew, step.computed)
		}
		if !next.IsZero() && !s.Until.Before(next) || s.Until.Sub(now) > l.Life {
			t.Errorf("%s: valid until %s", step.name, s.Until)
		}
		if keep := s.Keep(now); keep < 0 || keep > 30*time.Second || now.Add(2*keep).After(s.Until) {
			t.Errorf("%s: may be kept for %s, until %s", step.name, keep, s.Until)
		}
		e := credentials.NewStatusEntry(name.Purpose, name.URL(l.Base), 3)
		if _, err := credentials.OpenStatusList(s.Token, didOf(t, "house"), &e, now, credentials.ResolveDIDKey); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		last = s.Token
	}
	broken = errors.New("a row is broken")
	version++
	if _, err := l.Current(t.Context(), name, now); !errors.Is(err, broken) {
		t.Errorf("with books that cannot be read: %v, want no list", err)
	}
	broken, l.Signer = nil, signerless{l.Signer}
	bits.Set(4, 1)
	if s, err := l.Current(t.Context(), name, now); err == nil {
		t.Errorf("without a key: %+v", s)
	}
	away = errors.New("away")
	if _, err := l.Current(t.Context(), name, now); !errors.Is(err, away) {
		t.Errorf("without its books: %v, want no list", err)
	}
	for _, n := range []Name{{credentials.PurposeRevocation, 2}, {credentials.PurposeSuspension, 1}} {
		if _, err := l.Current(t.Context(), n, now); !errors.Is(err, ErrNone) {
			t.Errorf("%v: %v, want ErrNone", n, err)
		}
	}
}

// A signerless house has a key that does not sign.
type signerless struct{ credentials.Signer }

func (signerless) Sign([]byte) ([]byte, error) { return nil, errors.New("the key is locked") }

// A list lives five minutes where nobody says otherwise.
func TestLife(t *testing.T) {
	l := &Lists{Base: "https://house.test", Signer: signerOf("house"), Purposes: []credentials.StatusPurpose{credentials.PurposeRevocation},
		Version: func(context.Context, int64) (int64, error) { return 0, nil },
		Bits: func(context.Context, Name, time.Time) (*credentials.StatusList, time.Time, error) {
			return credentials.NewStatusList(1), time.Time{}, nil
		}}
	if s, err := l.Current(t.Context(), Name{credentials.PurposeRevocation, 1}, noon); err != nil || s.Until.Sub(s.From) != Life {
		t.Errorf("valid for %s, %v", s.Until.Sub(s.From), err)
	}
}

func TestNames(t *testing.T) {
	const base = "https://house.test/insurer"
	n := Name{credentials.PurposeMessage, 12}
	if got, ok := NameOf(base, n.URL(base)); !ok || got != n {
		t.Errorf("got %v, %t, want %v", got, ok, n)
	}
	for _, number := range []string{"0", "-1", "x", "", "99999999999"} {
		if got, err := ParseName("message", number); err == nil {
			t.Errorf("%q is taken for %v", number, got)
		}
	}
	for _, url := range []string{"https://other.test/insurer/status/message/12", base + "/status/message", base + "/status/message/012",
		base + "/status/message/0", base + "/status/message/99999999999", base + "/status/message/2147483647x", base + "/status/message/12/x", base + "x/status/message/12", ""} {
		if got, ok := NameOf(base, url); ok {
			t.Errorf("%q is taken for %v", url, got)
		}
	}
}
