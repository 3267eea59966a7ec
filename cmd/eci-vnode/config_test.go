package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// load runs the configuration part of `run` with args, env and a config file.
func load(t *testing.T, file string, env map[string]string, args ...string) (Config, error) {
	t.Helper()
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	var got Config
	var loadErr error
	cmd := newRunCommand(lookup)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		got, loadErr = loadConfig(cmd, lookup)
		return nil
	}
	if file != "" {
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	cmd.SetArgs(args)
	cmd.SetErr(&bytes.Buffer{})
	if err := cmd.Execute(); err != nil {
		return got, err
	}
	return got, loadErr
}

var firstProvidersEnvironment = map[string]string{
	"ECI_REGION": "cn-hangzhou", "ECI_VSWITCH": "vsw-1, vsw-2", "ECI_SECURITY_GROUP": "sg-1", "ECI_CLUSTER_NAME": "shop",
	"ECI_ACCESS_KEY": "id", "ECI_SECRET_KEY": "secret", "ECI_QUOTA_CPU": "20", "ECI_QUOTA_MEMORY": "100Gi", "ECI_QUOTA_POD": "20",
	"KUBELET_PORT": "10251", "VKUBELET_POD_IP": "10.0.0.7", "VKUBELET_TAINT_KEY": "k", "VKUBELET_TAINT_VALUE": "v",
	"VKUBELET_TAINT_EFFECT": "NoExecute", "DEFAULT_NODE_NAME": "vk-1",
}

func TestAManifestOfTheFirstProviderIsUnderstood(t *testing.T) {
	c, err := load(t, "", firstProvidersEnvironment, "--provider", "alibabacloud", "--namespace", "default", "--enable-node-lease")
	if err != nil {
		t.Fatal(err)
	}
	node := vnodeConfig(c)
	if node.Node.Name != "vk-1" || node.Node.InternalIP != "10.0.0.7" || node.Kubelet.Port != 10251 {
		t.Errorf("node: %+v", node.Node)
	}
	want := corev1.Taint{Key: "k", Value: "v", Effect: corev1.TaintEffectNoExecute}
	if len(node.Node.Taints) != 1 || node.Node.Taints[0] != want {
		t.Errorf("taints: %+v", node.Node.Taints)
	}
	if cpu := node.Node.Capacity.Cpu().String(); cpu != "20" {
		t.Errorf("cpu: %s", cpu)
	}
	if pods := node.Node.Capacity.Pods().String(); pods != "20" {
		t.Errorf("pods: %s", pods)
	}
	p := providerConfig(c)
	if got := strings.Join(p.Request.VSwitchIDs, "+"); got != "vsw-1+vsw-2" {
		t.Errorf("vSwitches: %s", got)
	}
	if p.Request.Tags["ClusterName"] != "shop" || p.Request.ClusterID != "" {
		t.Errorf("the cluster's name is a tag and no identity: %+v", p.Request)
	}
}

func TestAFlagBeatsTheEnvironmentWhichBeatsTheFile(t *testing.T) {
	file := "nodeName: from-file\neci:\n  region: r-file\n  vSwitchIDs: [vsw-file]\n  securityGroupID: sg-file\n"
	env := map[string]string{"ECI_REGION": "r-env", "DEFAULT_NODE_NAME": "from-env"}
	c, err := load(t, file, env, "--nodename", "from-flag", "--zone", "r-env-z")
	if err != nil {
		t.Fatal(err)
	}
	if c.NodeName != "from-flag" || c.ECI.Region != "r-env" || c.ECI.VSwitchIDs[0] != "vsw-file" {
		t.Errorf("got %q %q %q", c.NodeName, c.ECI.Region, c.ECI.VSwitchIDs)
	}
	if zone := vnodeConfig(c).Node.Zone; zone != "r-env-z" || providerConfig(c).Request.ZoneID != "" {
		t.Errorf("the zone is a label of the node only: %q, %q", zone, providerConfig(c).Request.ZoneID)
	}
	if c.Kubelet.Port != 10250 || c.Taint.Key != "virtual-kubelet.io/provider" || c.Taint.Value != "alibabacloud" {
		t.Errorf("defaults are lost: %+v %+v", c.Kubelet, c.Taint)
	}
}

