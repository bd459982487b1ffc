//go:build linux && houses

package outages

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
	_ "github.com/countersign-health/countersign/store/sqldb" // brings the driver for PostgreSQL
)

// claims is how many claims each test bills; TestAway spreads them over its
// outages.
var claims = flag.Int("claims", 500, "how many claims each test bills")

// A town is all houses, running, with plan, members and licenses in place, and
// claims to bill.
type town struct {
	*testing.T
	*houses.Houses
	books  *sql.DB
	files  []string // 837P, in dir
	bills  []houses.Bill
	again  map[string]int64 // claims of a file that repeat what another one has
	ruskin string           // the license that may be revoked
	after  []func()         // once the houses are closed

	licenses []string // all of them
}

const daemonsWait = 2 * time.Minute

// settle starts the houses and makes n claims of a seed, in so many files.
func settle(t *testing.T, o houses.Options, n, files int, seed uint64) *town {
	t.Helper()
	dir, err := os.MkdirTemp("", "countersign-outages-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	o.Screen = os.Stderr
	h, err := houses.Start(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	v := &town{T: t, Houses: h, again: map[string]int64{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("everything is kept in %s\n%s", dir, h.LastLines(8))
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		for _, f := range v.after {
			f()
		}
		if !t.Failed() {
			os.RemoveAll(dir)
		}
	})
	v.books = v.database("insurer", "books")
	v.must("insurer", nil, "plan", "publish", "--fees", example("fees.csv"), "--name", "demo-fees", "--edition", "2026-01")
	plan := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(plan, houses.Plan(), 0o600); err != nil {
		t.Fatal(err)
	}
	v.must("insurer", nil, "plan", "publish", plan)
	var issued struct {
		Licenses []struct{ Handle, NPI string }
	}
	v.must("clerk", &issued, "license", "issue", "--from-csv", example("clinicians.csv"))
	for _, l := range issued.Licenses {
		v.licenses = append(v.licenses, l.Handle)
		if l.NPI == houses.RuskinNPI {
			v.ruskin = l.Handle
		}
	}
	var members []byte
	for i := range files {
		b := houses.Claims(max(1, n/files), seed*1000+uint64(i))
		v.write(b)
		header := bytes.IndexByte(b.Members, '\n') + 1
		members = append(members, b.Members[min(header, len(members)):]...)
	}
	list := filepath.Join(v.Dir, "members.csv")
	if err := os.WriteFile(list, members, 0o600); err != nil {
		t.Fatal(err)
	}
	v.must("insurer", nil, "member", "enroll", list, "--plan", "demo-ppo")
	v.until("the insurer to hear of the licenses", func() bool { return v.count(`SELECT count(*) FROM license`) == 3 })
	return v
}

// write puts a batch where it can be billed.
func (v *town) write(b houses.Batch) {
	v.Helper()
	name := filepath.Join(v.Dir, fmt.Sprintf("claims-%02d.837", len(v.files)))
	if err := os.WriteFile(name, b.File, 0o600); err != nil {
		v.Fatal(err)
	}
	v.files = append(v.files, name)
	v.bills = append(v.bills, b.Bills...)
	for _, c := range b.Bills {
		if c.Kind == houses.Repeated {
			v.again[name]++
		}
	}
}

func example(name string) string {
	return filepath.Join("..", "..", "..", "..", "examples", name)
}

// database opens a house's own database.
func (v *town) database(user, name string) *sql.DB {
	v.Helper()
	password, err := os.ReadFile(v.Secret(user, user+".password"))
	if err != nil {
		v.Fatal(err)
	}
	db, err := sql.Open("postgres", fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", user, strings.TrimSpace(string(password)), v.Address("postgres", 5432), name))
	if err != nil {
		v.Fatal(err)
	}
	v.Cleanup(func() { db.Close() })
	return db
}

func (v *town) count(query string, args ...any) (n int64) {
	v.Helper()
	if err := v.books.QueryRow(query, args...).Scan(&n); err != nil {
		v.Fatalf("%s: %v", query, err)
	}
	return n
}

// types has somebody type a command and reads its JSON answer.
func (v *town) types(ctx context.Context, person string, answer any, args ...string) error {
	out, err := v.CLI(ctx, person, append(args, "--json")...)
	if err != nil {
		return err
	}
	if answer != nil {
		if err := json.Unmarshal(out, answer); err != nil {
			return fmt.Errorf("%s: %w: %s", args, err, out)
		}
	}
	return nil
}

func (v *town) must(person string, answer any, args ...string) {
	v.Helper()
	if err := v.types(v.Context(), person, answer, args...); err != nil {
		v.Fatalf("%s: %v", person, err)
	}
}

// persists types a command again as long as it exits with 1, as a person would
// who is told to try later. Every other failure is one of ours.
func (v *town) persists(person string, answer any, args ...string) (failures int) {
	v.Helper()
	ctx, cancel := context.WithTimeout(v.Context(), 10*time.Minute)
	defer cancel()
	for ; ; failures++ {
		err := v.types(ctx, person, answer, args...)
		var ended *houses.CLIError
		switch {
		case err == nil:
			return failures
		case !errors.As(err, &ended) || ended.Code != 1 || ctx.Err() != nil:
			v.Errorf("%s: %v", person, err)
			return failures
		case strings.Count(strings.TrimSpace(ended.Stderr), "\n") > 1:
			v.Errorf("%s: more than two lines where one says it:\n%s", person, ended.Stderr)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// bill sends files, three at a time, each once ready says so. The first is sent
// twice at once, as by two people who do not know of each other.
func (v *town) bill(files []string, ready func(i int)) {
	v.Helper()
	var people sync.WaitGroup
	slots := make(chan struct{}, 3)
	for i, name := range files {
		ready(i)
		for range 1 + map[bool]int{true: 1}[i == 0] {
			slots <- struct{}{}
			people.Go(func() {
				defer func() { <-slots }()
				v.persists("hospital", nil, "claim", "submit", name)
			})
		}
	}
	people.Wait()
}

func now(int) {}

// until looks again until done.
func (v *town) until(what string, done func() bool) {
	v.Helper()
	v.within(daemonsWait, what, done)
}

func (v *town) within(limit time.Duration, what string, done func() bool) {
	v.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			v.Fatalf("waited %s for %s", limit, what)
		}
	}
}

// calm waits until nothing is under way any more.
func (v *town) calm() {
	v.Helper()
	var open, unrecorded int64
	defer func() {
		if v.Failed() {
			v.Logf("%d claims without a final decision, %d documents without a receipt", open, unrecorded)
		}
	}()
	v.within(5*time.Minute, "every claim to be decided and recorded", func() bool {
		err := v.books.QueryRow(`SELECT (SELECT count(*) FROM submission WHERE state IN ('received', 'pended')),
			(SELECT count(*) FROM outbox WHERE recorded = 0)`).Scan(&open, &unrecorded)
		return err == nil && open == 0 && unrecorded == 0
	})
}

// revoke has the clerk revoke Ruskin's license from orderDay on.
func (v *town) revoke() {
	v.Helper()
	v.persists("clerk", nil, "license", "revoke", v.ruskin, "--effective", fmt.Sprintf("2026-10-%dT00:00:00-07:00", orderDay), "--reason", "unprofessional-conduct")
}

// pays makes a payment run.
func (v *town) pays() {
	var ran struct{ Remittances, Held []json.RawMessage }
	failures := v.persists("insurer", &ran, "remit", "run", "--on", "2026-11-20")
	v.Logf("payment run: %d remittances, %d held, after %d failures", len(ran.Remittances), len(ran.Held), failures)
}

// judge waits until all is calm, pays once more, and checks everything.
func (v *town) judge() *found {
	v.Helper()
	v.calm()
	v.pays()
	v.calm()
	f := v.look()
	for i, problem := range check(f) {
		if i == 30 {
			v.Errorf("and more")
			break
		}
		v.Error(problem)
	}
	v.calmly()
	outcomes := map[string]int{}
	for _, c := range f.Claims {
		outcomes[c.State]++
	}
	v.Logf("%d claims (%v), %d decisions, %d entries, %d remittances, %d held, %d to reprocess", len(f.Claims), outcomes, len(f.Decisions), len(f.Entries), len(f.Taken), len(f.Held), len(f.Reprocess))
	return f
}

// verify has the auditor check offline what the hospital got, and compute every
// decision again.
func (v *town) verify(f *found) {
	v.Helper()
	decisions := len(f.Decisions)
	dossier := filepath.Join(v.Dir, "dossier")
	for _, l := range v.licenses {
		v.must("auditor", nil, "license", "show", l, "--out", dossier)
	}
	var verdict struct{ Decisions, Verified, Reproduced int }
	v.must("auditor", &verdict, "verify", "--trust", v.Secret("founding", "trust.json"), dossier)
	if verdict.Decisions != decisions || verdict.Verified != decisions || verdict.Reproduced != decisions {
		v.Errorf("of %d decisions the auditor finds %+v", decisions, verdict)
	}
}

// calmly wants no daemon of ours to have panicked, no contract to have been
// replayed otherwise than it ran, and none to have ended with an order unheard.
func (v *town) calmly() {
	v.Helper()
	for _, name := range daemons {
		if name == "temporal" {
			continue
		}
		for _, bad := range []string{"panic", "TMPRL1100", "unhandled signals"} {
			log := v.Log(name)
			if i := bytes.Index(log, []byte(bad)); i >= 0 {
				v.Errorf("%s: %s", name, log[max(0, i-200):min(len(log), i+600)])
			}
		}
	}
}
