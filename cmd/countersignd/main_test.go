package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

var application = boardclient.Application{
	NPI: "1245319599", Name: "SECRETNAME, ANNA", Jurisdiction: "CA", Profession: "207Q00000X", Number: "A77777",
	From: "2020-01-01", Until: "2030-12-31",
}

func (w *town) clerkClient() *boardclient.Client {
	w.t.Helper()
	did, _, _ := credentials.ParseKeyID(w.board.KeyID())
	c, err := boardclient.New(boardclient.Config{URL: "http://" + w.ports["board"], Board: did, Keys: credentials.ResolveDIDKey, Signer: w.clerk})
	w.must(err)
	return c
}

// Ledger, witnesses and board run as processes of their own, started in the
// worst order, work together, stop when they are told, and know everything
// after a restart.
func TestHouses(t *testing.T) {
	for _, x := range []struct {
		name      string
		databases func(*testing.T) map[string]string
	}{
		{"sqlite", func(*testing.T) map[string]string { return nil }},
		{"postgres", func(t *testing.T) map[string]string {
			return map[string]string{"ledger": sqldbtest.Postgres(t), "board": sqldbtest.Postgres(t)}
		}},
	} {
		t.Run(x.name, func(t *testing.T) { testHouses(t, x.databases(t)) })
	}
}

func testHouses(t *testing.T, databases map[string]string) {
	w := newTown(t, databases)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := client.New("http://"+w.ports["ledger"], w.policy, nil)

	board := w.start("board", "board", "board")
	board.until(503, "waits for the ledger")
	log := w.start("ledger", "ledger", "ledger")
	log.until(503, "witnesses: no quorum yet for 1 of 1 entries")
	all := []*child{board, log}
	for _, name := range witnesses {
		all = append(all, w.start("witness", name, name))
	}
	for _, child := range all {
		child.ready()
	}
	if !strings.Contains(board.logs.String(), `"msg":"waiting"`) || !strings.Contains(board.logs.String(), `"for":"the ledger"`) {
		t.Errorf("the board did not say what it waits for:\n%s", board.logs.String())
	}
	index := appendDecision(t, ctx, w, c)
	file, err := w.clerkClient().Issue(ctx, application)
	if err != nil || len(file.License.Receipt) == 0 {
		t.Fatalf("issue a license: %v, receipt of %d bytes", err, len(file.License.Receipt))
	}
	checkMetrics(t, log, "countersign_ledger_size 3", "countersign_ledger_final_size 3",
		`countersign_requests_total{route="POST /entries",status="200"} 1`, `countersign_requests_total{route="POST /batches",status="200"} 1`)
	checkMetrics(t, board, `countersign_requests_total{route="POST /licenses",status="201"} 1`, "countersign_outbox_length 0",
		"countersign_final_seconds_count 1", `countersign_running{command="board"} 1`)

	// A feed that waits for news is answered, not cut, when the board stops.
	polled := make(chan error, 1)
	go func() {
		_, err := w.clerkClient().Feed(ctx, 1, 50*time.Second)
		polled <- err
	}()
	time.Sleep(300 * time.Millisecond)
	begun := time.Now()
	for _, child := range all {
		child.stop()
	}
	if err := <-polled; err != nil {
		t.Errorf("the feed that waited: %v", err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("stopping took %v", took)
	}
	for _, child := range all {
		checkLog(t, child)
	}

	all = []*child{w.start("ledger", "ledger", "ledger"), w.start("board", "board", "board")}
	for _, name := range witnesses[1:] { // a quorum without the first
		all = append(all, w.start("witness", name, name))
	}
	for _, child := range all {
		child.ready()
	}
	if again := appendDecision(t, ctx, w, c); again != index {
		t.Errorf("after the restart: got index %d for the same entry, want %d", again, index)
	}
	shown, err := w.clerkClient().Show(ctx, file.License.Handle)
	if err != nil || !bytes.Equal(shown.License.Receipt, file.License.Receipt) || shown.License.Token != file.License.Token {
		t.Errorf("after the restart: the license or its receipt is another (%v)", err)
	}
	for _, child := range all {
		child.stop()
	}
}

func appendDecision(t *testing.T, ctx context.Context, w *town, c *client.Client) int64 {
	t.Helper()
	e, err := ledger.Entry{Kind: ledger.KindClaimDecision, Subject: credentials.Handle{7}, Document: credentials.DigestOf([]byte("decision")),
		Effective: time.Unix(1_780_000_000, 0).UTC()}.Sign(w.insurer)
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.Append(ctx, "decision 1", e)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Await(ctx, a.Index, e.Marshal()); err != nil {
		t.Fatal(err)
	}
	return a.Index
}

func checkMetrics(t *testing.T, c *child, want ...string) {
	t.Helper()
	status, text := c.get("/metrics")
	for _, line := range want {
		if status != 200 || !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("%s: /metrics (%d) has no %q", c.name, status, line)
		}
	}
	if strings.Contains(text, "did:") {
		t.Errorf("%s: /metrics names a party", c.name) // only the boards that a worker follows are labels
	}
}

