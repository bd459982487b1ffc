//go:build bench

package bench

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/countersign-health/countersign/board"
	"github.com/countersign-health/countersign/cli"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

var (
	licenses = flag.Int("licenses", 30000, "licenses in the register")
	labeled  = flag.Int("labeled", 0, "every n-th license is suspended; 0: none")
	kills    = flag.Int("kills", 0, "how often the command is killed in the midst")
	target   = flag.Float64("target", 3000, "licenses a second")
)

// TestMain makes this binary the command, too: it is killed, and it has a
// memory of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"countersign": func() {
			os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// BenchmarkImport is run once, with -benchtime 1x. The board, the ledger and four
// witnesses are in this process, the databases of the first two on a PostgreSQL
// that writes through to the disk, the command is a process of its own.
func BenchmarkImport(b *testing.B) {
	w := newWorld(b)
	w.writeRegister(*licenses)
	fmt.Printf("%d processors, load %s\n", runtime.NumCPU(), load())
	for n := range *kills {
		w.killed(n)
	}
	began, before := time.Now(), spent()
	out, command, peak := w.run("license", "import", w.register, "--key", "clerk")
	took, after := time.Since(began), spent()
	fmt.Printf("%s\n%d MB at most in the command, %s, load %s\n", out, peak>>20, took.Round(time.Millisecond), load())
	each := func(d time.Duration) string {
		return (d / time.Duration(*licenses)).Round(time.Microsecond).String()
	}
	fmt.Printf("processor time a license: command %s, board, ledger and witnesses %s, PostgreSQL %s\n",
		each(command), each(after.own-before.own), each(after.databases-before.databases))
	w.check()
	began = time.Now()
	exported, _, peak := w.run("license", "export")
	if n := strings.Count(exported, ",RN,"); n != *licenses {
		b.Errorf("%d licenses exported, want %d", n, *licenses)
	}
	fmt.Printf("exported in %s, %d MB at most\n", time.Since(began).Round(time.Millisecond), peak>>20)
	if *kills > 0 {
		return // the rate would be of what was left
	}
	rate, verdict := float64(*licenses)/took.Seconds(), "ok"
	if rate < *target {
		verdict = "short"
	}
	fmt.Printf("bench import-licenses %.0f /s target %g %s\n", rate, *target, verdict)
}

// A world is a board on a ledger, and a clerk.
type world struct {
	*testing.B
	env      []string
	register string
	db       *sqldb.DB
	ledger   *client.Client
}

func newWorld(b *testing.B) *world {
	b.Helper()
	ctx, dir := context.Background(), b.TempDir()
	b.Setenv("COUNTERSIGN_TEST_POSTGRES", sqldbtest.Durable(b))
	w := &world{B: b, register: filepath.Join(dir, "register.csv"), db: sqldbtest.Open(b, sqldbtest.Postgres(b))}
	l := ledgertest.New(b)
	w.ledger, _ = l.Serve(b, sqldbtest.Open(b, sqldbtest.Postgres(b)))
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	passphrase := file("passphrase", "a passphrase of tests\n")
	lock := aries.FileLock(passphrase)
	lock.Work = 5 // else opening it takes 256 MB, and nothing else is to be seen of the command's memory
	store, err := aries.OpenKeyStore(filepath.Join(dir, "keys"), lock)
	if err != nil {
		b.Fatal(err)
	}
	clerk, err := store.Create("clerk")
	if err != nil {
		b.Fatal(err)
	}
	trust, err := ledger.Trust{Origin: ledgertest.Origin, Genesis: l.Genesis.Digest()}.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	door := httptest.NewUnstartedServer(nil)
	house, err := board.Open(ctx, w.db, ledgertest.Signer("board"), w.ledger, board.Options{
		Jurisdiction: "CA", URL: "http://" + door.Listener.Addr().String(), Clerks: []string{clerk.KeyID()}, CheckNPI: true,
		Proofs: func(context.Context) map[string][]byte { return map[string][]byte{"entries/genesis.entry": l.Leaf} },
		Log:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	door.Config.Handler = house.Handler()
	door.Start()
	b.Cleanup(door.Close)
	b.Cleanup(house.Close)
	w.env = append(os.Environ(), "COUNTERSIGN_KEYS="+filepath.Join(dir, "keys"), "COUNTERSIGN_PASSPHRASE_FILE="+passphrase,
		"COUNTERSIGN_TRUST="+file("trust.json", string(trust)), "COUNTERSIGN_BOARD="+door.URL, "COUNTERSIGN_BOARD_DID="+string(house.DID()))
	return w
}

// writeRegister writes a CSV of so many licensees.
func (w *world) writeRegister(n int) {
	w.Helper()
	var text bytes.Buffer
	text.WriteString("npi,name,jurisdiction,profession,number,from,until,status,effective,reason\n")
	for i := range n {
		label := "active,,"
		if *labeled > 0 && i%*labeled == 0 {
			label = "suspended,2025-03-01,S-1"
		}
		fmt.Fprintf(&text, "%s,Person Number %d,CA,RN,CA-RN-%06d,2024-01-01,2199-12-31,%s\n", npi(i), i, i, label)
	}
	if err := os.WriteFile(w.register, text.Bytes(), 0o600); err != nil {
		w.Fatal(err)
	}
}

// npi has the check digit that it takes.
func npi(i int) credentials.NPI {
	for d := range 10 {
		if n := credentials.NPI(fmt.Sprintf("1%08d%d", i, d)); n.Valid() {
			return n
		}
	}
	panic("no check digit holds")
}

func (w *world) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		w.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"countersign"}, args...), Env: w.env}
}

