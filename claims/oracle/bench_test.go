//go:build bench

package oracle

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
)

// BenchmarkDecisions is run once, with -benchtime 1x: it decides the generated
// claims, of which half are paid and a quarter each denied and pended, over and
// over on one core. The rate is by processor time with what the collection of
// garbage took of it; how long a claim takes is by the clock, which other work
// on the machine lengthens.
func BenchmarkDecisions(b *testing.B) {
	const worlds, rounds, turns = 2000, 5, 20
	runtime.GOMAXPROCS(1)
	m := newMaker(b)
	type work struct {
		claim    *claims.Claim
		plan     *claims.Plan
		evidence *claims.Evidence
	}
	var all []work
	lines := 0
	for range worlds {
		w := m.world()
		all = append(all, work{w.claim, w.plan, w.evidence()})
		lines += len(w.claim.Lines)
	}
	var rates, slow []float64
	for range rounds {
		took := make([]time.Duration, 0, turns*worlds)
		before := processorTime()
		for range turns {
			for _, w := range all {
				began := time.Now()
				if _, err := claims.Adjudicate(w.claim, w.plan, w.evidence); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
		}
		rates = append(rates, float64(turns*lines)/(processorTime()-before).Seconds())
		slices.Sort(took)
		slow = append(slow, took[len(took)*99/100].Seconds()*1000)
	}
	slices.Sort(rates)
	slices.Sort(slow)
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Printf("load %s\n", strings.Join(strings.Fields(string(load))[:3], " "))
	}
	rate, p99 := rates[rounds/2], slow[rounds/2]
	fmt.Printf("%d claims of %.1f lines, decided %d times\n", worlds, float64(lines)/worlds, rounds*turns)
	fmt.Printf("bench adjudicate %.0f lines/s target 20000 %s\n", rate, verdict(rate >= 20000))
	fmt.Printf("bench adjudicate-p99 %.3g ms target 1 %s\n", p99, verdict(p99 < 1))
}

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "short"
}

// processorTime is what this process has used so far, on all cores.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
