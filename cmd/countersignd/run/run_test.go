package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
)

func newProcess(logs io.Writer) (p *process, drain func()) {
	ctx, cancel := context.WithCancel(context.Background())
	return &process{config: &config.Config{}, command: "gateway", log: slog.New(slog.NewJSONHandler(logs, nil)),
		metrics: newMetrics("gateway"), state: &state{}, drained: ctx}, cancel
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// The door says "try again" before it is there and to long polls when the
// process drains, and lets everything else through to its end.
func TestDoor(t *testing.T) {
	p, drain := newProcess(io.Discard)
	h := p.metrics.count(p.doorHandler())
	if w := get(h, "/poll"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("before it is there: got %d", w.Code)
	}
	mux := http.NewServeMux()
	begun := make(chan struct{})
	mux.HandleFunc("GET /poll", func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done() // and says nothing, as for a caller who has gone
	})
	mux.HandleFunc("POST /things/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() != nil {
			t.Error("a request that writes was cut off")
		}
		w.WriteHeader(http.StatusCreated)
	})
	door := http.Handler(mux)
	p.door.Store(&door)
	polled := make(chan *httptest.ResponseRecorder)
	go func() { polled <- get(h, "/poll") }()
	<-begun
	drain()
	if w := <-polled; w.Code != 503 {
		t.Errorf("a long poll while draining: got %d, want 503", w.Code)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/things/7", nil))
	if w.Code != 201 {
		t.Errorf("a write while draining: got %d, want 201", w.Code)
	}
	get(h, "/nowhere/SECRET")
	text := get(p.metrics.handler(), "/metrics").Body.String()
	for _, line := range []string{
		`countersign_requests_total{route="GET /poll",status="503"} 1`, `countersign_requests_total{route="POST /things/{id}",status="201"} 1`,
		`countersign_requests_total{route="other",status="404"} 1`, `countersign_requests_total{route="other",status="503"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics has no %q", line)
		}
	}
	if strings.Contains(text, "SECRET") {
		t.Error("/metrics has a path that a caller invented")
	}
}

func TestReadySaysWhatIsNot(t *testing.T) {
	p, _ := newProcess(io.Discard)
	p.state.wait("it waits for the ledger: refused")
	h := p.adminHandler()
	check := func(code int, want string) {
		t.Helper()
		if w := get(h, "/readyz"); w.Code != code || w.Body.String() != want {
			t.Errorf("got %d %q, want %d %q", w.Code, w.Body, code, want)
		}
	}
	check(503, "not ready: it waits for the ledger: refused\n")
	p.state.wait("")
	check(200, "ready\n")
	bad := errors.New("down\nand out")
	p.state.probe("database", func(context.Context) error { return bad })
	p.state.probe("ledger", func(context.Context) error { return nil })
	p.state.probe("Temporal", func(context.Context) error { return errors.New("away") })
	check(503, "not ready: database: down and out; Temporal: away\n")
	if w := get(h, "/healthz"); w.Code != 200 {
		t.Errorf("healthz: got %d, want 200", w.Code)
	}
}

func TestAwait(t *testing.T) {
	var logs bytes.Buffer
	p, _ := newProcess(&logs)
	tries := 0
	err := p.await(context.Background(), "the moon", func(context.Context) error {
		if tries++; tries < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || tries != 3 || strings.Count(logs.String(), `"msg":"waiting"`) != 1 || !strings.Contains(logs.String(), `"for":"the moon"`) {
		t.Errorf("got %v after %d tries, want one line that says what it waits for:\n%s", err, tries, logs.String())
	}
	bad := errors.New("another genesis")
	if err := p.await(context.Background(), "the moon", func(context.Context) error { return final(bad) }); !errors.Is(err, bad) {
		t.Errorf("got %v, want the error that waiting does not mend", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := p.await(ctx, "the moon", func(context.Context) error { return errors.New("no") }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's end", err)
	}
}

func TestPasswords(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte("p@ss:w/rd\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := dsnOf(config.Database{DSN: "postgres://me@h/db?sslmode=disable", PasswordFile: config.SecretFile(file)})
	if want := "postgres://me:p%40ss%3Aw%2Frd@h/db?sslmode=disable"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	_, err = openDatabase(context.Background(), config.Database{DSN: "postgres://me@127.0.0.1:1/db?sslmode=disable", PasswordFile: config.SecretFile(file)})
	if err == nil || strings.Contains(err.Error(), "p@ss") || strings.Contains(err.Error(), "p%40ss") {
		t.Errorf("got %v, want an error without the password", err)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pem")
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := tlsOf(nil); got != nil || err != nil {
		t.Errorf("none: got %v, %v", got, err)
	}
	if got, err := tlsOf(&config.TLS{ServerName: "temporal.example"}); err != nil || got.ServerName != "temporal.example" || got.InsecureSkipVerify {
		t.Errorf("the machine's authorities: got %v", err)
	}
	for _, c := range []config.TLS{
		{CAFile: config.File(file)}, {CAFile: "/none"}, {CertFile: config.File(file), KeyFile: config.SecretFile(file)}, {CertFile: config.File(file), KeyFile: "/none"},
	} {
		if _, err := tlsOf(&c); err == nil {
			t.Errorf("%+v: got no error", c)
		}
	}
}
