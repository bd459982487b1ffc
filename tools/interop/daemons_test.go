//go:build interop && linux

package interop

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/witness"
)

var ctx = context.Background()

// A house is one of our daemons as a process.
type house struct {
	*program
	url   string
	admin string
	dir   string
	args  []string
}

// startHouse starts countersignd with a configuration, in which DOOR and ADMIN
// stand for its addresses, and waits until it is ready where that is wanted.
func startHouse(t *testing.T, command, dir, config string) *house {
	t.Helper()
	door, admin := freePort(t), freePort(t)
	config = strings.NewReplacer("DOOR", door, "ADMIN", admin).Replace(config)
	file := write(t, filepath.Join(dir, command+".yaml"), []byte(config))
	h := &house{url: "http://" + door, admin: "http://" + admin, dir: dir, args: []string{command, "--config", file}}
	h.program = start(t, dir, "countersignd", h.args...)
	h.answers(t, door)
	return h
}

func (h *house) again(t *testing.T) {
	t.Helper()
	h.program = start(t, h.dir, "countersignd", h.args...)
	h.answers(t, strings.TrimPrefix(h.url, "http://"))
}

func (h *house) ready(t *testing.T) {
	t.Helper()
	until(t, h.url+" is ready", func() bool {
		resp, err := http.Get(h.admin + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// A book is our ledger: its daemon, and what a reader knows of it.
type book struct {
	*house
	genesis *ledger.Genesis
	policy  ledger.Policy
	trust   string // file that pins leaf 0
	client  *client.Client
}

// startLedger founds a ledger with four witnesses, w1 to w4, three of whom are a
// quorum, and runs its operator on the database. It asks those whose URLs are given.
func startLedger(t *testing.T, dsn string, witnesses map[string]string) *book {
	t.Helper()
	draft, founders := ledgertest.Draft()
	leaf, err := ledger.NewGenesis(draft, founders...)
	if err != nil {
		t.Fatal(err)
	}
	b := &book{}
	if b.genesis, err = ledger.ParseGenesis(leaf); err != nil {
		t.Fatal(err)
	}
	if b.policy, err = b.genesis.Policy(); err != nil {
		t.Fatal(err)
	}
	trust, err := ledger.Trust{Origin: ledgertest.Origin, Genesis: b.genesis.Digest()}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	b.trust = write(t, filepath.Join(dir, "trust.json"), trust)
	write(t, filepath.Join(dir, "genesis.entry"), leaf)
	write(t, filepath.Join(dir, "log.key"), ledgertest.Key("log").Seed())
	config := "drain: 2s\nledger:\n  listen: DOOR\n  admin: ADMIN\n  database: " + database(t, dir, dsn) +
		"\n  genesis: genesis.entry\n  log_key_file: log.key\n  witnesses:\n"
	for name, url := range witnesses {
		config += fmt.Sprintf("    - {name: %s, url: '%s'}\n", name, url)
	}
	b.house = startHouse(t, "ledger", dir, config)
	b.ready(t)
	b.client = client.New(b.url, b.policy, nil)
	return b
}

// database is a DSN as the daemon wants it: its password in a file.
func database(t *testing.T, dir, dsn string) string {
	t.Helper()
	head, rest, found := strings.Cut(dsn, "@")
	user, password, ok := strings.Cut(strings.TrimPrefix(head, "postgres://"), ":")
	if !found || !ok {
		return "{dsn: '" + dsn + "'}"
	}
	write(t, filepath.Join(dir, "password"), []byte(password+"\n"))
	return fmt.Sprintf("{dsn: 'postgres://%s@%s', password_file: password}", user, rest)
}

// append records n decisions and returns the last one's index and leaf.
func (b *book) append(t *testing.T, name string, n int) (index int64, leaf []byte) {
	t.Helper()
	for i := range n {
		key := fmt.Sprint(name, " ", i)
		e := ledgertest.Entry(t, key)
		a, err := b.client.Append(ctx, key, e)
		if err != nil {
			t.Fatal(err)
		}
		index, leaf = a.Index, e.Marshal()
	}
	return index, leaf
}

// await waits for a receipt, checked by our own client.
func (b *book) await(t *testing.T, index int64, leaf []byte) []byte {
	t.Helper()
	short, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	receipt, _, err := b.client.Await(short, index, leaf)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// A seat is our witness as a process.
type seat struct {
	*house
	name string
	key  string
}

// startWitness runs our witness with the test key of that name. More lines of
// its configuration may follow.
func startWitness(t *testing.T, name, origin, logKey string, more ...string) *seat {
	t.Helper()
	s := &seat{name: "witness.example/" + name}
	key := ledgertest.Key(name)
	var err error
	if s.key, err = witness.VerifierKey(s.name, key); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "witness.key"), ed25519.PrivateKey(key).Seed())
	s.house = startHouse(t, "witness", dir, fmt.Sprintf("drain: 2s\nwitness:\n  listen: DOOR\n  admin: ADMIN\n  database: {dsn: 'sqlite:w.db'}\n"+
		"  name: %s\n  key_file: witness.key\n  logs: [{origin: %s, keys: ['%s']}]\n%s", s.name, origin, logKey, strings.Join(more, "")))
	s.ready(t)
	return s
}
