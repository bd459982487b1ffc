//go:build linux

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Figures are those of one configuration in one round.
type figures struct {
	most, steady, alone  *load
	asked                float64 // claims a second in steady
	spent                *spent  // in most
	steps, steadySteps   *steps
	stalls, steadyStalls []waiting
	steadyIdle           float64 // share of the machine
}

func (f *figures) line() string {
	return fmt.Sprintf("%.1f claims a second; idle %.0f%%, others %.0f%% of the machine", f.most.rate(), 100*f.spent.idleShare(), 100*f.spent.strangers())
}

// perClaim is processor time a claim, in milliseconds.
func (f *figures) perClaim(part string) float64 {
	return f.spent.part[part].Seconds() * 1000 / float64(len(f.most.claims))
}

// A report is all rounds.
type report struct {
	plan   *plan
	took   time.Duration
	names  []string
	rounds map[string][]*figures
	orders []reaction
}

func (r *report) add(name string, f *figures) {
	if r.rounds == nil {
		r.rounds = map[string][]*figures{}
	}
	if !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
	r.rounds[name] = append(r.rounds[name], f)
}

// median of a figure over the rounds.
func (r *report) median(name string, of func(*figures) float64) float64 {
	var all []float64
	for _, f := range r.rounds[name] {
		all = append(all, of(f))
	}
	return middle(all)
}

func middle(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// print writes the table for docs/benchmarks.md, then a line for each target.
func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "%s, %s, rounds: %d, claims in each: %d at most, %d steadily, %d alone; measured in %s\n\n",
		model(), time.Now().UTC().Format(time.DateOnly), r.plan.rounds, r.plan.claims, r.plan.claims/2, r.plan.alone, r.took.Round(time.Second))
	r.row(w, "", func(name string) string { return name })
	r.row(w, "---", func(string) string { return "---" })
	r.rows(w)
	r.processor(w)
	if len(r.orders) > 0 {
		fmt.Fprintf(w, "\n%d orders, each upon %d contracts, from finality to the insurer's books %s; to the last hold: from finality %s, from the board's answer %s\n", len(r.orders), r.plan.held,
			each(r.orders, func(o reaction) time.Duration { return o.towardBooks }), each(r.orders, func(o reaction) time.Duration { return o.fromFinal }), each(r.orders, func(o reaction) time.Duration { return o.fromAnswer }))
	}
	fmt.Fprintln(w)
	r.targets(w)
}

func each(orders []reaction, of func(reaction) time.Duration) string {
	var all []string
	for _, o := range orders {
		all = append(all, fmt.Sprintf("%.2f", of(o).Seconds()))
	}
	return strings.Join(all, ", ") + " s"
}

func (r *report) row(w io.Writer, what string, of func(name string) string) {
	fmt.Fprintf(w, "| %s |", what)
	for _, name := range r.names {
		fmt.Fprintf(w, " %s |", of(name))
	}
	fmt.Fprintln(w)
}

