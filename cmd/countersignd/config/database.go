package config

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Database is a database of this house alone.
type Database struct {
	// DSN is sqlite:PATH (one machine) or postgres://USER@HOST/NAME?sslmode=verify-full.
	// It holds no password. Several hosts, postgres://USER@HOST1,HOST2/NAME, are
	// a primary and its standbys. Danger: sslmode=disable sends everything in
	// clear; without synchronous_standby_names at the server, a standby that
	// takes over has forgotten what was acknowledged last (docs/postgresql.md).
	DSN string `yaml:"dsn"`
	// PasswordFile holds the password of PostgreSQL, alone on one line. Left
	// out, lib/pq looks into PGPASSFILE or ~/.pgpass.
	PasswordFile SecretFile `yaml:"password_file,optional"`
	Pool         Pool       `yaml:"pool"`
	// ConnectTimeout is how long each host may take to answer. Default 5s.
	ConnectTimeout time.Duration `yaml:"connect_timeout"`
	// StatementTimeout is how long a statement may take, and how long a
	// transaction may stand idle between two; on SQLite, how long a transaction
	// may take. What goes beyond is rolled back and tried again later.
	// Migrations have 15m. Default 30s.
	StatementTimeout time.Duration `yaml:"statement_timeout"`
	// LockTimeout is how long a statement may wait for a lock. Default 10s.
	LockTimeout time.Duration `yaml:"lock_timeout"`
	// StandbyReads is how long after the primary was last heard of a standby may
	// answer those who only read. Default 1m. Used with several hosts.
	StandbyReads time.Duration `yaml:"standby_reads"`
}

// Pool is how many connections a process may have. All processes of a house
// together must stay below the server's max_connections.
type Pool struct {
	// MaxOpen is how many at once, besides one or two for migrations and for
	// watching the primary. Default 24; SQLite never has more than 8.
	MaxOpen int `yaml:"max_open"`
	// MaxIdle is how many stay open for the next caller. Default 12.
	MaxIdle int `yaml:"max_idle"`
	// Lifetime is when one is closed and opened anew. Default 30m.
	Lifetime time.Duration `yaml:"lifetime"`
	// Wait is how long a caller may wait for a free one. Then it is told to
	// come again. Default 10s.
	Wait time.Duration `yaml:"wait"`
}

// database checks a DSN and makes the path of an SQLite file absolute. It
// never repeats a DSN that may hold a password.
func (r *reader) database(path string, d *Database) {
	dsn := path + ".dsn"
	if d.Pool.MaxIdle > d.Pool.MaxOpen {
		r.at(path+".pool.max_idle", "want no more than max_open, which is %d", d.Pool.MaxOpen)
	}
	if file, ok := strings.CutPrefix(d.DSN, "sqlite:"); ok {
		if file == "" || strings.Contains(file, ":memory:") {
			r.at(dsn, "want the path of a file: sqlite:PATH")
			return
		}
		if d.PasswordFile != "" {
			r.at(path+".password_file", "SQLite has no password")
		}
		d.DSN = "sqlite:" + r.absolute(file)
		return
	}
	u, err := url.Parse(d.DSN)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Opaque != "" ||
		strings.Contains(u.Host, ",") && strings.Count(u.Host, ":") > 1 { // lib/pq does not read HOST1:PORT1,HOST2:PORT2
		r.at(dsn, "want sqlite:PATH or postgres://USER@HOST/NAME; several hosts go as postgres://USER@HOST1,HOST2/NAME?port=5432,5432")
		return
	}
	for _, name := range ours {
		if u.Query().Has(name) {
			r.at(dsn, "%s does not go in here: %s", name, oursInstead[name])
		}
	}
	_, inUser := u.User.Password()
	if inUser || u.Query().Has("password") || u.Query().Has("sslpassword") {
		r.at(dsn, "it holds a password: put that into a file and name it in password_file, or use PGPASSFILE")
	}
	if d.PasswordFile != "" && u.User.Username() == "" {
		r.at(dsn, "password_file needs the name of the user: postgres://USER@HOST/NAME")
	}
}

// oursInstead is what a DSN may not set, because the daemon does.
var oursInstead = map[string]string{
	"statement_timeout":                   "set statement_timeout beside dsn",
	"idle_in_transaction_session_timeout": "set statement_timeout beside dsn",
	"lock_timeout":                        "set lock_timeout beside dsn",
	"connect_timeout":                     "set connect_timeout beside dsn",
	"target_session_attrs":                "the daemon looks for the primary itself",
	"load_balance_hosts":                  "the daemon looks for the primary itself",
}

var ours = slices.Sorted(maps.Keys(oursInstead))

// hosts says whether a DSN names several.
func hosts(dsn string) (several bool) {
	u, err := url.Parse(dsn)
	return err == nil && (strings.Contains(u.Host, ",") || strings.Contains(u.Query().Get("host"), ",") || strings.Contains(u.Query().Get("hostaddr"), ","))
}
