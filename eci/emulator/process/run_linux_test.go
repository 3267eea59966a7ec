package process_test

import (
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

func TestAContainerPrintsAndEndsWithItsCode(t *testing.T) {
	c := mustCloud(t)
	got, log := c.mustEnd(t, c.mustCreate(t, group("once", shell("main", "echo out; echo err >&2; exit 7"))))
	state := got.Containers[0].CurrentState
	if got.Status != eci.StatusFailed || state.ExitCode != 7 || log != "out\nerr\n" {
		t.Errorf("%s, %+v, log %q", got.Status, state, log)
	}
	if !hasEvent(got, "ImageStandIn") {
		t.Errorf("no event tells of the stand-in image: %+v", got.Events)
	}
}

func TestContainersSeeTheirSurroundings(t *testing.T) {
	c := mustCloud(t)
	request := group("seen", shell("main", `hostname; echo $COLOUR $IP; cat /etc/hosts; pwd; id -u; ps | wc -l`))
	main := &request.Containers[0]
	main.EnvironmentVars = []eci.EnvironmentVar{{Key: "COLOUR", Value: "blue"}, {Key: "IP", FieldRef: &eci.FieldRef{FieldPath: eci.FieldPathPodIP}}}
	main.WorkingDir = "/tmp/made"
	request.HostAliases = []eci.HostAlias{{IP: "1.2.3.4", Hostnames: []string{"alias.test"}}}
	id := c.mustCreate(t, request)
	got, log := c.mustEnd(t, id)
	for _, want := range []string{"seen\n", "blue " + got.IntranetIP + "\n", "1.2.3.4\talias.test", "\n/tmp/made\n0\n4\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}
