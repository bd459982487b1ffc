package store_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
	"github.com/countersign-health/countersign/store/storetest"
)

/*
What fails when a part of the sealing is taken out (each was tried):

	a column left in clear, or a name without its key     TestNothingInClear
	table, column or row in cell.bound                    TestMovedValues (the holder is bound by the key as well)
	holder or wrapping key in the binding of a data key   TestMovedKeys
	checkKeys in Open                                     TestMissingWrappingKey
	reseal in identify, dropKey in reseal                 TestEnrolledSince, TestSealedForTheRightPerson
	the guard at the head of 0003_sealed.sql              TestBooksFromBefore
*/

// person is somebody whose every fact is found again by its prefix.
type person struct{ mark string }

func (p person) member() store.Member {
	return store.Member{MemberID: p.mark + "-ID", Family: p.mark + "-FAMILY", Last: p.mark + "-LAST", First: p.mark + "-FIRST",
		Birth: "1980-01-02", Plan: "ppo", From: "2026-01-01"}
}

func (p person) claims() claims.Person {
	return claims.Person{MemberID: p.mark + "-ID", Last: p.mark + "-LAST", First: p.mark + "-FIRST", Birth: "1980-01-02"}
}

// life gives a person every kind of document: an authorization that a reviewer
// granted, a paid claim that rests on it, a denied claim, and a remittance.
func (h *house) life(p person) (all []credentials.Handle) {
	h.t.Helper()
	h.must(h.Enroll(ctx, []store.Member{p.member()}))
	r := aRequest(p.mark+"-AUTH", 5000)
	r.Submission.Request.Patient, r.Token = p.claims(), p.mark+" request token"
	asked, err := h.ReceiveAuthorization(ctx, r)
	h.must(err)
	h.must(h.KeepReceipt(ctx, h.grant(asked.Submission, claims.AuthorizationPended), 3, []byte("receipt")))
	_, _, err = h.KeepLetter(ctx, aLetter(asked.Submission, 1, p.mark, true))
	h.must(err)
	_, err = h.Determine(ctx, claims.Determination{Handle: handle(p.mark + "D"), Subject: asked.Submission, Number: 1, Approve: true, Reason: p.mark + " note"}, p.mark+" determination token")
	h.must(err)
	h.must(h.KeepReceipt(ctx, h.grant(asked.Submission, claims.AuthorizationDenied), 4, []byte("receipt")))

	paid := h.receive(p.mark+"-PAID", by(p.claims()), authorizedBy(p.mark+"-AUTH"))
	h.must(h.KeepReceipt(ctx, h.settle(paid, claims.Paid, met(2500, 2500), says(p.mark)), 5, []byte("receipt")))
	denied := h.receive(p.mark+"-DENIED", by(p.claims()))
	h.must(h.KeepReceipt(ctx, h.settle(denied, claims.Denied, says(p.mark)), 6, []byte("receipt")))
	return []credentials.Handle{asked.Submission, paid, denied}
}

func says(note string) func(*claims.Decision) {
	return func(d *claims.Decision) { d.Pends = []claims.Pend{{Note: note + " note"}} }
}

func TestNothingInClear(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		p := person{"CANARY"}
		all := h.life(p)
		if run := h.run(); len(run.Released) != 1 {
			t.Fatalf("got %+v, want one remittance", run)
		}
		if raw := strings.ToUpper(h.raw()); strings.Contains(raw, p.mark) {
			t.Errorf("%s stands in the books in clear:\n%s", p.mark, raw)
		}
		if n := strings.Count(h.dump(), p.mark); n < 20 {
			t.Errorf("what is sealed has the canary %d times only: the test looks at too little", n)
		}
		s, err := h.StatusOf(ctx, all[0])
		if err != nil || s.Number != "CANARY-AUTH" || s.Token != "CANARY request token" || s.Decisions[1].Determination != "CANARY determination token" {
			t.Errorf("opened: got %+v, %v", s, err)
		}
	})
}

// Every column of the books is in the table of docs/keys.md, where it is said
// what it tells of a person, and those in it as sealed are sealed.
func TestColumnsAreDecided(t *testing.T) {
	page, err := os.ReadFile("../docs/keys.md")
	if err != nil {
		t.Fatal(err)
	}
	decided := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		table := strings.Trim(cells[1], " `")
		for i, list := range cells[2:4] {
			for _, column := range strings.Fields(strings.ReplaceAll(strings.ReplaceAll(list, "`", ""), ",", " ")) {
				decided[table+"."+column] = i == 0
			}
		}
	}
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	rs, err := h.db.Query(ctx, `SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name <> 'schema_migration'`)
	h.must(err)
	defer rs.Close()
	for rs.Next() {
		var table, column string
		h.must(rs.Scan(&table, &column))
		sealed, ok := decided[table+"."+column]
		if !ok {
			t.Errorf("docs/keys.md does not say whether %s.%s is sealed", table, column)
		}
		at := slices.IndexFunc(tables, func(x tableOf) bool { return x.name == table })
		if at < 0 || sealed != slices.Contains(tables[at].sealed, column) {
			t.Errorf("%s.%s: docs/keys.md says sealed = %v, the tests another thing", table, column, sealed)
		}
	}
	h.must(rs.Err())
}

