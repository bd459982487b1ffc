// Package run is the life of each process of countersignd: it opens the
// admin and the public door, waits for what the process needs and says what it
// waits for, serves, and drains when it is told to stop.
//
// It wires what other packages do. It decides nothing, and logs nothing that
// belongs to a person: routes, never paths; handles, never names.
package run

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/tracing"
)

// A process is one command on its way.
type process struct {
	config  *config.Config
	command string
	log     *slog.Logger
	traces  trace.TracerProvider // nil where there are none
	metrics *metrics
	state   *state
	door    atomic.Pointer[http.Handler] // nil until all is there
	drained context.Context              // ends when draining begins
	closers []func()                     // last first
}

// parts is how each command starts: it waits for what it needs and returns the
// door to serve, nil where it has none.
var parts = map[string]func(context.Context, *process) (http.Handler, error){
	"worker":  startWorker,
	"gateway": startGateway,
	"board":   startBoard,
	"ledger":  startLedger,
	"witness": startWitness,
}

// ErrLogged marks an error that the log has told of.
var ErrLogged = errors.New("stopped")

// Run runs a command until ctx ends, which is what a signal should do, and then
// drains. An error means that it could not start or go on.
func Run(ctx context.Context, command string, c *config.Config, logs io.Writer) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return fmt.Errorf("log level: %w", err)
	}
	log := slog.New(tracing.LogHandler(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: level}))).With("command", command)
	p := &process{config: c, command: command, log: log, metrics: newMetrics(command), state: &state{waits: "it has only begun to start"}}
	err := p.run(ctx)
	if err != nil {
		log.Error("stopped", "error", err.Error())
		return fmt.Errorf("%w: %w", ErrLogged, err)
	}
	log.Info("stopped")
	return nil
}

func (p *process) run(ctx context.Context) error {
	listen, admin, secured := p.addresses()
	lastTraces, err := p.startTracing()
	if err != nil {
		return err
	}
	defer lastTraces()
	failed := make(chan error, 2)
	a, err := p.serve("admin", admin, nil, p.adminHandler(), failed)
	if err != nil {
		return err
	}
	defer a.Close()
	drained, drain := context.WithCancel(context.Background())
	defer drain()
	p.drained = drained
	var door *http.Server
	if listen != "" {
		if door, err = p.serve("door", listen, secured, tracing.Handler(p.traces, p.metrics.count(p.doorHandler())), failed); err != nil {
			return err
		}
		defer door.Close()
	}
	defer p.close()
	handler, err := parts[p.command](ctx, p)
	if err != nil {
		if ctx.Err() != nil {
			return nil // told to stop while it waited
		}
		return err
	}
	p.door.Store(&handler)
	p.state.wait("")
	p.log.Info("serving")
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	p.log.Info("draining", "at_most", p.config.Drain.String())
	p.state.wait("it drains")
	drain()
	if door != nil {
		p.shutdown(door)
	}
	return err
}

// close undoes what the start has done, last first.
func (p *process) close() {
	p.state.wait("it stops")
	for i := len(p.closers) - 1; i >= 0; i-- {
		p.closers[i]()
	}
}

func (p *process) onClose(f func()) { p.closers = append(p.closers, f) }

func (p *process) addresses() (listen, admin string, secured *config.DoorTLS) {
	c := p.config
	switch p.command {
	case "worker":
		return "", c.Worker.Admin, nil
	case "gateway":
		return c.Gateway.Listen, c.Gateway.Admin, c.Gateway.TLS
	case "board":
		return c.Board.Listen, c.Board.Admin, c.Board.TLS
	case "ledger":
		return c.Ledger.Listen, c.Ledger.Admin, c.Ledger.TLS
	}
	return c.Witness.Listen, c.Witness.Admin, c.Witness.TLS
}

// serve binds before anything is waited for, so that an address that is taken
// is found at once. It speaks https where it is given a certificate.
func (p *process) serve(what, address string, secured *config.DoorTLS, h http.Handler, failed chan<- error) (*http.Server, error) {
	var certificate *tls.Config
	if secured != nil {
		var err error
		if certificate, err = doorTLS(*secured); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", what, err)
	}
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		// Longer than the longest poll of any door, a feed's 60 s.
		WriteTimeout: 90 * time.Second, IdleTimeout: 2 * time.Minute,
		TLSConfig: certificate, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	p.log.Info("listening", "for", what, "address", l.Addr().String(), "https", secured != nil)
	serve := s.Serve
	if secured != nil {
		serve = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
	}
	go func() {
		if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve %s: %w", what, err)
		}
	}()
	return s, nil
}

// shutdown lets requests under way end, and cuts off what takes too long.
func (p *process) shutdown(s *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), p.config.Drain)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		p.log.Warn("requests were cut off: they may be sent again", "after", p.config.Drain.String())
	}
}

// doorHandler answers for the door until it is there, and ends long polls when
// the process drains: whoever waits asks again, and finds another process.
func (p *process) doorHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		door := p.door.Load()
		if door == nil {
			tryAgain(w)
			return
		}
		if r.Method != http.MethodGet {
			(*door).ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		stop := context.AfterFunc(p.drained, cancel)
		defer stop()
		polled := r.WithContext(ctx)
		(*door).ServeHTTP(w, polled)
		r.Pattern = polled.Pattern
		if c, ok := w.(*counted); ok && !c.wrote && p.drained.Err() != nil && r.Context().Err() == nil {
			tryAgain(w)
		}
	})
}

func tryAgain(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	io.WriteString(w, `{"code":"try-again","error":"this process starts or stops just now: send it again, nothing is done twice"}`+"\n")
}
