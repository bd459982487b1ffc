//go:build linux && houses

package houses_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
)

// TestBackup takes the insurer's databases back to an earlier time, as
// docs/backup.md says it is done, after claims were decided and paid and a
// license was revoked: nothing is decided or paid a second time, and nothing
// that was decided is forgotten.
func TestBackup(t *testing.T) {
	dir, err := os.MkdirTemp("", "countersign-backup-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	h, err := houses.Start(t.Context(), dir, houses.Options{Screen: os.Stderr, NoRestart: true, Without: []string{"temporal-ui"}})
	if err != nil {
		t.Fatal(err)
	}
	r := &restored{story: &story{t, h, filepath.Join(dir, "dossier")}, dir: dir}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("everything is kept in %s\n%s", dir, h.LastLines(15))
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if !t.Failed() {
			os.RemoveAll(dir)
		}
	})
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"before the backup", r.before}, {"backup", r.backup}, {"after it", r.after},
		{"books older than Temporal", r.oldBooks}, {"recovery", r.recover}, {"life goes on", r.goOn},
		{"Temporal older than the books", r.oldTemporal}, {"Temporal lost", r.noTemporal}, {"both older", r.oldBoth},
		{"nobody has anything", r.givenUp},
	} {
		began := time.Now()
		step.do()
		t.Logf("%s: %s", step.name, time.Since(began).Round(time.Millisecond))
	}
}

type restored struct {
	*story
	dir  string
	size int64  // of the ledger, before anything was restored
	paid string // what the insurer says of its payments then
	told string // what the hospital is told of its claims then
}

// sh runs a script beside PostgreSQL, as its superuser.
func (r *restored) sh(script string) {
	r.Helper()
	out, err := r.houses.Exec(r.Context(), "databases", "sh", "-ec", "export PGPASSWORD=$(cat /run/secrets/postgres.password)\n"+script)
	if err != nil {
		r.Fatalf("%v\n%s", err, out)
	}
}

func (r *restored) dumps() string { return filepath.Join(r.dir, "dumps") }

// bill has the hospital send generated claims of a seed and wait for them.
func (r *restored) billed(seed uint64) {
	r.Helper()
	b := houses.Claims(6, seed)
	file := filepath.Join(r.dir, fmt.Sprintf("batch-%d", seed))
	r.write(file+".csv", b.Members)
	r.write(file+".837", b.File)
	r.types("insurer", nil, "member", "enroll", file+".csv", "--plan", "demo-ppo")
	if out, err := r.houses.CLI(r.Context(), "hospital", "claim", "submit", file+".837", "--wait", "--out", file); err != nil {
		r.Fatalf("%v\n%s", err, out)
	}
}

func (r *restored) write(name string, body []byte) {
	r.Helper()
	if err := os.WriteFile(name, body, 0o644); err != nil {
		r.Fatal(err)
	}
}

func (r *restored) before() {
	r.join()
	r.publish()
	r.license()
	for _, name := range []string{"auth-a.json", "auth-b.json", "auth-c.json"} {
		r.types("hospital", nil, "auth", "request", example(name), "--out", r.out)
	}
	r.billed(1)
}

const dumpBooks = "pg_dump --format=custom --file=%[1]s/books-%[2]s books\n"
const dumpTemporal = "pg_dump --format=custom --file=%[1]s/temporal-%[2]s temporal\npg_dump --format=custom --file=%[1]s/visibility-%[2]s temporal_visibility\n"
const restoreBooks = "psql --dbname=postgres -c 'DROP DATABASE IF EXISTS books_broken'\n" + // the test restores more than once
	"psql --dbname=postgres -v ON_ERROR_STOP=1 -c 'ALTER DATABASE books RENAME TO books_broken' -c 'CREATE DATABASE books OWNER insurer' -c 'REVOKE ALL ON DATABASE books FROM PUBLIC'\n" +
	"pg_restore --exit-on-error --single-transaction --dbname=books %[1]s/books-%[2]s\n"
