package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
	"github.com/countersign-health/countersign/store/storetest"
)

/*
What fails when a part of forgetting is taken out (each was tried):

	dropKey of a member, a submission or a remittance     TestForget, TestForgetNobody
	Wipe, VACUUM in it or the emptying of the log         TestForget (the key's bytes are found in the files)
	a DELETE or an UPDATE in forget or forgetMember       TestForget (the person's name in the books)
	each reason in closed                                 TestForgetRefuses
*/

// files are the bytes of the database as they lie on the disk; on PostgreSQL,
// of the data keys' table.
func (h *house) files(dsn string) []byte {
	h.t.Helper()
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		var all []byte
		for _, file := range []string{path, path + "-wal"} {
			b, err := os.ReadFile(file)
			h.must(err)
			all = append(all, b...)
		}
		return all
	}
	var b []byte
	_, err := h.db.Exec(ctx, `CHECKPOINT`)
	if err != nil { // not within a transaction
		rs, err := h.db.Query(ctx, `CHECKPOINT`)
		h.must(err)
		rs.Close()
	}
	h.must(h.db.QueryRow(ctx, `SELECT pg_read_binary_file(pg_relation_filepath('data_key'))`).Scan(&b))
	return b
}

// wrapped are the data keys as they are stored, by holder.
func (h *house) wrapped() map[string][]byte {
	h.t.Helper()
	all := map[string][]byte{}
	for _, row := range h.readTable("data_key") {
		all[fmt.Sprint(row["holder"])] = []byte(row["wrapped"].(string))
	}
	return all
}

func TestForget(t *testing.T) {
	sqldbtest.EachDSN(t, func(t *testing.T, dsn string) {
		h := openHouse(t, sqldbtest.Open(t, dsn))
		h.furnish()
		h.licensed()
		for i := range 300 { // so that the keys fill several pages
			h.must(h.Enroll(ctx, []store.Member{person{fmt.Sprint("OTHER", i)}.member()}))
		}
		gone, stays := person{"CANARY"}, person{"STAYS"}
		mine, others := h.life(gone), h.life(stays)
		run := h.run()
		again := h.life(person{"LATER"})
		h.run()
		sums := h.sums()

		holder := h.Person("CANARY-ID", "CANARY-FIRST", "1980-01-02")
		names := []string{holder, h.Family("CANARY-ID"), h.Family("CANARY-FAMILY")}
		before := h.wrapped()
		var keys [][]byte
		for _, holder := range []string{holder, "remittance/" + run.Released[0].Trace} {
			keys = append(keys, before[holder])
			if !bytes.Contains(h.files(dsn), before[holder]) {
				t.Fatal("the key is not found in the files before: the test looks in the wrong place")
			}
		}
		if n, err := h.Forget(ctx, holder); err != nil || n != 3 {
			t.Fatalf("got %d documents, %v; want 3", n, err)
		}

		raw := h.raw()
		for _, name := range append(names, gone.mark) {
			if strings.Contains(raw, name) {
				t.Errorf("the books still hold %s", name)
			}
		}
		for i, key := range keys {
			if len(key) == 0 || bytes.Contains(h.files(dsn), key) {
				t.Errorf("wrapped key %d is still in the database's files", i)
			}
		}
		if strings.Contains(string(h.files(dsn)), "CANARY") {
			t.Error("the canary is in the database's files")
		}
		for _, submission := range mine {
			if _, err := h.StatusOf(ctx, submission); !errors.Is(err, books.ErrForgotten) {
				t.Errorf("got %v, want ErrForgotten", err)
			}
			if _, err := h.FindSigned(ctx, books.SubmissionKey(submission)); !errors.Is(err, books.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
		}
		for _, submission := range append(others, again...) {
			if s, err := h.StatusOf(ctx, submission); err != nil || s.Token == "" || len(s.Decisions) == 0 {
				t.Errorf("another's: got %+v, %v", s, err)
			}
		}
		h.remittancesAfter(t)
		if got := h.sums(); got != sums {
			t.Errorf("the money came to %q, and comes to %q now", sums, got)
		}
		if _, err := h.Forget(ctx, holder); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("again: got %v, want ErrNotFound", err)
		}
		if got, err := h.FindSubmission(ctx, key("CANARY-PAID")); err != nil || got.Submission != mine[1] {
			t.Errorf("got %+v, %v: the same bytes must not be taken for a new claim", got, err)
		}
		h.must(h.Enroll(ctx, []store.Member{gone.member()}))
		if _, err := h.StatusOf(ctx, mine[0]); !errors.Is(err, books.ErrForgotten) {
			t.Errorf("enrolled again: got %v, want ErrForgotten", err)
		}
	})
}

// The remittance with the person in it is erased, the other opens.
func (h *house) remittancesAfter(t *testing.T) {
	t.Helper()
	all, err := h.Remittances(ctx, hospital)
	if err != nil || len(all) != 2 || all[0].Body != nil || !strings.Contains(string(all[1].Body), "LATER") {
		t.Errorf("remittances: got %+v, %v", all, err)
	}
	if paid, err := h.Payments(ctx, noon); err != nil || len(paid) != 6 || paid[0].Claim != "" || paid[2].Claim != "STAYS-PAID" {
		t.Errorf("payments: got %+v, %v", paid, err)
	}
}

