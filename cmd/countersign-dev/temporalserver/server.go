// Package temporalserver runs the real Temporal server inside this process, on SQLite: what `countersign-dev` and the
// tests of the contracts run against, where production has a cluster. It listens on loopback only, and unless a test has it
// guard its door it asks nobody who they are, so it is never a server for production.
package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/server/temporal"
)

// Options say where the server keeps its state and what it serves.
type Options struct {
	// Dir holds the SQLite files, and the log where Log is nil. It is made if need be. One server at a time.
	Dir string
	// Namespace is registered before the server starts.
	Namespace string
	// Log gets warnings and worse; nil writes them to temporal.log in Dir.
	Log *slog.Logger
	// WorkflowTaskTimeout is how soon a dead worker is missed, for contracts that do not say; 0 is the server's 10 s.
	WorkflowTaskTimeout time.Duration
	// Door is how the frontend guards itself; nil guards nothing.
	Door *Door
	// DrainageAfter is how soon a build of the workers is called drained, and how often that is looked at; 0 is the
	// server's 3 minutes.
	DrainageAfter time.Duration
	// UI serves Temporal's web UI on a loopback port of its own.
	UI bool
	// Codec, if not nil, lets the UI show payloads in clear text, to browsers on this machine only.
	Codec converter.PayloadCodec
}

// Server is a running Temporal server.
type Server struct {
	// FrontendAddress is where clients and workers dial: host:port.
	FrontendAddress string
	// UIAddress is the host:port of the web UI, empty where it was not asked for.
	UIAddress string

	stops []func() error // in the order of starting
}

// Start returns once the namespace can be used, within ctx.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	if o.Dir == "" || o.Namespace == "" {
		return nil, errors.New("start temporal server: Dir and Namespace are needed")
	}
	s := &Server{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start temporal server: %w", err), s.Stop())
		}
	}()
	if o.Dir, err = s.claim(o.Dir); err != nil {
		return nil, err
	}
	if o.Log == nil {
		if o.Log, err = s.openLog(filepath.Join(o.Dir, "temporal.log")); err != nil {
			return nil, err
		}
	}
	if err := s.startServer(ctx, o); err != nil {
		return nil, err
	}
	if o.UI {
		if err := s.startUI(ctx, o); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Stop ends what Start began, last first. Workflows go on when a server starts again on the same directory. Calling it
// twice is harmless.
func (s *Server) Stop() error {
	var errs []error
	for len(s.stops) > 0 {
		last := len(s.stops) - 1
		errs = append(errs, s.stops[last]())
		s.stops = s.stops[:last]
	}
	return errors.Join(errs...)
}

// claim makes the directory ours: two servers on one file would take each other's shards away.
func (s *Server) claim(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "temporal.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		return "", fmt.Errorf("another server runs on %s: stop it first (%w)", dir, err)
	}
	s.stops = append(s.stops, lock.Close)
	return dir, nil
}

func (s *Server) openLog(path string) (*slog.Logger, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, file.Close)
	return slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelWarn})), nil
}

func (s *Server) startServer(ctx context.Context, o Options) error {
	ports, err := freePorts(len(servicesOf(o)))
	if err != nil {
		return err
	}
	cfg := newConfig(filepath.Join(o.Dir, "temporal.db"), o, ports)
	if err := prepareDatabase(ctx, cfg, o.Namespace); err != nil {
		return err
	}
	var stopping atomic.Bool
	server, err := temporal.NewServer(append(o.Door.options(),
		temporal.WithConfig(cfg),
		temporal.ForServices(names(servicesOf(o))),
		temporal.WithStaticHosts(hosts(cfg, servicesOf(o))),
		temporal.WithDynamicConfigClient(dynamicConfig(o)),
		temporal.WithLogger(logger{to: o.Log, stopping: &stopping}),
	)...)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, func() error { stopping.Store(true); return server.Stop() })
	if err := server.Start(); err != nil {
		return err
	}
	s.FrontendAddress = frontendOf(cfg)
	return awaitNamespace(ctx, unguardedOf(cfg), o.Namespace)
}

// awaitNamespace returns when the frontend answers for the namespace: it serves before its caches are filled.
func awaitNamespace(ctx context.Context, address, namespace string) error {
	c, err := client.NewLazyClient(client.Options{HostPort: address, Namespace: namespace, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		_, err := c.WorkflowService().ListWorkflowExecutions(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: namespace, PageSize: 1})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("namespace %s is not ready: %w", namespace, errors.Join(ctx.Err(), err))
		case <-time.After(10 * time.Millisecond):
		}
	}
}
