package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lib/pq"
)

// Read runs f in a read-only snapshot. Where the DSN names several hosts and
// the primary is away, a standby answers: it has replayed all that the primary
// had written when it was last heard of, which is asked for every second, and
// it answers no longer than Options.Standby after that.
//
// So what f sees may be out of date. Read is for showing things that are signed
// or final. Nothing that money, a license or a signature rests on may be read
// with it: evidence, fences and whatever decides are read with Tx.
//
// f may run several times.
func (db *DB) Read(ctx context.Context, f func(*Tx) error) error {
	// SERIALIZABLE does not exist on a standby.
	o := sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	if db.watch == nil {
		return db.retry(ctx, o, f)
	}
	var err error
	for range 2 { // the first connection may have died while it lay idle
		if !db.watch.isUp() {
			break
		}
		if err = db.once(ctx, o, f); err == nil || ctx.Err() != nil || !lost(err) {
			return err
		}
	}
	db.watch.miss()
	behind := db.readStandby(ctx, o, f)
	if behind == nil || ctx.Err() != nil || !lost(behind) && !errors.Is(behind, errBehind) {
		return behind
	}
	// A standby that has just become the primary is none any more.
	if err = db.retry(ctx, o, f); err != nil {
		return fmt.Errorf("%w (nor from a standby: %w)", err, behind)
	}
	return nil
}

func (db *DB) readStandby(ctx context.Context, o sql.TxOptions, f func(*Tx) error) error {
	position, heard := db.watch.last()
	if age := time.Since(heard); age > db.options.Standby {
		return fmt.Errorf("%w: the primary was last heard of %s ago", errBehind, age.Round(time.Second))
	}
	// Before the snapshot is taken: a position that is read inside may be later than it.
	err := db.on(ctx, db.watch.standby, o, func(conn *sql.Conn) error {
		var fresh bool
		err := conn.QueryRowContext(ctx, `SELECT coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)`, position).Scan(&fresh)
		if err == nil && !fresh {
			err = fmt.Errorf("%w: it has not replayed all that the primary had written", errBehind)
		}
		return err
	}, f)
	if err == nil {
		db.counts.standby.Add(1)
	}
	return err
}

// A watch asks the primary every second how far it is.
type watch struct {
	standby *sql.DB
	primary *sql.DB
	stop    func()
	done    sync.WaitGroup

	mu       sync.Mutex
	up       bool
	position string
	heard    time.Time
}

const watchEvery = time.Second

// startWatch is for a DSN with several hosts.
func startWatch(ctx context.Context, cfg pq.Config, o Options) (*watch, error) {
	w := &watch{}
	var err error
	if w.standby, err = openPostgres(cfg, o, pq.TargetSessionAttrsStandby); err != nil {
		return nil, err
	}
	// Its own connection, with less patience: a pool that is full, or a network
	// that swallows, must not hide that the primary is away.
	short := Options{MaxOpen: 1, MaxIdle: 1, Lifetime: o.Lifetime, Connect: 2 * time.Second, Statement: 2 * time.Second, Lock: time.Second}
	if w.primary, err = openPostgres(cfg, short, pq.TargetSessionAttrsReadWrite); err != nil {
		w.standby.Close()
		return nil, err
	}
	w.ask(ctx)
	ctx, w.stop = context.WithCancel(context.Background())
	w.done.Go(func() {
		for tick := time.NewTicker(watchEvery); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				w.ask(ctx)
			}
		}
	})
	return w, nil
}

func (w *watch) close() {
	w.stop()
	w.done.Wait()
	w.standby.Close()
	w.primary.Close()
}

// ask notes where the primary is: every commit that was acknowledged lies
// before what it has flushed.
func (w *watch) ask(ctx context.Context) {
	asked := time.Now()
	var position string
	err := w.primary.QueryRowContext(ctx, `SELECT pg_current_wal_flush_lsn()`).Scan(&position)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.up = err == nil; w.up {
		w.position, w.heard = position, asked
	}
}

func (w *watch) isUp() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.up
}

// miss notes that the primary is away, until it is heard of again.
func (w *watch) miss() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up = false
}

func (w *watch) last() (position string, heard time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.position, w.heard
}
