package sqldb

import (
	"cmp"
	"time"
)

// Options are the limits of a database. What is zero has its default.
type Options struct {
	// MaxOpen and MaxIdle are how many connections there may be, and how many
	// are kept for the next caller. Default 24 and 12. SQLite has 8 at most.
	MaxOpen, MaxIdle int
	// Lifetime is when a connection is closed and opened anew, so that those
	// to a server that came back are spread again. Default 30m.
	Lifetime time.Duration
	// Wait is how long a caller may wait for a free connection; then it gets
	// ErrBusy. Default 10s.
	Wait time.Duration
	// Connect is how long each server may take to answer a new connection.
	// Default 5s.
	Connect time.Duration
	// Statement is how long one statement may take, and how long a transaction
	// may stand idle between two. On SQLite it is the whole transaction.
	// Default 30s.
	Statement time.Duration
	// Lock is how long a statement may wait for a lock. Default 10s.
	Lock time.Duration
	// Standby is how long after the primary was last heard of Read may still
	// take a standby's word. Default 1m.
	Standby time.Duration
}

func (o Options) filled() Options {
	o.MaxOpen = cmp.Or(o.MaxOpen, 24)
	o.MaxIdle = min(cmp.Or(o.MaxIdle, 12), o.MaxOpen)
	o.Lifetime = cmp.Or(o.Lifetime, 30*time.Minute)
	o.Wait = cmp.Or(o.Wait, 10*time.Second)
	o.Connect = cmp.Or(o.Connect, 5*time.Second)
	o.Statement = cmp.Or(o.Statement, 30*time.Second)
	o.Lock = cmp.Or(o.Lock, 10*time.Second)
	o.Standby = cmp.Or(o.Standby, time.Minute)
	return o
}

// grace is how much longer than the server's own timeout we wait for its
// answer. A server that is alive has said by then that it gave up; one that
// has not is dead, or the network swallows what it says.
const grace = 5 * time.Second

// migrating gives a migration the time that rebuilding a large table takes.
func (o Options) migrating() Options {
	o.Statement, o.Wait = max(o.Statement, 15*time.Minute), max(o.Wait, 15*time.Minute)
	o.Lock = 0 // for whoever waits until another process has migrated; migrateFile sets its own
	o.MaxOpen, o.MaxIdle = 2, 1
	return o
}
