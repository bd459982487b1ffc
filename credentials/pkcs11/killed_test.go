//go:build pkcs11 && cgo

package pkcs11

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/pkcs11"

	"github.com/countersign-health/countersign/credentials"
)

// beKilled is another process that prepares a key, or promotes it, and is
// killed before its nth change of the token.
func beKilled() {
	n, err := strconv.Atoi(os.Getenv("COUNTERSIGN_TEST_KILLED"))
	beforeWrite = func() {
		if n--; n == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	module = os.Getenv("COUNTERSIGN_TEST_MODULE")
	c := config(os.Getenv("COUNTERSIGN_TEST_KEY"))
	if err == nil {
		if kid := os.Getenv("COUNTERSIGN_TEST_PROMOTE"); kid != "" {
			err = Promote(c, kid)
		} else {
			_, err = Prepare(c)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// killed says whether the process came as far as its nth change.
func killed(t *testing.T, n int, key, promote string) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "COUNTERSIGN_TEST_KILLED="+strconv.Itoa(n), "COUNTERSIGN_TEST_MODULE="+module,
		"COUNTERSIGN_TEST_KEY="+key, "COUNTERSIGN_TEST_PROMOTE="+promote)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return false
}

// eachStep kills a process before its first change, and one after each, and
// says how many were killed until one was done.
func eachStep(t *testing.T, key, promote string, check func(changes int)) (kills int) {
	t.Helper()
	for n := 1; killed(t, n, key, promote); n = 2 {
		if check(kills); kills > 10 {
			t.Fatal("it is never done")
		}
		kills++
	}
	return kills
}

func kidOf(t *testing.T, open func(Config) (Signer, error), key string) string {
	t.Helper()
	s, err := open(config(key))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.KeyID()
}

// listed are the labels and ids of all that goes by a name.
func listed(t *testing.T, name string) map[State][]Key {
	t.Helper()
	all, err := List(config(""))
	if err != nil {
		t.Fatal(err)
	}
	by := map[State][]Key{}
	for _, k := range all {
		if k.Name == name {
			by[k.State] = append(by[k.State], k)
		}
	}
	return by
}

// A process is killed before every change that a handover makes, twice over:
// of a first key, and of one that followed. Whatever it left, the same key is
// prepared, the same key is found to be replaced, and in the end the next one
// signs under the label and the old one under its own.
func TestHandoverKilled(t *testing.T) {
	made := create(t, "killed")
	did, _ := credentials.SignerDID(made)
	kids := []string{made.KeyID()}
	for round := range 2 {
		old := kids[round]
		prepared := ""
		kills := eachStep(t, "killed", "", func(n int) {
			if got := kidOf(t, Open, "killed"); got != old {
				t.Errorf("round %d, prepare killed after %d changes: %s signs, want %s", round, n, got, old)
			}
			for _, k := range listed(t, "killed")[Next] {
				if prepared != "" && k.Label != prepared {
					t.Errorf("round %d, prepare killed after %d changes: another key is made, %s after %s", round, n, k.Label, prepared)
				}
				prepared = k.Label
				if (n == 1) != (k.Fault != nil) { // it does not say yet whose it is
					t.Errorf("round %d, prepare killed after %d changes: listed %+v", round, n, k)
				}
			}
		})
		if kills != 3 {
			t.Errorf("round %d: prepared after %d kills, want 3", round, kills)
		}
		next := kidOf(t, Prepare, "killed")
		if !strings.HasPrefix(next, string(did)+"#z6Mk") || slices.Contains(kids, next) {
			t.Fatalf("round %d: prepared %s after %s", round, next, kids)
		}
		if got := listed(t, "killed")[Next]; len(got) != 1 || got[0].KeyID != next {
			t.Errorf("round %d: prepared %+v, want one, %s", round, got, next)
		}

		kills = eachStep(t, "killed", next, func(n int) {
			s, err := Open(config("killed"))
			switch {
			case n == 1: // neither
				if err == nil || !strings.Contains(err.Error(), "countersign key rotate was cut off, do it again") {
					t.Errorf("round %d, promote killed after 1 change: got %v, want to be told to do it again", round, err)
				}
			case err != nil:
				t.Errorf("round %d, promote killed after %d changes: %v", round, n, err)
			case s.KeyID() != map[bool]string{true: old, false: next}[n == 0]:
				t.Errorf("round %d, promote killed after %d changes: %s signs", round, n, s.KeyID())
			}
			if got := kidOf(t, Replaced, "killed"); got != old {
				t.Errorf("round %d, promote killed after %d changes: %s is to be replaced, want %s", round, n, got, old)
			}
			if got := kidOf(t, Prepare, "killed"); got != next {
				t.Errorf("round %d, promote killed after %d changes: %s is prepared, want %s", round, n, got, next)
			}
		})
		if kills != 4 {
			t.Errorf("round %d: promoted after %d kills, want 4", round, kills)
		}
		if err := Promote(config("killed"), next); err != nil {
			t.Errorf("round %d: promote again: %v", round, err)
		}
		kids = append(kids, next)
		for _, open := range []func(Config) (Signer, error){Open, Replaced} {
			if got := kidOf(t, open, "killed"); got != next {
				t.Errorf("round %d: %s signs, want %s", round, got, next)
			}
		}
	}
	got := listed(t, "killed")
	if len(got[Signs]) != 1 || got[Signs][0].KeyID != kids[2] || len(got[Next]) != 0 || len(got[Retired]) != 2 {
		t.Errorf("in the end %+v, want %s", got, kids)
	}
	for _, k := range got[Retired] { // kept, and still what it was
		_, multikey, _ := credentials.ParseKeyID(k.KeyID)
		if k.Fault != nil || !slices.Contains(kids[:2], k.KeyID) || k.Label != "killed (was "+multikey+")" {
			t.Errorf("retired %+v, want %s", k, kids[:2])
		}
	}
	for class, want := range map[uint]int{pkcs11.CKO_PRIVATE_KEY: 3, pkcs11.CKO_PUBLIC_KEY: 3} {
		if got := labels(t, made, class, "killed"); len(got) != want || slices.Compact(got)[0] != "killed" {
			t.Errorf("halves of class %d: %q, want %d", class, got, want)
		}
	}
}

// labels are those of the halves that go by a name.
func labels(t *testing.T, made *token, class uint, name string) (labels []string) {
	t.Helper()
	s := &session{}
	if err := made.login(s, 0); err != nil {
		t.Fatal(err)
	}
	defer made.drop(s)
	all, err := made.halves(s, class)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range all {
		if of, _, _ := parseLabel(h.label); of == name {
			labels = append(labels, h.label)
		}
	}
	return labels
}
