package operator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/tracing"
)

const (
	askTimeout = 10 * time.Second
	// maxSkew is how far a cosignature's time may be off the operator's clock.
	// One that is further off would move the time at which entries count as known.
	maxSkew   = 10 * time.Minute
	retryFrom = 50 * time.Millisecond
	retryTo   = 2 * time.Second
	maxAnswer = 16 << 10
)

// A voice asks one witness for its cosignatures. Each has a goroutine of its
// own, so that a slow witness holds up nobody and is brought up to date behind
// the others.
type voice struct {
	log    *Log
	place  int // in the policy
	name   string
	url    string
	client *http.Client
	size   int64 // what the witness has cosigned last, as far as we know

	mu   sync.Mutex
	next *round
	mail chan struct{} // has a token when next is set
}

func newVoices(l *Log, c Config) ([]*voice, error) {
	client := c.Client
	if client == nil {
		client = &http.Client{Timeout: askTimeout, Transport: tracing.Transport("witness", http.DefaultTransport)}
	}
	names := l.policy.WitnessNames()
	for name := range c.Witnesses {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("witness %q is not in the genesis", name)
		}
	}
	var voices []*voice
	for i, name := range names {
		if url := c.Witnesses[name]; url != "" {
			voices = append(voices, &voice{log: l, place: i, name: name, url: strings.TrimSuffix(url, "/"),
				client: client, mail: make(chan struct{}, 1)})
		}
	}
	return voices, nil
}

// ask leaves a round for the voice; an older one that it has not begun is
// dropped.
func (v *voice) ask(r *round) {
	v.mu.Lock()
	v.next = r
	v.mu.Unlock()
	select {
	case v.mail <- struct{}{}:
	default:
	}
}

func (v *voice) take() *round {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := v.next
	v.next = nil
	return r
}

func (v *voice) run(ctx context.Context) {
	var r *round
	pause := retryFrom
	for {
		var retry <-chan time.Time
		if r != nil {
			retry = time.After(pause)
			pause = min(2*pause, retryTo)
		}
		select {
		case <-ctx.Done():
			return
		case <-v.mail:
			if newer := v.take(); newer != nil {
				r, pause = newer, retryFrom
			}
		case <-retry:
		}
		if r == nil {
			continue
		}
		err := v.cosign(ctx, r)
		if err == nil {
			r = nil
		} else if ctx.Err() == nil {
			v.log.logger.Warn("ask witness", "witness", v.name, "error", err)
		}
	}
}

// cosign has the witness sign the round's checkpoint, from wherever the
// witness stands. It returns nil when there is nothing more to ask.
func (v *voice) cosign(ctx context.Context, r *round) error {
	ctx, cancel := context.WithTimeout(trace.ContextWithSpan(ctx, r.span), askTimeout)
	defer cancel()
	for range 3 {
		if v.size > r.checkpoint.Size {
			return v.beyond(ctx, r)
		}
		answer, size, err := v.addCheckpoint(ctx, r)
		if errors.Is(err, errForked) && !v.log.against(v.place, errForked) {
			return errors.New("it says that it has signed another history")
		}
		if err != nil {
			return err
		}
		if answer == nil { // 409: it stands elsewhere
			v.size = size
			continue
		}
		c, err := v.log.policy.OpenCosignature(r.checkpoint, v.place, answer)
		if err != nil {
			return err
		}
		if skew := c.Time.Sub(v.log.now()).Abs(); skew > maxSkew {
			return fmt.Errorf("its clock is %s away from ours", skew.Truncate(time.Second))
		}
		v.size = r.checkpoint.Size
		v.log.agrees(v.place)
		r.add(c)
		return nil
	}
	return errors.New("it answers with a different size each time")
}

// beyond is what to do with a witness that has signed more than the round
// covers: either another operator has published meanwhile, or the database has
// lost entries, or the witness lies. One alone is not believed.
func (v *voice) beyond(ctx context.Context, r *round) error {
	size, _, err := v.log.head(ctx)
	if err != nil {
		return err
	}
	if v.size <= size {
		r.supersede()
		return nil
	}
	claimed := v.size
	v.size = 0 // ask again, it may have lied
	if v.log.against(v.place, errAhead) {
		return errAhead
	}
	return fmt.Errorf("it says that it has signed %d entries, there are %d", claimed, size)
}

// against counts the witnesses that have signed what the database does not
// hold, and halts the log when the others are no quorum.
func (l *Log) against(place int, why error) bool {
	h := l.halted
	h.mu.Lock()
	if h.against == nil {
		h.against = map[int]bool{}
	}
	h.against[place] = true
	enough := len(l.policy.WitnessNames())-len(h.against) < l.policy.Quorum
	h.mu.Unlock()
	if enough && h.set(why) {
		l.logger.Error("ledger halted", "error", why)
	}
	return enough
}

// agrees takes a witness back that was against the database once.
func (l *Log) agrees(place int) {
	l.halted.mu.Lock()
	defer l.halted.mu.Unlock()
	delete(l.halted.against, place)
}

// addCheckpoint speaks c2sp.org/tlog-witness once. Without an error it returns
// either the witness's answer or, after a 409, the size where it stands.
func (v *voice) addCheckpoint(ctx context.Context, r *round) (answer []byte, size int64, err error) {
	body, err := v.body(ctx, r.checkpoint, r.signed)
	if err != nil {
		return nil, 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, 0, fmt.Errorf("read its answer: %w", err)
	}
	switch {
	case resp.StatusCode == http.StatusOK && len(b) > 0:
		return b, 0, nil
	case resp.StatusCode == http.StatusConflict && resp.Header.Get("Content-Type") == "text/x.tlog.size":
		size, err := strconv.ParseInt(strings.TrimSuffix(string(b), "\n"), 10, 64)
		if err != nil || size < 0 || size == v.size {
			return nil, 0, errors.New("it answers 409 without a size that helps")
		}
		return nil, size, nil
	}
	// Of a fork that is as large as what it has signed, tlog-witness says 409
	// without a size; some witnesses say 422 of every fork.
	if resp.StatusCode == http.StatusUnprocessableEntity || resp.StatusCode == http.StatusConflict {
		return nil, 0, errForked
	}
	return nil, 0, fmt.Errorf("it answers %s", resp.Status)
}

// body proves that the checkpoint continues what the witness has signed.
func (v *voice) body(ctx context.Context, c ledger.Checkpoint, signed []byte) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", v.size)
	if v.size > 0 && v.size < c.Size {
		proof, err := tlog.ProveTree(c.Size, v.size, v.log.hashReader(ctx, tlog.Tree{N: c.Size, Hash: c.Root}))
		if err != nil {
			return nil, fmt.Errorf("prove growth from %d to %d: %w", v.size, c.Size, err)
		}
		for _, h := range proof {
			fmt.Fprintln(&b, h)
		}
	}
	b.WriteByte('\n')
	b.Write(signed)
	return b.Bytes(), nil
}
