package audit

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A log behind HTTP may be away for a moment, and one of its operators behind
// another; what it never has, or what no log could have, is told apart.
func TestWeb(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Path]++
		n := asked[r.URL.Path]
		mu.Unlock()
		switch r.URL.Path {
		case "/log/tile/0/000":
			if n < 3 {
				http.Error(w, "away", http.StatusBadGateway)
				return
			}
		case "/log/tile/0/001":
			if n < 2 {
				http.NotFound(w, r)
				return
			}
		case "/log/tile/0/002", "/log/checkpoint":
			http.NotFound(w, r)
			return
		case "/log/tile/0/003":
			http.Error(w, "never", http.StatusForbidden)
			return
		case "/log/tile/0/004":
			w.Write(make([]byte, maxResource+1))
			return
		case "/log/tile/0/005":
			http.Error(w, "away for good", http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("here"))
	}))
	defer server.Close()
	src, err := Open(server.URL+"/log/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, x := range map[string]struct {
		want    string // in the error, "" for none
		missing bool
		asked   int
	}{
		"tile/0/000": {"", false, 3}, "tile/0/001": {"", false, 2}, "tile/0/002": {"not exist", true, 2}, "checkpoint": {"not exist", true, 1},
		"tile/0/003": {"403", false, 1}, "tile/0/004": {"more than any resource", false, 1}, "tile/0/005": {"503", false, 3},
	} {
		b, err := src.Read(t.Context(), path)
		ok := err == nil && string(b) == "here"
		if x.want != "" {
			ok = err != nil && strings.Contains(err.Error(), x.want) && errors.Is(err, fs.ErrNotExist) == x.missing
		}
		if !ok || asked["/log/"+path] != x.asked {
			t.Errorf("%s: got %q, %v, asked %d times", path, b, err, asked["/log/"+path])
		}
	}
	server.Close()
	if _, err := src.Read(t.Context(), "checkpoint"); err == nil || errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "127.0.0.1:") && strings.Contains(err.Error(), "/log/") {
		t.Errorf("away: got %v", err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for where, ok := range map[string]bool{dir: true, "file://" + dir: true, "https://log.example": true, file: false, dir + "/none": false, "ftp://log.example": false, "": false} {
		if _, err := Open(where, nil); (err == nil) != ok {
			t.Errorf("%q: got %v", where, err)
		}
	}
}

// A log on this machine is asked for its bundles as they are, any other for
// packed ones.
func TestOnThisMachine(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:8103": true, "http://127.8.8.8/log": true, "http://localhost:80/": true, "https://[::1]:8103/x": true,
		"https://ledger.example": false, "http://10.0.0.1:8103": false, "https://localhost.example": false, "http://127.0.0.1.example": false, "http://%": false,
	} {
		if got := onThisMachine(address); got != want {
			t.Errorf("%s: got %v, want %v", address, got, want)
		}
	}
}
