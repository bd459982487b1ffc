package config

import (
	"fmt"

	"github.com/countersign-health/countersign/credentials/pkcs11"
)

// Key is a key made with "countersign key create": in a key store (store, name,
// passphrase_file), or in a hardware security module (pkcs11).
type Key struct {
	// Store is the folder of the key store.
	Store Dir `yaml:"store,optional"`
	// Name is the key's name in it.
	Name string `yaml:"name,optional"`
	// PassphraseFile holds the passphrase that the store is sealed under, alone
	// on one line. Danger: whoever reads both it and the folder can sign as this
	// party; keep them out of one backup. A store that was never sealed has none.
	PassphraseFile SecretFile `yaml:"passphrase_file,optional"`
	// PKCS11 is the key in a module. It needs a program built with -tags pkcs11.
	PKCS11 *PKCS11 `yaml:"pkcs11"`
}

// PKCS11 is a key in a hardware security module.
type PKCS11 struct {
	// Module is the path of the module's shared library. Danger: it runs inside
	// of this process.
	Module File `yaml:"module"`
	// TokenLabel and KeyLabel name the token, and the key on it.
	TokenLabel string `yaml:"token_label"`
	KeyLabel   string `yaml:"key_label"`
	// PINFile holds the PIN of the token's user, alone on one line. Danger:
	// whoever reads it and reaches the module can sign as this party.
	PINFile SecretFile `yaml:"pin_file"`
}

// key wants one place for a key, named in full.
func (r *reader) key(path string, k Key) {
	if k.PKCS11 != nil {
		if k.Store != "" || k.Name != "" || k.PassphraseFile != "" {
			r.at(path, "the key is in a key store (store, name) or in a module (pkcs11), not in both")
		}
		return
	}
	for _, f := range []struct{ name, value string }{{"store", string(k.Store)}, {"name", k.Name}} {
		if f.value == "" {
			r.at(path+"."+f.name, "it is missing")
		}
	}
}

// unreachable names keys that this program was not built to reach.
func (c *Config) unreachable() (problems []error) {
	if pkcs11.Built {
		return nil
	}
	if c.Insurer != nil && c.Insurer.Key.PKCS11 != nil {
		problems = append(problems, fmt.Errorf("insurer.key.pkcs11: %w", pkcs11.ErrWithout))
	}
	if c.Board != nil && c.Board.Key.PKCS11 != nil {
		problems = append(problems, fmt.Errorf("board.key.pkcs11: %w", pkcs11.ErrWithout))
	}
	return problems
}