func TestEveryProblemIsReportedAtOnceWithItsPath(t *testing.T) {
	_, err := load(t, "nodeName: Not_A_Name\nlog:\n  format: xml\nsync: {lostGrace: 0s, orphanGrace: -1s, massOrphanGrace: 0s}\n", map[string]string{"KUBELET_PORT": "70000", "ECI_QUOTA_CPU": "many"},
		"--provider", "azure", "--internal-ip", "nowhere", "--tls-cert-file", "x")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"eci.region", "eci.vSwitchIDs", "eci.securityGroupID", "nodeName", "log.format", "internalIP", "kubelet.tlsCertFile", "sync.lostGrace", "sync.orphanGrace", "sync.massOrphanGrace",
		"KUBELET_PORT", "ECI_QUOTA_CPU", "--provider", "ECI_SECURITY_GROUP",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in:\n%v", want, err)
		}
	}
}

func TestAnUnknownKeyOfTheFileIsRefused(t *testing.T) {
	_, err := load(t, "nodeNmae: typo\n", nil)
	if err == nil || !strings.Contains(err.Error(), "nodeNmae") {
		t.Errorf("got %v", err)
	}
}

func TestHelpTeachesWithoutCredentialsOrACluster(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	for _, args := range [][]string{{}, {"--help"}, {"run", "--help"}} {
		var out bytes.Buffer
		if err := execute(context.Background(), args, none, &out, &out); err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		if !strings.Contains(out.String(), "--vswitch") {
			t.Errorf("%q does not teach:\n%s", args, out.String())
		}
	}
}

func TestFlagsWithoutASubcommandRun(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	var out bytes.Buffer
	err := execute(context.Background(), []string{"--provider", "alibabacloud"}, none, &out, &out)
	if err == nil || !strings.Contains(err.Error(), "ECI_REGION") {
		t.Errorf("want the errors of run, got %v", err)
	}
}

func TestAnUnknownSubcommandIsAnError(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	var out bytes.Buffer
	if err := execute(context.Background(), []string{"rnu"}, none, &out, &out); err == nil {
		t.Error("accepted")
	}
}

func TestTheFileInTheDocumentationIsValid(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	file, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("docs/configuration.md has no YAML block")
	}
	c, err := load(t, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.ECI.SecurityGroupID != "sg-1" || c.Sync.Repair.Duration.String() != "2m0s" {
		t.Errorf("got %+v", c)
	}
}

func TestWhatPodsMayAskForReachesTheTranslation(t *testing.T) {
	file := "pods: {maxEnvValue: 0, hostPathAllowed: true, bandwidthUnit: byte, hardening: refuse, updateFiles: true, refresh: 5m}\n"
	c, err := load(t, file, firstProvidersEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	got := providerConfig(c)
	if r := got.Request; r.MaxEnvValue != 0 || !r.HostPathAllowed || r.BandwidthUnit != "byte" || r.Hardening != "refuse" {
		t.Errorf("%+v", r)
	}
	if !got.UpdateFiles || got.Refresh != 5*time.Minute {
		t.Errorf("files: %t every %s", got.UpdateFiles, got.Refresh)
	}
	_, err = load(t, "pods: {maxEnvValue: -1, bandwidthUnit: nibble, hardening: maybe, refresh: 0s}\n", firstProvidersEnvironment)
	for _, path := range []string{"pods.maxEnvValue", "pods.bandwidthUnit", "pods.hardening", "pods.refresh"} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not named by %v", path, err)
		}
	}
}