func TestMovedValues(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.receive("C1"), h.receive("C2", by(claims.Person{MemberID: "M9", Last: "Birch", First: "Cy"}))
		same := h.receive("C3")
		fails := func(what string, move func(*sqldb.Tx) error) {
			t.Helper()
			h.must(h.db.Tx(ctx, move))
			_, err := h.ClaimFile(ctx, a)
			_, err2 := h.FindSigned(ctx, books.SubmissionKey(a))
			if err == nil && err2 == nil {
				t.Errorf("%s: it opens", what)
			}
		}
		body := func(claim credentials.Handle) (v []byte, holder string) {
			h.must(h.db.QueryRow(ctx, `SELECT body, holder FROM submission WHERE handle = $1`, claim.String()).Scan(&v, &holder))
			return v, holder
		}
		mine, holder := body(a)
		set := func(v []byte, holder string) func(*sqldb.Tx) error {
			return func(tx *sqldb.Tx) error {
				_, err := tx.Exec(`UPDATE submission SET body = $2, holder = $3 WHERE handle = $1`, a.String(), v, holder)
				return err
			}
		}
		back := func() { h.must(h.db.Tx(ctx, set(mine, holder))) }
		other, otherHolder := body(b)
		fails("another person's", set(other, holder))
		fails("another person's, under their name", set(other, otherHolder))
		third, _ := body(same)
		fails("another claim of the same person's", set(third, holder))
		changed := slices.Clone(mine)
		changed[len(changed)/2] ^= 1
		fails("a flipped bit", set(changed, holder))
		back()
		if _, err := h.ClaimFile(ctx, a); err != nil {
			t.Fatal(err)
		}
		fails("another column of the same row", func(tx *sqldb.Tx) error {
			_, err := tx.Exec(`UPDATE signed SET token = evidence WHERE handle = $1`, a.String())
			return err
		})
	})
}

func TestMovedKeys(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1")
		_, err := h.db.Exec(ctx, `UPDATE data_key SET wrapped = (SELECT k.wrapped FROM data_key k WHERE k.holder = $1) WHERE holder = $2`,
			h.Person("M9", "Cy", "1990-05-06"), h.Person("M1", "Ann", "1980-01-02"))
		h.must(err)
		if _, err := h.ClaimFile(ctx, claim); err == nil || !strings.Contains(err.Error(), "unwrap data key") {
			t.Errorf("got %v: another person's data key was taken for hers", err)
		}
	})
}

func TestMissingWrappingKey(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		h := openHouse(t, db)
		h.furnish()
		for _, x := range []struct {
			name string
			keys store.Keys
			want string
		}{
			{"gone", storetest.Keys(t, "new"), `3 data keys are wrapped under the key "test", which is not among insurer.wrapping_keys`},
			{"added", storetest.Keys(t, "new", "test"), ""},
			{"another under its name", another(t), `the wrapping key "test" differs from the one that wrapped it`},
		} {
			_, err := store.Open(ctx, db, x.keys, time.Now)
			if x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s: got %v, want %q", x.name, err, x.want)
			}
		}
	})
}

func another(t *testing.T) store.Keys {
	keys, err := store.NewKeys(make([]byte, 32), store.WrappingKey{ID: "test", Secret: [32]byte{9}})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// A patient who was somebody else at first, or nobody: everything is sealed
// under the key of who it is in the end, and no key is left over.
func TestSealedForTheRightPerson(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1", by(claims.Person{MemberID: "N1", Last: "New", First: "Nell"}))
		h.settle(claim, claims.Pended)
		_, err := h.Determine(ctx, claims.Determination{Handle: handle("D"), Subject: claim, Number: 1, Approve: true}, "determination token")
		h.must(err)
		keys := func() (holders []string) {
			for _, row := range h.readTable("data_key") {
				holders = append(holders, fmt.Sprint(row["holder"]))
			}
			return holders
		}
		if !slices.Contains(keys(), "submission/"+claim.String()) {
			t.Fatalf("got the keys of %v, want one of the claim's own", keys())
		}
		h.must(h.Enroll(ctx, []store.Member{{MemberID: "N1", Family: "N1", Last: "New", First: "Nell", Birth: "1990-01-01", Plan: "ppo", From: "2026-01-01"}}))
		h.file(claim)
		nell := h.Person("N1", "Nell", "1990-01-01")
		for _, table := range []string{"submission", "signed", "determination"} {
			for _, row := range h.readTable(table) {
				if row["holder"] != nell {
					t.Errorf("%s is sealed for %v, want the new member", table, row["holder"])
				}
			}
		}
		if slices.Contains(keys(), "submission/"+claim.String()) {
			t.Error("the claim's own key is left over")
		}
		if s, err := h.StatusOf(ctx, claim); err != nil || s.Token != "token C1" || len(s.Decisions) != 1 {
			t.Errorf("got %+v, %v", s, err)
		}
	})
}

// Books whose documents stand in clear are refused as they are.
func TestBooksFromBefore(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db, first := open(), fstest.MapFS{}
		text, err := fs.ReadFile(store.Schema(), "0001_books.sql")
		if err != nil {
			t.Fatal(err)
		}
		first["0001_books.sql"] = &fstest.MapFile{Data: text}
		if err := sqldb.Migrate(ctx, db, "books", first); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(ctx, `INSERT INTO member (person, member_id, family, last_name, first_name, birth) VALUES ('P', 'M1', 'M1', 'Alder', 'Ann', '')`); err != nil {
			t.Fatal(err)
		}
		_, err = store.Open(ctx, db, storetest.Keys(t), time.Now)
		if err == nil || !strings.Contains(err.Error(), "books_from_before_sealing_must_be_empty") {
			t.Errorf("got %v, want a refusal", err)
		}
		var name sql.NullString
		if err := db.QueryRow(ctx, `SELECT last_name FROM member`).Scan(&name); err != nil || name.String != "Alder" {
			t.Errorf("got %v, %v: want the member as before", name, err)
		}
	})
}
