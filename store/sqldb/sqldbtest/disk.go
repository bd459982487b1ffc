package sqldbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/countersign-health/countersign/store/sqldb"
)

// A Disk is one that a database lies on and that can be full.
type Disk struct {
	Open func() *sqldb.DB // closed when the test ends
	Fill func()           // leaves no room for another page
	Free func()           // makes room again
}

// EachDisk runs f as three subtests. In "sqlite" the database may not have
// another page; in "sqlite, small disk" and "postgres, small disk" the files lie
// on a file system of 16 MB that is filled. To mount that takes root, and a
// server of this machine: where it cannot be, these two are skipped, for the
// limit of pages is always tried.
func EachDisk(t *testing.T, f func(t *testing.T, d Disk)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, pageLimit(t)) })
	t.Run("sqlite, small disk", func(t *testing.T) {
		dir := smallDisk(t)
		f(t, Disk{func() *sqldb.DB { return Open(t, "sqlite:"+filepath.Join(dir, "test.db")) }, func() { fill(t, dir) }, func() { free(t, dir) }})
	})
	t.Run("postgres, small disk", func(t *testing.T) {
		dir := smallDisk(t)
		dsn := onTablespace(t, dir)
		f(t, Disk{func() *sqldb.DB { return Open(t, dsn) }, func() { fill(t, dir) }, func() { free(t, dir) }})
	})
}

// pageLimit keeps the databases to one connection each, since the limit is a
// connection's.
func pageLimit(t *testing.T) Disk {
	dsn := SQLite(t)
	var all []*sqldb.DB
	limit := func(pages int) {
		t.Helper()
		for _, db := range all {
			var n int // less than there are means as many as there are
			if err := db.QueryRow(context.Background(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)).Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := func() *sqldb.DB {
		t.Helper()
		db, err := sqldb.OpenWith(context.Background(), dsn, sqldb.Options{MaxOpen: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		all = append(all, db)
		return db
	}
	return Disk{open, func() { limit(1) }, func() { limit(1 << 30) }}
}

// smallDisk mounts one, for whoever runs the server.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "countersign-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := mountSmall(dir); errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Error(err)
		}
	})
	if err := handOver(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// onTablespace is Postgres, whose tables lie in dir.
func onTablespace(t *testing.T, dir string) string {
	t.Helper()
	if os.Getenv("COUNTERSIGN_TEST_POSTGRES") != "" {
		t.Skip("the server of COUNTERSIGN_TEST_POSTGRES may see other disks than this test")
	}
	dsn, err := server()
	if err != nil {
		t.Fatal(err)
	}
	name := "d_" + randomName()
	run := func(statement string) {
		t.Helper()
		db, err := sql.Open("postgres", dsn) // outside of a transaction, as tablespaces want it
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	run(`CREATE TABLESPACE ` + name + ` LOCATION '` + dir + `'`)
	t.Cleanup(func() { run(`DROP TABLESPACE ` + name) })
	u, err := url.Parse(Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("default_tablespace", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func filler(dir string) string { return filepath.Join(dir, "filler") }

func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filler(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
}

func free(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(filler(dir)); err != nil {
		t.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
