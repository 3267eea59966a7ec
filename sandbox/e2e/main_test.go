package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// shared is the sandbox of all tests but those of the sandbox itself. It lets
// requests to the kubelet port go without credentials as far as authorization,
// which one suite needs.
var shared *sandbox

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func runAll(m *testing.M) (int, error) {
	code, done, err := isolate()
	if done || err != nil {
		return code, err
	}
	dir, err := os.MkdirTemp("", "eci-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	settings := filepath.Join(dir, "eci-vnode.yaml")
	if err := os.WriteFile(settings, []byte(eipSettings), 0o600); err != nil {
		return 0, err
	}
	shared, err = startSandbox(dir, "--vnode-arg=--anonymous-auth", "--vnode-arg=--config="+settings, "--runtime=simulated", "--emulator-arg=--delays=fast",
		"--emulator-arg=--vswitch="+secondVSwitch+"="+sandboxZone+":10.21.0.0/16", "--emulator-arg=--security-group="+secondSecurityGroup)
	if err != nil {
		return 0, err
	}
	code = m.Run()
	if code != 0 {
		shared.dumpLogs(os.Stderr)
	}
	return code, shared.stop()
}
