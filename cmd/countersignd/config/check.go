package config

import (
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
)

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

// relative shows a path as the file has it, if it lies below the file.
func relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
