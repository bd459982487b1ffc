package claims

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the files that people write: plans, fee schedules, evidence.
const maxFile = 8 << 20

// A yamlReader walks a document and collects every problem with its line, so
// that one run shows the author all of them. Values are read as written: YAML's
// own idea of numbers and dates would turn 1500.10 into a float.
type yamlReader struct {
	file     string
	problems []error
}

func (r *yamlReader) problem(n *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s line %d: %s", r.file, n.Line, fmt.Sprintf(format, args...)))
}

// document parses one document whose top is a mapping.
func (r *yamlReader) document(b []byte) (*yaml.Node, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", r.file, maxFile)
	}
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	var top, more yaml.Node
	if err := d.Decode(&top); err != nil {
		return nil, r.syntax(err)
	}
	if err := d.Decode(&more); err == nil {
		return nil, fmt.Errorf("%s line %d: a second document starts here; want one a file", r.file, max(more.Line, 1))
	} else if err.Error() != "EOF" {
		return nil, r.syntax(err)
	}
	return top.Content[0], nil
}

// syntax turns the parser's "yaml: line 3: …" into our form.
func (r *yamlReader) syntax(err error) error {
	if err.Error() == "EOF" {
		return fmt.Errorf("%s line 1: the file is empty", r.file)
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var line int
	if n, _ := fmt.Sscanf(text, "line %d:", &line); n == 1 {
		_, what, _ := strings.Cut(text, ": ")
		if strings.Contains(what, "did not find expected") {
			line++ // the parser, other than the scanner, counts from 0
		}
		return fmt.Errorf("%s line %d: %s", r.file, line, strings.ReplaceAll(what, "\n", " "))
	}
	return fmt.Errorf("%s: %s", r.file, strings.ReplaceAll(text, "\n", " "))
}

// fields reads a mapping of known fields. Required ones are those whose name
// does not end in "?".
func (r *yamlReader) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode || n.Anchor != "" {
		r.problem(n, "%s: want fields, one a line, such as \"name: value\"", what)
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		if read == nil {
			read = known[key.Value+"?"]
		}
		switch {
		case key.Kind != yaml.ScalarNode || read == nil || strings.HasSuffix(key.Value, "?"):
			r.problem(key, "unknown field %q in %s; want one of %s", key.Value, what, names(known))
		case seen[key.Value] != 0:
			r.problem(key, "field %q is given twice, first on line %d", key.Value, seen[key.Value])
		default:
			seen[key.Value] = key.Line
			read(value)
		}
	}
	for _, name := range fieldNames(known) {
		if seen[name] == 0 && !strings.HasSuffix(name, "?") {
			r.problem(n, "%s needs the field %q", what, name)
		}
	}
}

func fieldNames(known map[string]func(*yaml.Node)) []string {
	var all []string
	for name := range known {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func names(known map[string]func(*yaml.Node)) string {
	return strings.ReplaceAll(strings.Join(fieldNames(known), ", "), "?", "")
}

// text reads a scalar that is not empty.
func (r *yamlReader) text(n *yaml.Node, field string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" || n.Anchor != "" {
		r.problem(n, "%s: want a value", field)
		return ""
	}
	if strings.ContainsFunc(n.Value, func(c rune) bool { return c < ' ' }) || len(n.Value) > 200 {
		r.problem(n, "%s: want one short line of text", field)
		return ""
	}
	return n.Value
}

// list calls each with every item of a list.
func (r *yamlReader) list(n *yaml.Node, field string, each func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode || n.Anchor != "" {
		r.problem(n, "%s: want a list, such as [a, b] or one \"- item\" a line", field)
		return
	}
	for _, item := range n.Content {
		each(item)
	}
}

// yes reads true or false.
func (r *yamlReader) yes(n *yaml.Node, field string) bool {
	v := r.text(n, field)
	if v != "" && v != "true" && v != "false" {
		r.problem(n, "%s: want true or false", field)
	}
	return v == "true"
}

// parsed reads a scalar with a parser of its own.
func parsed[T any](r *yamlReader, n *yaml.Node, field string, parse func(string) (T, error)) T {
	var zero T
	s := r.text(n, field)
	if s == "" {
		return zero
	}
	v, err := parse(s)
	if err != nil {
		r.problem(n, "%s: %v", field, err)
		return zero
	}
	return v
}

func (r *yamlReader) err() error { return errors.Join(r.problems...) }
