package fhir

import (
	"slices"
	"strings"

	"github.com/countersign-health/countersign/credentials"
)

// maxEntries bounds the resources of a bundle.
const maxEntries = 500

// A bundle finds its own entries by reference. Nothing outside of it is ever
// fetched.
type bundle struct {
	entries []node // the resources, in order
	urls    []string
}

// open checks the frame of a request bundle: one JSON value, no name twice, a
// collection whose first entry is the Claim.
func (r *reader) open(b []byte) (*bundle, bool) {
	var value any
	if err := credentials.DecodeStrict(b, &value); err != nil {
		r.problem("the bundle", "%s", oneLine(err.Error()))
		return nil, false
	}
	top := node{r, "", value}
	if top.field("resourceType").optional() != "Bundle" {
		r.problem("/resourceType", "want a Bundle")
		return nil, false
	}
	if top.field("type").optional() != "collection" {
		r.problem("/type", "want collection, as a PAS request is")
	}
	list := top.field("entry").list()
	if len(list) == 0 || len(list) > maxEntries {
		r.problem("/entry", "want from 1 to %d entries", maxEntries)
		return nil, false
	}
	out := &bundle{}
	seen := map[string]bool{}
	for _, e := range list {
		url := e.field("fullUrl").optional()
		if url != "" && seen[url] {
			r.problem(e.at+"/fullUrl", "another entry has the same")
		}
		seen[url] = true
		out.entries = append(out.entries, e.field("resource"))
		out.urls = append(out.urls, url)
	}
	if out.entries[0].field("resourceType").optional() != "Claim" {
		r.problem("/entry/0/resource/resourceType", "want the Claim as the first entry")
		return nil, false
	}
	return out, len(r.problems) == 0
}

// oneLine keeps a field name that holds a line break from breaking the error.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, s)
}

// follow a Reference to one of the types, by fullUrl or by "Type/id".
func (b *bundle) follow(ref node, types ...string) node {
	at := ref.field("reference")
	nothing := node{ref.reader, at.at, nil}
	target := at.text()
	if target == "" {
		return nothing
	}
	if strings.HasPrefix(target, "#") && !slices.Contains(b.urls, target) {
		at.problem(at.at, "contained resources are not taken; give the resource an entry of its own")
		return nothing
	}
	found := nothing
	for i, e := range b.entries {
		relative := e.field("resourceType").optional() + "/" + e.field("id").optional()
		if b.urls[i] != target && relative != target {
			continue
		}
		if found.exists() {
			at.problem(at.at, "two entries answer to it")
			return nothing
		}
		found = e
	}
	if !found.exists() {
		at.problem(at.at, "no entry of the bundle answers to it")
		return nothing
	}
	kind := found.field("resourceType").optional()
	for _, t := range types {
		if kind == t {
			return found
		}
	}
	at.problem(at.at, "want a %s, found a %s", strings.Join(types, " or a "), kind)
	return nothing
}
