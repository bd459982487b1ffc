package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/lib/pq"
)

// parsePostgres never repeats the DSN, which may hold a password.
func parsePostgres(dsn string) (pq.Config, error) {
	if _, err := url.Parse(dsn); err != nil {
		return pq.Config{}, errors.New("the DSN is no URL; several hosts go as postgres://USER@HOST1,HOST2/NAME?port=5432,5432")
	}
	return pq.NewConfig(dsn)
}

// openPostgres is a pool of connections to the first host that has the wanted
// role, each with the limits of o.
func openPostgres(cfg pq.Config, o Options, role pq.TargetSessionAttrs) (*sql.DB, error) {
	cfg = cfg.Clone()
	cfg.TargetSessionAttrs, cfg.ConnectTimeout = role, o.Connect
	// One round trip for a statement, not two; bytes go as they are.
	cfg.BinaryParameters = true
	cfg.Runtime = maps.Clone(cfg.Runtime)
	if cfg.Runtime == nil {
		cfg.Runtime = map[string]string{}
	}
	for name, d := range map[string]time.Duration{
		"statement_timeout": o.Statement, "lock_timeout": o.Lock, "idle_in_transaction_session_timeout": o.Statement,
	} {
		cfg.Runtime[name] = strconv.FormatInt(d.Milliseconds(), 10)
	}
	if cfg.ApplicationName == "" {
		cfg.ApplicationName = "countersign"
	}
	c, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, err
	}
	c.Dialer(dialer{
		Dialer:   net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}},
		patience: o.Statement + grace,
	})
	pool := sql.OpenDB(c)
	pool.SetMaxOpenConns(o.MaxOpen)
	pool.SetMaxIdleConns(o.MaxIdle)
	pool.SetConnMaxLifetime(o.Lifetime)
	return pool, nil
}

// A dialer gives every read and write a deadline of its own. lib/pq sets none:
// behind a network that swallows packets, or a server that hangs, a statement
// would wait for ever, whatever its context says.
type dialer struct {
	net.Dialer
	patience time.Duration
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &impatient{Conn: c, patience: d.patience}, nil
}

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

type impatient struct {
	net.Conn
	patience time.Duration
	given    bool // lib/pq has set a deadline, for the handshake
}

func (c *impatient) SetDeadline(t time.Time) error {
	c.given = !t.IsZero()
	return c.Conn.SetDeadline(t)
}

// Read is called only while an answer is due: lib/pq reads nothing in between.
func (c *impatient) Read(b []byte) (int, error) {
	if !c.given {
		c.Conn.SetReadDeadline(time.Now().Add(c.patience))
	}
	return c.Conn.Read(b)
}

func (c *impatient) Write(b []byte) (int, error) {
	if !c.given {
		c.Conn.SetWriteDeadline(time.Now().Add(c.patience))
	}
	return c.Conn.Write(b)
}
