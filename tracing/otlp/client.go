package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// client posts spans as OTLP 1.10 says under "OTLP/HTTP", binary. The
// project's own otlptracehttp does so too, but brings gRPC along, which the
// command that people type has no use for.
type client struct {
	url     string
	headers func() (http.Header, error)
	http    *http.Client
}

func newClient(endpoint string, headers func() (http.Header, error)) (*client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.User != nil {
		return nil, errors.New("the collector's endpoint is not an http(s) URL without user and query")
	}
	return &client{strings.TrimSuffix(endpoint, "/") + "/v1/traces", headers, &http.Client{
		Transport: http.DefaultTransport.(*http.Transport).Clone(),
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("a collector does not redirect") // it might take the token elsewhere
		},
	}}, nil
}

func (c *client) Start(context.Context) error { return nil }

func (c *client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces sends spans once: what a collector does not take is lost.
// TracesData is on the wire what ExportTraceServiceRequest is.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if c.headers != nil {
		if req.Header, err = c.headers(); err != nil {
			return fmt.Errorf("collector's headers: %w", err)
		}
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("reach the collector: %w", err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // so that the connection is used again
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answers %s", resp.Status)
	}
	return nil
}
