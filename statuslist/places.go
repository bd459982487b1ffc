package statuslist

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"

	"github.com/countersign-health/countersign/credentials"
)

// Full is how many documents share the lists of one number. Half full, a random
// place is free every other time, and a set bit points to nobody.
const Full = credentials.StatusListSize / 2

// A Place is where a document stands in the status lists of a number: At has
// one place for each purpose.
type Place struct {
	List int64
	At   []int
}

// Taken are the places that are given in the lists of a number.
type Taken struct {
	List  int64
	Given int64   // documents in it
	At    [][]int // by purpose
}

// Places gives new documents their random places, without asking the database
// for each. It knows what this process has given away; where another process
// gave the same, the database's unique indexes have to say so, and Forget has it
// read anew. Its zero value but for Read is ready; what Read is, may not change.
type Places struct {
	// Purposes is how many lists a document stands in.
	Purposes int
	// Read reads which places of the newest lists are given.
	Read func(context.Context) (Taken, error)
	// Full is Full where 0, and Random uniform where nil. Tests make both small.
	Full   int64
	Random func() int

	mu    sync.Mutex
	list  int64 // that new documents go into; 0 before it was read
	given int64 // documents in it
	taken []map[int]bool
}

// Take gives n documents places that were free, and keeps them.
func (p *Places) Take(ctx context.Context, n int) ([]Place, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.list == 0 {
		if err := p.read(ctx); err != nil {
			return nil, err
		}
	}
	full := p.Full
	if full == 0 {
		full = Full
	}
	all := make([]Place, n)
	for i := range all {
		if p.given >= full {
			p.begin(p.list + 1)
		}
		p.given++
		all[i] = Place{p.list, make([]int, p.Purposes)}
		for j := range p.taken {
			all[i].At[j] = p.free(j)
		}
	}
	return all, nil
}

// free is a random place that nobody has in a list of this purpose. What the
// lists of other purposes gave says nothing about it.
func (p *Places) free(purpose int) int {
	random := p.Random
	if random == nil {
		random = randomPlace
	}
	for {
		if at := random(); !p.taken[purpose][at] {
			p.taken[purpose][at] = true
			return at
		}
	}
}

// Forget has the next Take read what is given.
func (p *Places) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = 0
}

func (p *Places) begin(list int64) {
	p.list, p.given, p.taken = list, 0, make([]map[int]bool, p.Purposes)
	for j := range p.taken {
		p.taken[j] = map[int]bool{}
	}
}

func (p *Places) read(ctx context.Context) error {
	known, err := p.Read(ctx)
	if err != nil {
		return err
	}
	p.begin(max(known.List, 1))
	p.given = known.Given
	for j := range known.At {
		for _, at := range known.At[j] {
			p.taken[j][at] = true
		}
	}
	return nil
}

// randomPlace is uniform: the list's size is a power of two.
func randomPlace() int {
	var b [4]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return int(binary.BigEndian.Uint32(b[:]) % credentials.StatusListSize)
}
