//go:build bench

package bench

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// ours has no witness to ask, as Tessera has none. Signatures are checked
// before, and each entry's key is looked up as ever.
func ours(dsn func(testing.TB) string, batch int) func(*testing.B, []leaf) func(int) error {
	return func(b *testing.B, all []leaf) func(int) error {
		l := ledgertest.New(b)
		l.Witnesses = nil
		config := l.Config(sqldbtest.Open(b, dsn(b)))
		config.Batch = batch
		log, err := operator.Open(background, config)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(log.Close)
		accepted := accept(b, log, all)
		return func(i int) error {
			_, err := log.Record(background, accepted[i])
			return err
		}
	}
}

// theirs knows no duplicates. Its timer is short, so that few callers do not
// wait for a batch that does not fill.
func theirs(batch uint) func(*testing.B, []leaf) func(int) error {
	return func(b *testing.B, all []leaf) func(int) error {
		driver, err := posix.New(background, posix.Config{Path: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		options := tessera.NewAppendOptions().WithCheckpointSigner(ledgertest.New(b).LogKey).
			WithBatching(batch, 10*time.Millisecond).WithCheckpointInterval(time.Second).WithPushback(1 << 20)
		ctx, stop := context.WithCancel(background)
		log, shutdown, _, err := tessera.NewAppender(ctx, driver, options)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			defer stop()
			if err := shutdown(background); err != nil {
				b.Error(err)
			}
		})
		return func(i int) error {
			_, err := log.Add(background, tessera.NewEntry(all[i].bytes))()
			return err
		}
	}
}

// chain is what a table with a hash of the row before in each row costs, on
// the same PostgreSQL through the same driver.
func chain(b *testing.B, all []leaf) func(int) error {
	db := sqldbtest.Open(b, sqldbtest.Postgres(b))
	for _, text := range []string{
		`CREATE TABLE head (one BIGINT PRIMARY KEY, size BIGINT NOT NULL, hash BYTEA NOT NULL)`,
		`INSERT INTO head VALUES (1, 0, '')`,
		`CREATE TABLE chain (idx BIGINT PRIMARY KEY, key BYTEA NOT NULL UNIQUE, hash BYTEA NOT NULL, leaf BYTEA NOT NULL)`,
	} {
		if _, err := db.Exec(background, text); err != nil {
			b.Fatal(err)
		}
	}
	return func(i int) error {
		return db.TxLocked(background, func(tx *sqldb.Tx) error {
			var size int64
			var before []byte
			if err := tx.QueryRow(`SELECT size, hash FROM head WHERE one = 1 FOR UPDATE`).Scan(&size, &before); err != nil {
				return err
			}
			hash := sha256.Sum256(append(before, all[i].bytes...))
			if _, err := tx.Exec(`INSERT INTO chain VALUES ($1, $2, $3, $4)`, size, all[i].key[:], hash[:], all[i].bytes); err != nil {
				return err
			}
			_, err := tx.Exec(`UPDATE head SET size = $1, hash = $2 WHERE one = 1`, size+1, hash[:])
			return err
		})
	}
}