func (r *report) rows(w io.Writer) {
	number := func(what, form string, of ...func(*figures) float64) {
		r.row(w, what, func(name string) string {
			var all []any
			for _, f := range of {
				all = append(all, r.median(name, f))
			}
			return fmt.Sprintf(form, all...)
		})
	}
	at := func(of func(*figures) *load, q float64) func(*figures) float64 {
		return func(f *figures) float64 { return ms(share(of(f).receipts(), q)) }
	}
	most, steady, alone := func(f *figures) *load { return f.most }, func(f *figures) *load { return f.steady }, func(f *figures) *load { return f.alone }
	number(fmt.Sprintf("claims a second, %d clerks one claim after another", r.plan.clerks), "**%.1f**", func(f *figures) float64 { return f.most.rate() })
	number("submission to receipt then: p50, p95, p99", "%.0f, %.0f, %.0f ms", at(most, .5), at(most, .95), at(most, .99))
	number(fmt.Sprintf("steady arrivals, %.0f%% of that", 100*r.plan.load), "%.1f a second", func(f *figures) float64 { return f.asked })
	number("submission to receipt then: p50, p95, p99", "**%.0f, %.0f**, %.0f ms", at(steady, .5), at(steady, .95), at(steady, .99))
	number("submission to receipt, nothing else going on: p50, p95", "%.0f, %.0f ms", at(alone, .5), at(alone, .95))
	waited := func(of func(*figures) *steps, q float64) func(*figures) float64 {
		return func(f *figures) float64 { return ms(share(of(f).waited(""), q)) }
	}
	full, half := func(f *figures) *steps { return f.steps }, func(f *figures) *steps { return f.steadySteps }
	number("normal errands waiting for a worker, at most load: p50, p99, longest", "%.0f, %.0f, %.0f ms", waited(full, .5), waited(full, .99), waited(full, 1))
	number("the same under steady arrivals", "%.0f, %.0f, %.0f ms", waited(half, .5), waited(half, .99), waited(half, 1))
	number("contracts' first step waiting, steady arrivals: p50, p99, longest", "%.0f, %.0f, %.0f ms",
		task(firstTask, .5), task(firstTask, .99), task(firstTask, 1))
	number("their later steps", "%.0f, %.0f, %.0f ms", task(laterTask, .5), task(laterTask, .99), task(laterTask, 1))
	r.row(w, "waits of half a second or more with a quarter of the machine idle, all rounds", func(name string) string {
		n := 0
		for _, f := range r.rounds[name] {
			n += len(f.stalls) + len(f.steadyStalls)
		}
		return fmt.Sprint(n)
	})
	number("steps and errands that timed out or failed, all of a round", "%.0f", func(f *figures) float64 { return float64(f.steps.lost() + f.steadySteps.lost()) })
	number("processor idle at most load, steadily; had by others", "%.0f%%, %.0f%%; %.0f%%", func(f *figures) float64 { return 100 * f.spent.idleShare() },
		func(f *figures) float64 { return 100 * f.steadyIdle }, func(f *figures) float64 { return 100 * f.spent.strangers() })
}

func task(what string, q float64) func(*figures) float64 {
	return func(f *figures) float64 { return ms(share(f.steadySteps.waited(what), q)) }
}

// processor is where the processor time of a claim goes.
func (r *report) processor(w io.Writer) {
	parts := map[string]bool{}
	for _, all := range r.rounds {
		for _, f := range all {
			for part := range f.spent.part {
				parts[part] = true
			}
		}
	}
	total := func(f *figures) float64 {
		return f.spent.ours().Seconds()*1000/float64(len(f.most.claims)) - f.perClaim(theLoad)
	}
	r.row(w, "processor time of a claim", func(name string) string { return fmt.Sprintf("**%.1f ms**", r.median(name, total)) })
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		r.row(w, "of which "+part, func(name string) string {
			v := r.median(name, func(f *figures) float64 { return f.perClaim(part) })
			if v == 0 {
				return ""
			}
			if part == theLoad {
				return fmt.Sprintf("(%.1f ms)", v)
			}
			return fmt.Sprintf("%.1f ms, %.0f%%", v, 100*v/r.median(name, total))
		})
	}
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// targets are the bounds, each with its line. docs/benchmarks.md says why they
// are what they are.
func (r *report) targets(w io.Writer) {
	if len(r.orders) > 0 {
		line(w, "order-to-books-houses", middle(seconds(r.orders, func(o reaction) time.Duration { return o.towardBooks })), "s", 1)
		line(w, "order-to-hold-houses", middle(seconds(r.orders, func(o reaction) time.Duration { return o.fromFinal })), "s", 1)
	}
	for _, name := range r.names {
		p95 := r.median(name, func(f *figures) float64 { return share(f.steady.receipts(), .95).Seconds() })
		line(w, "receipt-p95-"+name, p95, "s", 1)
		longest := 0.0
		for _, f := range r.rounds[name] {
			longest = max(longest, share(f.steadySteps.waited(""), 1).Seconds())
		}
		line(w, "stalled-errand-"+name, longest, "s", 1)
	}
	rate := func(name string) float64 { return r.median(name, func(f *figures) float64 { return f.most.rate() }) }
	if one, two := rate("postgres-1"), rate("postgres-2"); one > 0 && two > 0 {
		line(w, "one-worker-to-two", one/two, "times", 1.15)
	}
	if one, many := rate("embedded"), rate("postgres-1"); one > 0 && many > 0 {
		line(w, "embedded-to-postgres", one/many, "times", 4)
	}
}

func seconds(orders []reaction, of func(reaction) time.Duration) (all []float64) {
	for _, o := range orders {
		all = append(all, of(o).Seconds())
	}
	return all
}

func line(w io.Writer, name string, measured float64, unit string, bound float64) {
	verdict := "ok"
	if measured > bound {
		verdict = "short"
	}
	fmt.Fprintf(w, "bench %s %.3f %s target %g %s\n", name, measured, unit, bound, verdict)
}
