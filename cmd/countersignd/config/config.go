// Package config is the one file that says how a house runs its processes. It
// reads it strictly, so that a field that is misspelt is never silently left
// out, and shows it again with every default filled in.
//
// It holds no secret: keys and passwords are named by the files they lie in.
// It opens none of them and starts nothing.
package config

import "time"

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

// Key is a key in a key store, made with "countersign key create".
type Key struct {
	// Store is the folder of the key store.
	Store Dir `yaml:"store"`
	// Name is the key's name in it.
	Name string `yaml:"name"`
	// PassphraseFile holds the passphrase that the store is sealed under, alone
	// on one line. Danger: whoever reads both it and the folder can sign as this
	// party; keep them out of one backup. A store that was never sealed has none.
	PassphraseFile SecretFile `yaml:"passphrase_file,optional"`
}

// Insurer is what the insurer's worker and gateway share. All workers and
// gateways of one insurer have the same.
type Insurer struct {
	// Database holds the books.
	Database Database `yaml:"database"`
	// Key signs decisions, remittances and ledger entries; its DID is the
	// insurer's, and must be admitted on the ledger.
	Key Key `yaml:"key"`
	// BusinessKeyFile holds 32 random bytes that key the names of submissions,
	// and the hashes by which the books look people up. Danger: with another one,
	// every claim sent again is taken for a new one, and no member is found.
	BusinessKeyFile SecretFile `yaml:"business_key_file"`
	// PayloadKeys seal what Temporal carries. The first seals, all open: a new
	// key goes in at the end everywhere, then to the front; an old one goes out
	// when the histories under it are past their retention. Danger: without
	// the key that sealed it, a running contract cannot go on.
	PayloadKeys []PayloadKey `yaml:"payload_keys"`
	// WrappingKeys wrap the data keys that the books are sealed under. The first
	// wraps, all unwrap: a new key goes in at the end everywhere, then to the
	// front; an old one goes out after "countersignd books rewrap". Danger:
	// without the key that wrapped it, a person's documents cannot be opened.
	WrappingKeys []WrappingKey `yaml:"wrapping_keys"`
	Temporal     Temporal      `yaml:"temporal"`
	// Boards whose feeds the worker follows. Danger: a license of a board that
	// is not listed is unknown here, and its claims wait for a person.
	Boards []FeedSource `yaml:"boards"`
	// Reviewers are the DIDs (did:key) of this insurer's own clinicians, each
	// admitted on the ledger as a reviewer. The ledger does not say whose
	// reviewers they are. Danger: each of them can approve what waits here.
	Reviewers []string `yaml:"reviewers"`
	// Payer is the insurer as its remittances name it.
	Payer Payer `yaml:"payer"`
	Edits Edits `yaml:"edits"`
	// Patience is how old a board's last word may be and still prove standing.
	// Default 5m. Danger: for that long, a revocation may go unheard.
	Patience time.Duration `yaml:"patience"`
}

// PayloadKey is one key for what Temporal carries.
type PayloadKey struct {
	// ID travels in clear beside what the key seals. It is never used again
	// for another key.
	ID string `yaml:"id"`
	// File holds 32 random bytes.
	File SecretFile `yaml:"file"`
}

// WrappingKey is one key for the data keys in the books.
type WrappingKey struct {
	// ID stands in clear beside what the key wraps. It is never used again for
	// another key.
	ID string `yaml:"id"`
	// File holds 32 random bytes.
	File SecretFile `yaml:"file"`
}

// Temporal is the cluster that runs the contracts. The daemon brings none.
type Temporal struct {
	// Address is HOST:PORT of the frontend. Default 127.0.0.1:7233.
	Address string `yaml:"address"`
	// Namespace of the insurer. Default insurer. Danger: its retention is how
	// long histories, sealed as they are, can be read; keep it at 30 days or less.
	Namespace string `yaml:"namespace"`
	// TLS is needed outside one machine. Danger: without it, whoever is on the
	// network may start and end contracts.
	TLS *TLS `yaml:"tls"`
	// APIKeyFile holds an API key, for Temporal Cloud. It needs tls.
	APIKeyFile SecretFile `yaml:"api_key_file,optional"`
}

// TLS is how a connection is secured; an empty one ("tls: {}") means TLS with
// the machine's own certificate authorities.
type TLS struct {
	// CAFile holds the certificate authorities in PEM. Default: the machine's.
	CAFile File `yaml:"ca_file,optional"`
	// CertFile and KeyFile are the client's certificate and key in PEM.
	CertFile File       `yaml:"cert_file,optional"`
	KeyFile  SecretFile `yaml:"key_file,optional"`
	// ServerName that the certificate must have. Default: the host of address.
	ServerName string `yaml:"server_name,optional"`
}

// FeedSource is a board that is followed.
type FeedSource struct {
	// DID of the board (did:key). Only documents under it are believed.
	DID string `yaml:"did"`
	// URL of the board's door.
	URL string `yaml:"url"`
	// Jurisdiction is its two-letter state code, for logs and metrics. What
	// the board may license for, the ledger says.
	Jurisdiction string `yaml:"jurisdiction"`
}

