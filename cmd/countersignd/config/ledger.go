package config

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Ledger is the operator that orders entries.
type Ledger struct {
	// Listen as above. Default 127.0.0.1:8103.
	Listen string `yaml:"listen"`
	// TLS as above.
	TLS *DoorTLS `yaml:"tls"`
	// Admin as above. Default 127.0.0.1:9104.
	Admin string `yaml:"admin"`
	// Database holds the entries. Danger: restored to an older state, the
	// ledger stops for good rather than write a second history.
	Database Database `yaml:"database"`
	// Genesis is leaf 0 as the founders signed it.
	Genesis File `yaml:"genesis"`
	// LogKeyFile holds the 32 bytes of the log's Ed25519 key, which the genesis
	// names. Danger: whoever has it can sign checkpoints, though not make them final.
	LogKeyFile SecretFile `yaml:"log_key_file"`
	// Witnesses that are asked to countersign.
	Witnesses []WitnessAt `yaml:"witnesses"`
}

// WitnessAt is where a witness is reached.
type WitnessAt struct {
	// Name as in its key in the genesis.
	Name string `yaml:"name"`
	URL  string `yaml:"url"`
}

// Witness countersigns checkpoints.
type Witness struct {
	// Listen as above. Default 127.0.0.1:8104.
	Listen string `yaml:"listen"`
	// TLS as above.
	TLS *DoorTLS `yaml:"tls"`
	// Admin as above. Default 127.0.0.1:9105.
	Admin string `yaml:"admin"`
	// Database holds what was signed. Danger: never restore it from a backup; a
	// witness that has forgotten what it signed may sign a second history.
	Database Database `yaml:"database"`
	// Name as in its key in the genesis.
	Name string `yaml:"name"`
	// KeyFile holds the 32 bytes of its Ed25519 key.
	KeyFile SecretFile `yaml:"key_file"`
	// Logs that it follows. Danger: what it sees of one first, it takes as the
	// only history.
	Logs []WitnessedLog `yaml:"logs"`
	// Bastion is where others reach the witness if it can listen for nobody
	// outside its house: it dials out and serves on that connection, too.
	Bastion *Bastion `yaml:"bastion"`
}

// Bastion is a server of c2sp.org/https-bastion, such as litebastion.
type Bastion struct {
	// Address is HOST:PORT. The witness's URL is then https://ADDRESS/HASH,
	// which it logs when it starts; the bastion has to be told the HASH.
	Address string `yaml:"address"`
	// CAFile holds the certificate authorities that vouch for the bastion, in
	// PEM. Default: the machine's.
	CAFile File `yaml:"ca_file,optional"`
}

// WitnessedLog is a log that a witness follows.
type WitnessedLog struct {
	// Origin is the log's name.
	Origin string `yaml:"origin"`
	// Keys are its signed-note verifier keys; two while a key is changed.
	Keys []string `yaml:"keys"`
}

func (r *reader) ledger(l *Ledger) {
	r.addresses("ledger", l.Listen, l.Admin)
	r.database("ledger.database", &l.Database)
	if len(l.Witnesses) == 0 {
		r.at("ledger.witnesses", "want the witnesses of the genesis: without a quorum nothing becomes final")
	}
	names := map[string]bool{}
	for n, w := range l.Witnesses {
		path := fmt.Sprintf("ledger.witnesses[%d]", n)
		r.httpURL(path+".url", w.URL)
		if names[w.Name] {
			r.at(path+".name", "two witnesses have this name")
		}
		names[w.Name] = true
	}
}

func (r *reader) witness(w *Witness) {
	r.addresses("witness", w.Listen, w.Admin)
	r.database("witness.database", &w.Database)
	if hosts(w.Database.DSN) {
		r.at("witness.database.dsn", "want one host: a standby that takes over may have forgotten what the witness signed last, and it would sign a second history")
	}
	if w.Bastion != nil {
		r.address("witness.bastion.address", w.Bastion.Address)
	}
	if len(w.Logs) == 0 {
		r.at("witness.logs", "want one log at least: a witness of none signs nothing")
	}
	for n, l := range w.Logs {
		if len(l.Keys) == 0 {
			r.at(fmt.Sprintf("witness.logs[%d].keys", n), "want the log's verifier key")
		}
		for m, key := range l.Keys {
			if v, err := note.NewVerifier(key); err != nil || v.Name() != l.Origin {
				r.at(fmt.Sprintf("witness.logs[%d].keys[%d]", n, m), "want the log's verifier key, named as its origin")
			}
		}
	}
}
