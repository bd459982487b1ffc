//go:build linux

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// profileTime is how much of a round is profiled, from its start.
const profileTime = 5 * time.Second

// profileUntil asks the child for a profile of its processor time. What it
// returns waits for the answer.
func profileUntil(ctx context.Context, profiler string) func() ([]byte, error) {
	type answer struct {
		body []byte
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		body, err := get(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", profiler, int(profileTime.Seconds())))
		got <- answer{body, err}
	}()
	return func() ([]byte, error) { a := <-got; return a.body, a.err }
}

func get(ctx context.Context, url string) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// partsOf reads a profile with Go's own tool and sorts its samples by layer.
func partsOf(ctx context.Context, profile []byte) ([]part, error) {
	f, err := os.CreateTemp("", "countersign-profile-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(profile); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", f.Name()).Output()
	if err != nil {
		return nil, fmt.Errorf("go tool pprof: %w", err)
	}
	parts, err := readTraces(out)
	if err != nil {
		return nil, err
	}
	all := []part{}
	for _, p := range parts {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b part) int { return cmp.Compare(b.all, a.all) })
	return all, nil
}

// readTraces reads "pprof -traces": samples between lines of dashes, each a
// duration and the innermost function, then one function a line outwards.
func readTraces(text []byte) (map[string]*part, error) {
	parts := map[string]*part{}
	var took time.Duration
	var stack strings.Builder
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	inSamples := false
	for lines.Scan() {
		line := lines.Text()
		switch fields := strings.Fields(line); {
		case strings.HasPrefix(line, "-----------+"):
			if took > 0 {
				add(parts, stack.String(), took)
			}
			took, inSamples = 0, true
			stack.Reset()
		case !inSamples || len(fields) == 0:
		case took == 0 && len(fields) > 1:
			d, err := time.ParseDuration(fields[0])
			if err != nil {
				continue // a label of the sample
			}
			took = d
			fmt.Fprintln(&stack, strings.Join(fields[1:], " "))
		default:
			fmt.Fprintln(&stack, strings.TrimSpace(line))
		}
	}
	if took > 0 {
		add(parts, stack.String(), took)
	}
	if len(slices.Collect(maps.Keys(parts))) == 0 {
		return nil, errors.New("the profile has no samples")
	}
	return parts, lines.Err()
}
