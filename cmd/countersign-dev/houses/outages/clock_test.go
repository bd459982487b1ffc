//go:build linux && houses

package outages

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
)

// A Linux process cannot be given a wall clock of its own, and our programs are
// static, so that no library can lie to them. So countersign and countersignd
// are built for this test with other sources in the places where their parts are
// handed time.Now (go build -overlay): there the hour comes from a file that
// HOUSES_CLOCK names, read anew each time.
//
// What that leaves out: timers and deadlines, TLS certificates, Temporal's and
// PostgreSQL's own clocks, the times in logs, and the witnesses' clocks, since
// the library that cosigns asks for the time itself (a witness whose clock is
// off is refused as the ledger's is here, by the same line).
var overlaid = map[string][][2]string{
	"cmd/countersignd/run/insurer.go": {{"db, keys, time.Now)", "db, keys, clocks.Now)"}, {"Now:   time.Now,", "Now:   clocks.Now,"}, {"time.Since(f.ReadAt)", "clocks.Now().Sub(f.ReadAt)"}},
	"board/board.go":                  {{"o.Now = time.Now", "o.Now = clocks.Now"}},
	"board/client/client.go":          {{"c.Now = time.Now", "c.Now = clocks.Now"}},
	"ledger/operator/log.go":          {{"l.now = time.Now", "l.now = clocks.Now"}},
	"cli/cli.go":                      {{"now: time.Now", "now: clocks.Now"}},
}

const clocks = `// Package clocks is a clock that a test can set.
package clocks

import (
	"os"
	"strings"
	"time"
)

func Now() time.Time {
	b, _ := os.ReadFile(os.Getenv("HOUSES_CLOCK"))
	ahead, _ := time.ParseDuration(strings.TrimSpace(string(b)))
	return time.Now().Add(ahead)
}
`

