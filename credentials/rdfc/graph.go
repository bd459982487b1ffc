package rdfc

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/piprate/json-gold/ld"
)

// The bounds of a graph. Nodes without a name that look alike from close by are
// told apart by trying all orders of them: "poison graphs" make that take
// centuries (RDF Dataset Canonicalization, section 7.1). Without names for blank
// nodes a document is a tree, and with at most so many alike the work is small.
const (
	maxStatements = 4096
	maxAlike      = 6
)

// checkGraph holds a graph against what the document says, and bounds the work
// of sorting it.
func checkGraph(graph *ld.RDFDataset, said *census) error {
	var all []*ld.Quad
	var literals []string
	for _, quads := range graph.Graphs { // one: the census refused all others
		all = append(all, quads...)
	}
	if len(all) == 0 {
		return errors.New("the document says nothing")
	}
	// The library drops relative IRIs and types silently, and merges what is said twice.
	if len(all) != said.statements {
		return fmt.Errorf("the document makes %d statements, and %d of them hold: an id or type is no URL, or something is said twice",
			said.statements, len(all))
	}
	if len(all) > maxStatements {
		return fmt.Errorf("more than %d statements", maxStatements)
	}
	for _, q := range all {
		for _, n := range []ld.Node{q.Subject, q.Predicate, q.Object} {
			iri := n.GetValue()
			if literal, ok := n.(ld.Literal); ok {
				if iri = literal.Datatype; iri == ld.RDFJSONLiteral {
					literals = append(literals, literal.Value)
				}
			}
			if err := checkIRI(iri); err != nil {
				return err
			}
		}
	}
	slices.Sort(literals)
	slices.Sort(said.literals)
	if !slices.Equal(literals, said.literals) {
		return errors.New("a JSON literal is not in the graph as the document has it")
	}
	return checkAlike(graph)
}

// checkIRI refuses what cannot stand between angle brackets in N-Quads. The
// library writes such a name as it is, so that one name could look like several
// statements.
func checkIRI(iri string) error {
	bad := func(r rune) bool { return r <= ' ' || strings.ContainsRune("<>\"{}|^`\\\x7f", r) }
	if !strings.Contains(iri, ":") || strings.ContainsFunc(iri, bad) {
		return errors.New("an id or type is no URL")
	}
	return nil
}

// checkAlike bounds how many blank nodes say the same, other blank nodes apart.
func checkAlike(graph *ld.RDFDataset) error {
	said := map[string][]string{}
	for name, quads := range graph.Graphs {
		for _, q := range quads {
			nodes := []string{q.Subject.GetValue(), objectText(q.Object), name}
			for i, n := range nodes {
				if !strings.HasPrefix(n, "_:") || slices.Index(nodes, n) != i {
					continue
				}
				line := q.Predicate.GetValue()
				for _, other := range nodes {
					switch {
					case other == n:
						other = "_:a"
					case strings.HasPrefix(other, "_:"):
						other = "_:z"
					}
					line += "\x00" + other
				}
				said[n] = append(said[n], line)
			}
		}
	}
	alike := map[[32]byte]int{}
	for _, lines := range said {
		slices.Sort(lines)
		sum := sha256.Sum256([]byte(strings.Join(lines, "\x01")))
		if alike[sum]++; alike[sum] > maxAlike {
			return fmt.Errorf("more than %d objects that say the same: give them ids", maxAlike)
		}
	}
	return nil
}

// objectText is a blank node's name, or a text that is no blank node's.
func objectText(n ld.Node) string {
	if ld.IsBlankNode(n) {
		return n.GetValue()
	}
	if l, ok := n.(ld.Literal); ok {
		return "=" + l.Datatype + "\x02" + l.Language + "\x02" + l.Value
	}
	return "<" + n.GetValue()
}
