package cli

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// A journal names what was issued, a key a line, beside the register's file.
// A line that a kill cut short is issued once more, which changes nothing.
type journal struct {
	mu   sync.Mutex
	file *os.File
	done map[[16]byte]bool
}

func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal of the import: %w", err)
	}
	j := &journal{file: f, done: map[[16]byte]bool{}}
	torn, err := j.read()
	if err == nil && torn {
		_, err = f.WriteString("\n")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read the journal of the import: %w", err)
	}
	return j, nil
}

// read says whether the last line was cut short.
func (j *journal) read() (torn bool, err error) {
	in := bufio.NewReader(j.file)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return line != "", nil
		}
		if err != nil {
			return false, err
		}
		if key, err := hex.DecodeString(strings.TrimSuffix(line, "\n")); err == nil && len(key) == 16 {
			j.done[[16]byte(key)] = true
		}
	}
}

func (j *journal) has(key [16]byte) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done[key]
}

func (j *journal) len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.done)
}

// add keeps the keys of rows, in one write.
func (j *journal) add(keys [][16]byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var text strings.Builder
	for _, k := range keys {
		j.done[k] = true
		text.WriteString(hex.EncodeToString(k[:]) + "\n")
	}
	if _, err := j.file.WriteString(text.String()); err != nil {
		return fmt.Errorf("write the journal of the import: %w", err)
	}
	return nil
}

func (j *journal) close() { j.file.Close() }