// overlay writes the other sources and says where.
func overlay(t *testing.T) string {
	t.Helper()
	repo, err := filepath.Abs(filepath.Join("..", "..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	write := func(path, text string) {
		at := filepath.Join(dir, strings.ReplaceAll(path, "/", "_"))
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(repo, path)] = at
	}
	write("clocks/clocks.go", clocks)
	for path, changes := range overlaid {
		b, err := os.ReadFile(filepath.Join(repo, path))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(b), "import (\n", "import (\n\t\"github.com/countersign-health/countersign/clocks\"\n", 1)
		for _, c := range changes {
			if !strings.Contains(text, c[0]) {
				t.Fatalf("%s has no %q any more: say where it is handed its clock now", path, c[0])
			}
			text = strings.Replace(text, c[0], c[1], 1)
		}
		write(path, text+"\nvar _ time.Time\n")
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(at, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

// wall are the clocks of a town: a file for each service, where services go.
type wall struct {
	*town
	dir string
}

func (w *wall) file(who string) string { return filepath.Join(w.dir, who) }

func (w *wall) set(who, ahead string) {
	w.Helper()
	if err := os.WriteFile(w.file(who), []byte(ahead), 0o644); err != nil {
		w.Fatal(err)
	}
}

// at runs a command on a computer whose clock is off, and returns what it said.
func (w *wall) at(ahead, person string, args ...string) (string, error) {
	w.Helper()
	env, err := w.Environment(person)
	if err != nil {
		w.Fatal(err)
	}
	w.set("person", ahead)
	cmd := exec.CommandContext(w.Context(), filepath.Join(w.Dir, "bin", "countersign"), args...)
	cmd.Env = append(env, "HOUSES_CLOCK="+w.file("person"))
	var told strings.Builder
	cmd.Stderr = &told
	err = cmd.Run()
	return told.String(), err
}

// TestClocks sets one clock after the other an hour ahead and an hour back.
// Nothing is paid or denied by it, whoever is refused is told to look at the
// clocks, and once the clock is right everything goes through.
func TestClocks(t *testing.T) {
	dir, err := os.MkdirTemp("", "countersign-clocks-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { // every service reads its own
		t.Fatal(err)
	}
	w := &wall{dir: dir}
	env := map[string]map[string]string{}
	for _, service := range []string{"gateway", "worker", "board", "ledger"} {
		env[service] = map[string]string{"HOUSES_CLOCK": w.file(service)}
	}
	w.town = settle(t, houses.Options{Overlay: overlay(t), Env: env, Edit: impatient}, *claims, 20, seed(t))
	w.strangers()
	w.insurers()
	w.boards()
	w.ledgers()
	w.bill(w.files, now)
	f := w.judge()
	w.orderCame(f)
	w.verify(f) // nothing was signed that is refused for good, being recorded before it was valid
}

// strangers: a request from another hour is refused, whichever side is wrong.
func (w *wall) strangers() {
	refused := func(who, said string, err error) {
		w.Helper()
		if err == nil || !strings.Contains(said, "clock") || strings.Count(strings.TrimSpace(said), "\n") > 1 {
			w.Errorf("%s: %v, want a line that names the clock:\n%s", who, err, said)
		}
	}
	for _, ahead := range []string{"1h", "-1h"} {
		said, err := w.at(ahead, "hospital", "claim", "submit", w.files[0])
		refused("hospital "+ahead, said, err)
		said, err = w.at(ahead, "clerk", "license", "revoke", w.ruskin, "--effective", "2026-10-15T00:00:00-07:00", "--reason", "unprofessional-conduct")
		refused("clerk "+ahead, said, err)
		w.set("gateway", ahead)
		said, err = w.at("0s", "hospital", "claim", "submit", w.files[0])
		refused("gateway "+ahead, said, err)
		w.set("gateway", "0s")
	}
	if n := w.count(`SELECT count(*) FROM submission`); n != 0 {
		w.Errorf("%d claims came through", n)
	}
	w.bill(w.files[:2], now)
	w.calm()
}

// pend bills files and wants their claims pended, and nothing paid.
func (w *wall) pend(files []string) {
	w.Helper()
	since := w.received()
	w.bill(files, now)
	w.until("a decision on each claim", func() bool { return w.count(`SELECT count(*) FROM submission WHERE state = 'received'`) == 0 })
	w.unproved(since, files)
}

// insurers: workers whose clock is off hear that it is, say so, and sign
// nothing. Claims are taken in and wait.
func (w *wall) insurers() {
	const signed = `SELECT count(*) FROM signed WHERE handle <> submission`
	for i, ahead := range []string{"1h", "-1h"} {
		direction := []string{"ahead of", "behind"}[i]
		before := w.count(signed)
		w.set("worker", ahead)
		var billing sync.WaitGroup
		billing.Go(func() { w.bill(w.files[2+i:3+i], now) })
		w.until("claims to be taken in", func() bool { return w.count(`SELECT count(*) FROM submission WHERE state = 'received'`) > 0 })
		time.Sleep(25 * time.Second) // a whole question to the feed
		if n := w.count(signed) - before; n > 0 {
			w.Errorf("%s: %d decisions were signed", ahead, n)
		}
		for _, worker := range []string{"worker-1", "worker-2"} {
			if said := w.ready(worker); !strings.Contains(said, "not ready: ") || !strings.Contains(said, "clock: this house's clock is at least ") || !strings.Contains(said, direction) {
				w.Errorf("%s, %s: /readyz says %q", ahead, worker, said)
			}
			if !strings.Contains(string(w.Log(worker)), direction+" the ledger and the board did:") {
				w.Errorf("%s: the log of %s does not say so", ahead, worker)
			}
		}
		w.Logf("%s: %d claims waited", ahead, w.count(`SELECT count(*) FROM submission WHERE state = 'received'`))
		w.set("worker", "0s")
		w.calm()
		billing.Wait()
	}
}

// ready is what a worker's /readyz says.
func (w *wall) ready(worker string) string {
	w.Helper()
	resp, err := http.Get("http://" + w.Address(worker, 9101) + "/readyz")
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return string(said)
}

// boards: a board whose clock is off is not believed that it has no orders, and
// the order that it has binds. When it was known is the witnesses' word.
func (w *wall) boards() {
	w.set("board", "-1h")
	w.until("the board's word to be old", func() bool { return w.feedAge() > patience })
	w.pend(w.files[4:5])
	w.set("board", "0s")
	w.calm()
	w.set("board", "1h")
	w.until("the board's word to be old", func() bool { return w.feedAge() > patience && w.feedAge() < time.Hour })
	w.pend(w.files[5:6])
	if said, err := w.at("1h", "clerk", "license", "revoke", w.ruskin, "--effective", fmt.Sprintf("2026-10-%dT00:00:00-07:00", orderDay), "--reason", "unprofessional-conduct"); err != nil {
		w.Errorf("revoke: %v\n%s", err, said)
	}
	w.until("the order to be heard", func() bool { return w.count(`SELECT count(*) FROM board_order`) == 1 })
	known, err := w.ledger().Entry(w.Context(), w.count(`SELECT ledger_index FROM board_order`))
	if err != nil {
		w.Fatal(err)
	}
	if off := time.Since(known.Proof.Known).Abs(); off > 2*time.Minute {
		w.Errorf("the order was known %s from now, by a board whose clock is an hour ahead", off)
	}
	w.set("board", "0s")
	w.calm()
}

// ledgers: a ledger whose clock is off believes no witness, so nothing becomes
// final.
func (w *wall) ledgers() {
	for i, ahead := range []string{"1h", "-1h"} {
		w.set("ledger", ahead)
		hospital := w.gate("hospital")
		w.meanwhile(w.files[6+i:7+i], func() {
			w.nothingFinal(hospital, 10*time.Second)
			if !strings.Contains(string(w.Log("ledger")), "its clock is") {
				w.Error("the ledger's log does not name the clock")
			}
			w.set("ledger", "0s")
		})
		w.calm()
	}
}
