package prepared

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"modernc.org/sqlite"
)

// A counter counts what is prepared and what of it is still open.
type counter struct {
	driver.Connector
	prepared, open int
}

func (c *counter) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &counted{inner.(session), c}, nil
}

type counted struct {
	session
	by *counter
}

func (c *counted) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.session.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	c.by.prepared++
	c.by.open++
	return &countedStatement{s.(prepares), c.by}, nil
}

type countedStatement struct {
	prepares
	by *counter
}

func (s *countedStatement) Close() error {
	s.by.open--
	return s.prepares.Close()
}

// open is a database of one connection with a table of three rows.
func open(t *testing.T) (*sql.DB, *counter) {
	t.Helper()
	c, err := sqlite.NewConnector("file:" + filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	count := &counter{Connector: c}
	db := sql.OpenDB(Connector(count))
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if count.open != 0 {
			t.Errorf("%d statements are open after the database was closed", count.open)
		}
	})
	exec(t, db, `CREATE TABLE tally (name TEXT PRIMARY KEY, n BIGINT NOT NULL); INSERT INTO tally VALUES ('a', 1), ('b', 2), ('c', 3)`)
	return db, count
}

func exec(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func TestPreparedOnce(t *testing.T) {
	db, count := open(t)
	before := count.prepared
	for i := range 5 {
		exec(t, db, `UPDATE tally SET n = $2 WHERE name = $1`, "a", i)
		var n int
		if err := db.QueryRowContext(t.Context(), `SELECT n FROM tally WHERE name = $1`, "a").Scan(&n); err != nil || n != i {
			t.Errorf("n = %d (%v), want %d", n, err, i)
		}
	}
	if got := count.prepared - before; got != 2 {
		t.Errorf("two statements, five times each, were prepared %d times, want 2", got)
	}
}

// TestSameWhileReading runs a statement while its own rows are being read.
func TestSameWhileReading(t *testing.T) {
	db, _ := open(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const text = `SELECT name FROM tally ORDER BY name`
	names := func(inner func()) (all []string) {
		rows, err := conn.QueryContext(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() && len(all) < 10 { // one that begins anew would never end
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			all = append(all, name)
			inner()
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := []string{"a", "b", "c"}
	outer := names(func() {
		if got := names(func() {}); !slices.Equal(got, want) {
			t.Errorf("inner rows %v, want %v", got, want)
		}
	})
	if !slices.Equal(outer, want) {
		t.Errorf("outer rows %v, want %v", outer, want)
	}
}

// TestRowsLeft closes rows that were not read to the end: the statement starts
// from the beginning then, and holds no lock.
func TestRowsLeft(t *testing.T) {
	db, _ := open(t)
	for range 3 {
		var name string
		if err := db.QueryRowContext(t.Context(), `SELECT name FROM tally ORDER BY name`).Scan(&name); err != nil || name != "a" {
			t.Errorf("first row %q (%v), want a", name, err)
		}
		exec(t, db, `UPDATE tally SET n = n + 1`)
	}
	exec(t, db, `DROP TABLE tally`) // refused as long as a statement reads it
}

func TestSchemaChanges(t *testing.T) {
	db, _ := open(t)
	for _, want := range [][]string{{"name", "n"}, {"name", "n", "more"}} {
		rows, err := db.QueryContext(t.Context(), `SELECT * FROM tally`)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rows.Columns()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("columns %v (%v), want %v", got, err, want)
		}
		types, err := rows.ColumnTypes()
		if err != nil || types[1].DatabaseTypeName() != "BIGINT" {
			t.Errorf("type of n: %v (%v), want BIGINT", types[1].DatabaseTypeName(), err)
		}
		rows.Close()
		if len(want) == 2 {
			exec(t, db, `ALTER TABLE tally ADD COLUMN more TEXT`)
		}
	}
}

// TestAfterErrors runs statements again that had failed.
func TestAfterErrors(t *testing.T) {
	db, _ := open(t)
	const insert = `INSERT INTO tally VALUES ($1, $2)`
	for i := range 3 {
		var e *sqlite.Error
		if _, err := db.ExecContext(t.Context(), insert, "a", 1); !errors.As(err, &e) {
			t.Errorf("the same key twice: %v, want SQLite's own error", err)
		}
		exec(t, db, insert, fmt.Sprint("new", i), i)
	}
	if _, err := db.ExecContext(t.Context(), `SELECT nothing FROM tally`); err == nil {
		t.Error("a column that is not there is read")
	}

	const endless = `WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < $1) SELECT count(*) FROM up`
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var n int
	if err := db.QueryRowContext(ctx, endless, int64(1)<<40).Scan(&n); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a statement out of time: %v, want %v", err, context.DeadlineExceeded)
	}
	if err := db.QueryRowContext(t.Context(), endless, 1000).Scan(&n); err != nil || n != 1000 {
		t.Errorf("the same with time enough: %d (%v), want 1000", n, err)
	}
}

// TestOldestGoes asks for more statements than are kept.
func TestOldestGoes(t *testing.T) {
	db, count := open(t)
	ask := func(i int) {
		var n int
		if err := db.QueryRowContext(t.Context(), fmt.Sprintf(`SELECT %d`, i)).Scan(&n); err != nil || n != i {
			t.Fatalf("got %d (%v), want %d", n, err, i)
		}
	}
	for i := range 2 * most {
		ask(i)
		ask(0)
	}
	if count.open != most {
		t.Errorf("%d statements are kept, want %d", count.open, most)
	}
	before := count.prepared
	ask(0)
	ask(2*most - 1)
	if count.prepared != before {
		t.Error("a statement that was just asked for is not kept")
	}
	ask(1)
	if count.prepared != before+1 {
		t.Error("the statement that was not asked for longest is kept")
	}
}

func TestWorthKeeping(t *testing.T) {
	for text, want := range map[string]bool{
		"SELECT 1":                              true,
		"\n\tselect 1;\n":                       true,
		"INSERT INTO a VALUES (1)":              true,
		"WITH a(n) AS (SELECT 1) SELECT(n)":     true,
		"VALUES (1)":                            false,
		"PRAGMA journal_mode":                   false,
		"BEGIN IMMEDIATE":                       false,
		"CREATE TABLE a (n)":                    false,
		"DELETE FROM a; DELETE FROM b":          false,
		"SELECT '" + string(make([]byte, 5000)): false,
		"":                                      false,
	} {
		if _, got := worthKeeping(text); got != want {
			t.Errorf("worthKeeping(%.40q) = %t, want %t", text, got, want)
		}
	}
}
