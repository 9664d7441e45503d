package demo

import (
	"os/exec"
	"syscall"
)

// diesWithUs has the kernel kill the child when the demo dies, however that happens, and keeps a terminal's Ctrl-C to
// the demo alone.
func diesWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
