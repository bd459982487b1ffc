package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func TestMain(m *testing.M) { sqldbtest.Main(m) }

var schema = fstest.MapFS{
	"0001_count.sql":          {Data: []byte("CREATE TABLE tally (name TEXT PRIMARY KEY, n BIGINT NOT NULL, mark BYTEA);\nINSERT INTO tally (name, n) VALUES ('a', 0);")},
	"0002_only.postgres.sql":  {Data: []byte("INSERT INTO tally (name, n) VALUES ('postgres', 1)")},
	"0002_other.sqlite.sql":   {Data: []byte("INSERT INTO tally (name, n) VALUES ('sqlite', 1)")},
	"notes.txt":               {Data: []byte("not run")},
	"0003_second_column.sql":  {Data: []byte("ALTER TABLE tally ADD COLUMN more TEXT")},
	"elsewhere/0001_skip.sql": {Data: []byte("not run either")},
}

func TestMigrateRunsEachFileOnce(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		ctx := context.Background()
		var wait sync.WaitGroup
		for range 6 { // several daemons start at the same moment
			db := open()
			wait.Go(func() {
				if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		db := open()
		var rows, n int
		if err := db.QueryRow(ctx, `SELECT count(*) FROM tally`).Scan(&rows); err != nil || rows != 2 {
			t.Errorf("got %d rows (%v), want 2: each file once, and one of the two dialects", rows, err)
		}
		want := "sqlite"
		if db.Postgres() {
			want = "postgres"
		}
		if err := db.QueryRow(ctx, `SELECT n FROM tally WHERE name = $1`, want).Scan(&n); err != nil {
			t.Errorf("the file for %s did not run: %v", want, err)
		}
		changed := fstest.MapFS{"0001_count.sql": {Data: []byte("CREATE TABLE other (n BIGINT)")}}
		if err := sqldb.Migrate(ctx, db, "count", changed); err == nil || !strings.Contains(err.Error(), "changed after") {
			t.Errorf("got %v, want a refusal of the changed file", err)
		}
	})
}

func TestMigrateKeepsNothingOfAFileThatFails(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		ctx, db := context.Background(), open()
		broken := fstest.MapFS{"0001_x.sql": {Data: []byte("CREATE TABLE x (n BIGINT); INSERT INTO nowhere VALUES (1);")}}
		if err := sqldb.Migrate(ctx, db, "x", broken); err == nil || !strings.Contains(err.Error(), "0001_x.sql") {
			t.Fatalf("got %v, want an error that names the file", err)
		}
		mended := fstest.MapFS{"0001_x.sql": {Data: []byte("CREATE TABLE x (n BIGINT)")}}
		if err := sqldb.Migrate(ctx, db, "x", mended); err != nil {
			t.Errorf("after the fix: %v", err)
		}
	})
}

// Twenty writers on three handles read, add and write back: a lost update
// would show in the sum.
func TestTxIsSerializable(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		ctx, handles := context.Background(), []*sqldb.DB{open(), open(), open()}
		if err := sqldb.Migrate(ctx, handles[0], "count", schema); err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for i := range 20 {
			wait.Go(func() {
				err := handles[i%3].Tx(ctx, func(tx *sqldb.Tx) error {
					var n int64
					if err := tx.QueryRow(`SELECT n FROM tally WHERE name = $1`, "a").Scan(&n); err != nil {
						return err
					}
					_, err := tx.Exec(`UPDATE tally SET n = $2, mark = $3 WHERE name = $1`, "a", n+1, []byte{0, 1, 255})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		var n int64
		var mark []byte
		if err := handles[1].QueryRow(ctx, `SELECT n, mark FROM tally WHERE name = 'a'`).Scan(&n, &mark); err != nil {
			t.Fatal(err)
		}
		if n != 20 || string(mark) != "\x00\x01\xff" {
			t.Errorf("got %d and mark %x, want 20 and 0001ff", n, mark)
		}
	})
}

func TestTxKeepsNothingAfterAnError(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		ctx, db := context.Background(), open()
		if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
			t.Fatal(err)
		}
		stop := errors.New("stop")
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			if _, err := tx.Exec(`UPDATE tally SET n = 99 WHERE name = 'a'`); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Errorf("got %v, want the function's own error", err)
		}
		var n int
		if err := db.QueryRow(ctx, `SELECT n FROM tally WHERE name = 'a'`).Scan(&n); err != nil || n != 0 {
			t.Errorf("got %d (%v), want 0", n, err)
		}
		_, err = db.Exec(ctx, `INSERT INTO tally (name, n) VALUES ('a', 1)`)
		if !sqldb.Duplicate(err) {
			t.Errorf("got %v, want a duplicate", err)
		}
		if err := db.QueryRow(ctx, `SELECT n FROM tally WHERE name = 'none'`).Scan(&n); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("got %v, want sql.ErrNoRows", err)
		}
	})
}

func TestWrapCommitLosesTheReply(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		ctx, db := context.Background(), open()
		if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
			t.Fatal(err)
		}
		db.WrapCommit(func(commit func() error) error { commit(); return errors.New("reply lost") })
		if _, err := db.Exec(ctx, `UPDATE tally SET n = 7 WHERE name = 'a'`); err == nil {
			t.Error("got no error, want the lost reply")
		}
		var n int
		if err := db.QueryRow(ctx, `SELECT n FROM tally WHERE name = 'a'`).Scan(&n); err != nil || n != 7 {
			t.Errorf("got %d (%v), want 7: the commit was made", n, err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, dsn := range []string{"", "mysql:x", "sqlite:", "sqlite::memory:", "postgres://u:secret@127.0.0.1:1/x?sslmode=disable"} {
		_, err := sqldb.Open(context.Background(), dsn)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v, want an error without the password", dsn, err)
		}
	}
}
