package config

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const maxFile = 1 << 20

// A reader walks a document and the struct side by side and collects every
// problem with its line, so that one run shows all of them.
type reader struct {
	file     string // as problems name it
	dir      string // where relative paths start
	env      map[string]string
	used     map[string]string // path of a field to the variable or flag that set it
	fields   map[string]bool   // variables and flags that some field has
	lines    map[string]int
	problems []error
}

// Read reads a configuration. Path is where it lies; env holds the variables
// that may replace fields, without others of the process. The error has a line for each problem.
func Read(path string, b []byte, env map[string]string) (*Config, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	r := &reader{file: filepath.Base(path), dir: dir, env: env, used: map[string]string{}, fields: map[string]bool{}, lines: map[string]int{}}
	top, err := r.document(b)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	r.mapping(top, reflect.ValueOf(c).Elem(), "")
	r.strayEnv()
	if len(r.problems) == 0 {
		r.check(c)
	}
	return c, errors.Join(r.problems...)
}

func (r *reader) problem(path string, line int, format string, args ...any) {
	where := fmt.Sprintf("%s line %d", r.file, line)
	if variable := r.used[path]; variable != "" {
		where = variable
	}
	r.problems = append(r.problems, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

// at is a problem of a field that was read.
func (r *reader) at(path, format string, args ...any) {
	r.problem(path, r.lines[path], "%s: %s", path, fmt.Sprintf(format, args...))
}

func (r *reader) document(b []byte) (*yaml.Node, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", r.file, maxFile)
	}
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	var top, more yaml.Node
	if err := d.Decode(&top); err == io.EOF {
		return nil, fmt.Errorf("%s line 1: the file is empty", r.file)
	} else if err != nil {
		return nil, r.syntax(err)
	}
	if err := d.Decode(&more); err == nil {
		return nil, fmt.Errorf("%s line %d: a second document starts here; want one a file", r.file, max(more.Line, 1))
	} else if err != io.EOF {
		return nil, r.syntax(err)
	}
	return top.Content[0], nil
}

// syntax turns the parser's "yaml: line 3: …" into our form.
func (r *reader) syntax(err error) error {
	text := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n", " ")
	if line, what, ok := strings.Cut(strings.TrimPrefix(text, "line "), ": "); ok {
		if n, err := strconv.Atoi(line); err == nil {
			return fmt.Errorf("%s line %d: %s", r.file, n, what)
		}
	}
	return fmt.Errorf("%s line 1: %s", r.file, text)
}

// name is a field's name in the file, and whether it may be left out.
func name(f reflect.StructField) (name string, optional bool) {
	name, rest, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name, rest == "optional" || f.Type.Kind() == reflect.Pointer
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (r *reader) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode || n.Anchor != "" {
		r.problem(path, n.Line, "%s: want fields, one a line, such as \"name: value\"", orTop(path))
		return
	}
	r.lines[path] = n.Line
	given := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if _, twice := given[key.Value]; twice {
			r.problem("", key.Line, "%s stands here twice", join(path, key.Value))
		} else if _, ok := fieldNamed(v.Type(), key.Value); !ok {
			r.problem("", key.Line, "%s has no field %q: see countersignd.example.yaml", orTop(path), key.Value)
		}
		given[key.Value] = value
	}
	for i := range v.NumField() {
		field, optional := name(v.Type().Field(i))
		below := join(path, field)
		r.lines[below] = n.Line
		if value := given[field]; value != nil {
			r.lines[below] = value.Line
		}
		r.field(given[field], v.Field(i), below, optional)
	}
}

func orTop(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func fieldNamed(t reflect.Type, want string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if got, _ := name(t.Field(i)); got == want && got != "" {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

// variable is the environment variable that replaces the field at a path.
func variable(path string) string {
	return "COUNTERSIGND_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// Flags are the fields that a flag replaces, which counts more than a variable.
var Flags = map[string]string{
	"insurer.temporal.address":   "--temporal-address",
	"insurer.temporal.namespace": "--temporal-namespace",
}

// outside is what replaces the field at a path, and where it comes from.
func outside(env map[string]string, path string) (text, from string) {
	for _, from := range []string{Flags[path], variable(path)} {
		if text, ok := env[from]; ok {
			return text, from
		}
	}
	return "", ""
}

// field reads one field. N is nil where the file leaves it out.
func (r *reader) field(n *yaml.Node, v reflect.Value, path string, optional bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if n != nil {
			v.Set(reflect.New(v.Type().Elem()))
			r.mapping(n, v.Elem(), path)
		}
	case reflect.Struct:
		if n == nil { // its fields may have defaults, or say that they are missing
			n = &yaml.Node{Kind: yaml.MappingNode, Line: r.lines[path]}
		}
		r.mapping(n, v, path)
	case reflect.Slice:
		if n != nil || !optional {
			r.list(n, v, path)
		}
	default:
		r.fields[variable(path)], r.fields[Flags[path]] = true, true
		text, from := outside(r.env, path)
		switch {
		case from != "":
			r.used[path] = from
		case n != nil:
			if n.Kind != yaml.ScalarNode || n.Anchor != "" {
				r.at(path, "want one value")
				return
			}
			text = n.Value
		default:
			text = defaults[path]
		}
		if text == "" {
			if !optional {
				r.at(path, "it is missing")
			}
			return
		}
		r.scalar(n, text, v, path)
	}
}

func (r *reader) list(n *yaml.Node, v reflect.Value, path string) {
	if n == nil {
		r.at(path, "it is missing: want a list, \"[]\" where there is none")
		return
	}
	if n.Kind != yaml.SequenceNode || n.Anchor != "" {
		r.at(path, "want a list, one item a line, each after \"- \"")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		below := fmt.Sprintf("%s[%d]", path, i)
		r.lines[below] = item.Line
		r.field(item, v.Index(i), below, false)
	}
}

// scalar reads one value. Strings are taken as they are written, so that a
// number such as a ZIP code keeps its zeros.
func (r *reader) scalar(n *yaml.Node, text string, v reflect.Value, path string) {
	if n != nil && n.Tag == "!!null" && r.used[path] == "" {
		r.at(path, "want a value, not null: leave the field out instead")
		return
	}
	switch v.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			r.at(path, "want a time such as 25s or 5m")
			return
		}
		v.SetInt(int64(d))
	case float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			r.at(path, "want a number such as 0.1")
			return
		}
		v.SetFloat(x)
	case bool:
		if text != "true" && text != "false" {
			r.at(path, "want true or false")
			return
		}
		v.SetBool(text == "true")
	case int:
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			r.at(path, "want a number from 1 on")
			return
		}
		v.SetInt(int64(n))
	case File, SecretFile, Dir:
		v.SetString(r.absolute(text))
	default:
		if strings.ContainsAny(text, "\n\x00") {
			r.at(path, "want one line of text")
			return
		}
		v.SetString(text)
	}
}

func (r *reader) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.dir, path)
}

// strayEnv refuses variables that replace nothing: a misspelt one would
// otherwise leave a default in force that nobody wants.
func (r *reader) strayEnv() {
	for _, variable := range sortedKeys(r.env) {
		if !r.fields[variable] {
			r.problems = append(r.problems, fmt.Errorf("%s: no field of %s has this name (lists and sections that the file leaves out cannot be set from outside)", variable, r.file))
		}
	}
}
