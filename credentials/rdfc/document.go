package rdfc

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/piprate/json-gold/ld"

	"github.com/countersign-health/countersign/credentials"
)

// The bounds of a document, well below what integrity takes: JSON-LD processing
// parses contexts anew for many an object.
const (
	maxBytes   = 128 << 10
	maxObjects = 512
)

// checkDocument refuses, before JSON-LD is read, what it would drop without a
// word and what would let a document change the meaning of its own terms.
func (l library) checkDocument(raw []byte, doc map[string]any) error {
	if len(raw) > maxBytes {
		return fmt.Errorf("document has %d bytes: the most that is read as JSON-LD is %d", len(raw), maxBytes)
	}
	contexts, _ := doc["@context"].([]any)
	if one, ok := doc["@context"].(string); ok {
		contexts = []any{one}
	}
	if len(contexts) == 0 {
		return errors.New("at /@context: want a list of URLs")
	}
	if len(contexts) > len(l) {
		return errors.New("at /@context: too many")
	}
	for i, c := range contexts {
		id, _ := c.(string)
		if _, known := l[id]; !known {
			return fmt.Errorf("at /@context/%d: not a context of this program", i)
		}
	}
	objects := 0
	for name, v := range doc {
		if name == "@context" {
			continue
		}
		if err := checkName(name); err != nil {
			return err
		}
		if err := checkValue(v, &objects); err != nil {
			return err
		}
	}
	return nil
}

// checkName refuses keywords, whose short names (id, type) the contexts define,
// and terms that bring their own meaning along. Those within a JSON literal
// become part of a text, and no text has a control character.
func checkName(name string) error {
	if name == "" || strings.ContainsAny(name, "@:/#") {
		return fmt.Errorf("the name %s is not a term of a context", encoded(name))
	}
	return checkText(name)
}

func checkValue(v any, objects *int) error {
	switch v := v.(type) {
	case nil:
		return errors.New("null says nothing in JSON-LD, so nobody would have signed it")
	case string:
		return checkText(v)
	case []any:
		for _, inner := range v {
			if err := checkValue(inner, objects); err != nil {
				return err
			}
		}
	case map[string]any:
		if *objects++; *objects > maxObjects {
			return fmt.Errorf("more than %d objects", maxObjects)
		}
		for name, inner := range v {
			if err := checkName(name); err != nil {
				return err
			}
			if err := checkValue(inner, objects); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkText refuses control characters: RDFC-1.0 escapes them, and the library
// follows the draft of 2015, which did not.
func checkText(s string) error {
	for _, r := range s {
		if (r < ' ' && r != '\n' && r != '\r' && r != '\t') || r == 0x7f {
			return errors.New("a control character in a text")
		}
	}
	return nil
}

// A census is what an expanded document says, to be held against the graph that
// is made of it.
type census struct {
	statements int
	literals   []string // JSON literals, in canonical JSON
}

// take counts the nodes at the top.
func (c *census) take(expanded []any) error {
	for _, n := range expanded {
		node, ok := n.(map[string]any)
		if !ok {
			return errShape
		}
		if err := c.node(node); err != nil {
			return err
		}
	}
	return nil
}

var errShape = errors.New("JSON-LD expanded to another shape than nodes have")

// node counts what a node says; the link to it is its owner's. It refuses what
// RDF has no place for.
func (c *census) node(node map[string]any) error {
	for name, v := range node {
		if name == "@id" {
			if id, ok := v.(string); !ok || strings.HasPrefix(id, "_:") {
				return errors.New("an object is named like a blank node")
			}
			continue
		}
		items, ok := v.([]any)
		switch {
		case !ok:
			return fmt.Errorf("JSON-LD's %s is not supported", encoded(name))
		case len(items) == 0:
			return errors.New("an empty list says nothing in JSON-LD, so nobody would have signed it")
		case name == "@type":
			for _, one := range items {
				if t, ok := one.(string); !ok || strings.HasPrefix(t, "_:") {
					return errors.New("a type is no URL")
				}
			}
			c.statements += len(items)
		case strings.HasPrefix(name, "@"):
			return fmt.Errorf("JSON-LD's %s is not supported", encoded(name))
		default:
			for _, item := range items {
				if err := c.item(item); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// item counts the statement that links an item, and those within it.
func (c *census) item(item any) error {
	c.statements++
	o, ok := item.(map[string]any)
	if !ok {
		return errShape
	}
	if list, ok := o["@list"].([]any); ok {
		for _, inner := range list {
			c.statements++ // what follows; item counts what stands there
			if err := c.item(inner); err != nil {
				return err
			}
		}
		return nil
	}
	value, ok := o["@value"]
	if !ok {
		return c.node(o)
	}
	for name := range o {
		if name != "@value" && name != "@type" && name != "@language" {
			return fmt.Errorf("JSON-LD's %s is not supported", encoded(name))
		}
	}
	if o["@type"] == "@json" {
		return c.literal(value)
	}
	if f, ok := value.(float64); ok && (f != math.Trunc(f) || math.Abs(f) > 1<<53-1) {
		return errors.New("RDF would round the number: write it as text")
	}
	return nil
}

// literal takes a JSON literal. The library's own canonicalization reads objects
// alone: in the place of any other value it signs an error message.
func (c *census) literal(value any) error {
	if _, ok := value.(map[string]any); !ok {
		return errors.New("a JSON literal has to be an object here")
	}
	b, err := credentials.CanonicalJSON(value)
	if err != nil {
		return err
	}
	c.literals = append(c.literals, string(b))
	return nil
}

var _ ld.DocumentLoader = library{}