// run types a command, and returns what it printed, what processor time it took
// and its most memory.
func (w *world) run(args ...string) (out string, took time.Duration, peak int64) {
	w.Helper()
	c := w.command(args...)
	var printed bytes.Buffer
	c.Stdout, c.Stderr = &printed, os.Stderr
	if err := c.Run(); err != nil {
		w.Fatalf("%v: %s", err, printed.String())
	}
	s := c.ProcessState
	return strings.TrimSpace(printed.String()), s.UserTime() + s.SystemTime(), s.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// killed has the import killed when it has issued a part of the register.
func (w *world) killed(n int) {
	w.Helper()
	c := w.command("license", "import", w.register, "--key", "clerk")
	c.Stdout, c.Stderr = io.Discard, os.Stderr
	if err := c.Start(); err != nil {
		w.Fatal(err)
	}
	until := int64(*licenses * (n + 1) / (*kills + 1))
	for w.count(`SELECT value FROM register_counter WHERE name = 'event'`) < until {
		time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
	}
	c.Process.Kill()
	c.Wait()
	fmt.Printf("killed with %d events in the register, %d of them final\n",
		w.count(`SELECT value FROM register_counter WHERE name = 'event'`), w.count(`SELECT value FROM register_counter WHERE name = 'proven'`))
}

func (w *world) count(query string) (n int64) {
	w.Helper()
	if err := w.db.QueryRow(context.Background(), query).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// check wants every license once, in the register and on the ledger.
func (w *world) check() {
	w.Helper()
	orders := 0
	if *labeled > 0 {
		orders = (*licenses + *labeled - 1) / *labeled
	}
	head, _, err := w.ledger.Head(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	for _, x := range []struct {
		what      string
		got, want int64
	}{
		{"licenses", w.count(`SELECT count(*) FROM register_license`), int64(*licenses)},
		{"identities", w.count(`SELECT count(DISTINCT identity) FROM register_license`), int64(*licenses)},
		{"places", w.count(`SELECT count(*) FROM (SELECT DISTINCT list, place FROM register_license) p`), int64(*licenses)},
		{"events", w.count(`SELECT count(*) FROM register_event`), int64(*licenses + orders)},
		{"receipts", w.count(`SELECT count(*) FROM register_receipt`), int64(*licenses + orders)},
		{"entries", head.Size, int64(*licenses + orders + 1)},
	} {
		if x.got != x.want {
			w.Errorf("%d %s, want %d", x.got, x.what, x.want)
		}
	}
	fmt.Printf("%d licenses, %d orders, %d requests of the clerk, each once; %d checkpoints\n", *licenses, orders,
		w.count(`SELECT count(*) FROM register_asked`), w.checkpoints())
}

// checkpoints is how many different ones the receipts have.
func (w *world) checkpoints() int64 {
	return w.count(`SELECT count(DISTINCT substring(receipt from position('\012\012'::bytea in receipt))) FROM register_receipt`)
}
