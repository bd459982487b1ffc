package vcalm

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/problem"
)

const (
	// challengeLife is as long as a presentation lives.
	challengeLife = 5 * time.Minute
	maxChallenges = 10_000
)

// challenges are those that were given out and not used. They live in this
// process: of several behind one address, each knows its own, and refuses the
// others'.
type challenges struct {
	mu   sync.Mutex
	open map[string]time.Time // until when
}

// mint gives a new one; false where too many are open.
func (c *challenges) mint(now time.Time) (string, bool) {
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	text := base64.RawURLEncoding.EncodeToString(b[:])
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= maxChallenges {
		for s, until := range c.open {
			if now.After(until) {
				delete(c.open, s)
			}
		}
		if len(c.open) >= maxChallenges {
			return "", false
		}
	}
	if c.open == nil {
		c.open = map[string]time.Time{}
	}
	c.open[text] = now.Add(challengeLife)
	return text, true
}

// use takes a challenge away, whatever comes of the presentation: nobody tries
// twice for one.
func (c *challenges) use(text string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.open[text]
	delete(c.open, text)
	return ok && !now.After(until)
}

func (h *House) mint(w http.ResponseWriter, _ *http.Request) {
	now := h.Now()
	text, ok := h.challenges.mint(now)
	if !ok {
		problem.New(http.StatusTooManyRequests, "challenges", "too many challenges are open", "use them, or wait").Write(w)
		return
	}
	writeJSON(w, http.StatusOK, "application/json", map[string]any{
		"challenge": text, "domain": h.Domain, "expires": now.Add(challengeLife).UTC().Format(time.RFC3339)})
}

// expected is to what a presentation has to be bound: a challenge of ours, which
// is used up by this, and our own name.
func (h *House) expected(q request) (*credentials.Presentation, error) {
	switch {
	case q.options.challenge == "":
		return nil, malformed("at /options: it takes a challenge (POST %s/challenges) and the domain", Base)
	case q.options.domain != h.Domain:
		return nil, malformed("at /options/domain: this verifier is another one, see POST %s/challenges", Base)
	case !h.challenges.use(q.options.challenge, h.Now()):
		return nil, refused(credentials.VerdictOf(credentials.Refuse(credentials.CheckReplay, "the challenge is not one of ours, was used before, or is over")))
	}
	return &credentials.Presentation{Challenge: q.options.challenge, Domain: q.options.domain}, nil
}
