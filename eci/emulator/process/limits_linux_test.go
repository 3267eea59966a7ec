package process_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator/process"
)

func TestAContainerThatTakesTooMuchMemoryIsKilledOrTheRuntimeSaidThatItHasNoLimits(t *testing.T) {
	var mu sync.Mutex
	var said strings.Builder
	c := mustCloud(t, func(config *process.Config) {
		config.Logf = func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&said, format+"\n", args...)
		}
	})
	mu.Lock()
	unlimited := strings.Contains(said.String(), "without limits")
	mu.Unlock()
	if unlimited {
		return // the machine has no cgroups for us, and that was said
	}
	request := group("greedy", shell("main", "x=$(yes)"))
	request.Containers[0].Memory, request.Containers[0].CPU = 0.25, 1
	got, _ := c.mustEnd(t, c.mustCreate(t, request))
	if state := got.Containers[0].CurrentState; got.Status != eci.StatusFailed || state.ExitCode != 137 || state.Reason != "OOMKilled" {
		t.Errorf("%s: %+v, want 137 for OOMKilled", got.Status, state)
	}
}
