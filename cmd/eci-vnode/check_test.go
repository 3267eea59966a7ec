package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/check"
)

// checkWith runs `check` in a world that has these variables.
func checkWith(t *testing.T, env map[string]string, args ...string) (stdout string, status int, err error) {
	t.Helper()
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	var out, errOut bytes.Buffer
	err = execute(t.Context(), append([]string{"check"}, args...), lookup, &out, &errOut)
	return out.String(), exitStatus(err), err
}

func TestTheExitStatusSaysWhatCheckFound(t *testing.T) {
	good := newEmulator(t, unchanged)
	denied := newEmulator(t, func(c *emulator.Config) { c.Credentials[0].Denied = []string{eci.ActionDeleteContainerGroup} })
	for name, c := range map[string]struct {
		env    map[string]string
		args   []string
		status int
		says   string
	}{
		"all is well":          {good, []string{"--only", "cloud"}, 0, ""},
		"a missing permission": {denied, []string{"--only", "cloud"}, statusFound, "1 checks failed"},
		"no settings":          {nil, []string{"--only", "cloud"}, statusNoAnswer, "eci.vSwitchIDs"},
		"a secret that is missing": {map[string]string{"ECI_REGION": "cn-hangzhou", "ECI_VSWITCH": "vsw-1", "ECI_SECURITY_GROUP": "sg-1", "ECI_ACCESS_KEY": "id"},
			[]string{"--only", "cloud"}, statusNoAnswer, "ECI_SECRET_KEY not set"},
		"an unknown area":        {good, []string{"--only", "moon"}, statusNoAnswer, "--only"},
		"an unknown output":      {good, []string{"-o", "xml"}, statusNoAnswer, "--output"},
		"an unknown flag":        {good, []string{"--nope"}, statusNoAnswer, "--nope"},
		"a kubeconfig not there": {good, []string{"--kubeconfig", "nowhere"}, statusNoAnswer, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			out, status, err := checkWith(t, c.env, c.args...)
			if status != c.status || c.says != "" && !strings.Contains(err.Error(), c.says) {
				t.Errorf("status %d, %v\n%s", status, err, out)
			}
		})
	}
}

func TestCheckWritesATableOrJSON(t *testing.T) {
	env := newEmulator(t, unchanged)
	env["ECI_SECURITY_GROUP"] = "sg-nowhere"
	table, _, _ := checkWith(t, env, "--only", "cloud")
	if !strings.Contains(table, "-> check --security-group") || !strings.Contains(table, "1 failed") {
		t.Errorf("table:\n%s", table)
	}
	text, _, _ := checkWith(t, env, "--only", "cloud", "-o", "json")
	var report check.Report
	if err := json.Unmarshal([]byte(text), &report); err != nil || report.Failed() != 1 {
		t.Errorf("%v in\n%s", err, text)
	}
}

func TestCheck_ShowsTheIdentityInUse(t *testing.T) {
	env := newEmulator(t, unchanged)
	env["ALIBABA_CLOUD_ECS_METADATA"] = "another"
	out, _, err := checkWith(t, env, "--only", "cloud")
	if err != nil || !strings.Contains(out, "of ECI_ACCESS_KEY") || !strings.Contains(out, "also configured in: RAM role another") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(out, env["ECI_SECRET_KEY"]) {
		t.Errorf("the secret is shown:\n%s", out)
	}
}