func TestANodeTakesItsShareOfEveryRate(t *testing.T) {
	cfg, err := load(t, "", firstProvidersEnvironment, "--budget-share=0.25")
	if err != nil || cfg.ECI.BudgetShare != 0.25 {
		t.Errorf("share %v, %v", cfg.ECI.BudgetShare, err)
	}
	if got, want := shareOf(openapi.Rate{PerSecond: 20, Burst: 98}, 0.25), (openapi.Rate{PerSecond: 5, Burst: 24}); got != want {
		t.Errorf("a quarter is %+v, want %+v", got, want)
	}
	if got := shareOf(openapi.Rate{PerSecond: 1, Burst: 2}, 0.1); got.Burst != 1 {
		t.Errorf("no call may leave: %+v", got)
	}
	for _, bad := range []string{"0", "-1", "1.5", "NaN", "half"} {
		if _, err := load(t, "", firstProvidersEnvironment, "--budget-share="+bad); err == nil || !strings.Contains(err.Error(), "udget") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestAnElectionIsCheckedWhenItIsWanted(t *testing.T) {
	const bad = "leaderElection: {enabled: true, namespace: Bad, renewDeadline: 1h}\n"
	if _, err := load(t, bad, firstProvidersEnvironment); err == nil || !strings.Contains(err.Error(), "leaderElection") || !strings.Contains(err.Error(), "renewDeadline") {
		t.Errorf("got %v", err)
	}
	env := maps.Clone(firstProvidersEnvironment)
	env["POD_NAME"], env["POD_NAMESPACE"] = "eci-vnode-0", "nodes"
	cfg, err := load(t, "", env, "--leader-elect")
	if err != nil {
		t.Fatal(err)
	}
	if got := electionConfig(cfg, "made up"); got.Identity != "eci-vnode-0" || got.Namespace != "nodes" || got.Name != "eci-vnode-"+cfg.NodeName {
		t.Errorf("%+v", got)
	}
}

func TestPermissions_ReachTheTranslationAndAreValidated(t *testing.T) {
	file := "permissions: {allow: {securityGroups: []}, rules: [{namespaces: [team-*], allow: {ramRoles: [reader]}}]}\n"
	c, err := load(t, file, firstProvidersEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	got := providerConfig(c).Request.Permissions
	if !got.Allows("team-a", request.RAMRoles, "reader") || got.Allows("shop", request.RAMRoles, "reader") || got.Allows("shop", request.SecurityGroups, "sg-1") {
		t.Errorf("%+v", got)
	}
	_, err = load(t, "permissions: {allow: {roles: ['*']}, rules: [{}]}\n", firstProvidersEnvironment)
	for _, path := range []string{"permissions.allow", "permissions.rules[0].namespaces", "permissions.rules[0].allow"} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not named by %v", path, err)
		}
	}
}

func TestConfig_AllProblemsAreReportedALineEach(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		args []string
		want []string
	}{
		"unknown keys": {"foo: 1\nkubelet: {limits: {maxConections: 1}}\nlog: {level: loud}\n", []string{"--kubelet-port", "70000", "--leader-elect=maybe"},
			[]string{"foo: Forbidden: unknown key", "kubelet.limits.maxConections: Forbidden: unknown key", `--kubelet-port: Invalid value: "70000": must be a port`,
				`--leader-elect: Invalid value: "maybe": must be true or false`, `log.level: Unsupported value: "loud": supported values: "error", "warn", "info"`, "eci.region: Required value"}},
		"wrong types": {"sync: {fast: 5, slow: 1parsec}\nkubelet: {port: abc}\nfoo: 1\ncapacity: {cpu: x}\ntaints: {a: b}\nlabels: [a]\neci: {vSwitchIDs: [[1]], rates: {x: {burst: 1.5}}}\nprofiling: maybe\n", nil,
			[]string{"sync.fast: Invalid value: 5: must be a duration such as 5s", `sync.slow: Invalid value: "1parsec": must be a duration`, `kubelet.port: Invalid value: "abc": must be a whole number`,
				"foo: Forbidden: unknown key", `capacity[cpu]: Invalid value: "x": must be a quantity`, `taints: Invalid value: {"a":"b"}: must be a list`, `labels: Invalid value: ["a"]: must be a map`,
				"eci.vSwitchIDs[0]: Invalid value: [1]: must be a string", "eci.rates[x].burst: Invalid value: 1.5: must be a whole number", `profiling: Invalid value: "maybe": must be true or false`, "eci.region: Required value"}},
		"twice":  {"nodeName: a\nnodeName: b\nfoo: 1\n", nil, []string{`key "nodeName" already set in map`, "foo: Forbidden: unknown key"}},
		"no map": {"[1]\n", nil, []string{"(root): Invalid value: [1]: must be a map", "eci.region: Required value"}},
		"election": {"leaderElection: {enabled: true, namespace: B_, leaseDuration: 1s}\nprices: {gibHour: -1, currency: ''}\n", nil,
			[]string{"leaderElection.namespace: Invalid value", "leaderElection.renewDeadline: Invalid value: 5s is not below", "prices: Invalid value: a price is not below 0", "prices: Invalid value: the currency"}},
		"placeholder": {"eci: {region: CHANGE ME, vSwitchIDs: [CHANGE ME]}\n", nil, []string{"eci.region: Required value", "eci.vSwitchIDs: Required value"}},
	} {
		_, err := load(t, c.file, nil, c.args...)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		for _, line := range lines[1:] {
			if !strings.HasPrefix(line, "  ") || !strings.Contains(line, ": ") {
				t.Errorf("%s: a line without a path: %q", name, line)
			}
		}
		for _, want := range c.want {
			if n := len(slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !strings.Contains(line, want) })); n != 1 {
				t.Errorf("%s: %d lines have %q, want 1:\n%v", name, n, want, err)
			}
		}
	}
}

