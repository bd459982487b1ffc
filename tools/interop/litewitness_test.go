//go:build interop && linux

package interop

import (
	"database/sql"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/witness"
)

// A liteWitness is torchwood's litewitness as a process.
type liteWitness struct {
	*program
	name string // as in its key
	key  string // verifier key
	url  string
	args []string
	dir  string
}

// startLiteWitness starts one with the test key of that name, that follows the
// log. Its key is in an SSH agent, as it wants it, here one of our own.
func startLiteWitness(t *testing.T, name, origin, logKey string, more ...string) *liteWitness {
	t.Helper()
	w := &liteWitness{name: "witness.example/" + name, dir: t.TempDir()}
	var err error
	if w.key, err = witness.VerifierKey(w.name, ledgertest.Key(name)); err != nil {
		t.Fatal(err)
	}
	follow(t, filepath.Join(w.dir, "w.db"), origin, logKey)
	at := freePort(t)
	w.url = "http://" + at
	w.args = append([]string{"-db", "w.db", "-name", w.name, "-key", serveAgent(t, filepath.Join(w.dir, "agent"), name),
		"-ssh-agent", "agent", "-listen", at}, more...)
	w.program = start(t, w.dir, "litewitness", w.args...)
	w.answers(t, at)
	if !strings.Contains(w.said.String(), w.key) {
		t.Fatalf("%s does not say that its key is %s", name, w.key)
	}
	return w
}

// urls are where those witnesses are.
func urls(witnesses []*liteWitness) map[string]string {
	at := map[string]string{}
	for _, w := range witnesses {
		at[w.name] = w.url
	}
	return at
}

// again starts it anew, with what it remembers.
func (w *liteWitness) again(t *testing.T) {
	t.Helper()
	w.program = start(t, w.dir, "litewitness", w.args...)
	w.answers(t, strings.TrimPrefix(w.url, "http://"))
}

// follow writes the rows by which litewitness knows a log. Its own command for
// that, witnessctl, needs a module that not every proxy has.
func follow(t *testing.T, path, origin, logKey string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const emptyRoot = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	for _, statement := range []struct {
		text string
		args []any
	}{
		{`CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL)`, nil},
		{`CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin))`, nil},
		{`INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)`, []any{origin, emptyRoot}},
		{`INSERT INTO key (origin, key) VALUES (?, ?)`, []any{origin, logKey}},
	} {
		if _, err := db.Exec(statement.text, statement.args...); err != nil {
			t.Fatal(err)
		}
	}
}

// serveAgent is an SSH agent that holds the test key of that name; it returns
// the key's fingerprint.
func serveAgent(t *testing.T, socket, name string) string {
	t.Helper()
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: ledgertest.Key(name)}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(keys, c)
		}
	}()
	pub, err := ssh.NewPublicKey(ledgertest.Key(name).Public())
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(pub)
}
