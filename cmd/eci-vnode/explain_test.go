package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/explain"
)

// explainWith runs the command line `explain` with args, in a world that has
// these variables, and returns what the program would end with.
func explainWith(t *testing.T, env map[string]string, args ...string) (stdout string, status int, err error) {
	t.Helper()
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	var out, errOut bytes.Buffer
	err = execute(t.Context(), append([]string{"explain"}, args...), lookup, &out, &errOut)
	return out.String(), exitStatus(err), err
}

// mustWrite makes a file of a temporary directory.
func mustWrite(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	goodPod = "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\nspec:\n  containers: [{name: app, image: app:1}]\n  tolerations: [{operator: Exists}]\n"
	badPod  = "apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspec:\n  hostNetwork: true\n  containers: [{name: app, image: app:1}]\n"
	waiting = "apiVersion: v1\nkind: Pod\nmetadata: {name: waits}\nspec:\n  containers: [{name: app, image: app:1, envFrom: [{configMapRef: {name: absent}}]}]\n"
)

func TestTheExitStatusSaysWhatExplainFound(t *testing.T) {
	good, bad := mustWrite(t, "good.yaml", goodPod), mustWrite(t, "bad.yaml", badPod)
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"all is well":          {[]string{"-f", good}, 0, ""},
		"a file as argument":   {[]string{good}, 0, ""},
		"a refusal":            {[]string{"-f", good, "-f", bad}, statusRefused, "1 of 2 would be refused"},
		"a missing object":     {[]string{"-f", mustWrite(t, "waits.yaml", waiting)}, 0, ""},
		"a required object":    {[]string{"-f", mustWrite(t, "waits.yaml", waiting), "--require-objects"}, statusRefused, "1 of 1"},
		"no file":              {nil, statusNoAnswer, "-f FILE"},
		"a file that is not":   {[]string{"-f", "nowhere.yaml"}, statusNoAnswer, "nowhere.yaml"},
		"an empty directory":   {[]string{"-f", t.TempDir()}, statusNoAnswer, ".yaml"},
		"bad YAML":             {[]string{"-f", mustWrite(t, "x.yaml", "a: b: c")}, statusNoAnswer, "x.yaml: document 1"},
		"an unknown field":     {[]string{"-f", mustWrite(t, "x.yaml", goodPod+"  hostNetwrok: true\n")}, statusNoAnswer, `x.yaml: document 1 (Pod "good"): unknown field "spec.hostNetwrok"`},
		"an unknown flag":      {[]string{"-f", good, "--nope"}, statusNoAnswer, "--nope"},
		"an unknown output":    {[]string{"-f", good, "-o", "xml"}, statusNoAnswer, "xml"},
		"an unknown dry run":   {[]string{"-f", good, "--dry-run=server"}, statusNoAnswer, "cloud"},
		"a price below 0":      {[]string{"-f", good, "--price-vcpu-hour=-1"}, statusNoAnswer, "price"},
		"a bad configuration":  {[]string{"-f", good, "--config", mustWrite(t, "c.yaml", "nodeNmae: x\n")}, statusNoAnswer, "nodeNmae"},
		"live without region":  {[]string{"-f", good, "--live"}, statusNoAnswer, "--region"},
		"live with own prices": {[]string{"-f", good, "--live", "--region", "r", "--price-gib-hour", "1"}, statusNoAnswer, "--live"},
		"a dry run of nowhere": {[]string{"-f", good, "--dry-run=cloud", "--region", "cn-hangzhou"}, statusNoAnswer, "--vswitch"},
	} {
		t.Run(name, func(t *testing.T) {
			_, status, err := explainWith(t, nil, c.args...)
			if status != c.status {
				t.Errorf("status %d, %v", status, err)
			}
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%q is not in %v", c.says, err)
			}
		})
	}
}

func TestARefusalIsReportedOnStandardOutput(t *testing.T) {
	out, _, _ := explainWith(t, nil, "-f", mustWrite(t, "bad.yaml", badPod))
	if !strings.Contains(out, "spec.hostNetwork: Forbidden") {
		t.Errorf("got\n%s", out)
	}
}

func TestADirectoryIsReadAsKubectlReadsIt(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.yaml", "b.yml", "c.txt", "below/d.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(goodPod), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]int{"-f": 2, "-Rf": 3} {
		if report := mustReport(t, nil, args, dir); len(report.Pods) != want {
			t.Errorf("%s: %d pods", args, len(report.Pods))
		}
	}
}

// mustReport explains and reads the JSON.
func mustReport(t *testing.T, env map[string]string, args ...string) explain.Report {
	t.Helper()
	out, _, err := explainWith(t, env, append(args, "-o", "json")...)
	var report explain.Report
	if decodeErr := json.Unmarshal([]byte(out), &report); decodeErr != nil {
		t.Fatalf("%v, %v in:\n%s", err, decodeErr, out)
	}
	return report
}

