package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: what a person sees and types on, and the end
// that a program reads.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func awaitEcho(t *testing.T, f *os.File, want bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); echoes(t, f) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the terminal never got to echo=%v", want)
		}
	}
}

// What is typed is not shown, and Ctrl-C gives the terminal back as it was.
func TestPassphraseIsHidden(t *testing.T) {
	person, program := terminal(t)
	var shown bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() { io.Copy(&shown, person) })
	passphrase := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(passphrase, []byte("typed by hand"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "keys")
	if code, _, told := typed("key", "create", "a", "--keys", dir, "--passphrase-file", passphrase); code != exitDone {
		t.Fatal(told)
	}
	list := func(ctx context.Context) int {
		return Run(ctx, []string{"key", "list", "--keys", dir}, Streams{In: program, Out: program, Err: program})
	}
	ended := make(chan int, 1)
	go func() { ended <- list(t.Context()) }()
	awaitEcho(t, program, false)
	if _, err := person.WriteString("typed by hand\n"); err != nil {
		t.Fatal(err)
	}
	if code := <-ended; code != exitDone {
		t.Errorf("exit %d", code)
	}
	awaitEcho(t, program, true)

	ctx, interrupt := context.WithCancel(t.Context())
	go func() { ended <- list(ctx) }()
	awaitEcho(t, program, false)
	interrupt()
	if code := <-ended; code == exitDone {
		t.Error("interrupted, and done")
	}
	if !echoes(t, program) {
		t.Error("the terminal stays dumb after Ctrl-C")
	}
	person.WriteString("\n") // lets the abandoned read go
	program.Close()
	person.Close()
	reading.Wait()
	if got := shown.String(); strings.Contains(got, "typed") || !strings.Contains(got, "passphrase of "+dir) {
		t.Errorf("shown: %q", got)
	}
}
