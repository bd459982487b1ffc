package contracts

import (
	"fmt"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// TestManyWorkers has two workers and two gateways decide claims of many
// families, and kills one of each in the middle: whoever had sent to the dead
// gateway sends to the other, and everything is decided once.
func TestManyWorkers(t *testing.T) {
	t.Parallel()
	const families = 20
	f := openFleet(t, nil)
	program := f.build("one")
	gateways := []*daemon{f.start(program, "gateway", ""), f.start(program, "gateway", "")}
	workers := []*daemon{f.start(program, "worker", ""), f.start(program, "worker", "")}
	for _, d := range append(gateways, workers...) {
		d.ready() // both workers name themselves alike, since they are the same program
	}
	f.through(gateways[0])
	f.begin()
	f.heard(3)
	var tokens []string
	for i := range families {
		who := f.member(fmt.Sprintf("DPX9%05d", i))
		tokens = append(tokens, f.visit(fmt.Sprint("MANY-", i, "-A"), who, amaranth), f.visit(fmt.Sprint("MANY-", i, "-B"), who, amaranth))
	}

	doors := []*api.Client{f.at("hospital"), f.at("hospital")}
	for i, g := range gateways {
		doors[i].URL = g.address("door")
	}
	var mu sync.Mutex
	received := map[credentials.Handle]api.Acceptance{}
	var hands sync.WaitGroup
	half := make(chan struct{})
	for hand := range 4 {
		hands.Go(func() {
			for i := hand; i < len(tokens); i += 4 {
				a, err := sendToEither(f, doors, i, tokens[i])
				if err != nil {
					t.Errorf("claim %d: %v", i, err)
					return
				}
				mu.Lock()
				received[a.Handle] = a
				if len(received) == len(tokens)/2 {
					close(half)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-half:
		gateways[0].kill()
		workers[0].kill()
	case <-f.ctx.Done():
		t.Error("half of the claims were never received")
	}
	hands.Wait()
	f.through(gateways[1])
	if len(received) != len(tokens) {
		t.Fatalf("%d claims received, want %d", len(received), len(tokens))
	}
	outcomes := map[string]int{}
	for _, a := range received {
		outcomes[f.decided(a, 1).State]++
		f.idle(a)
	}
	// Of two equal claims the one that came first is paid.
	if outcomes[string(claims.Paid)] != families || outcomes[string(claims.Denied)] != families {
		t.Errorf("outcomes %v, want %d paid and as many denied", outcomes, families)
	}
	f.recorded()
	f.unbroken()
	if l := f.left(); len(l.decisions) != len(tokens) || l.signed != len(tokens) {
		t.Errorf("%d decisions, %d signed, want %d", len(l.decisions), l.signed, len(tokens))
	}
}

// sendToEither goes to the other door where one does not answer, as a
// hospital's load balancer would.
func sendToEither(f *fleet, doors []*api.Client, first int, token string) (a api.Acceptance, err error) {
	for try := range 40 {
		if a, err = doors[(first+try)%2].SubmitClaim(f.ctx, token); err == nil || f.ctx.Err() != nil {
			return a, err
		}
	}
	return a, err
}
