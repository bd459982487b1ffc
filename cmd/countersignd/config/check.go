package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/credentials"
)

// BuildName is the form of a build's name.
var BuildName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// check looks at what each value has to be, beyond its type.
func (r *reader) check(c *Config) {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		r.at("log.level", "want debug, info, warn or error")
	}
	if t := c.Tracing; t != nil {
		r.httpURL("tracing.endpoint", t.Endpoint)
		if !(t.Sample > 0 && t.Sample <= 1) { // NaN is neither
			r.at("tracing.sample", "want a share above 0 and at most 1; leave the section out to make no traces")
		}
	}
	if n := c.Network; n != nil {
		r.httpURL("network.ledger", n.Ledger)
	}
	if c.Insurer != nil {
		r.insurer(c.Insurer)
	}
	if w := c.Worker; w != nil {
		r.address("worker.admin", w.Admin)
		if w.BuildID != "" && !BuildName.MatchString(w.BuildID) {
			r.at("worker.build_id", "want at most 64 letters, digits, \".\", \"_\", \"+\" or \"-\"")
		}
	}
	if g := c.Gateway; g != nil {
		r.addresses("gateway", g.Listen, g.Admin)
	}
	if b := c.Board; b != nil {
		r.board(b)
	}
	if l := c.Ledger; l != nil {
		r.ledger(l)
	}
	if w := c.Witness; w != nil {
		r.witness(w)
	}
}

func (r *reader) insurer(i *Insurer) {
	r.database("insurer.database", &i.Database)
	if len(i.PayloadKeys) == 0 {
		r.at("insurer.payload_keys", "want one key at least: nothing travels through Temporal in clear")
	}
	ids := map[string]bool{}
	for n, k := range i.PayloadKeys {
		if ids[k.ID] {
			r.at(fmt.Sprintf("insurer.payload_keys[%d].id", n), "two keys have this id")
		}
		ids[k.ID] = true
	}
	if len(i.WrappingKeys) == 0 {
		r.at("insurer.wrapping_keys", "want one key at least: nothing of a person stands in the books in clear")
	}
	ids = map[string]bool{}
	for n, k := range i.WrappingKeys {
		if ids[k.ID] {
			r.at(fmt.Sprintf("insurer.wrapping_keys[%d].id", n), "two keys have this id")
		}
		ids[k.ID] = true
	}
	r.temporal(&i.Temporal)
	dids := map[string]bool{}
	for n, b := range i.Boards {
		path := fmt.Sprintf("insurer.boards[%d]", n)
		r.httpURL(path+".url", b.URL)
		r.state(path+".jurisdiction", b.Jurisdiction)
		if _, err := credentials.KeyFromDIDKey(credentials.DID(b.DID)); err != nil {
			r.at(path+".did", "want a did:key, as \"countersign ledger participants\" shows it")
		}
		if dids[b.DID] {
			r.at(path+".did", "two boards have this DID")
		}
		dids[b.DID] = true
	}
	r.reviewers(i.Reviewers)
	for _, f := range []struct{ name, value, form, want string }{
		{"tax_id", i.Payer.TaxID, `^\d{9}$`, "nine digits"},
		{"phone", i.Payer.Phone, `^\d{10}$`, "ten digits"},
		{"zip", i.Payer.ZIP, `^\d{5}(\d{4})?$`, "five or nine digits"},
		{"state", i.Payer.State, `^[A-Z]{2}$`, "a two-letter state code"},
	} {
		if !regexp.MustCompile(f.form).MatchString(f.value) {
			r.at("insurer.payer."+f.name, "want %s", f.want)
		}
	}
}

func (r *reader) reviewers(list []string) {
	for n, did := range list {
		path := fmt.Sprintf("insurer.reviewers[%d]", n)
		if _, err := credentials.KeyFromDIDKey(credentials.DID(did)); err != nil {
			r.at(path, "want the reviewer's did:key, as \"countersign key list\" shows it")
		}
		if slices.Contains(list[:n], did) {
			r.at(path, "this reviewer stands here twice")
		}
	}
}

func (r *reader) temporal(t *Temporal) {
	r.address("insurer.temporal.address", t.Address)
	if t.TLS != nil && (t.TLS.CertFile == "") != (t.TLS.KeyFile == "") {
		r.at("insurer.temporal.tls", "a client certificate needs cert_file and key_file both")
	}
	if t.APIKeyFile != "" && t.TLS == nil {
		r.at("insurer.temporal.api_key_file", "an API key is never sent without tls: add \"tls: {}\"")
	}
}

func (r *reader) board(b *Board) {
	r.addresses("board", b.Listen, b.Admin)
	r.httpURL("board.url", b.URL)
	r.state("board.jurisdiction", b.Jurisdiction)
	r.database("board.database", &b.Database)
	for n, kid := range b.Clerks {
		if _, err := credentials.ResolveDIDKey(kid); err != nil {
			r.at(fmt.Sprintf("board.clerks[%d]", n), "want the id of a key, did:key:…#…, as \"countersign key list\" shows it")
		}
	}
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

func (r *reader) addresses(section, listen, admin string) {
	r.address(section+".listen", listen)
	r.address(section+".admin", admin)
	if _, port, _ := net.SplitHostPort(listen); listen == admin && port != "0" {
		r.at(section+".admin", "it is the address of the door, too")
	}
}

func (r *reader) address(path, address string) {
	if _, port, err := net.SplitHostPort(address); err != nil || !regexp.MustCompile(`^\d{1,5}$`).MatchString(port) {
		r.at(path, "want HOST:PORT")
	}
}

func (r *reader) httpURL(path, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.User != nil {
		r.at(path, "want an http(s) URL without user and query")
	}
}

func (r *reader) state(path, code string) {
	if !regexp.MustCompile(`^[A-Z]{2}$`).MatchString(code) {
		r.at(path, "want a two-letter state code")
	}
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

// relative shows a path as the file has it, if it lies below the file.
func relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
