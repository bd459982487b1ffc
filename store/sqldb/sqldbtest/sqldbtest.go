// Package sqldbtest runs a test once on SQLite and once on PostgreSQL. The
// PostgreSQL is a real server: the one that COUNTERSIGN_TEST_POSTGRES names
// (a DSN whose user may create schemas), else one started for this test binary
// on a free loopback port in a temporary folder, and stopped with it.
//
// A machine that can offer neither fails the test. It never skips: a suite
// that passes because it did not run proves nothing. (Small disks alone take
// root; EachDisk says what is tried without.)
package sqldbtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/countersign-health/countersign/store/sqldb"
)

// Each runs f as the subtests "sqlite" and "postgres". Each subtest gets an
// empty database of its own; every call of open is one more handle on it, and
// is closed when the subtest ends.
func Each(t *testing.T, f func(t *testing.T, open func() *sqldb.DB)) {
	t.Helper()
	EachDSN(t, func(t *testing.T, dsn string) {
		f(t, func() *sqldb.DB { return Open(t, dsn) })
	})
}

// EachDSN is Each for tests that open the database themselves.
func EachDSN(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// Open opens dsn and closes it when the test ends.
func Open(t testing.TB, dsn string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// SQLite is the DSN of a new file in the test's temporary folder.
func SQLite(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

// Postgres is a DSN whose connections see one new, empty schema, which is
// dropped when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	dsn, err := server()
	if err != nil {
		t.Fatalf("this test needs a PostgreSQL 13 or later: put its bin folder on PATH or set COUNTERSIGN_TEST_POSTGRES to a DSN: %v", err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("COUNTERSIGN_TEST_POSTGRES is not a postgres:// URL")
	}
	schema := "t_" + randomName()
	run := func(statement string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		db, err := sqldb.Open(ctx, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	run("CREATE SCHEMA " + schema)
	t.Cleanup(func() { run("DROP SCHEMA " + schema + " CASCADE") })
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// Main is for TestMain: it runs the tests and waits until the server is gone.
// A binary without it stops the server too, a moment after it has ended.
func Main(m *testing.M) {
	code := m.Run()
	stopServer()
	os.Exit(code)
}

func randomName() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
