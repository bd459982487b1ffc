//go:build !unix

package sqldbtest

import "os/exec"

func handOver(string) error { return nil }

func asServerUser(cmd *exec.Cmd) *exec.Cmd { return cmd }