// Payer is who pays, as the 835 writes it (loop 1000A).
type Payer struct {
	Name string `yaml:"name"`
	// ID is REF*2U: as claims address the payer.
	ID string `yaml:"id"`
	// TaxID has nine digits (TRN03).
	TaxID   string `yaml:"tax_id"`
	Contact string `yaml:"contact"`
	// Phone has ten digits.
	Phone  string `yaml:"phone"`
	Street string `yaml:"street"`
	City   string `yaml:"city"`
	State  string `yaml:"state"`
	// ZIP has five or nine digits.
	ZIP string `yaml:"zip"`
}

// Edits are the checks that the gateway makes before a contract starts.
type Edits struct {
	// SkipNPICheckDigit takes NPIs that fail their check digit. Default false.
	// Danger: only for public sample files; a real claim with such an NPI is
	// misspelt.
	SkipNPICheckDigit bool `yaml:"skip_npi_check_digit"`
}

// Worker serves contracts, follows the boards and drains the outbox. Several
// may run at once.
type Worker struct {
	// Admin is where /healthz, /readyz and /metrics are served. Default
	// 127.0.0.1:9101. Danger: not for strangers.
	Admin string `yaml:"admin"`
	// BuildID names this build of the worker in Temporal: contracts stay with
	// the build that they began on. Default: the release and a digest of the
	// program file. Danger: two builds of one name take each other's
	// contracts, and those that one has changed then stand still.
	BuildID string `yaml:"build_id,optional"`
}

// Gateway is the insurer's door to hospitals and reviewers.
type Gateway struct {
	// Listen is the address of the door. Default 127.0.0.1:8101. Danger: it
	// speaks plain HTTP; put TLS before it where the network is not yours.
	Listen string `yaml:"listen"`
	// Admin as above. Default 127.0.0.1:9102.
	Admin string `yaml:"admin"`
}

// Board is a licensing board's register and its door.
type Board struct {
	// Listen as above. Default 127.0.0.1:8102.
	Listen string `yaml:"listen"`
	// Admin as above. Default 127.0.0.1:9103.
	Admin string `yaml:"admin"`
	// URL is where the door can be reached from outside, and so the board's
	// did:web. Danger: it is signed into licenses; keep the name for as long as
	// they live. A proxy in front of a folder takes the folder off.
	URL string `yaml:"url"`
	// Jurisdiction is the two-letter state code that it licenses for.
	Jurisdiction string `yaml:"jurisdiction"`
	// Database holds the register.
	Database Database `yaml:"database"`
	// Key signs licenses, orders and ledger entries.
	Key Key `yaml:"key"`
	// Clerks are the key ids (did:key:…#…) that may issue and order. Give each
	// person a key of their own and write down whose it is: the register keeps
	// what each key signed for, also when it is taken out here. Danger: each of
	// them can revoke any license.
	Clerks []string `yaml:"clerks"`
	// SkipNPICheckDigit as above. Default false.
	SkipNPICheckDigit bool `yaml:"skip_npi_check_digit"`
}

// Ledger is the operator that orders entries.
type Ledger struct {
	// Listen as above. Default 127.0.0.1:8103.
	Listen string `yaml:"listen"`
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
}

// WitnessedLog is a log that a witness follows.
type WitnessedLog struct {
	// Origin is the log's name.
	Origin string `yaml:"origin"`
	// Keys are its signed-note verifier keys; two while a key is changed.
	Keys []string `yaml:"keys"`
}

// defaults are what a field has that the file leaves out, by its path. A field
// with neither a value nor a default is asked for, unless its tag says
// optional.
var defaults = map[string]string{
	"log.level":                          "info",
	"drain":                              "25s",
	"tracing.sample":                     "1",
	"insurer.temporal.address":           "127.0.0.1:7233",
	"insurer.temporal.namespace":         "insurer",
	"insurer.edits.skip_npi_check_digit": "false",
	"insurer.patience":                   "5m",
	"worker.admin":                       "127.0.0.1:9101",
	"gateway.listen":                     "127.0.0.1:8101",
	"gateway.admin":                      "127.0.0.1:9102",
	"board.listen":                       "127.0.0.1:8102",
	"board.admin":                        "127.0.0.1:9103",
	"board.skip_npi_check_digit":         "false",
	"ledger.listen":                      "127.0.0.1:8103",
	"ledger.admin":                       "127.0.0.1:9104",
	"witness.listen":                     "127.0.0.1:8104",
	"witness.admin":                      "127.0.0.1:9105",
}

func init() {
	for _, section := range []string{"insurer", "board", "ledger", "witness"} {
		for name, value := range map[string]string{
			"pool.max_open": "24", "pool.max_idle": "12", "pool.lifetime": "30m", "pool.wait": "10s",
			"connect_timeout": "5s", "statement_timeout": "30s", "lock_timeout": "10s", "standby_reads": "1m",
		} {
			defaults[section+".database."+name] = value
		}
	}
}