const restoreTemporal = "pg_restore --clean --if-exists --single-transaction --dbname=temporal %[1]s/temporal-%[2]s\n" +
	"pg_restore --clean --if-exists --single-transaction --dbname=temporal_visibility %[1]s/visibility-%[2]s\n"

func (r *restored) backup() {
	if err := os.MkdirAll(r.dumps(), 0o777); err != nil {
		r.Fatal(err)
	}
	if err := os.Chmod(r.dumps(), 0o777); err != nil {
		r.Fatal(err)
	}
	r.sh(fmt.Sprintf(dumpTemporal+dumpBooks, r.dumps(), "1"))
}

// after is what the backup knows nothing of: an authorization granted, the
// demo's claims decided, everything paid, a license revoked, which decides a
// pended claim and two authorizations anew, and claims that are not paid yet.
func (r *restored) after() {
	var b request
	r.types("hospital", &b, "auth", "request", example("auth-b.json"))
	r.types("reviewer", nil, "review", "approve", b.Handle.String(), "--reason", "criteria-met", "--out", r.out)
	r.authorization(b.Handle.String(), "approved")
	r.bill()
	r.types("insurer", nil, "remit", "run", "--on", "2026-11-20")
	r.types("hospital", nil, "remit", "fetch", "--out", r.out)
	r.revoke()
	r.billed(2)
	r.size, r.paid, r.told = r.ledgerSize(), r.payments(), r.claims()
}

func (r *restored) ledgerSize() int64 {
	var head struct{ Size int64 }
	r.types("auditor", &head, "ledger", "head")
	return head.Size
}

// payments is what the insurer's books say of money, all of it.
func (r *restored) payments() string {
	r.Helper()
	var paid, held json.RawMessage
	r.types("insurer", &paid, "remit", "list")
	r.types("insurer", &held, "remit", "held")
	return string(paid) + string(held)
}

// claims is what the hospital is told of its claims and requests.
func (r *restored) claims() string {
	r.Helper()
	var claims struct {
		Claims []struct {
			Claim, State string
			Decisions    json.RawMessage
		}
	}
	r.types("hospital", &claims, "claim", "status", "--out", r.out)
	told := map[string]string{}
	for _, c := range claims.Claims {
		told[c.Claim] = c.State
	}
	for _, name := range []string{"auth-a.json", "auth-b.json", "auth-c.json"} {
		var a request
		r.types("hospital", &a, "auth", "request", example(name))
		r.types("hospital", &a, "auth", "status", a.Handle.String(), "--out", r.out)
		told[name] = a.State
	}
	b, err := json.Marshal(told)
	if err != nil {
		r.Fatal(err)
	}
	return string(b)
}

var insurers = []string{"gateway", "worker-1", "worker-2"}

func (r *restored) stop(services ...string) {
	r.Helper()
	for _, s := range services {
		if err := r.houses.Stop(r.Context(), s); err != nil {
			r.Fatal(err)
		}
	}
}

func (r *restored) run(services ...string) {
	r.Helper()
	for _, s := range services {
		if err := r.houses.Run(s); err != nil {
			r.Fatal(err)
		}
	}
}

func (r *restored) up(services ...string) {
	r.Helper()
	r.run(services...)
	for _, s := range services {
		if err := r.houses.Await(r.Context(), s); err != nil {
			r.Fatal(err)
		}
	}
}

// recovers runs countersignd recover in the insurer's house, and wants its exit code.
func (r *restored) recovers(code int, args ...string) string {
	r.Helper()
	out, err := r.houses.Exec(r.Context(), "worker-1", append([]string{"/countersignd", "recover", args[0], "--config", "/etc/countersign/insurer.yaml"}, args[1:]...)...)
	var ended interface{ ExitCode() int }
	got := 0
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else if err != nil {
		r.Fatal(err)
	}
	if got != code {
		r.Fatalf("recover %s: exit %d, want %d: %v\n%s", args[0], got, code, err, out)
	}
	return string(out)
}

