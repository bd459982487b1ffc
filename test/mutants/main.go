// Mutants takes every check of the verify path and of rules/2 out, one at a time,
// and runs the tests of its package: a mutant that they let live is a check that
// nobody would miss. The source is never touched; go reads what is changed through -overlay.
//
//	go run ./test/mutants [-only REGEXP] [-part I/N] [-list]
//
// A check is an "if" or a case that ends in a refusal; of conditions joined by
// || each is taken out. weakened.txt has what cannot be found that way, and
// alike.txt the mutants that behave as the original, each with the reason.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"
)

func main() {
	only := flag.String("only", "", "try only mutants whose name matches this `REGEXP`")
	part := flag.String("part", "1/1", "of these, try the `I/N`th part: several sessions or machines share the work")
	list := flag.Bool("list", false, "list the mutants")
	flag.Parse()
	if err := run(*only, *part, *list); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(only, part string, list bool) error {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	all, err := mutants(".")
	if err != nil {
		return err
	}
	some, err := partOf(slices.DeleteFunc(slices.Clone(all), func(m mutant) bool { return !chosen.MatchString(m.name) }), part)
	if err != nil {
		return err
	}
	if list {
		for _, m := range some {
			fmt.Println(m.name)
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w := workshop{dir: dir, all: all, built: map[string]func() (string, error){}}
	return w.try(some)
}

// partOf is every Nth mutant, from the Ith on: "2/4" is the second of four parts.
func partOf(all []mutant, part string) (some []mutant, err error) {
	var i, n int
	if _, err := fmt.Sscanf(part, "%d/%d", &i, &n); err != nil || i < 1 || i > n {
		return nil, fmt.Errorf("part %q: want I/N, such as 2/4", part)
	}
	for at := i - 1; at < len(all); at += n {
		some = append(some, all[at])
	}
	return some, nil
}

// try runs the tests against each mutant, as many at a time as there are cores.
func (w *workshop) try(some []mutant) error {
	began := time.Now()
	var mu sync.Mutex
	var wrong, alike int
	var wg sync.WaitGroup
	next := make(chan mutant)
	for range runtime.NumCPU() {
		wg.Go(func() {
			for m := range next {
				caught, err := w.caught(m)
				mu.Lock()
				switch {
				case err != nil:
					wrong++
					fmt.Printf("broken    %s: %v\n", m.name, err)
				case caught && m.alike != "":
					wrong++
					fmt.Printf("caught    %s: take it out of alike.txt\n", m.name)
				case !caught && m.alike == "":
					wrong++
					fmt.Printf("SURVIVED  %s\n", m.name)
				case !caught:
					alike++
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range some {
		next <- m
	}
	close(next)
	wg.Wait()
	fmt.Printf("%d mutants, %d caught, %d alike, in %s\n", len(some), len(some)-wrong-alike, alike, time.Since(began).Round(time.Second))
	if wrong > 0 {
		return fmt.Errorf("%d mutants are not as they should be", wrong)
	}
	return nil
}
