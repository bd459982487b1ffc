package credentials

import (
	"errors"
	"net/url"
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
