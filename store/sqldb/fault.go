package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"strings"

	"github.com/lib/pq"
	"modernc.org/sqlite"
)

// ErrBusy means that every connection was in use for as long as a caller may
// wait: there are too few, or what holds them is slow.
var ErrBusy = errors.New("every connection to the database is in use")

// ErrTimeout means that SQLite took longer than a transaction may.
var ErrTimeout = errors.New("the transaction took too long and was rolled back")

// errBehind means that no standby may answer in the primary's place.
var errBehind = errors.New("no standby is fresh enough to answer for the primary")

// A commitError is an error of the commit itself. Unless the database said that
// it rolled back, nobody knows whether the commit was made.
type commitError struct{ err error }

func (e *commitError) Error() string { return "commit: " + e.err.Error() }
func (e *commitError) Unwrap() error { return e.err }

// A connectError means that there was no connection to be had.
type connectError struct{ err error }

func (e *connectError) Error() string { return "connect to database: " + e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

func code(err error) string {
	var p *pq.Error
	if errors.As(err, &p) {
		return string(p.Code)
	}
	return ""
}

// conflict says whether the database promises that nothing was kept and that
// the same transaction may well succeed when it is run again.
func conflict(err error) bool {
	var s *sqlite.Error
	if errors.As(err, &s) {
		primary := s.Code() & 0xff
		return primary == 5 || primary == 6 // SQLITE_BUSY, SQLITE_LOCKED
	}
	c := code(err)
	return c == "40001" || c == "40P01" // serialization_failure, deadlock_detected
}

// lost says whether the connection is gone, or is to a server that is going.
func lost(err error) bool {
	var connect *connectError
	var network *net.OpError
	switch c := code(err); {
	case c == "":
		return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
	case strings.HasPrefix(c, "28"), c == "3D000": // who we are, or the name of the database, is wrong
		return false
	default: // connection exceptions; admin_shutdown, crash_shutdown, cannot_connect_now; too_many_connections
		return strings.HasPrefix(c, "08") || c == "57P01" || c == "57P02" || c == "57P03" || c == "53300"
	}
}

// demoted says whether the server takes no writes (any more): it is a standby.
func demoted(err error) bool {
	var p *pq.Error
	if !errors.As(err, &p) {
		return false
	}
	return p.Code == "25006" || // read_only_sql_transaction
		p.Code == "0A000" && (strings.Contains(p.Message, "recovery") || strings.Contains(p.Message, "hot standby"))
}

// again says whether the transaction may be run again: nothing of it was kept.
// A connection that is lost before the commit was asked for has kept nothing,
// one that is lost while it is under way may have.
func again(err error) bool {
	var c *commitError
	if errors.As(err, &c) {
		return conflict(err)
	}
	return conflict(err) || lost(err) || demoted(err)
}

// Temporary says whether the same call may succeed later: the database was
// away, busy, full or too slow. If it was the commit that failed, it may have been
// made all the same.
func Temporary(err error) bool {
	if conflict(err) || lost(err) || demoted(err) {
		return true
	}
	for _, known := range []error{ErrBusy, ErrTimeout, errBehind, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return true
		}
	}
	var s *sqlite.Error
	if errors.As(err, &s) {
		return s.Code()&0xff == 13 // SQLITE_FULL: there may be room later
	}
	switch code(err) {
	case "57014", "55P03", "25P03", "53100", "53200": // query_canceled, lock_not_available, idle in transaction, disk full, out of memory
		return true
	}
	return false
}

// Duplicate says whether err is a row refused by a unique index or a primary
// key.
func Duplicate(err error) bool {
	var s *sqlite.Error
	if errors.As(err, &s) {
		return s.Code() == 2067 || s.Code() == 1555 // UNIQUE, PRIMARYKEY
	}
	return code(err) == "23505" // unique_violation
}