func TestYAMLAndJSONSayTheSame(t *testing.T) {
	file := mustWrite(t, "good.yaml", goodPod)
	asJSON := mustReport(t, nil, "-f", file)
	out, _, err := explainWith(t, nil, "-f", file, "-o", "yaml")
	if err != nil {
		t.Fatal(err)
	}
	var asYAML explain.Report
	if err := yaml.UnmarshalStrict([]byte(out), &asYAML); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(asJSON)
	b, _ := json.Marshal(asYAML)
	if string(a) != string(b) || asJSON.Pods[0].Request == nil {
		t.Errorf("JSON %s\nYAML %s", a, b)
	}
}

func TestStandardInputIsAFile(t *testing.T) {
	root := newRootCommand(func(string) (string, bool) { return "", false })
	var out bytes.Buffer
	root.SetIn(strings.NewReader(goodPod))
	root.SetOut(&out)
	root.SetArgs([]string{"explain", "-f", "-"})
	if err := root.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), "Pod/good") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestTheSettingsOfTheNodeShapeTheRequest(t *testing.T) {
	config := mustWrite(t, "c.yaml", "eci:\n  region: ap-south-1\n  vSwitchIDs: [vsw-file]\n  tags: {team: web}\n")
	env := map[string]string{"ECI_VSWITCH": "vsw-env", "KUBELET_PORT": "not of interest here"}
	report := mustReport(t, env, "-f", mustWrite(t, "good.yaml", goodPod), "--config", config, "--security-group", "sg-flag")
	request, _ := json.Marshal(report.Pods[0].Request)
	for _, want := range []string{`"RegionId":"ap-south-1"`, `"VSwitchId":"vsw-env"`, `"SecurityGroupId":"sg-flag"`, `"Key":"team"`} {
		if !strings.Contains(string(request), want) {
			t.Errorf("%s is not in %s", want, request)
		}
	}
	if got := strings.Join(report.Assumed, ","); got != "--cluster-id placeholder" {
		t.Errorf("assumed %q", got)
	}
}

func TestGivenPricesCount(t *testing.T) {
	report := mustReport(t, nil, "-f", mustWrite(t, "good.yaml", goodPod), "--price-vcpu-hour", "1", "--price-gib-hour", "0.5", "--price-currency", "EUR")
	if cost := report.Pods[0].Cost; cost == nil || cost.PerHour != 4 || cost.PerMonth != 4*720 || cost.Currency != "EUR" {
		t.Errorf("%+v", cost)
	}
}

func TestPricesOfTheFileCountAndAreNotCalledTheList(t *testing.T) {
	config := mustWrite(t, "c.yaml", "prices: {vcpuHour: 0.1764, gibHour: 0.022068, currency: CNY}\n")
	file := mustWrite(t, "good.yaml", goodPod)
	report := mustReport(t, nil, "-f", file, "--config", config)
	if cost := report.Pods[0].Cost; cost == nil || cost.PerHour != 0.441072 || cost.Currency != "CNY" {
		t.Errorf("%+v", cost)
	}
	if !strings.HasPrefix(report.Prices, "as given: CNY") {
		t.Errorf("prices are called %q", report.Prices)
	}
	if report := mustReport(t, nil, "-f", file, "--config", config, "--price-vcpu-hour", "0"); report.Pods[0].Cost.PerHour != 0.088272 {
		t.Errorf("a flag does not beat the file: %+v", report.Pods[0].Cost)
	}
}

func TestTheTablesOfFieldsAndAnnotationsArePrinted(t *testing.T) {
	for flag, want := range map[string]string{"--fields": "hostNetwork", "--annotations": "k8s.aliyun.com/eci-use-specs"} {
		out, status, err := explainWith(t, nil, flag)
		if status != 0 || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", flag, err, out)
		}
	}
}

// newEmulator starts an emulator and returns the variables of a client of it.
func newEmulator(t *testing.T, change func(*emulator.Config)) map[string]string {
	t.Helper()
	cfg := emulator.DefaultConfig()
	change(&cfg)
	em, err := emulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(em)
	t.Cleanup(func() { server.Close(); em.Close() })
	key := cfg.Credentials[0]
	return map[string]string{
		"ECI_REGION": cfg.Region, "ECI_ENDPOINT": server.URL, "ECI_ACCESS_KEY": key.AccessKeyID, "ECI_SECRET_KEY": key.AccessKeySecret.Reveal(),
		"ECI_VSWITCH": cfg.VSwitches[0].ID, "ECI_SECURITY_GROUP": cfg.SecurityGroups[0].ID,
	}
}

func unchanged(*emulator.Config) {}

