package run

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/credentials/pkcs11"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/worker"
)

// database waits for the house's database.
func (p *process) database(ctx context.Context, d config.Database) (db *sqldb.DB, err error) {
	err = p.await(ctx, "the database", func(ctx context.Context) (err error) {
		db, err = openDatabase(ctx, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.onClose(func() { db.Close() })
	p.state.probe("database", db.Ping)
	return db, nil
}

func openDatabase(ctx context.Context, d config.Database) (*sqldb.DB, error) {
	dsn, err := dsnOf(d)
	if err != nil {
		return nil, final(err)
	}
	db, err := sqldb.Open(ctx, dsn)
	if err != nil && strings.HasPrefix(dsn, "sqlite:") {
		err = final(err) // nobody else will make its folder
	}
	return db, err
}

// dsnOf puts the password in. What it returns must not be logged.
func dsnOf(d config.Database) (string, error) {
	if d.PasswordFile == "" {
		return d.DSN, nil
	}
	password, err := d.PasswordFile.Line()
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	u, err := url.Parse(d.DSN)
	if err != nil {
		return "", fmt.Errorf("the DSN is not a URL")
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String(), nil
}

// signer opens a key that must be there: a daemon never makes one, since
// nobody would have admitted it.
func signer(k config.Key) (credentials.Signer, error) {
	if m := k.PKCS11; m != nil {
		s, err := pkcs11.Open(pkcs11.Config{Module: string(m.Module), Token: m.TokenLabel, Key: m.KeyLabel, PIN: m.PINFile.Line})
		if err != nil {
			return nil, err
		}
		return credentials.Salting(s), nil
	}
	if _, err := os.Stat(string(k.Store)); err != nil {
		return nil, fmt.Errorf("key store: %w", err)
	}
	lock := aries.Lock{}
	if k.PassphraseFile != "" {
		lock.Passphrase = func(bool) (string, error) { return k.PassphraseFile.Line() }
	}
	store, err := aries.OpenKeyStore(string(k.Store), lock)
	if errors.Is(err, aries.ErrNoPassphrase) {
		err = fmt.Errorf("%w: name the file that holds it in passphrase_file", err)
	}
	if err != nil {
		return nil, err
	}
	return store.Signer(k.Name)
}

// ledgerLine waits for the ledger and pins it by the trust file.
func (p *process) ledgerLine(ctx context.Context) (line *worker.LedgerLine, err error) {
	n := p.config.Network
	text, err := os.ReadFile(string(n.Trust))
	if err != nil {
		return nil, err
	}
	trust, err := ledger.ParseTrust(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Trust, err)
	}
	err = p.await(ctx, "the ledger", func(ctx context.Context) error {
		g, err := client.Genesis(ctx, n.Ledger, trust)
		if err == nil {
			line, err = worker.OpenLedger(ctx, n.Ledger, g)
		}
		if err != nil && client.Permanent(err) {
			err = final(err)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	p.state.probe("ledger", func(ctx context.Context) error {
		_, _, err := line.Client().Head(ctx)
		return err
	})
	return line, nil
}

// admitted waits until the ledger knows this house's key in its role: what a
// stranger signs, the ledger refuses for good.
func (p *process) admitted(ctx context.Context, line *worker.LedgerLine, s credentials.Signer, role ledger.Role) error {
	return p.await(ctx, "admission to the ledger", func(context.Context) error {
		_, party, err := line.Who(s.KeyID())
		if errors.Is(err, ledger.ErrRetired) {
			err = final(fmt.Errorf("%w: if countersign key rotate was cut off, do it again; if not, this is a copy of the key from before", err))
		}
		if err == nil && party.Role != role {
			err = final(fmt.Errorf("the key is admitted as %s, not as %s", party.Role, role))
		}
		return err
	})
}

// stuck says how long something has stood still that should move.
type stuck struct{ since atomic.Int64 }

func (s *stuck) observe(still bool) time.Duration {
	if !still {
		s.since.Store(0)
		return 0
	}
	now := time.Now().UnixNano()
	if s.since.CompareAndSwap(0, now) {
		return 0
	}
	return time.Duration(now - s.since.Load())
}