// sums is what the books come to in money.
func (h *house) sums() string {
	h.t.Helper()
	var paid, people, families string
	for query, into := range map[string]*string{
		`SELECT sum(amount) || '/' || count(*) FROM payment`:                                      &paid,
		`SELECT count(*) || '/' || sum(deductible) || '/' || sum(out_of_pocket) FROM accumulator`: &people,
		`SELECT count(*) || '/' || count(DISTINCT remittance) FROM decision`:                      &families,
	} {
		h.must(h.db.QueryRow(ctx, query).Scan(into))
	}
	return paid + " " + people + " " + families
}

func TestForgetRefuses(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ann := h.Person("M1", "Ann", "1980-01-02")
		refused := func(want string) {
			t.Helper()
			before := h.dump()
			_, err := h.Forget(ctx, ann)
			var open *store.OpenError
			if !errors.As(err, &open) || !strings.Contains(err.Error(), want) || h.dump() != before {
				t.Errorf("got %v, want a refusal: %s, and nothing changed", err, want)
			}
		}
		h.licensed()
		asked := h.ask("A1", 1000)
		refused("not finally decided")
		h.must(h.KeepReceipt(ctx, h.grant(asked, claims.AuthorizationApproved), 1, []byte("r")))
		refused("claims may still come")
		_, err := h.db.Exec(ctx, `UPDATE authorized_item SET until_date = '2020-01-01'`)
		h.must(err)
		claim := h.receive("C1")
		document := h.settle(claim, claims.Paid)
		refused("not on the ledger yet")
		h.must(h.KeepReceipt(ctx, document, 2, []byte("r")))
		refused("not paid out")
		run, err := h.Pay(ctx, noon, write)
		h.must(err)
		refused("not paid out")
		h.must(h.KeepReceipt(ctx, run.Released[0].Handle, 3, []byte("r")))
		if n, err := h.Forget(ctx, ann); err != nil || n != 2 {
			t.Errorf("got %d, %v, want both forgotten", n, err)
		}
	})
}

// A claim that matches nobody is forgotten by its own name.
func TestForgetNobody(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1", by(claims.Person{MemberID: "X", Last: "Nobody", First: "Nan"}))
		h.licensed()
		h.must(h.KeepReceipt(ctx, h.settle(claim, claims.Denied), 2, []byte("r")))
		h.run()
		holder, err := h.Holder(ctx, claim)
		if err != nil || holder != "submission/"+claim.String() {
			t.Fatalf("got %q, %v", holder, err)
		}
		if n, err := h.Forget(ctx, holder); err != nil || n != 1 {
			t.Errorf("got %d, %v", n, err)
		}
		if _, err := h.Holder(ctx, claim); !errors.Is(err, books.ErrForgotten) {
			t.Errorf("got %v, want ErrForgotten", err)
		}
		cy := h.Person("M9", "Cy", "1990-05-06") // who never sent anything
		if n, err := h.Forget(ctx, cy); err != nil || n != 0 {
			t.Errorf("got %d, %v", n, err)
		}
		for _, name := range []string{holder, cy} {
			if _, there := h.wrapped()[name]; there {
				t.Errorf("the data key of %s is still there", name)
			}
		}
	})
}

// Data keys are wrapped anew while claims come in, from two sides at once and
// broken off in between; then the old key can go.
func TestRewrapBesideWork(t *testing.T) {
	sqldbtest.EachDSN(t, func(t *testing.T, dsn string) {
		h := openHouse(t, sqldbtest.Open(t, dsn))
		h.furnish()
		for i := range 450 {
			h.must(h.Enroll(ctx, []store.Member{person{fmt.Sprint("P", i)}.member()}))
		}
		old := h.wrapped()
		open := func(ids ...string) *store.Books {
			b, err := store.Open(ctx, sqldbtest.Open(t, dsn), storetest.Keys(t, ids...), func() time.Time { return noon })
			h.must(err)
			return b
		}
		var wait sync.WaitGroup
		worker := open("new", "test")
		wait.Go(func() {
			for i := range 20 {
				if _, err := worker.ReceiveClaim(ctx, aClaim(fmt.Sprint("C", i), by(person{fmt.Sprint("P", i)}.claims()))); err != nil {
					t.Error(err)
				}
			}
		})
		for range 2 {
			wait.Go(func() {
				b := open("new", "test")
				for { // wiping may find the other one reading
					if _, err := b.Rewrap(ctx); err == nil || !strings.Contains(err.Error(), "wipe") {
						if err != nil {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		wait.Wait()
		left := slices.Collect(func(yield func(string) bool) {
			for _, row := range h.readTable("data_key") {
				if row["wrapping"] != "new" && !yield(fmt.Sprint(row["holder"])) {
					return
				}
			}
		})
		if len(left) > 0 {
			t.Errorf("%d keys are still under the old one", len(left))
		}
		now := open("new")
		for i := range 20 {
			if _, err := now.ClaimFile(ctx, handle(fmt.Sprint("C", i))); err != nil {
				t.Error(err)
			}
		}
		if n, err := now.Rewrap(ctx); err != nil || n != 0 {
			t.Errorf("again: got %d, %v", n, err)
		}
		bytesNow := h.files(dsn)
		for holder, key := range old {
			if bytes.Contains(bytesNow, key) {
				t.Fatalf("the old wrapping of %s is still in the files", holder)
			}
		}
	})
}
