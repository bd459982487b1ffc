package worker

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

// clocks are what others' clocks said, who were heard for other reasons.
type clocks struct {
	mu    sync.Mutex
	heard map[credentials.DID]ledgerclient.Date // by board
	told  time.Time                             // that ours is off; zero while it is not
}

// tellClock is how often the log says that the clock is off.
const tellClock = 30 * time.Second

// Clock says that this house's clock is off for sure, by a *books.ClockError:
// every board and the ledger, as far as they were heard lately, say so.
func (i *Insurer) Clock() error {
	i.clocks.mu.Lock()
	defer i.clocks.mu.Unlock()
	var words []books.Word
	say := func(who string, d ledgerclient.Date) {
		if !d.Said.IsZero() { // asked and answered are time.Now's, so that setting the clock does not move them
			words = append(words, books.Word{Who: who, Said: d.Said, Asked: time.Since(d.Asked), Answered: time.Since(d.Answered)})
		}
	}
	say("the ledger", i.Ledger.Date())
	for _, who := range slices.Sorted(maps.Keys(i.clocks.heard)) {
		say("the board "+string(who), i.clocks.heard[who])
	}
	err := books.CompareClocks(i.Now(), words)
	switch {
	case err == nil && !i.clocks.told.IsZero():
		i.Log.Info("the clock is right again")
		i.clocks.told = time.Time{}
	case err != nil && (i.clocks.told.IsZero() || time.Since(i.clocks.told) > tellClock):
		i.Log.Error("nothing is decided", "error", err.Error())
		i.clocks.told = time.Now()
	}
	return err
}

// ask asks a board what is new after a sequence, and hears by the way what time
// it is there.
func (i *Insurer) ask(ctx context.Context, b *boardclient.Client, after int64, wait time.Duration) (boardclient.FeedPage, error) {
	asked := time.Now()
	page, err := b.Feed(ctx, after, wait)
	if err != nil {
		return page, err
	}
	i.clocks.mu.Lock()
	if i.clocks.heard == nil {
		i.clocks.heard = map[credentials.DID]ledgerclient.Date{}
	}
	i.clocks.heard[b.Board] = ledgerclient.Date{Said: page.Signed, Asked: asked, Answered: time.Now()}
	i.clocks.mu.Unlock()
	i.Clock() // says so in the log
	return page, nil
}

// askClocks is Clock for a process that follows no board, such as a gateway: it
// asks all of them first, so that a ledger whose clock is off stops nothing.
func (i *Insurer) askClocks(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, askClocksWithin)
	defer cancel()
	var all sync.WaitGroup
	for _, b := range i.Boards {
		all.Go(func() {
			feed, err := i.Books.FeedOf(limited, b.Board)
			if err == nil {
				_, err = i.ask(limited, b, feed.Sequence, 0)
			}
			if err != nil {
				i.Log.Warn("ask a board for the time", "board", string(b.Board), "error", err.Error())
			}
		})
	}
	all.Wait()
	return i.Clock()
}

// askClocksWithin is how long boards may keep a payment run waiting.
const askClocksWithin = 5 * time.Second
