package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/countersign-health/countersign/tracing"
)

// maxResource is the most that a bundle of 256 entries can have.
const maxResource = 256 * (2 + 65535)

// A Source is where the resources of a log are read, by their paths in
// c2sp.org/tlog-tiles. It may be used by several goroutines.
type Source interface {
	// Read returns a resource. What the log does not have is fs.ErrNotExist;
	// every other error means that it could not be read now.
	Read(ctx context.Context, path string) ([]byte, error)
	// Readers is how many reads at once make sense.
	Readers() int
}

// Open is the log at an http:// or https:// address, or in a folder, which may
// be given as file://. A nil client means one that suits.
func Open(where string, client *http.Client) (Source, error) {
	switch {
	case strings.HasPrefix(where, "http://"), strings.HasPrefix(where, "https://"):
		if client == nil {
			t := http.DefaultTransport.(*http.Transport).Clone()
			t.MaxIdleConnsPerHost = webReaders          // all requests go to one host; the default of 2 would dial for each
			t.DisableCompression = onThisMachine(where) // packing takes longer than what it saves there
			client = &http.Client{Timeout: 30 * time.Second, Transport: tracing.Transport("ledger", t)}
		}
		return &web{strings.TrimSuffix(where, "/"), client}, nil
	case strings.Contains(where, "://") && !strings.HasPrefix(where, "file://"):
		return nil, errors.New("want a folder, or an address that begins with http:// or https://")
	}
	dir := strings.TrimPrefix(where, "file://")
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("want a folder")
	}
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return Dir(dir), nil
}

func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
}

// Dir is a log as a folder of files.
type Dir string

// Read implements Source.
func (d Dir) Read(_ context.Context, path string) ([]byte, error) {
	name := filepath.Join(string(d), filepath.FromSlash(path))
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxResource {
		err = fmt.Errorf("it has %d bytes, the most is %d", info.Size(), maxResource)
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

// Readers implements Source: files come from memory mostly, and hashing is the
// rest.
func (d Dir) Readers() int { return runtime.GOMAXPROCS(0) }

// web is a log behind HTTP.
type web struct {
	base   string
	client *http.Client
}

const (
	webReaders = 16
	behind     = 1200 * time.Millisecond // how far one operator may be behind another, and a bit
)

func (w *web) Readers() int { return webReaders }

// Read asks again, for a while, where trying again may help. A tile may be
// missing for a second where another of the log's operators has shown the
// checkpoint already.
func (w *web) Read(ctx context.Context, path string) (b []byte, err error) {
	for i, pause := range []time.Duration{200 * time.Millisecond, time.Second, 0} {
		var again bool
		b, again, err = w.get(ctx, path)
		if i == 0 && errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(path, "tile/") {
			again, pause = true, behind
		}
		if !again || pause == 0 {
			return b, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
	return b, err
}

func (w *web) get(ctx context.Context, path string) (b []byte, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/"+path, nil)
	if err != nil {
		return nil, false, err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the path is named by whoever asked
		}
		return nil, ctx.Err() == nil, fmt.Errorf("reach the log: %w", err)
	}
	defer resp.Body.Close()
	b, err = io.ReadAll(io.LimitReader(resp.Body, maxResource+1))
	switch {
	case err != nil:
		return nil, ctx.Err() == nil, fmt.Errorf("read the log's answer: %w", err)
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone:
		return nil, false, fs.ErrNotExist
	case resp.StatusCode != http.StatusOK:
		return nil, resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests, fmt.Errorf("the log answers %s", resp.Status)
	case len(b) > maxResource:
		return nil, false, errors.New("the log answers more than any resource can have")
	}
	return b, false, nil
}
