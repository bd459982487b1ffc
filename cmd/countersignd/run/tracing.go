package run

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/textproto"
	"time"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/tracing/otlp"
)

// lastTraces is how long the end of a process waits for its collector.
const lastTraces = 2 * time.Second

// startTracing makes the spans of this process go to the collector, and returns
// what sends the last ones. A collector that
// is away costs spans and two lines of the log, nothing else.
func (p *process) startTracing() (last func(), err error) {
	t := p.config.Tracing
	if t == nil {
		return func() {}, nil
	}
	var headers func() (http.Header, error)
	if t.HeadersFile != "" {
		headers = func() (http.Header, error) { return headersOf(t.HeadersFile) }
		if _, err := headers(); err != nil {
			return nil, fmt.Errorf("tracing: %w", err)
		}
	}
	traces, stop, err := otlp.Start(otlp.Config{
		Service: "countersignd-" + p.command, Endpoint: t.Endpoint, Headers: headers, Sample: t.Sample,
		Lost: func(err error) {
			if err == nil {
				p.log.Info("the collector takes traces again")
				return
			}
			p.log.Warn("traces are lost until the collector takes them", "error", err.Error())
		},
	})
	if err != nil {
		return nil, err
	}
	p.traces = traces
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), lastTraces)
		defer cancel()
		stop(ctx) // whose failure Lost has told of
	}, nil
}

func headersOf(f config.SecretFile) (http.Header, error) {
	b, err := f.Read()
	if err != nil {
		return nil, err
	}
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(bytes.TrimSpace(b), "\n\n"...)))).ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("%s: want lines such as \"Authorization: Bearer TOKEN\"", f) // the error would show one
	}
	return http.Header(h), nil
}
