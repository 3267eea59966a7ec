package process

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// tryContainer runs a container that does nothing but change its root: it
// proves that namespaces and overlays work here.
func (r *Runtime) tryContainer() error {
	dir, err := os.MkdirTemp(r.groupsDir(), "try-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	lower := filepath.Join(dir, "lower")
	if err := os.Mkdir(lower, 0o755); err != nil {
		return err
	}
	pause, err := r.spawner.startRole(roleCommand(namePause, pauseFlags))
	if err != nil {
		return err
	}
	defer pause.kill()
	if err := pause.order(pauseOrders{Hostname: "try"}); err != nil {
		return err
	}
	if err := pause.refusal(); err != nil {
		return err
	}
	return r.tryInit(initOrders{Pause: pause.cmd.Process.Pid, Lower: lower, Scratch: dir, Try: true})
}

func (r *Runtime) tryInit(orders initOrders) error {
	cmd := roleCommand(nameInit, unix.CLONE_NEWPID)
	started, err := r.spawner.startRole(cmd)
	if err != nil {
		return err
	}
	if err := started.order(orders); err != nil {
		started.kill()
		return err
	}
	refused := started.refusal()
	_ = cmd.Wait()
	return refused
}