func TestLivePricesAreThoseOfTheCloud(t *testing.T) {
	env := newEmulator(t, unchanged)
	spot := strings.Replace(goodPod, "{name: good}", `{name: spot, annotations: {k8s.aliyun.com/eci-spot-strategy: SpotAsPriceGo}}`, 1)
	ecs := strings.Replace(goodPod, "{name: good}", `{name: ecs, annotations: {k8s.aliyun.com/eci-use-specs: ecs.c6.large}}`, 1)
	report := mustReport(t, env, "-f", mustWrite(t, "pods.yaml", goodPod+"---\n"+spot+"---\n"+ecs), "--live")
	if len(report.Pods) != 3 || !strings.Contains(report.Prices, "cn-hangzhou") {
		t.Fatalf("%+v", report)
	}
	// 2 vCPU and 4 GiB are CNY 0.00012252 a second in the documented example.
	if cost := report.Pods[0].Cost; cost == nil || cost.Currency != "CNY" || cost.PerHour != 0.441072 {
		t.Errorf("%+v", cost)
	}
	if cost := report.Pods[1].Cost; cost == nil || cost.PerHour >= 0.441072 || !strings.Contains(cost.Note, "spot price") {
		t.Errorf("%+v", cost)
	}
	if cost := report.Pods[2].Cost; cost == nil || cost.PerHour <= 0 {
		t.Errorf("an ECS type has no price: %+v", report.Pods[2])
	}
}

func TestADryRunMakesNoGroup(t *testing.T) {
	env := newEmulator(t, unchanged)
	report := mustReport(t, env, "-f", mustWrite(t, "good.yaml", goodPod), "--dry-run=cloud")
	if pod := report.Pods[0]; pod.Outcome != explain.Accepted || !strings.Contains(pod.Cloud, "accepted") {
		t.Errorf("%+v", pod)
	}
	cloud, err := newCloud(ECI{Region: env["ECI_REGION"], Endpoint: env["ECI_ENDPOINT"]}, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, nil)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := cloud.DescribeContainerGroups(t.Context(), &eci.DescribeContainerGroupsRequest{})
	if err != nil || len(groups.ContainerGroups) != 0 {
		t.Errorf("%+v, %v", groups, err)
	}
}

func TestWhatTheCloudRefusesIsARefusal(t *testing.T) {
	env := newEmulator(t, unchanged)
	env["ECI_VSWITCH"] = "vsw-of-somebody-else"
	out, status, err := explainWith(t, env, "-f", mustWrite(t, "good.yaml", goodPod), "--dry-run=cloud")
	if status != statusRefused || !strings.Contains(out, "the cloud refuses the request") {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
}

func TestACloudThatCannotBeAskedIsNoRefusal(t *testing.T) {
	env := newEmulator(t, unchanged)
	env["ECI_SECRET_KEY"] = "wrong"
	for _, flag := range []string{"--dry-run=cloud", "--live"} {
		_, status, err := explainWith(t, env, "-f", mustWrite(t, "good.yaml", goodPod), flag)
		if status != statusNoAnswer {
			t.Errorf("%s: status %d, %v", flag, status, err)
		}
	}
}

func TestExplain_RefusesWhatTheSettingsDoNotPermit(t *testing.T) {
	pod := mustWrite(t, "role.yaml", strings.Replace(goodPod, "{name: good}", "{name: good, namespace: shop, annotations: {k8s.aliyun.com/eci-ram-role-name: reader}}", 1))
	out, status, _ := explainWith(t, nil, "-f", pod)
	for _, want := range []string{"metadata.annotations[k8s.aliyun.com/eci-ram-role-name]", `may not name RAM role "reader"`, "under permissions", "default permissions are assumed"} {
		if status != statusRefused || !strings.Contains(out, want) {
			t.Errorf("status %d, %q is missing from\n%s", status, want, out)
		}
	}
	closed := mustWrite(t, "closed.yaml", "permissions: {rules: [{namespaces: [other], allow: {ramRoles: ['*']}}]}\n")
	if out, status, _ = explainWith(t, nil, "-f", pod, "--config", closed); status != statusRefused || strings.Contains(out, "are assumed") {
		t.Errorf("status %d\n%s", status, out)
	}
	open := mustWrite(t, "open.yaml", "permissions: {rules: [{namespaces: [shop], allow: {ramRoles: ['*']}}]}\n")
	if out, status, err := explainWith(t, nil, "-f", pod, "--config", open); status != 0 {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
	profile := mustWrite(t, "profile.yaml", `apiVersion: v1
kind: ConfigMap
metadata: {name: eci-profile, namespace: kube-system}
data:
  enforcedSelectors: '[{"name":"no-roles","effect":{"annotations":{"k8s.aliyun.com/eci-ram-role-name":""}}}]'
`)
	if out, status, err := explainWith(t, nil, "-f", pod, "-f", profile, "-o", "yaml"); status != 0 || strings.Contains(out, "RamRoleName") {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
}
