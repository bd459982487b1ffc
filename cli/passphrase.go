package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/countersign-health/countersign/credentials/aries"
)

// sealWork is what a new seal costs to try, 0 for what it should. Tests lower it,
// whose scripts open hundreds of stores.
var sealWork int

// lock takes the passphrase from the file that the flag names, or asks for
// what, where the caller sits at a terminal.
func (r *run) lock(c *urfave.Context, flag, what string) aries.Lock {
	if path := c.String(flag); path != "" {
		lock := aries.FileLock(path)
		lock.Work = sealWork
		return lock
	}
	return aries.Lock{Work: sealWork, Passphrase: func(fresh bool) (string, error) { return r.ask(c.Context, what, fresh) }}
}

// lockFault says what to do about a key store that does not open.
func lockFault(what string, err error, flag string) error {
	do := ""
	switch {
	case errors.Is(err, aries.ErrNoPassphrase):
		do = "type it at a terminal, or give --" + flag + " FILE"
	case errors.Is(err, aries.ErrPassphrase):
		do = "try again with the one that it was sealed with; nobody can recover it"
	case errors.Is(err, context.Canceled):
		return err
	}
	return refused(what, err.Error(), do)
}

// ask asks for a passphrase without showing it, twice where it will seal
// something: a slip of the finger would lock the keys up for good.
func (r *run) ask(ctx context.Context, what string, fresh bool) (string, error) {
	in, ok := r.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", aries.ErrNoPassphrase
	}
	first, err := r.readHidden(ctx, in, what)
	if err != nil || !fresh {
		return first, err
	}
	again, err := r.readHidden(ctx, in, "the same again")
	if err == nil && first != again {
		err = errors.New("the two passphrases differ")
	}
	return first, err
}

func (r *run) readHidden(ctx context.Context, in *os.File, what string) (string, error) {
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for the passphrase: %w", err)
	}
	fmt.Fprintf(r.Err, "%s: ", what)
	defer fmt.Fprintln(r.Err)
	type answer struct {
		text []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		answered <- answer{text, err}
	}()
	select {
	case a := <-answered:
		if a.err != nil {
			return "", fmt.Errorf("ask for the passphrase: %w", a.err)
		}
		return string(a.text), nil
	case <-ctx.Done(): // Ctrl-C must not leave a terminal that shows nothing
		term.Restore(fd, before)
		return "", ctx.Err()
	}
}

// keyPassphrase seals the store under a new passphrase.
func (r *run) keyPassphrase(c *urfave.Context) error {
	dir, err := given(c, "keys", "COUNTERSIGN_KEYS")
	if err != nil {
		return err
	}
	if !exists(dir) {
		return refused("open keys", "there is no key store in "+dir, "")
	}
	s, err := aries.OpenKeyStore(dir, r.lock(c, "passphrase-file", "passphrase of "+dir))
	if err != nil {
		return lockFault("open keys", err, "passphrase-file")
	}
	if err := s.Seal(r.lock(c, "new-passphrase-file", "new passphrase of "+dir)); err != nil {
		return lockFault("key passphrase", err, "new-passphrase-file")
	}
	if r.json {
		return r.print(map[string]any{"keys": dir, "sealed": true})
	}
	_, err = fmt.Fprintf(r.Out, "sealed  %s\nCopies of it that were made before still open as they did then.\n", dir)
	return err
}
