package temporalserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
	"go.temporal.io/sdk/converter"
)

func (s *Server) startUI(ctx context.Context, o Options) error {
	ports, err := freePorts(1)
	if err != nil {
		return err
	}
	at := address(ports[0])
	cfg := &config.Config{
		TemporalGRPCAddress: s.FrontendAddress,
		Host:                loopback,
		Port:                ports[0],
		EnableUI:            true,
		HideLogs:            true,
		DefaultNamespace:    o.Namespace,
		DisableNewsFetch:    true, // nothing here calls the outside world
		CORS:                config.CORS{CookieInsecure: true},
	}
	if o.Codec != nil {
		if cfg.Codec.Endpoint, err = s.startCodec(o.Codec, "http://"+at); err != nil {
			return fmt.Errorf("start codec endpoint: %w", err)
		}
	}
	ui := server.NewServer(server_options.WithConfigProvider(cfg))
	go ui.Start()
	s.stops = append(s.stops, func() error { ui.Stop(); return nil })
	if err := awaitDial(ctx, at); err != nil {
		return fmt.Errorf("start UI: %w", err)
	}
	s.UIAddress = at
	return nil
}

// startCodec serves decoding to the UI's pages. The checks on Host and Origin keep other sites that are open in the same
// browser from reading payloads through it.
func (s *Server) startCodec(codec converter.PayloadCodec, origin string) (endpoint string, err error) {
	l, err := net.Listen("tcp", address(0))
	if err != nil {
		return "", err
	}
	decode := converter.NewPayloadCodecHTTPHandler(codec)
	here := l.Addr().String()
	srv := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != here || r.Header.Get("Origin") != origin {
			http.Error(w, "only for the Temporal UI at "+origin, http.StatusForbidden)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type, X-Namespace")
		if r.Method == http.MethodOptions {
			return
		}
		decode.ServeHTTP(w, r)
	})}
	go srv.Serve(l)
	s.stops = append(s.stops, srv.Close)
	return "http://" + here, nil
}

func awaitDial(ctx context.Context, address string) error {
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}
