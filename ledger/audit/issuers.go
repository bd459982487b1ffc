package audit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/countersign-health/countersign/ledger"
)

// A Void is an entry that means nothing, though it is on the ledger: its
// signature does not hold, or its issuer may not say such things.
type Void struct {
	Index  int64  `json:"index"`
	Detail string `json:"detail"`
}

// issuers asks of each entry whether its issuer has signed it and might. The
// tree cannot tell: that the operator put an entry there proves nothing about
// its issuer.
type issuers struct {
	registry *ledger.Registry
	idle     bool          // participants are let in, and nothing is checked
	from     int64         // entries before this one were checked earlier
	news     []participant // who was let in
	units    chan unit
	workers  sync.WaitGroup
	busy     atomic.Int64 // nanoseconds
	checked  atomic.Int64

	mu    sync.Mutex
	void  []Void
	voids int64
}

func newIssuers(r *ledger.Registry) *issuers {
	n := runtime.GOMAXPROCS(0)
	s := &issuers{registry: r, units: make(chan unit, n)}
	for range n {
		s.workers.Go(func() {
			for u := range s.units {
				start := time.Now()
				s.check(u)
				s.busy.Add(int64(time.Since(start)))
			}
		})
	}
	return s
}

// take is called in the order of the ledger. Newcomers are let in at once, so
// that the registry is never behind the entries that are checked. It may be
// ahead of them: Registry.CheckThen knows who could sign where, by what was
// declared up to there, so that a key that was declared bad later accuses nobody.
func (s *issuers) take(u unit) {
	for i, leaf := range u.leaves {
		if len(leaf) < 10 || ledger.Kind(binary.BigEndian.Uint16(leaf[8:])) != ledger.KindParticipant {
			continue
		}
		index := u.n*tileWidth + int64(i)
		if e, err := ledger.ParseEntry(leaf); err == nil && s.registry.Admit(index, e) == nil { // refused means void, which check finds
			s.news = append(s.news, participant{index, bytes.Clone(leaf)})
		}
	}
	if !s.idle {
		s.units <- u
	}
}

func (s *issuers) check(u unit) {
	for i, leaf := range u.leaves {
		index := u.n*tileWidth + int64(i)
		if index == 0 || index < s.from {
			continue // leaf 0 is the genesis, which the trust pins
		}
		s.checked.Add(1)
		e, err := ledger.ParseEntry(leaf)
		if err == nil {
			err = s.registry.CheckThen(index, e)
		}
		if err == nil {
			continue
		}
		s.mu.Lock()
		if s.voids++; len(s.void) < maxListed {
			s.void = append(s.void, Void{index, err.Error()})
		}
		s.mu.Unlock()
	}
}

// end waits for what was taken.
func (s *issuers) end() {
	close(s.units)
	s.workers.Wait()
	slices.SortFunc(s.void, func(a, b Void) int { return cmp.Compare(a.Index, b.Index) })
}

// checkGenesis says whether leaf 0 is the one that is pinned.
func checkGenesis(g *ledger.Genesis, u unit) error {
	if u.n != 0 || len(u.leaves) == 0 {
		return nil
	}
	if string(u.leaves[0]) != string(g.MarshalLeaf()) {
		return errors.New("leaf 0 is not the genesis that the trust pins")
	}
	return nil
}

func rate(done int64, busy int64, workers int) Rate {
	r := Rate{Done: done, Seconds: time.Duration(busy).Seconds() / float64(workers)}
	if r.Seconds > 0 {
		r.PerSecond = int64(float64(done) / r.Seconds)
	}
	return r
}

// A Rate is how fast a part of the work went: the time is that of its own
// goroutines, as if nothing else had been done beside it.
type Rate struct {
	Done      int64   `json:"done"`
	Seconds   float64 `json:"seconds"`
	PerSecond int64   `json:"perSecond"`
}

// String is "80000 in 0.9 s, 88888 a second".
func (r Rate) String() string {
	return fmt.Sprintf("%d in %.1f s, %d a second", r.Done, r.Seconds, r.PerSecond)
}
