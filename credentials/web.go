package credentials

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// WebDID is the did:web of the server at an address: of
// https://example.org/boards/ma it is did:web:example.org:boards:ma, whose
// document is https://example.org/boards/ma/did.json (did:web Method
// Specification, section 2.5.2).
func WebDID(address string) (DID, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("did:web: want an http(s) address without user, query and fragment")
	}
	id := u.Hostname()
	if id == "" || id != strings.ToLower(id) || strings.ContainsAny(id, ":%") {
		return "", errors.New("did:web: want a host name in lower case")
	}
	if port := u.Port(); port != "" {
		id += "%3A" + port
	}
	if folder := strings.Trim(u.EscapedPath(), "/"); folder != "" {
		for _, part := range strings.Split(folder, "/") {
			if part == "" || strings.Trim(part, ".") == "" || strings.ContainsFunc(part, func(r rune) bool { return r > 127 || !urlSafe(byte(r)) }) {
				return "", errors.New("did:web: want folders of letters, digits and -._~")
			}
			id += ":" + part
		}
	}
	return ParseDID("did:web:" + id)
}

// WebDocument is where the document of a did:web lies (did:web Method
// Specification, section 2.5.2), by https; by http only where loopback is
// allowed and the host is this machine. The host is a name, since no certificate
// vouches for an address, in any of its spellings; and what the DID spells with
// percent signs is a port and nothing else.
func WebDocument(d DID, loopback bool) (string, error) {
	id, ok := strings.CutPrefix(string(d), "did:web:")
	first, path, folder := strings.Cut(id, ":")
	host, port, hasPort := strings.Cut(first, "%3A")
	switch {
	case !ok:
		return "", errors.New("no did:web")
	case hasPort && !isPort(port):
		return "", errors.New("did:web: want a port of 1 to 65535 behind %3A")
	case len(host) > 253 || strings.ContainsFunc(host, func(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '.') }):
		return "", errors.New("did:web: want a host name of a-z, 0-9, - and .")
	}
	scheme := "https"
	if loopback && (host == "localhost" || host == "127.0.0.1") {
		scheme = "http"
	} else if err := isName(host); err != nil {
		return "", err
	}
	address := scheme + "://" + host
	if hasPort {
		address += ":" + port
	}
	if !folder {
		return address + "/.well-known/did.json", nil
	}
	for _, part := range strings.Split(path, ":") {
		if part == "" || strings.Trim(part, ".") == "" || strings.ContainsFunc(part, func(r rune) bool { return r > 127 || !urlSafe(byte(r)) }) {
			return "", errors.New("did:web: want folders of letters, digits and -._~")
		}
		address += "/" + part
	}
	return address + "/did.json", nil
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '0'
}

// isName refuses addresses: 10.0.0.1, and 127.1, 0x7f000001 and 2130706433, as
// which resolvers read it too. The last label of a name is never a number.
func isName(host string) error {
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return errors.New("did:web: want a host name")
		}
	}
	last := labels[len(labels)-1]
	if len(labels) < 2 || last[0] >= '0' && last[0] <= '9' {
		return errors.New("did:web: want a host name with a domain, and no address")
	}
	return nil
}