// checkLog looks that every line is JSON and that nothing personal is in any.
func checkLog(t *testing.T, c *child) {
	t.Helper()
	for line := range strings.Lines(c.logs.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("%s: not JSON: %s", c.name, line)
		}
	}
	for _, personal := range []string{application.Name, "SECRETNAME", string(application.NPI), application.Number} {
		if strings.Contains(c.logs.String(), personal) {
			t.Errorf("%s: its log has %q in it", c.name, personal)
		}
	}
}

// Worker and gateway say that they wait for Temporal, answer 503 at every door
// meanwhile, and stop when they are told. What they do with a real Temporal
// server is tested in cmd/countersign-dev/contracts, whose module has one.
func TestInsurerWaitsForTemporal(t *testing.T) {
	w := newTown(t, nil)
	log := w.start("ledger", "ledger", "ledger")
	for _, name := range witnesses[:3] {
		w.start("witness", name, name)
	}
	log.ready()
	for _, name := range []string{"worker", "gateway"} {
		c := w.start(name, "insurer", name)
		c.until(503, "not ready: it waits for Temporal at 127.0.0.1:")
		if status, _ := c.get("/healthz"); status != 200 {
			t.Errorf("%s: /healthz is %d while it waits, want 200", name, status)
		}
		if !strings.Contains(c.logs.String(), `"msg":"waiting","command":"`+name+`","for":"Temporal at 127.0.0.1:`) {
			t.Errorf("%s does not say that it waits for Temporal:\n%s", name, c.logs.String())
		}
		if name == "gateway" {
			resp, err := http.Get("http://" + w.ports["gateway"] + "/editions")
			if err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
				t.Errorf("the door of the gateway: got %v, %v; want 503 with Retry-After", resp, err)
			}
		}
		c.stop()
		checkLog(t, c)
	}
}

// What cannot be mended by waiting ends the process, with the reason.
func TestStopsForGood(t *testing.T) {
	for _, x := range []struct {
		what, process string
		spoil         func(w *town)
		want          string
	}{
		{"another log key", "ledger", func(w *town) { w.secret("log.key") }, "not the one that the genesis names"},
		{"a secret that all may read", "ledger", func(w *town) { os.Chmod(filepath.Join(w.dir, "log.key"), 0o644) }, "can be read by others"},
		{"no key of that name", "board", func(w *town) { os.Remove(filepath.Join(w.dir, "keys", "names", "board.json")) }, `no key named`},
		{"no trust file", "board", func(w *town) { os.Remove(filepath.Join(w.dir, "trust.json")) }, "trust.json"},
		{"a database in no folder", "w1", func(w *town) {
			w.write("w1.yaml", bytes.Replace(w.read("w1.yaml"), []byte("sqlite:w1.db"), []byte("sqlite:none/w1.db"), 1))
		}, "the database"},
		{"an address that is taken", "w1", func(w *town) {
			w.write("w1.yaml", bytes.ReplaceAll(w.read("w1.yaml"), []byte("admin: "+w.ports["w1 admin"]), []byte("admin: 203.0.113.1:1")))
		}, "listen for admin"},
	} {
		t.Run(x.what, func(t *testing.T) {
			w := newTown(t, nil)
			x.spoil(w)
			command := x.process
			if strings.HasPrefix(command, "w") {
				command = "witness"
			}
			c := w.start(command, x.process, x.process)
			select {
			case <-c.ended:
			case <-time.After(20 * time.Second):
				t.Fatal("it goes on")
			}
			if code := c.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(c.logs.String(), x.want) {
				t.Errorf("got exit %d, want 1 and %q:\n%s", code, x.want, c.logs.String())
			}
		})
	}
}

