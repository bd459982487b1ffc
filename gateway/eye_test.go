package gateway

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// decided stands in for the books.
type decided struct {
	mu        sync.Mutex
	numbers   map[credentials.Handle]int
	err       error
	questions int
}

func (d *decided) ask(_ context.Context, about []credentials.Handle) (map[credentials.Handle]int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.questions++
	if len(about) == 0 {
		return nil, errors.New("a question about nothing")
	}
	known := map[credentials.Handle]int{}
	for _, h := range about {
		if n, ok := d.numbers[h]; ok {
			known[h] = n
		}
	}
	return known, d.err
}

// TestEye has a hundred callers wait, in time that stands still but for them.
func TestEye(t *testing.T) {
	pended, open := credentials.Handle{1}, credentials.Handle{2}
	for _, test := range []struct {
		name   string
		handle credentials.Handle
		change func(*decided) // after a second
		want   time.Duration
	}{
		{"decided", open, func(d *decided) { d.numbers[open] = 1 }, time.Second},
		{"decided anew", pended, func(d *decided) { d.numbers[pended] = 2 }, time.Second},
		{"another one decided", pended, func(d *decided) { d.numbers[open] = 7 }, 30 * time.Second},
		{"the books are away", open, func(d *decided) { d.err = errors.New("away") }, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				books := &decided{numbers: map[credentials.Handle]int{pended: 1}}
				e := &eye{decided: books.ask, waits: map[*wait]bool{}}
				var all sync.WaitGroup
				for range 100 {
					all.Go(func() {
						began := time.Now()
						e.await(t.Context(), test.handle, books.number(test.handle), 30*time.Second)
						if took := time.Since(began); took < test.want || took > test.want+lookEvery {
							t.Errorf("waited %s, want %s", took, test.want)
						}
					})
				}
				time.Sleep(time.Second)
				books.set(test.change)
				all.Wait()
				asked := books.asked()
				if most := int(test.want/lookEvery) + 2; asked > most {
					t.Errorf("the books were asked %d times for a hundred callers, want %d at most", asked, most)
				}
				time.Sleep(time.Minute)
				e.mu.Lock()
				defer e.mu.Unlock()
				if more := books.asked() - asked; more > 1 || len(e.waits) != 0 || e.looking {
					t.Errorf("it looks on for nobody: %d questions more, %d waits", more, len(e.waits))
				}
			})
		})
	}
}

// TestEyeLooksAgain: whoever comes after the others have gone is seen too.
func TestEyeLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := credentials.Handle{1}
		books := &decided{numbers: map[credentials.Handle]int{h: 1}}
		e := &eye{decided: books.ask, waits: map[*wait]bool{}}
		for _, pause := range []time.Duration{0, time.Millisecond, lookEvery, time.Minute} {
			began := time.Now()
			e.await(t.Context(), h, 0, 30*time.Second)
			if took := time.Since(began); took > lookEvery {
				t.Errorf("waited %s", took)
			}
			time.Sleep(pause)
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if e.await(gone, h, 1, 30*time.Second); time.Since(began) != time.Second {
			t.Errorf("a caller who left after a second was kept %s", time.Since(began))
		}
		time.Sleep(time.Minute) // until it has stopped looking
	})
}

func (d *decided) asked() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.questions
}

func (d *decided) number(h credentials.Handle) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.numbers[h]
}

func (d *decided) set(change func(*decided)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}
