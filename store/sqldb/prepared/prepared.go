// Package prepared keeps the statements of a database connection prepared, for
// drivers that read the text of a statement anew each time that it runs. With
// SQLite in Go that is a third of what short statements cost.
//
// It stands between database/sql and a driver and is seen by neither. It never
// changes a statement, and what it does not know it hands on as it came.
package prepared

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
)

const (
	// most is how many statements a connection keeps. Beyond that the one goes
	// that was not asked for longest.
	most = 256
	// longest is the text of a statement that is worth keeping: rows by the
	// hundred come in texts that seldom come again.
	longest = 4096
)

// Connector has the connections of c keep their statements.
func Connector(c driver.Connector) driver.Connector { return connector{c} }

type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	known, ok := inner.(session)
	if !ok { // a driver of another kind: leave it as it is
		return inner, nil
	}
	return &conn{session: known, kept: map[string]*statement{}}, nil
}

// A session is a connection with all that database/sql may ask of one that
// knows contexts.
type session interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// A prepares is a statement that knows contexts.
type prepares interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// conn is one connection, which database/sql uses from one goroutine at a time.
type conn struct {
	session
	kept  map[string]*statement
	asked uint64 // counts up, for the age of statements
}

type statement struct {
	prepares
	busy bool   // its rows are being read
	last uint64 // when it was asked for
}

// ExecContext runs a statement that is kept, or else as the driver does.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.session.ExecContext(ctx, query, args)
	}
	return s.ExecContext(ctx, args)
}

// QueryContext is ExecContext for rows. Until they are closed the statement is
// theirs.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.session.QueryContext(ctx, query, args)
	}
	r, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return hold(r, s), nil
}

// statement is nil where the driver had better run the text itself.
func (c *conn) statement(ctx context.Context, query string) (*statement, error) {
	c.asked++
	if s := c.kept[query]; s != nil {
		if s.busy {
			return nil, nil
		}
		s.last = c.asked
		return s, nil
	}
	text, ok := worthKeeping(query)
	if !ok {
		return nil, nil
	}
	made, err := c.session.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	known, ok := made.(prepares)
	if !ok {
		return nil, made.Close()
	}
	if len(c.kept) >= most {
		if err := c.forget(); err != nil {
			return nil, errors.Join(err, known.Close())
		}
	}
	s := &statement{prepares: known, last: c.asked}
	c.kept[query] = s
	return s, nil
}

// worthKeeping says whether a text is a single statement that reads or writes
// rows. All else is rare, or is about the connection itself.
func worthKeeping(query string) (string, bool) {
	if len(query) > longest {
		return "", false
	}
	text := strings.TrimRight(strings.TrimSpace(query), "; \t\r\n")
	verb := text
	if i := strings.IndexAny(text, " \t\r\n("); i >= 0 {
		verb = text[:i]
	}
	switch strings.ToUpper(verb) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH":
		return text, !strings.Contains(text, ";")
	}
	return "", false
}

// forget closes the statement that was not asked for longest.
func (c *conn) forget() error {
	var oldest string
	for query, s := range c.kept {
		if o := c.kept[oldest]; !s.busy && (o == nil || s.last < o.last) {
			oldest = query
		}
	}
	s := c.kept[oldest]
	if s == nil { // the rows of all are being read
		return nil
	}
	delete(c.kept, oldest)
	return s.Close()
}

// Close closes what is kept, and then the connection.
func (c *conn) Close() error {
	var errs []error
	for query, s := range c.kept {
		errs = append(errs, s.Close())
		delete(c.kept, query)
	}
	return errors.Join(append(errs, c.session.Close())...)
}