// TestConfig_LabelsMayLookLikeNumbers writes strings without quotes, as people do.
func TestConfig_LabelsMayLookLikeNumbers(t *testing.T) {
	c, err := load(t, "labels: {a: 1, b: true, c: 1.5}\neci: {tags: {d: 4711}, clusterDNS: null}\ncapacity: {pods: 5}\nsync:\n", nil, "--region", "r", "--vswitch", "vsw-1", "--security-group", "sg-1")
	if err != nil {
		t.Fatal(err)
	}
	if c.Labels["a"] != "1" || c.Labels["b"] != "true" || c.Labels["c"] != "1.5" || c.ECI.Tags["d"] != "4711" {
		t.Errorf("labels %v, tags %v", c.Labels, c.ECI.Tags)
	}
	if c.Sync != defaultConfig().Sync || c.Capacity.Memory().String() != "4Ti" {
		t.Errorf("defaults are lost: %+v, %v", c.Sync, c.Capacity)
	}
}

func TestHelp_TellsDefaultsAndTypes(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	var out bytes.Buffer
	if err := execute(context.Background(), []string{"run", "--help"}, none, &out, &out); err != nil {
		t.Fatal(err)
	}
	help := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"--kubelet-port int port of the kubelet API (KUBELET_PORT) (default 10250)", "--leader-elect work only", "(default 50)",
		`--log-level string error, warn, info, debug or trace (default "info")`, `(DEFAULT_NODE_NAME) (default "virtual-kubelet")`,
		"--vswitch list vSwitch ids", "--budget-share number share of the account's rates that this node may use, above 0 and at most 1 (default 1)",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestReadme_NamesTheImageLineOfTheManifest(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile("../../deploy/eci-vnode.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "set the line `")
	line, _, found := strings.Cut(rest, "`")
	if !found || strings.Count(string(manifest), "          "+line+" ") != 1 {
		t.Errorf("deploy/eci-vnode.yaml has not exactly one line %q", line)
	}
}
