package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// An operator finds a person, forgets them, and rotates the wrapping key, by
// commands alone.
func TestBooksCommands(t *testing.T) {
	dsn := sqldbtest.SQLite(t)
	w := newTown(t, map[string]string{"insurer": dsn})
	file := filepath.Join(w.dir, "insurer.yaml")
	run := func(in string, args ...string) (string, int) {
		t.Helper()
		cmd := command(append(append([]string{"books"}, args...), "--config", file)...)
		cmd.Stdin = strings.NewReader(in)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	wants := func(in, want string, code int, args ...string) string {
		t.Helper()
		out, got := run(in, args...)
		if got != code || !strings.Contains(out, want) || strings.Count(out, "\n") != 1 {
			t.Errorf("books %v: got %q, exit %d; want %q, exit %d", args, out, got, want, code)
		}
		return strings.TrimSpace(out)
	}
	w.enroll(dsn)
	wants("M1\nAnn\n", "want three lines", 1, "find")
	wants("M1\nAnn\n1/2/80\n", "the third line is no date", 1, "find")
	ann := wants("M1\n ann \n1980-01-02\n", "", 0, "find")
	wants("", "want --person or --submission", 2, "forget")
	wants("", "not found", 1, "forget", "--submission", strings.Repeat("ab", 32))
	wants("", "forgotten, with 0 submissions", 0, "forget", "--person", ann)
	wants("", "the books know nobody by that name", 1, "forget", "--person", ann)

	config, err := os.ReadFile(file)
	w.must(err)
	keys := func(list string) {
		w.write("insurer.yaml", []byte(strings.Replace(string(config), "[{id: one, file: wrapping.key}]", list, 1)))
	}
	w.secret("wrapping-2.key")
	keys("[{id: two, file: wrapping-2.key}]")
	wants("", `1 data keys are wrapped under the key "one", which is not among insurer.wrapping_keys: put it back`, 1, "rewrap")
	keys("[{id: two, file: wrapping-2.key}, {id: one, file: wrapping.key}]")
	wants("", "wrapped 1 data keys anew, under two", 0, "rewrap")
	keys("[{id: two, file: wrapping-2.key}]")
	wants("", "wrapped 0 data keys anew, under two", 0, "rewrap")
}

// enroll opens the books as the daemon would, and writes two members in.
func (w *town) enroll(dsn string) {
	w.t.Helper()
	read := func(name string) [32]byte {
		b, err := os.ReadFile(filepath.Join(w.dir, name))
		w.must(err)
		return [32]byte(b)
	}
	secret := read("business.key")
	keys, err := store.NewKeys(secret[:], store.WrappingKey{ID: "one", Secret: read("wrapping.key")})
	w.must(err)
	db, err := sqldb.Open(w.t.Context(), dsn)
	w.must(err)
	defer db.Close()
	b, err := store.Open(w.t.Context(), db, keys, time.Now)
	w.must(err)
	w.must(b.Enroll(w.t.Context(), []store.Member{
		{MemberID: "M1", Family: "M1", Last: "Alder", First: "Ann", Birth: "1980-01-02", Plan: "ppo", From: "2026-01-01"},
		{MemberID: "M2", Family: "M2", Last: "Birch", First: "Bo", Birth: "1981-01-02", Plan: "ppo", From: "2026-01-01"},
	}))
}
