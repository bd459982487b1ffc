package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"
)

// Show writes what would run with the configuration at path, and every value
// with its defaults. Files are named, never read.
func (c *Config) Show(w io.Writer, path string, env map[string]string) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		dir = "/"
	}
	for _, command := range Commands {
		switch lacks := c.Lacks(command); {
		case len(lacks) == 0:
			fmt.Fprintf(w, "%-8s would run\n", command)
		default:
			fmt.Fprintf(w, "%-8s would not run: the file has no section %s\n", command, strings.Join(lacks, ", "))
		}
	}
	fmt.Fprintln(w)
	walk(reflect.ValueOf(c).Elem(), "", func(path string, v reflect.Value) {
		from := ""
		if _, name := outside(env, path); name != "" {
			from = " (from " + name + ")"
		}
		fmt.Fprintf(w, "%s = %s%s\n", path, show(v, dir), from)
	})
}

func show(v reflect.Value, dir string) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return x.String()
	case bool, int, float64:
		return fmt.Sprint(x)
	case File, Dir:
		return relative(dir, v.String())
	case SecretFile:
		return "secret in " + relative(dir, v.String())
	}
	if file, ok := strings.CutPrefix(v.String(), "sqlite:"); ok {
		return "sqlite:" + relative(dir, file)
	}
	return v.String()
}

// walk visits every value that is set, in the order of the struct.
func walk(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), path, visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field, _ := name(v.Type().Field(i))
			walk(v.Field(i), join(path, field), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	default:
		if v.Kind() == reflect.Bool || !v.IsZero() {
			visit(path, v)
		}
	}
}

// Missing names the files and folders that the configuration names and this
// machine does not have, the secrets that others can read, and the keys that
// this program was not built to reach.
func (c *Config) Missing() (problems []error) {
	problems = c.unreachable()
	walk(reflect.ValueOf(c).Elem(), "", func(path string, v reflect.Value) {
		var err error
		switch x := v.Interface().(type) {
		case SecretFile:
			err = x.Check()
		case File, Dir:
			_, err = os.Stat(v.String())
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", path, err))
		}
	})
	return problems
}

// Check refuses a secret that every user of the machine can read. The group
// may: that is how Kubernetes hands secrets to a process that is not root.
func (f SecretFile) Check() error {
	info, err := os.Stat(string(f))
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o027 != 0 {
		return fmt.Errorf("%s can be read by others or written by its group: chmod 600 it", f)
	}
	return nil
}

// Read reads a secret.
func (f SecretFile) Read() ([]byte, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	return os.ReadFile(string(f))
}

// Seed reads a secret of 32 bytes that are not all zero.
func (f SecretFile) Seed() ([]byte, error) {
	b, err := f.Read()
	if err == nil && (len(b) != 32 || [32]byte(b) == [32]byte{}) {
		err = fmt.Errorf("%s: want 32 random bytes, such as \"head -c 32 /dev/urandom\" makes", f)
	}
	return b, err
}

// Line reads a secret of one line.
func (f SecretFile) Line() (string, error) {
	b, err := f.Read()
	text := strings.TrimRight(string(b), "\r\n")
	if err == nil && (text == "" || strings.ContainsAny(text, "\r\n")) {
		err = fmt.Errorf("%s: want one line", f)
	}
	return text, err
}
