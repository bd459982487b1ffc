package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/tracing"
)

// answerWithin bounds one request; a gateway answers a waiting one within 30 s.
const answerWithin = 75 * time.Second

func jsonFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "json", Usage: "write one JSON object on stdout", DisableDefaultText: true}
}

func helpFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "show help", DisableDefaultText: true}
}

func outFlag(usage string) urfave.Flag { return &urfave.StringFlag{Name: "out", Usage: usage} }

func progressFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "progress", Usage: "tell on stderr how far it is, even where that is no terminal", DisableDefaultText: true}
}

func skipNPIFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "skip-npi-check-digit", Usage: "take NPIs whose check digit fails, as in most sample files", DisableDefaultText: true}
}

func forFlag(usage string, d time.Duration) urfave.Flag {
	return &urfave.DurationFlag{Name: "for", Usage: usage, Value: d}
}

// storeFlags open a key store. The passphrase itself is never a flag or a
// variable, where others on the machine could read it.
func storeFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "keys", Usage: "key store in `DIR`", EnvVars: []string{"COUNTERSIGN_KEYS"}},
		&urfave.StringFlag{Name: "passphrase-file", Usage: "its passphrase is the one line of `FILE`; asked where there is none", EnvVars: []string{"COUNTERSIGN_PASSPHRASE_FILE"}},
	}
}

func keyFlags() []urfave.Flag {
	return append(storeFlags(),
		append(moduleFlags(), &urfave.StringFlag{Name: "key", Usage: "sign with the key `NAME`; may be left out where there is only one", EnvVars: []string{"COUNTERSIGN_KEY"}})...)
}

// gatewayFlags are those of every command that asks an insurer's gateway.
func gatewayFlags(more ...urfave.Flag) []urfave.Flag {
	return append(append(more, keyFlags()...), trustFlag(),
		&urfave.StringFlag{Name: "gateway", Usage: "`URL` of the insurer's gateway", EnvVars: []string{"COUNTERSIGN_GATEWAY"}},
		&urfave.StringFlag{Name: "insurer", Usage: "the insurer's `DID`", EnvVars: []string{"COUNTERSIGN_INSURER"}})
}

// given is the value of a flag without which a command cannot work.
func given(c *urfave.Context, name, env string) (string, error) {
	if v := c.String(name); v != "" {
		return v, nil
	}
	do := "give --" + name
	if env != "" {
		do += " or set " + env
	}
	return "", refused(commandName(c), "--"+name+" is missing", do)
}

// keyStore opens the caller's key store; one that is to be read must be there,
// since opening would make an empty one.
func (r *run) keyStore(c *urfave.Context, fresh bool) (*aries.KeyStore, error) {
	dir, err := given(c, "keys", "COUNTERSIGN_KEYS")
	if err != nil {
		return nil, err
	}
	if !fresh && !exists(dir) {
		return nil, refused("open keys", "there is no key store in "+dir, "make a key: countersign key create NAME --keys "+dir)
	}
	s, err := aries.OpenKeyStore(dir, r.lock(c, "passphrase-file", "passphrase of "+dir))
	if err != nil {
		return nil, lockFault("open keys", err, "passphrase-file")
	}
	if !s.Sealed() {
		fmt.Fprintf(r.Err, "%s: %s is not sealed: whoever has a copy of it has its keys; seal it: countersign key passphrase --keys %s\n", program, dir, dir)
	}
	return s, nil
}

// signer is the key that --key names, or the only one that there is.
func (r *run) signer(c *urfave.Context) (credentials.Signer, error) {
	if inModule(c) {
		return r.moduleSigner(c, c.String("key"), "name it with --key LABEL")
	}
	s, err := r.keyStore(c, false)
	if err != nil {
		return nil, err
	}
	name, err := onlyKey(s, c.String("key"), "say which with --key NAME")
	if err != nil {
		return nil, err
	}
	k, err := s.Signer(name)
	if err != nil {
		return nil, refused("open keys", err.Error(), "see countersign key list")
	}
	return k, nil
}

// onlyKey is the name that was given, or that of the only key.
func onlyKey(s *aries.KeyStore, name, do string) (string, error) {
	if name != "" {
		return name, nil
	}
	all, err := s.List()
	if err != nil {
		return "", refused("open keys", err.Error(), "")
	}
	if len(all) != 1 {
		return "", refused("open keys", fmt.Sprintf("it holds %d keys", len(all)), do)
	}
	return all[0].Name, nil
}

// A door is the insurer's gateway with what it takes to check its answers.
type door struct {
	*api.Client
	pinned
	did   credentials.DID // the caller's
	lists *statusLists    // read so far
}

// door is the gateway that --gateway names, its ledger pinned.
func (r *run) door(c *urfave.Context) (*door, error) {
	d, err := r.unpinned(c)
	if err != nil {
		return nil, err
	}
	return d, d.pin(c.Context)
}

// unpinned is for commands that have something to tell before they talk; they
// have to pin first.
func (r *run) unpinned(c *urfave.Context) (*door, error) {
	url, err := given(c, "gateway", "COUNTERSIGN_GATEWAY")
	if err != nil {
		return nil, err
	}
	id, err := given(c, "insurer", "COUNTERSIGN_INSURER")
	if err != nil {
		return nil, err
	}
	insurer, err := credentials.ParseDID(id)
	if err != nil {
		return nil, refused(commandName(c), "--insurer: "+err.Error(), "ask the insurer for its DID")
	}
	if err := checkURL(c, "gateway", url); err != nil {
		return nil, err
	}
	trust, err := givenTrust(c)
	if err != nil {
		return nil, err
	}
	s, err := r.signer(c)
	if err != nil {
		return nil, err
	}
	did, err := credentials.SignerDID(s)
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	client := &api.Client{URL: url, Insurer: insurer, Signer: s, Now: r.now, HTTP: httpClient("gateway")}
	return &door{Client: client, pinned: pinned{trust: *trust}, did: did}, nil
}

// pin pins the insurer's ledger.
func (d *door) pin(ctx context.Context) error {
	l, err := d.Ledger(ctx)
	if err != nil {
		return fmt.Errorf("ask which ledger the insurer stands on: %w", err)
	}
	if err := d.hold(l.Files, "the insurer", "--gateway"); err != nil {
		return err
	}
	d.lists = &statusLists{http: d.HTTP, door: strings.TrimSuffix(d.URL, "/"), keys: d.keys}
	return nil
}

// httpClient asks a peer, as part of the command's trace if it has one.
func httpClient(peer string) *http.Client {
	return &http.Client{Timeout: answerWithin, Transport: tracing.Transport(peer, http.DefaultTransport)}
}