func (r *restored) oldBooks() {
	r.stop(insurers...)
	r.sh(fmt.Sprintf(restoreBooks, r.dumps(), "1"))
	r.run(insurers...)
	r.until("the worker to say why it waits", func() bool {
		return strings.Contains(string(r.houses.Log("worker-1")), "entries of this insurer that its books do not") &&
			strings.Contains(string(r.houses.Log("gateway")), "entries of this insurer that its books do not")
	})
	for service, port := range map[string]int{"worker-1": 9101, "worker-2": 9101, "gateway": 9102} {
		resp, err := http.Get("http://" + r.houses.Address(service, port) + "/readyz")
		if err != nil {
			r.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			r.Errorf("%s is ready (%s) with books that lack decisions", service, resp.Status)
		}
	}
	if out, err := r.houses.CLI(r.Context(), "insurer", "remit", "run", "--on", "2026-11-21", "--json"); err == nil {
		r.Errorf("books that lack decisions are paid from: %s", out)
	}
	r.recovers(3, "contracts")
	if out := r.recovers(3, "status"); strings.Count(out, "missing") < 20 || !strings.Contains(out, "remittance") {
		r.Errorf("status says\n%s", out)
	}
	if got := r.ledgerSize(); got != r.size {
		r.Errorf("the ledger has %d entries, it had %d", got, r.size)
	}
}

func (r *restored) recover() {
	r.stop(insurers...)
	r.imported("enroll the members first")
	r.recovers(0, "status")
	r.again()
}

