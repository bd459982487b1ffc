package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func sqlOn(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Each limit ends what goes beyond it, with an error that says to come again,
// keeps nothing and leaves a database that works.
func TestLimits(t *testing.T) {
	ctx := context.Background()
	o := sqldb.Options{Statement: 400 * time.Millisecond, Lock: 200 * time.Millisecond, Wait: 300 * time.Millisecond, MaxOpen: 2}
	for _, x := range []struct {
		name, want string
		slow       func(*testing.T, *sqldb.DB, *sqldb.Tx) error
	}{
		{"statement", "57014", func(_ *testing.T, _ *sqldb.DB, tx *sqldb.Tx) error {
			_, err := tx.Exec(`SELECT pg_sleep(20)`)
			return err
		}},
		{"lock", "55P03", func(_ *testing.T, db *sqldb.DB, _ *sqldb.Tx) error {
			return db.Tx(ctx, func(other *sqldb.Tx) error {
				_, err := other.Exec(`UPDATE tally SET n = 7 WHERE name = 'a'`)
				return err
			})
		}},
		{"pool", "every connection to the database is in use: none of 2 became free within 300ms", func(_ *testing.T, db *sqldb.DB, _ *sqldb.Tx) error {
			return db.Tx(ctx, func(*sqldb.Tx) error {
				return db.Tx(ctx, func(*sqldb.Tx) error { return nil })
			})
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			db := openWith(t, sqldbtest.Postgres(t), o)
			if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			err := db.Tx(ctx, func(tx *sqldb.Tx) error {
				if _, err := tx.Exec(`UPDATE tally SET n = 99 WHERE name = 'a'`); err != nil {
					return err
				}
				return x.slow(t, db, tx)
			})
			if err == nil || !strings.Contains(err.Error(), x.want) || !sqldb.Temporary(err) {
				t.Errorf("got %v, want a temporary error with %q", err, x.want)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			if n, _, err := count(ctx, db.Tx); err != nil || n != 0 {
				t.Errorf("afterwards: got %d, %v; want 0", n, err)
			}
		})
	}
}

// A transaction that its program forgets does not keep its locks for ever. The
// connection that the server cut is not used again.
func TestIdleInTransaction(t *testing.T) {
	ctx := context.Background()
	db := openWith(t, sqldbtest.Postgres(t), sqldb.Options{Statement: 300 * time.Millisecond})
	if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
		t.Fatal(err)
	}
	tries := 0
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(`UPDATE tally SET n = n + 1 WHERE name = 'a'`); err != nil {
			return err
		}
		if tries++; tries == 1 {
			time.Sleep(time.Second)
		}
		_, err := tx.Exec(`UPDATE tally SET n = n + 1 WHERE name = 'a'`)
		return err
	})
	if n, _, errCount := count(ctx, db.Tx); err != nil || errCount != nil || n != 2 || tries != 2 {
		t.Errorf("got %d after %d tries (%v, %v), want 2 after 2", n, tries, err, errCount)
	}
}

func TestSQLiteTransactionEnds(t *testing.T) {
	ctx := context.Background()
	db := openWith(t, sqldbtest.SQLite(t), sqldb.Options{Statement: 300 * time.Millisecond})
	if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
		t.Fatal(err)
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE forever(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM forever) UPDATE tally SET n = (SELECT max(x) FROM forever)`)
		return err
	})
	if !errors.Is(err, sqldb.ErrTimeout) || !sqldb.Temporary(err) {
		t.Errorf("got %v, want ErrTimeout", err)
	}
	if _, err := db.Exec(ctx, `UPDATE tally SET n = 1 WHERE name = 'a'`); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// swallow is a network between us and the server that from some moment on
// takes everything and delivers nothing.
func swallow(t *testing.T, dsn string) (through string, silent *atomic.Bool) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	server := u.Host
	silent = new(atomic.Bool)
	pump := func(to, from net.Conn) {
		b := make([]byte, 32<<10)
		for {
			n, err := from.Read(b)
			if err != nil {
				to.Close()
				return
			}
			if !silent.Load() {
				to.Write(b[:n])
			}
		}
	}
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", server)
			if err != nil {
				a.Close()
				continue
			}
			go pump(a, b)
			go pump(b, a)
		}
	}()
	u.Host = l.Addr().String()
	return u.String(), silent
}

// Behind a network that swallows everything, nothing waits for ever, and the
// dead connections are not used again.
func TestSilentNetwork(t *testing.T) {
	ctx := context.Background()
	dsn, silent := swallow(t, sqldbtest.Postgres(t))
	db := openWith(t, dsn, sqldb.Options{Statement: 500 * time.Millisecond, Connect: 500 * time.Millisecond, Wait: time.Second})
	if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
		t.Fatal(err)
	}
	silent.Store(true)
	limited, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	begun := time.Now()
	err := add(limited, db)
	if took := time.Since(begun); !sqldb.Temporary(err) || took > 15*time.Second {
		t.Errorf("got %v after %s, want a temporary error soon", err, took)
	}
	silent.Store(false)
	if err := add(ctx, db); err != nil {
		t.Errorf("after the network came back: %v", err)
	}
}
