// Package config is the one file that says how a house runs its processes. It
// reads it strictly, so that a field that is misspelt is never silently left
// out, and shows it again with every default filled in.
//
// It holds no secret: keys and passwords are named by the files they lie in.
// It opens none of them and starts nothing.
package config

import (
	"slices"
	"time"
)

// A File is the path of a file that holds nothing secret. A relative path
// starts at the folder of the configuration file.
type File string

// A SecretFile is the path of a file that holds a key or a password. Whoever
// can read it can act as this house: the daemon refuses one that all users of
// the machine can read.
type SecretFile string

// A Dir is the path of a folder.
type Dir string

// Config is the whole file. Each command uses the sections that it names, and a
// file may leave the others out: the board's file has no insurer.
type Config struct {
	// Log is what is logged. Used by every command.
	Log Log `yaml:"log"`
	// Drain is how long requests under way may still take after SIGTERM; what
	// lasts longer is cut off. Default 25s. Danger: more than the supervisor
	// waits (Kubernetes: 30s) ends in SIGKILL.
	Drain time.Duration `yaml:"drain"`
	// Tracing sends traces to a collector. Left out: none are made.
	Tracing *Tracing `yaml:"tracing"`
	// Network is the ledger, as all but its operator and the witnesses reach it.
	Network *Network `yaml:"network"`
	// Insurer is what worker and gateway share.
	Insurer *Insurer `yaml:"insurer"`
	Worker  *Worker  `yaml:"worker"`
	Gateway *Gateway `yaml:"gateway"`
	Board   *Board   `yaml:"board"`
	Ledger  *Ledger  `yaml:"ledger"`
	Witness *Witness `yaml:"witness"`
}

// Log is what is logged: JSON lines on standard error.
type Log struct {
	// Level is debug, info, warn or error. Default info.
	Level string `yaml:"level"`
}

// Tracing is where traces go, by OTLP/HTTP; docs/tracing.md says what is in them.
type Tracing struct {
	// Endpoint is the collector's base URL; /v1/traces is added to it. Danger:
	// traces hold nothing personal, but show how busy a house is.
	Endpoint string `yaml:"endpoint"`
	// Sample is the share of traces to record, more than 0 and at most 1.
	// Default 1. Houses with the same share record the same traces.
	Sample float64 `yaml:"sample"`
	// HeadersFile holds headers for the collector, such as its token, one
	// "Name: value" a line. It is read again for every batch.
	HeadersFile SecretFile `yaml:"headers_file,optional"`
}

// Network is how this house reaches the ledger, and which one it trusts.
type Network struct {
	// Ledger is the operator's URL.
	Ledger string `yaml:"ledger"`
	// Trust is the trust file with the digest of the genesis. Danger: it must
	// come from the founders by another way than the ledger itself; a house
	// that trusts another genesis believes another history.
	Trust File `yaml:"trust"`
}

// Commands are the processes that a file may be for.
var Commands = []string{"worker", "gateway", "board", "ledger", "witness"}

// Lacks names the sections that a command needs and the file leaves out.
func (c *Config) Lacks(command string) (sections []string) {
	for _, s := range []struct {
		name string
		have bool
		by   []string
	}{
		{"worker", c.Worker != nil, []string{"worker"}},
		{"gateway", c.Gateway != nil, []string{"gateway"}},
		{"board", c.Board != nil, []string{"board"}},
		{"ledger", c.Ledger != nil, []string{"ledger"}},
		{"witness", c.Witness != nil, []string{"witness"}},
		{"insurer", c.Insurer != nil, []string{"worker", "gateway"}},
		{"network", c.Network != nil, []string{"worker", "gateway", "board"}},
	} {
		if !s.have && slices.Contains(s.by, command) {
			sections = append(sections, s.name)
		}
	}
	return sections
}
