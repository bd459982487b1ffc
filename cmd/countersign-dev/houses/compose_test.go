//go:build linux

package houses

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the harness would silently leave out, it refuses.
func TestNotUnderstood(t *testing.T) {
	repo, err := repository(".")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(repo, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ old, with, want string }{
		{"", "", ""},
		{"shm_size: 128mb", "mem_limit: 128mb", "services.postgres.mem_limit"},
		{"shm_size: 128mb", "extra_hosts: {a: 10.0.0.1}", "services.postgres.extra_hosts"},
		{"  retries: 12", "  retries: 12\n  start_interval: 1s", "healthcheck.start_interval"},
	} {
		dir := t.TempDir()
		text := string(file)
		if x.old != "" {
			if !strings.Contains(text, x.old) {
				t.Fatalf("the file has no %q", x.old)
			}
			text = strings.Replace(text, x.old, x.with, 1)
		}
		if err := os.WriteFile(filepath.Join(dir, "docker-compose.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := (&Houses{Dir: dir}).load(context.Background())
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q: got %v, want %q", x.with, err, x.want)
		}
	}
}

func TestSubstitutions(t *testing.T) {
	s := &service{}
	s.substitute(`/run/secrets\b`, "/d/services/postgres/run/secrets")
	s.substitute(`(?P<before>^|[/@ ])postgres(?P<after>:\d+\b|/)`, "127.1.2.3")
	s.substitute(`\b(0\.0\.0\.0|127\.0\.0\.1)\b`, "127.1.2.9")
	for in, want := range map[string]string{
		"dsn: postgres://postgres@postgres/postgres?x": "dsn: postgres://postgres@127.1.2.3/postgres?x",
		"postgres:5432":               "127.1.2.3:5432",
		"postgres:books":              "postgres:books",
		"/run/secrets/a /run/secrets": "/d/services/postgres/run/secrets/a /d/services/postgres/run/secrets",
		"http://127.0.0.1:1 0.0.0.0":  "http://127.1.2.9:1 127.1.2.9",
		"127.0.0.10":                  "127.0.0.10",
	} {
		if got := s.text(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
