package cli

import (
	"errors"
	"fmt"
	"sync"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/credentials/pkcs11"
)

// moduleFlags name a hardware security module, whose keys take the place of
// those of a key store.
func moduleFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "pkcs11", Usage: "keys in the hardware security module of this `LIBRARY`, instead of a key store", EnvVars: []string{"COUNTERSIGN_PKCS11"}},
		&urfave.StringFlag{Name: "token", Usage: "`LABEL` of the module's token", EnvVars: []string{"COUNTERSIGN_TOKEN"}},
		&urfave.StringFlag{Name: "pin-file", Usage: "the token's PIN is the one line of `FILE`; asked where there is none", EnvVars: []string{"COUNTERSIGN_PIN_FILE"}},
	}
}

// inModule says whether the keys are in a module.
func inModule(c *urfave.Context) bool { return c.String("pkcs11") != "" }

// module is where the key with that label is. What it leaves open goes into
// moduleFault.
func (r *run) module(c *urfave.Context, key string) (pkcs11.Config, error) {
	if c.String("keys") != "" {
		return pkcs11.Config{}, refused(commandName(c), "--keys and --pkcs11 both say where the keys are", "leave one out; COUNTERSIGN_KEYS and COUNTERSIGN_PKCS11 count, too")
	}
	token, err := given(c, "token", "COUNTERSIGN_TOKEN")
	if err != nil {
		return pkcs11.Config{}, err
	}
	lock := r.lock(c, "pin-file", "PIN of token "+oneLine(token))
	pin := sync.OnceValues(func() (string, error) { return lock.Passphrase(false) })
	return pkcs11.Config{Module: c.String("pkcs11"), Token: token, Key: key, PIN: pin}, nil
}

// moduleFault says what to do where a module did not do what it should.
func moduleFault(what string, err error, do string) error {
	switch {
	case errors.Is(err, pkcs11.ErrWithout):
		return refused(what, err.Error(), "")
	case errors.Is(err, aries.ErrNoPassphrase):
		return refused(what, "the token's PIN is needed", "type it at a terminal, or give --pin-file FILE")
	}
	return refused(what, err.Error(), do)
}

// moduleSigner is the key with that label.
func (r *run) moduleSigner(c *urfave.Context, key, do string) (credentials.Signer, error) {
	if key == "" {
		return nil, refused(commandName(c), "the label of the key on the token is missing", do)
	}
	m, err := r.module(c, key)
	if err != nil {
		return nil, err
	}
	s, err := pkcs11.Open(m)
	if err != nil {
		return nil, moduleFault("open keys", err, "check --pkcs11, --token and --pin-file, and see countersign key list")
	}
	return credentials.Salting(s), nil
}

func (r *run) moduleCreate(c *urfave.Context, key string) (credentials.Signer, error) {
	m, err := r.module(c, key)
	if err != nil {
		return nil, err
	}
	s, err := pkcs11.Create(m)
	if err != nil {
		return nil, moduleFault("key", err, "check --pkcs11, --token and --pin-file, or choose another name")
	}
	return s, nil
}

// moduleKeys are the keys of a token, by their names.
type moduleKeys pkcs11.Config

func (m moduleKeys) named(name string) pkcs11.Config {
	m.Key = name
	return pkcs11.Config(m)
}

func (m moduleKeys) Signer(name string) (credentials.Signer, error) {
	s, err := pkcs11.Replaced(m.named(name))
	if err != nil {
		return nil, err
	}
	return credentials.Salting(s), nil
}

func (m moduleKeys) Prepare(name string) (credentials.Signer, error) {
	return pkcs11.Prepare(m.named(name))
}

func (m moduleKeys) Promote(name, kid string) error { return pkcs11.Promote(m.named(name), kid) }

func (r *run) moduleList(c *urfave.Context) error {
	m, err := r.module(c, "")
	if err != nil {
		return err
	}
	all, err := pkcs11.List(m)
	if err != nil {
		return moduleFault("list keys", err, "check --pkcs11, --token and --pin-file")
	}
	rows := []keyRow{}
	t := table{head: []string{"key", "state", "store", "key id"}}
	for _, k := range all {
		if k.Fault != nil {
			fmt.Fprintf(r.Err, "%s: left out %s: %v\n", program, oneLine(k.Label), k.Fault)
			continue
		}
		did, _, err := credentials.ParseKeyID(k.KeyID)
		if err != nil {
			return refused("list keys", err.Error(), "")
		}
		rows = append(rows, keyRow{Name: k.Name, DID: did, KeyID: k.KeyID, Store: "module", State: string(k.State), Label: k.Label})
		t.add(k.Name, string(k.State), "module", k.KeyID)
	}
	if r.json {
		return r.print(map[string]any{"keys": rows})
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(r.Out, "no keys on this token yet; make one with countersign key create NAME")
		return err
	}
	return t.write(r.Out)
}

// modulePast are the ids of the keys that signed under a name before.
func (r *run) modulePast(c *urfave.Context, name string) (kids []string, err error) {
	m, err := r.module(c, "")
	if err != nil {
		return nil, err
	}
	all, err := pkcs11.List(m)
	if err != nil {
		return nil, moduleFault("list keys", err, "check --pkcs11, --token and --pin-file")
	}
	for _, k := range all {
		if k.Name != name || k.State != pkcs11.Retired {
			continue
		}
		if k.Fault != nil {
			return nil, refused("list keys", fmt.Sprintf("%s: %v", oneLine(k.Label), k.Fault), "")
		}
		kids = append(kids, k.KeyID)
	}
	return kids, nil
}
