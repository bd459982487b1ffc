// Package softhsm gives tests a token of SoftHSM 2, a PKCS #11 module in
// software. It is for tests alone.
package softhsm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Token and PIN are those of every token.
const (
	Token = "house"
	PIN   = "5 made up"
)

// Start makes an empty token in dir and points this process, and those that it
// starts, to it. SoftHSM reads that once in a process: call it before the
// module is loaded.
func Start(dir string) (module string, err error) {
	found, _ := filepath.Glob("/usr/lib/*/softhsm/libsofthsm2.so")
	for _, path := range append(found, "/usr/lib/softhsm/libsofthsm2.so") {
		if _, err := os.Stat(path); err == nil {
			module = path
		}
	}
	if module == "" {
		return "", fmt.Errorf("no SoftHSM 2 here: install softhsm2 (test/prerequisites.sh does as root on Debian)")
	}
	conf := filepath.Join(dir, "softhsm2.conf")
	text := fmt.Appendf(nil, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", dir)
	if err := os.WriteFile(conf, text, 0o600); err != nil {
		return "", err
	}
	if err := os.Setenv("SOFTHSM2_CONF", conf); err != nil {
		return "", err
	}
	out, err := exec.Command("softhsm2-util", "--init-token", "--free", "--label", Token, "--so-pin", "so secret", "--pin", PIN).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("make token: %w: %s", err, out)
	}
	return module, err
}