func (w *town) read(name string) []byte {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	w.must(err)
	return b
}

func TestMigrate(t *testing.T) {
	w := newTown(t, map[string]string{"board": sqldbtest.Postgres(t)})
	const waits = "countersignd: migrations wait: countersignd migrate up runs them\n"
	const ledger = "ledger: 0001_ledger.sql done\nledger: 0002_append_only.sqlite.sql done\n"
	const board = "board: 0001_register.sql done\nboard: 0002_acts.sql done\nboard: 0003_append_only.postgres.sql done\nboard: 0004_signed_anew.sql done\n" +
		"board: 0005_challenges.sql done\nboard: 0007_together.sql done\nboard: 0008_append_only.postgres.sql done\n" +
		"board: 0009_status_lists.sql done\nboard: 0010_places_stay.postgres.sql done\nboard: 0011_numbered.sql done\n"
	for _, x := range []struct {
		args, file string
		code       int
		want       string
	}{
		{"status", "ledger", 3, "ledger: no database yet\n" + waits},
		{"up", "ledger", 0, ledger + "ledger: up to date\n"},
		{"status", "ledger", 0, ledger},
		{"up", "ledger", 0, "ledger: up to date\n"},
		{"status", "board", 3, strings.ReplaceAll(board, "done", "waits") + waits},
		{"up", "board", 0, board + "board: up to date\n"},
		{"status", "board", 0, board},
	} {
		cmd := command("migrate", x.args, "--config", filepath.Join(w.dir, x.file+".yaml"))
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != x.code || string(out) != x.want {
			t.Errorf("migrate %s, %s: got %q, exit %d; want %q, exit %d", x.args, x.file, out, code, x.want, x.code)
		}
	}
	for _, file := range []string{"insurer", "w1"} {
		if out, err := command("migrate", "up", "--config", filepath.Join(w.dir, file+".yaml")).CombinedOutput(); err != nil || !strings.HasSuffix(string(out), ": up to date\n") {
			t.Errorf("migrate up, %s: got %q, %v", file, out, err)
		}
	}
}

// A program that is older than the schema says so and touches nothing.
func TestOlderThanTheSchema(t *testing.T) {
	dsn := sqldbtest.Postgres(t)
	w := newTown(t, map[string]string{"board": dsn})
	if out, err := command("migrate", "up", "--config", filepath.Join(w.dir, "board.yaml")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	db := sqldbtest.Open(t, dsn)
	if _, err := db.Exec(t.Context(), `INSERT INTO schema_migration (name, file, digest) VALUES ('board', '9999_later.sql', 'x')`); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ args, want string }{
		{"up", "countersignd: board: migrate board: the database was migrated by a newer program than this one: 9999_later.sql has run in it: start that program, or a newer one\n"},
		{"status", "board: 9999_later.sql done by a newer countersignd: this one will not start on it\n"},
	} {
		cmd := command("migrate", x.args, "--config", filepath.Join(w.dir, "board.yaml"))
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), x.want) {
			t.Errorf("migrate %s: got exit %d and %q, want 1 and %q", x.args, code, out, x.want)
		}
	}
}

