//go:build unix

package temporalserver

import (
	"os"
	"syscall"
)

// lockFile holds until the file is closed, or the process ends in whatever way.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
