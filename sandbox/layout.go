package sandbox

import "path/filepath"

// layout names the files of a sandbox directory.
type layout struct{ dir, binDir string }

func (l layout) state() string      { return filepath.Join(l.dir, "state") } // etcd's data, certificates
func (l layout) logs() string       { return filepath.Join(l.dir, "log") }
func (l layout) kubeconfig() string { return filepath.Join(l.dir, "kubeconfig") }

// containers has the images and files of containers that run for real.
func (l layout) containers() string { return filepath.Join(l.dir, "containers") }

func (l layout) vnodeKubeconfig() string { return filepath.Join(l.dir, "eci-vnode.kubeconfig") }
func (l layout) metricsKubeconfig() string {
	return filepath.Join(l.dir, metricsServerName+".kubeconfig")
}
func (l layout) emulatorEnv() string { return filepath.Join(l.dir, "emulator.env") }

// pidFile is that of a program, the sandbox itself included.
func (l layout) pidFile(program string) string { return filepath.Join(l.dir, program+".pid") }
func (l layout) logFile(program string) string { return filepath.Join(l.logs(), program+".log") }

func (l layout) program(name string) string { return filepath.Join(l.binDir, name) }

// volatile is what must not outlive a run: it would describe a cluster that is gone.
func (l layout) volatile() []string {
	return []string{l.state(), l.kubeconfig(), l.vnodeKubeconfig(), l.metricsKubeconfig(), l.emulatorEnv()}
}

// children are the programs that a sandbox runs beside itself: the name of
// their files, and of the program.
func (l layout) children() map[string]string {
	return map[string]string{
		apiServerName: l.program("eci-sandbox"), metricsServerName: l.program("eci-sandbox"),
		emulatorName: l.program("eci-emulator"), vnodeName: l.program("eci-vnode"),
	}
}

// The names that the files of one process share.
const (
	sandboxName      = "sandbox"
	controlPlaneName = "control-plane"
	apiServerName    = "kube-apiserver" // with APIServerApart
	// metricsServerName is there with MetricsServerPort.
	metricsServerName = "metrics-server"
	emulatorName      = "emulator"
	vnodeName         = "eci-vnode"
)
