package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// asDaemon makes this test binary be countersignd.
const asDaemon = "TEST_AS_COUNTERSIGND"

func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) != "" {
		os.Exit(Main(os.Args, os.Environ(), os.Stdout, os.Stderr))
	}
	sqldbtest.Main(m)
}

const origin = "ledger.example/houses"

// A town is the files of every house: keys, genesis, trust, configurations.
type town struct {
	t        *testing.T
	dir      string
	genesis  *ledger.Genesis
	policy   ledger.Policy
	board    credentials.Signer
	insurer  credentials.Signer
	clerk    credentials.Signer
	ports    map[string]string // of each process and its admin: HOST:PORT
	database map[string]string // DSN of each house
	boardKey string            // of board.yaml: where its key is
	env      []string          // of every process, beside what all have
}

var witnesses = []string{"w1", "w2", "w3", "w4"}

// newTown makes keys, signs a genesis and writes a configuration for each
// house. Databases not named are SQLite files.
func newTown(t *testing.T, databases map[string]string) *town {
	t.Helper()
	w := &town{t: t, dir: t.TempDir(), database: databases, boardKey: "{store: keys, name: board, passphrase_file: keys.passphrase}"}
	w.board = w.key("board")
	return w.found()
}

// found makes everything but the board's key.
func (w *town) found() *town {
	t := w.t
	t.Helper()
	w.ports = map[string]string{}
	w.insurer, w.clerk = w.key("insurer"), w.key("clerk")
	seed := w.secret("log.key")
	_, logKey, err := operator.NewKey(origin, ed25519.NewKeyFromSeed(seed))
	w.must(err)
	g := ledger.Genesis{Origin: origin, LogKey: logKey, Quorum: 3, Admission: 2, Created: time.Now(),
		Founders: []ledger.Party{party("board", ledger.RoleBoard, w.board), party("insurer", ledger.RoleInsurer, w.insurer)}}
	for _, name := range witnesses {
		vkey, err := witness.VerifierKey("witness.example/"+name, ed25519.NewKeyFromSeed(w.secret(name+".key")))
		w.must(err)
		g.Witnesses = append(g.Witnesses, vkey)
	}
	leaf, err := ledger.NewGenesis(g, w.board, w.insurer)
	w.must(err)
	w.genesis, err = ledger.ParseGenesis(leaf)
	w.must(err)
	w.policy, err = w.genesis.Policy()
	w.must(err)
	trust, err := ledger.Trust{Origin: origin, Genesis: w.genesis.Digest()}.Marshal()
	w.must(err)
	w.write("genesis.entry", leaf)
	w.write("trust.json", trust)
	for _, name := range append([]string{"board", "ledger", "worker", "gateway"}, witnesses...) {
		w.ports[name], w.ports[name+" admin"] = freePort(t), freePort(t)
	}
	w.secret("business.key")
	w.secret("payload.key")
	w.secret("wrapping.key")
	w.configure()
	return w
}

func party(name string, role ledger.Role, s credentials.Signer) ledger.Party {
	did, _, _ := credentials.ParseKeyID(s.KeyID())
	pub, _ := credentials.KeyFromDIDKey(did)
	p := ledger.Party{DID: did, Name: name, Role: role, Key: credentials.EncodeMultikey(pub)}
	if role == ledger.RoleBoard {
		p.Jurisdiction = "CA"
	}
	return p
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) write(name string, b []byte) {
	w.t.Helper()
	w.must(os.WriteFile(filepath.Join(w.dir, name), b, 0o600))
}

func (w *town) secret(name string) []byte {
	b := make([]byte, 32)
	rand.Read(b)
	w.write(name, b)
	return b
}

func (w *town) key(name string) credentials.Signer {
	w.t.Helper()
	const passphrase = "a passphrase of tests"
	w.write("keys.passphrase", []byte(passphrase+"\n"))
	store, err := aries.OpenKeyStore(filepath.Join(w.dir, "keys"), aries.Lock{Passphrase: func(bool) (string, error) { return passphrase, nil }, Work: 5})
	w.must(err)
	s, err := store.Create(name)
	w.must(err)
	return s
}

// given are the ports that this process has handed out: each once, since none is
// in use before the process that it is for listens.
var given sync.Map

