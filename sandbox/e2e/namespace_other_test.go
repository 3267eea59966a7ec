//go:build !linux

package e2e

import "syscall"

// nodeIP is empty without a namespace: eci-sandbox chooses the machine's address.
const nodeIP = ""

// isolate does nothing where there are no network namespaces: the tests need
// the sandbox's default ports to be free.
func isolate() (exitCode int, isolated bool, err error) { return 0, false, nil }

func diesWithUs() *syscall.SysProcAttr { return nil }

// isZombie cannot tell here.
func isZombie(int) bool { return false }
