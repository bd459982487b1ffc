//go:build linux && houses

package outages

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// diskFull moves the ledger's database to a small disk of its own, fills that
// while claims are recorded, and makes room again.
func diskFull(v *town, files []string) {
	small := filepath.Join(v.Dir, "small")
	if err := os.Mkdir(small, 0o711); err != nil {
		v.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=64m,mode=0711"); err != nil {
		v.bill(files, now)
		v.Skipf("a full disk takes a mount of a small one, which is not permitted here: %v", err)
	}
	v.after = append(v.after, func() { syscall.Unmount(small, syscall.MNT_DETACH) })
	v.moveLedger(filepath.Join(small, "data"))
	v.meanwhile(files, func() {
		fill(v, filepath.Join(small, "filler"))
		v.until("the ledger to say that its disk is full", func() bool { return strings.Contains(string(v.Log("ledger")), "No space left on device") })
		before := v.ledgerSize()
		time.Sleep(5 * time.Second)
		if after := v.ledgerSize(); after < before { // reading goes on, and nothing is taken back
			v.Errorf("the ledger has %d final entries, and had %d before", after, before)
		}
		waiting := v.count(`SELECT count(*) FROM outbox WHERE recorded = 0`)
		if waiting == 0 {
			v.Error("nothing waits for the ledger: its disk was not full")
		}
		v.Logf("%d decisions waited for room on the ledger's disk", waiting)
		if err := os.Remove(filepath.Join(small, "filler")); err != nil {
			v.Fatal(err)
		}
	})
}

// moveLedger puts the ledger's database into a folder.
func (v *town) moveLedger(folder string) {
	v.Helper()
	info, err := os.Stat(filepath.Join(v.Dir, "volumes", "postgres"))
	if err != nil {
		v.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Chown(folder, int(owner.Uid), int(owner.Gid))); err != nil {
		v.Fatal(err)
	}
	if err := v.Stop(v.Context(), "ledger"); err != nil {
		v.Fatal(err)
	}
	db := v.database("postgres", "postgres")
	for _, command := range []string{
		`CREATE TABLESPACE small LOCATION '` + folder + `'`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ledger'`,
		`ALTER DATABASE ledger SET TABLESPACE small`,
	} {
		if _, err := db.ExecContext(v.Context(), command); err != nil {
			v.Fatalf("%s: %v", command, err)
		}
	}
	if err := errors.Join(v.Houses.Run("ledger"), v.Await(v.Context(), "ledger")); err != nil {
		v.Fatal(err)
	}
}

// fill writes until there is no room.
func fill(v *town, name string) {
	v.Helper()
	f, err := os.Create(name)
	if err != nil {
		v.Fatal(err)
	}
	defer f.Close()
	_, err = io.Copy(f, zeros{})
	if !errors.Is(err, syscall.ENOSPC) {
		v.Fatalf("fill the disk: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func (v *town) ledgerSize() int64 {
	v.Helper()
	head, _, err := v.ledger().Head(v.Context())
	if err != nil {
		v.Fatal(err)
	}
	return head.Size
}
