//go:build linux && houses

package outages

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"
)

// A line is what lies between an insurer and a board: it passes requests and
// answers on, or keeps both. The first part of a path says to whom.
type line struct {
	*httptest.Server
	mu   sync.Mutex
	open chan struct{} // closed while it passes on
}

func newLine(t *testing.T) *line {
	l := &line{open: make(chan struct{})}
	close(l.open)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			host, path, _ := strings.Cut(strings.TrimPrefix(r.In.URL.Path, "/"), "/")
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.URL.Path, r.Out.Host = "http", host, "/"+path, host
		},
		ModifyResponse: func(r *http.Response) error { return l.pass(r.Request.Context()) },
	}
	l.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.pass(r.Context()) == nil {
			proxy.ServeHTTP(w, r)
		}
	}))
	l.Listener.Close()
	var err error
	if l.Listener, err = net.Listen("tcp4", "127.0.0.2:0"); err != nil { // 127.0.0.1 is, to each of the houses, itself
		t.Fatal(err)
	}
	l.Start()
	t.Cleanup(func() { l.release(); l.CloseClientConnections(); l.Close() })
	return l
}

func (l *line) pass(ctx context.Context) error {
	l.mu.Lock()
	open := l.open
	l.mu.Unlock()
	select {
	case <-open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *line) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = make(chan struct{})
}

func (l *line) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.open:
	default:
		close(l.open)
	}
}

// feedDelayed keeps from the insurer what the board says, for longer than its
// patience; meanwhile the board revokes a license.
func feedDelayed(v *town, files []string, feed *line) {
	half := len(files) / 2
	read := v.count(`SELECT max(read_at) FROM feed`)
	v.until("the feed to be read", func() bool { return v.count(`SELECT max(read_at) FROM feed`) > read })
	feed.hold()
	v.bill(files[:half], now) // the last word is fresh enough, so these are decided
	v.calm()
	v.revoke()
	v.until("the feed to be stale", func() bool { return v.feedAge() > patience })
	stale, before := time.Now(), v.received()
	v.bill(files[half:], now)
	v.until("a decision on each claim", func() bool { return v.count(`SELECT count(*) FROM submission WHERE state = 'received'`) == 0 })
	v.unproved(before, files[half:])
	v.pays()
	if paid := v.count(`SELECT COALESCE(sum(p.amount), 0) FROM payment p JOIN decision d ON d.document = p.document
		JOIN remittance r ON r.trace = d.remittance WHERE r.released > $1`, stale.UnixMicro()); paid > 0 {
		v.Errorf("with a stale feed %d cents are paid", paid)
	}
	if n := v.count(`SELECT count(*) FROM board_order`); n != 0 {
		v.Errorf("the insurer knows %d orders that nobody told it", n)
	}
	feed.release()
	v.until("the order to be heard", func() bool { return v.count(`SELECT count(*) FROM board_order`) == 1 })
	v.calm()
}

// received is the place of the last claim among those that were received.
func (v *town) received() int64 {
	v.Helper()
	return v.count(`SELECT COALESCE(max(seq), 0) FROM submission`)
}

// unproved wants every claim of files pended that came after a place, but those
// that repeat another claim: what denies them rests on no license.
func (v *town) unproved(after int64, files []string) {
	v.Helper()
	var repeated int64
	for _, name := range files {
		repeated += v.again[name]
	}
	outcomes := map[string]int64{}
	for _, outcome := range []string{"paid", "denied", "pended"} {
		outcomes[outcome] = v.count(`SELECT count(*) FROM submission WHERE seq > $1 AND state = $2`, after, outcome)
	}
	if outcomes["paid"] > 0 || outcomes["denied"] > repeated || outcomes["pended"] == 0 {
		v.Errorf("while no license is proved, claims are %v; want all pended but %d at most, which repeat others", outcomes, repeated)
	}
	v.Logf("while no license was proved: %v", outcomes)
}

// feedAge is how old the board's last word is.
func (v *town) feedAge() time.Duration {
	v.Helper()
	return time.Since(time.UnixMicro(v.count(`SELECT min(read_at) FROM feed`)))
}