// imported brings everything back, once the members who came after the backup
// are enrolled again: they are on no ledger.
func (r *restored) imported(without string) {
	r.Helper()
	folders := []string{"import", r.out}
	for _, seed := range []string{"1", "2", "3"} {
		if batch := filepath.Join(r.dir, "batch-"+seed); exists(batch) {
			folders = append(folders, batch)
		}
	}
	if out := r.recovers(3, folders...); !strings.Contains(out, without) {
		r.Errorf("import without the members says\n%s", out)
	}
	r.recovers(0, "enroll", "--plan", "demo-ppo", filepath.Join(r.dir, "batch-2.csv"))
	if out := r.recovers(0, folders...); !strings.Contains(out, " 0 missing") {
		r.Errorf("import says\n%s", out)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// again starts the house from its books, and wants it as it was.
func (r *restored) again() {
	r.Helper()
	if out := r.recovers(0, "contracts"); !strings.Contains(out, "started from the books") {
		r.Errorf("contracts says\n%s", out)
	}
	r.up(insurers...)
	r.heard(time.Now())
	r.same()
}

func (r *restored) same() {
	r.Helper()
	if got := r.ledgerSize(); got != r.size {
		r.Errorf("the ledger has %d entries, it had %d: something was said twice", got, r.size)
	}
	if got := r.payments(); got != r.paid {
		r.Errorf("the insurer says\n%s\nit said\n%s", got, r.paid)
	}
	if got := r.claims(); got != r.told {
		r.Errorf("the hospital is told\n%s\nit was told\n%s", got, r.told)
	}
}

// goOn has claims sent again, new ones sent, and everything that is due paid.
func (r *restored) goOn() {
	r.bill() // the demo's file again: each is the claim that it was
	if got := r.ledgerSize(); got != r.size {
		r.Errorf("the same file again: %d entries more", got-r.size)
	}
	r.billed(3)
	if due := r.due("2026-11-22"); due == 0 {
		r.Error("nothing is paid of batches 2 and 3")
	}
	if due := r.due("2026-11-22"); due != 0 {
		r.Errorf("%d claims are paid once more", due)
	}
	r.types("hospital", nil, "remit", "fetch", "--out", filepath.Join(r.dir, "batch-3"))
	r.types("auditor", nil, "ledger", "participants", "--out", r.out)
	r.claims()
	var v verdict
	out, err := r.houses.CLI(r.Context(), "auditor", "verify", "--json", "--trust", r.houses.Secret("founding", "trust.json"), r.out)
	if json.Unmarshal(out, &v); err != nil || len(v.Failures) > 0 || v.Verified != v.Decisions || v.Decisions < 30 {
		r.Errorf("the dossier: %v, %d of %d decisions verified, %+v", err, v.Verified, v.Decisions, v.Failures)
	}
	r.size, r.paid, r.told = r.ledgerSize(), r.payments(), r.claims()
}

// Remittances are what "remit run" and "remit list" say.
type remittances struct {
	Remittances []struct {
		Payments []struct {
			Claims []struct{ Claim, Control string } `json:"claims"`
		} `json:"payments"`
	} `json:"remittances"`
}

func (m remittances) controls() (all []string) {
	for _, one := range m.Remittances {
		for _, p := range one.Payments {
			for _, c := range p.Claims {
				all = append(all, c.Control)
			}
		}
	}
	return all
}

// due pays what is due, counts the claims, and wants none in two remittances.
func (r *restored) due(on string) int {
	r.Helper()
	var run, all remittances
	r.types("insurer", &run, "remit", "run", "--on", on)
	r.types("insurer", &all, "remit", "list")
	times := map[string]int{}
	for _, control := range all.controls() {
		if times[control]++; times[control] > 1 {
			r.Errorf("claim %s is paid %d times", control, times[control])
		}
	}
	if len(times) < 15 {
		r.Errorf("only %d claims are paid: the test looks at too little", len(times))
	}
	return len(run.controls())
}

func (r *restored) oldTemporal() {
	r.stop(append(insurers, "temporal")...)
	r.sh(fmt.Sprintf(restoreTemporal, r.dumps(), "1"))
	r.up("temporal")
	r.again()
}

func (r *restored) noTemporal() {
	r.stop(append(insurers, "temporal")...)
	r.sh("psql --dbname=postgres -v ON_ERROR_STOP=1 -c 'DROP DATABASE temporal' -c 'DROP DATABASE temporal_visibility'\n")
	for _, s := range []string{"databases", "temporal-schema", "temporal", "temporal-namespace"} {
		r.up(s)
	}
	r.again()
}

func (r *restored) oldBoth() {
	r.stop(append(insurers, "temporal")...)
	r.sh(fmt.Sprintf(restoreTemporal+restoreBooks, r.dumps(), "1"))
	r.up("temporal")
	r.recovers(0, "enroll", "--plan", "demo-ppo", filepath.Join(r.dir, "batch-3.csv"))
	r.imported("enroll the members first")
	r.again()
	if due := r.due("2026-11-23"); due != 0 {
		r.Errorf("%d claims are paid once more", due)
	}
}

// givenUp restores the same backup where nobody has kept a thing: what comes in
// again is decided and not paid, since it may have been.
func (r *restored) givenUp() {
	r.stop(insurers...)
	r.sh(fmt.Sprintf(restoreBooks, r.dumps(), "1"))
	if out := r.recovers(0, "give-up", "--all"); !strings.Contains(out, "remittance") || strings.Count(out, "given up") < 20 {
		r.Errorf("give-up says\n%s", out)
	}
	r.recovers(0, "status")
	for _, seed := range []string{"2", "3"} {
		r.recovers(0, "enroll", "--plan", "demo-ppo", filepath.Join(r.dir, "batch-"+seed+".csv"))
	}
	r.recovers(0, "contracts")
	r.up(insurers...)
	r.heard(time.Now())
	for _, file := range []string{example("claims.837"), filepath.Join(r.dir, "batch-2.837"), filepath.Join(r.dir, "batch-3.837")} {
		if out, err := r.houses.CLI(r.Context(), "hospital", "claim", "submit", file, "--wait"); err != nil {
			r.Errorf("%v\n%s", err, out)
		}
	}
	var run remittances
	r.types("insurer", &run, "remit", "run", "--on", "2026-11-24")
	if paid := run.controls(); len(paid) > 0 {
		r.Errorf("%d claims are paid that may have been paid", len(paid))
	}
	held, err := r.houses.CLI(r.Context(), "insurer", "remit", "held")
	if err != nil || strings.Count(string(held), "may-be-decided") < 10 || !strings.Contains(string(held), "remittance-lost") {
		r.Errorf("held: %v\n%s", err, held)
	}
}
