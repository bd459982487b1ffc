//go:build unix

package sqldbtest

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// serverUser is who runs the server: PostgreSQL refuses to run as root, so
// root hands over to postgres or nobody. Anyone else runs it as themselves.
func serverUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.ParseUint(u.Uid, 10, 32)
		gid, errG := strconv.ParseUint(u.Gid, 10, 32)
		if errU == nil && errG == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("running as root, and there is no user postgres or nobody")
}

func handOver(dir string) error {
	c, err := serverUser()
	if err != nil || c == nil {
		return err
	}
	return os.Chown(dir, int(c.Uid), int(c.Gid))
}

// asServerUser also takes the command out of the terminal's process group: on
// Ctrl-C the watchdog must outlive the tests by the moment it needs to clean up.
func asServerUser(cmd *exec.Cmd) *exec.Cmd {
	c, _ := serverUser() // handOver has reported the error
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c, Setpgid: true}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	return cmd
}
