package sqldb

import (
	"context"
	"database/sql"
	"fmt"
)

// Stats are what a database shows of itself.
type Stats struct {
	Primary sql.DBStats
	Standby *sql.DBStats // nil where the DSN names one host
	// Retries counts transactions and queries that ran again, Unknown commits
	// of which nobody knows whether they were made, StandbyReads what was read
	// from a standby.
	Retries, Unknown, StandbyReads int64
}

// Stats are counted from Open on.
func (db *DB) Stats() Stats {
	s := Stats{Primary: db.pool.Stats(), Retries: db.counts.retries.Load(), Unknown: db.counts.unknown.Load(), StandbyReads: db.counts.standby.Load()}
	if db.watch != nil {
		standby := db.watch.standby.Stats()
		s.Standby = &standby
	}
	return s
}

// Forgets says in which ways the server may forget a commit that it has
// acknowledged, as far as its settings tell.
func (db *DB) Forgets(ctx context.Context) (ways []string, err error) {
	if !db.postgres {
		return nil, nil
	}
	var commit, fsync, names string
	err = db.QueryRow(ctx, `
		SELECT current_setting('synchronous_commit'), current_setting('fsync'), current_setting('synchronous_standby_names')`).Scan(&commit, &fsync, &names)
	if err != nil {
		return nil, fmt.Errorf("ask for the server's settings: %w", err)
	}
	if fsync == "off" {
		ways = append(ways, "fsync is off: a power cut destroys the database")
	}
	if commit == "off" {
		ways = append(ways, "synchronous_commit is off: a crash forgets the last commits")
	}
	if db.watch == nil {
		return ways, nil
	}
	switch {
	case names == "":
		ways = append(ways, "synchronous_standby_names is empty: a standby that takes over may miss the last commits")
	case commit == "local":
		ways = append(ways, "synchronous_commit is local: a standby that takes over may miss the last commits")
	}
	return ways, nil
}