// freePort is below the ports that the system gives to connections on their
// way out, so that none of those takes it before the process listens.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12000+mathrand.IntN(20000)))
		if err != nil {
			continue
		}
		l.Close()
		if _, taken := given.LoadOrStore(l.Addr().String(), true); !taken {
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

func (w *town) dsn(house string) string {
	if dsn := w.database[house]; dsn != "" {
		return dsn
	}
	return "sqlite:" + house + ".db"
}

// configure writes a file a house.
func (w *town) configure() {
	network := fmt.Sprintf("network: {ledger: 'http://%s', trust: trust.json}\ndrain: 5s\n", w.ports["ledger"])
	w.write("board.yaml", fmt.Appendf(nil, `%sboard:
  listen: %s
  admin: %s
  url: http://%s
  jurisdiction: CA
  database: %s
  key: %s
  clerks: ['%s']
`, network, w.ports["board"], w.ports["board admin"], w.ports["board"], w.databaseOf("board"), w.boardKey, w.clerk.KeyID()))
	text := fmt.Sprintf("drain: 5s\nledger:\n  listen: %s\n  admin: %s\n  database: %s\n  genesis: genesis.entry\n  log_key_file: log.key\n  witnesses:\n",
		w.ports["ledger"], w.ports["ledger admin"], w.databaseOf("ledger"))
	for _, name := range witnesses {
		text += fmt.Sprintf("    - {name: witness.example/%s, url: 'http://%s'}\n", name, w.ports[name])
		w.write(name+".yaml", fmt.Appendf(nil, "drain: 5s\nwitness:\n  listen: %s\n  admin: %s\n  database: {dsn: 'sqlite:%s.db'}\n  name: witness.example/%s\n  key_file: %s.key\n  logs: [{origin: %s, keys: ['%s']}]\n",
			w.ports[name], w.ports[name+" admin"], name, name, name, origin, w.genesis.LogKey))
	}
	w.write("ledger.yaml", []byte(text))
	w.write("insurer.yaml", fmt.Appendf(nil, `%sworker: {admin: '%s'}
gateway: {listen: '%s', admin: '%s'}
insurer:
  database: %s
  key: {store: keys, name: insurer, passphrase_file: keys.passphrase}
  business_key_file: business.key
  payload_keys: [{id: one, file: payload.key}]
  wrapping_keys: [{id: one, file: wrapping.key}]
  temporal: {address: '%s'}
  boards: [{did: '%s', url: 'http://%s', jurisdiction: CA}]
  reviewers: []
  payer: {name: PLAN, id: PLAN, tax_id: '991234567', contact: OFFICE, phone: '8005550100', street: 1 PLAZA, city: TOWN, state: CA, zip: '95814'}
`, network, w.ports["worker admin"], w.ports["gateway"], w.ports["gateway admin"], w.databaseOf("insurer"),
		freePort(w.t), party("board", ledger.RoleBoard, w.board).DID, w.ports["board"]))
}

// databaseOf keeps a password that a DSN has in a file, as the daemon wants it.
func (w *town) databaseOf(house string) string {
	dsn := w.dsn(house)
	head, rest, found := strings.Cut(dsn, "@")
	if user, password, ok := strings.Cut(strings.TrimPrefix(head, "postgres://"), ":"); found && ok {
		w.write(house+".password", []byte(password+"\n"))
		return fmt.Sprintf("{dsn: 'postgres://%s@%s', password_file: %s.password}", user, rest, house)
	}
	return fmt.Sprintf("{dsn: '%s'}", dsn)
}

// A child is a running countersignd.
type child struct {
	t     *testing.T
	name  string
	admin string
	cmd   *exec.Cmd
	logs  safeBuffer
	ended chan struct{}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = []string{asDaemon + "=1", "HOME=/nonexistent"}
	return cmd
}

// start starts a command of a house's file; name is the process's in ports.
func (w *town) start(command_, file, name string) *child {
	w.t.Helper()
	c := &child{t: w.t, name: name, admin: "http://" + w.ports[name+" admin"], ended: make(chan struct{})}
	c.cmd = command(command_, "--config", filepath.Join(w.dir, file+".yaml"))
	c.cmd.Env = append(c.cmd.Env, w.env...)
	c.cmd.Stdout, c.cmd.Stderr = &c.logs, &c.logs
	w.must(c.cmd.Start())
	go func() { c.cmd.Wait(); close(c.ended) }()
	w.t.Cleanup(func() {
		c.cmd.Process.Kill()
		<-c.ended
		if w.t.Failed() {
			w.t.Logf("%s said:\n%s", name, c.logs.String())
		}
	})
	return c
}

func (c *child) get(path string) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, c.admin+path, nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// until asks readyz until it answers with the status and a text.
func (c *child) until(status int, text string) {
	c.t.Helper()
	var got int
	var said string
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got, said = c.get("/readyz"); got == status && strings.Contains(said, text) {
			return
		}
		select {
		case <-c.ended:
			c.t.Fatalf("%s ended with %v while it should be %d %q:\n%s", c.name, c.cmd.ProcessState, status, text, c.logs.String())
		default:
		}
	}
	c.t.Fatalf("%s: got %d %q, want %d %q", c.name, got, said, status, text)
}

func (c *child) ready() {
	c.t.Helper()
	c.until(200, "ready")
}

// stop has it drain and checks that it says so with exit 0.
func (c *child) stop() {
	c.t.Helper()
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second):
		c.t.Fatalf("%s does not stop:\n%s", c.name, c.logs.String())
	}
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		c.t.Errorf("%s: got exit %d, want 0", c.name, code)
	}
}