func TestCommandLine(t *testing.T) {
	w := newTown(t, nil)
	w.write("bad.yaml", []byte("worker:\n  admim: x\n"))
	file := func(name string) string { return filepath.Join(w.dir, name) }
	for _, x := range []struct {
		args []string
		env  string
		code int
		want string
	}{
		{[]string{"config", "check", "countersignd.example.yaml"}, "", 0, "worker   would run\n"},
		{[]string{"config", "check", file("board.yaml")}, "", 0, "gateway  would not run: the file has no section gateway, insurer\n"},
		{[]string{"config", "check", "--files", file("board.yaml")}, "", 0, "board    would run\n"},
		{[]string{"config", "check", "--files", "countersignd.example.yaml"}, "", 2, "countersignd: network.trust: "},
		{[]string{"config", "check", file("bad.yaml")}, "", 2, "countersignd: bad.yaml line 2: worker has no field \"admim\""},
		{[]string{"config", "check", file("none.yaml")}, "", 2, "there is no such file"},
		{[]string{"config", "check"}, "", 2, "want one file"},
		{[]string{"config", "check", file("board.yaml")}, "COUNTERSIGND_BOARD_ADMIN=127.0.0.1:7", 0, "board.admin = 127.0.0.1:7 (from COUNTERSIGND_BOARD_ADMIN)"},
		{[]string{"config", "check", file("board.yaml")}, "COUNTERSIGND_BORD_ADMIN=127.0.0.1:7", 2, "COUNTERSIGND_BORD_ADMIN: no field"},
		{[]string{"board", "--config", file("board.yaml")}, "PGPASSWORD=x", 2, "no secret is taken from the environment"},
		{[]string{"worker", "--config", file("board.yaml")}, "", 2, "board.yaml: worker needs the section worker and insurer"},
		{[]string{"worker", "--config", file("bad.yaml")}, "", 2, "bad.yaml line 2"},
		{[]string{"worker", "more"}, "", 2, "takes no arguments"},
		{[]string{"migrate", "up", "--config", file("ledger.yaml"), "board"}, "", 2, `no section "board"`},
		{[]string{"migrate"}, "", 2, "migrate status"},
		{[]string{"worker", "--config", file("insurer.yaml"), "--temporal-address", "x"}, "", 2, "--temporal-address: insurer.temporal.address: want HOST:PORT"},
		{[]string{"gateway", "--config", file("insurer.yaml"), "--temporal-address", "x"}, "COUNTERSIGND_INSURER_TEMPORAL_ADDRESS=127.0.0.1:7", 2, "--temporal-address: "},
		{[]string{"board", "--config", file("board.yaml"), "--temporal-address", "x"}, "", 2, "flag provided but not defined"},
		{[]string{"worker", "--config", file("insurer.yaml")}, "COUNTERSIGND_WORKER_BUILD_ID=two builds", 2, "COUNTERSIGND_WORKER_BUILD_ID: worker.build_id: want at most"},
		{[]string{"builds"}, "", 2, "builds list"},
		{[]string{"builds", "list", "more"}, "", 2, "takes no arguments"},
		{[]string{"builds", "promote", "--config", file("insurer.yaml")}, "", 2, "want one build"},
		{[]string{"builds", "move", "x' OR '1", "--config", file("insurer.yaml")}, "", 2, "want one build"},
		{[]string{"builds", "list", "--config", file("board.yaml")}, "", 2, "needs the section insurer"},
		{[]string{"builds", "list", "--config", file("insurer.yaml"), "--temporal-address", "127.0.0.1:1"}, "", 1, "reach Temporal at 127.0.0.1:1"},
		{[]string{"dance"}, "", 2, `no command "dance"`},
		{[]string{"worker", "--password", "x"}, "", 2, "flag provided but not defined"},
		{[]string{"--help"}, "", 0, "witness"},
	} {
		cmd := command(x.args...)
		if x.env != "" {
			cmd.Env = append(cmd.Env, x.env)
		}
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != x.code || !strings.Contains(string(out), x.want) {
			t.Errorf("%v: got exit %d, want %d and %q:\n%s", x.args, got, x.code, x.want, out)
		}
	}
}
