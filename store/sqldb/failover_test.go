package sqldb_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func openWith(t testing.TB, dsn string, o sqldb.Options) *sqldb.DB {
	t.Helper()
	db, err := sqldb.OpenWith(context.Background(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func count(ctx context.Context, in func(context.Context, func(*sqldb.Tx) error) error) (n, pid int, err error) {
	err = in(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(`SELECT n, pg_backend_pid() FROM tally WHERE name = 'a'`).Scan(&n, &pid)
	})
	return n, pid, err
}

func add(ctx context.Context, db *sqldb.DB) error {
	_, err := db.Exec(ctx, `UPDATE tally SET n = n + 1 WHERE name = 'a'`)
	return err
}

// The primary dies, readers go on from the standby, writers are told to come
// again; the standby takes over and writers go on, in the same process.
func TestFailover(t *testing.T) {
	ctx := context.Background()
	c := sqldbtest.NewCluster(t, true)
	db := openWith(t, c.DSN(c.Primary, c.Standby), sqldb.Options{Standby: 20 * time.Second})
	if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
		t.Fatal(err)
	}
	if ways, err := db.Forgets(ctx); err != nil || len(ways) != 1 || !strings.Contains(ways[0], "fsync") {
		t.Errorf("Forgets: got %q, %v; want fsync alone, which the test turns off", ways, err)
	}
	var all sync.WaitGroup
	for range 10 { // so that connections lie idle when the primary dies
		all.Go(func() {
			if err := add(ctx, db); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	time.Sleep(1500 * time.Millisecond) // the watch asks every second

	c.Primary.Kill()
	if n, _, err := count(ctx, db.Read); err != nil || n != 10 {
		t.Errorf("read while the primary is away: got %d, %v; want 10", n, err)
	}
	if got := db.Stats().StandbyReads; got != 1 {
		t.Errorf("got %d reads from the standby, want 1", got)
	}
	if err := db.Ping(ctx); err != nil {
		t.Errorf("ping while the primary is away: %v", err)
	}
	err := db.Read(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(`UPDATE tally SET n = 0`); return err })
	if err == nil {
		t.Error("Read let a write through")
	}
	if _, _, err := count(ctx, db.Tx); !sqldb.Temporary(err) {
		t.Errorf("Tx while the primary is away: got %v, want a temporary error: it must never see the standby", err)
	}
	if err := add(ctx, db); !sqldb.Temporary(err) {
		t.Errorf("write while the primary is away: got %v, want a temporary error", err)
	}

	c.Standby.Promote()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if err = add(ctx, db); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		t.Fatalf("writes do not go on after the promotion: %v", err)
	}
	if n, _, err := count(ctx, db.Read); err != nil || n != 11 {
		t.Errorf("read after the promotion: got %d, %v; want 11", n, err)
	}
}

// A standby answers only while it has replayed what the primary had, and only
// for so long.
func TestStandbyThatIsBehind(t *testing.T) {
	ctx := context.Background()
	c := sqldbtest.NewCluster(t, false)
	db := openWith(t, c.DSN(c.Primary, c.Standby), sqldb.Options{Standby: 3 * time.Second, Connect: time.Second})
	if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
		t.Fatal(err)
	}
	if ways, err := db.Forgets(ctx); err != nil || !strings.Contains(strings.Join(ways, "\n"), "synchronous_standby_names is empty") {
		t.Errorf("Forgets: got %q, %v", ways, err)
	}
	standby := sqlOn(t, c.DSN(c.Standby))
	if _, err := standby.Exec(`SELECT pg_wal_replay_pause()`); err != nil {
		t.Fatal(err)
	}
	if err := add(ctx, db); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	c.Primary.Kill()
	if n, _, err := count(ctx, db.Read); err == nil || !sqldb.Temporary(err) || !strings.Contains(err.Error(), "not replayed") {
		t.Errorf("from a standby that is behind: got %d, %v; want a refusal", n, err)
	}
	if _, err := standby.Exec(`SELECT pg_wal_replay_resume()`); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	// It may by now be too old, as the refusal above took its time.
	db = openLater(t, c, db)
}

// openLater checks that the standby's word is taken no longer than allowed.
func openLater(t *testing.T, c *sqldbtest.Cluster, db *sqldb.DB) *sqldb.DB {
	t.Helper()
	time.Sleep(3 * time.Second)
	if n, _, err := count(context.Background(), db.Read); err == nil || !strings.Contains(err.Error(), "last heard of") {
		t.Errorf("long after the primary was last heard of: got %d, %v; want a refusal", n, err)
	}
	return db
}

// What was acknowledged is there after an immediate stop under load, and of
// what was not acknowledged either all or nothing.
func TestImmediateStopUnderLoad(t *testing.T) {
	ctx := context.Background()
	c := sqldbtest.NewCluster(t, false)
	db := openWith(t, c.DSN(c.Primary), sqldb.Options{})
	if _, err := db.Exec(ctx, `CREATE TABLE pair (writer BIGINT, n BIGINT, side BIGINT, PRIMARY KEY (writer, n, side))`); err != nil {
		t.Fatal(err)
	}
	const writers = 8
	var acknowledged [writers]int64
	var all sync.WaitGroup
	stopped := make(chan struct{})
	for w := range writers {
		all.Go(func() {
			for n := int64(1); ; n++ {
				select {
				case <-stopped:
					return
				default:
				}
				for { // a commit of unknown outcome is asked for again, under its own key
					err := db.Tx(ctx, func(tx *sqldb.Tx) error {
						for side := range 2 {
							if _, err := tx.Exec(`INSERT INTO pair (writer, n, side) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, w, n, side); err != nil {
								return err
							}
						}
						return nil
					})
					if err == nil {
						acknowledged[w] = n
						break
					}
					if !sqldb.Temporary(err) {
						t.Errorf("writer %d: %v", w, err)
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	for range 3 {
		time.Sleep(400 * time.Millisecond)
		c.Primary.Kill()
		c.Primary.Start()
	}
	time.Sleep(300 * time.Millisecond)
	close(stopped)
	all.Wait()
	for w := range writers {
		var rows, half int64
		err := db.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE s <> 2) FROM (SELECT n, count(*) AS s FROM pair WHERE writer = $1 GROUP BY n) x`, w).Scan(&rows, &half)
		if err != nil || rows != acknowledged[w] || half != 0 || rows == 0 {
			t.Errorf("writer %d: got %d rows, %d of them half (%v), want the %d that were acknowledged", w, rows, half, err, acknowledged[w])
		}
	}
	s := db.Stats()
	t.Logf("acknowledged %d, ran again %d, commits of unknown outcome %d", acknowledged, s.Retries, s.Unknown)
	if s.Retries == 0 {
		t.Error("no transaction ever ran again: the stops hit nothing")
	}
}

// A server that takes connections away by turning read-only is left, not used
// again.
func TestReadOnlyConnectionIsDropped(t *testing.T) {
	ctx := context.Background()
	db := sqldbtest.Open(t, sqldbtest.Postgres(t))
	if err := sqldb.Migrate(ctx, db, "count", schema); err != nil {
		t.Fatal(err)
	}
	var pids []int
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		var pid int
		if err := tx.QueryRow(`SELECT pg_backend_pid()`).Scan(&pid); err != nil {
			return err
		}
		if pids = append(pids, pid); len(pids) == 1 {
			if _, err := tx.Exec(`SET TRANSACTION READ ONLY`); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`UPDATE tally SET n = n + 1`)
		return err
	})
	if err != nil || len(pids) != 2 || pids[0] == pids[1] {
		t.Errorf("got %v on backends %v, want a second one", err, pids)
	}
	if errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
