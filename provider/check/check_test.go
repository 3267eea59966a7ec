package check

import (
	"bytes"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
)

// world is an account and a cluster that a node could run with.
type world struct {
	cfg      Config
	emulator *emulator.Emulator
	cloud    *openapi.Client
	objects  []runtime.Object
	denied   string // the right that the caller has not
}

func newWorld(t *testing.T, change func(*emulator.Config)) *world {
	t.Helper()
	cfg := emulator.DefaultConfig()
	change(&cfg)
	em, err := emulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(em)
	t.Cleanup(func() { server.Close(); em.Close() })
	client := openapi.DefaultConfig("cn-hangzhou")
	client.Endpoint, client.MaxAttempts = server.URL, 1
	key := emulator.DefaultConfig().Credentials[0]
	cloud, err := openapi.New(client, openapi.Deps{Credentials: openapi.StaticCredentials(key.AccessKeyID, key.AccessKeySecret.Reveal(), "")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	return &world{
		emulator: em, cloud: cloud,
		cfg: Config{
			Region: "cn-hangzhou", VSwitchIDs: []string{"vsw-emulator-h"}, SecurityGroupID: "sg-emulator",
			NodeName: "virtual-kubelet", Lease: Lease{"kube-system", "eci-vnode-virtual-kubelet"},
		},
		objects: []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "uid-of-kube-system"}}},
	}
}

func (w *world) run(t *testing.T) Report {
	t.Helper()
	kube := fake.NewClientset(w.objects...)
	kube.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
		asked := review.Spec.ResourceAttributes
		review.Status.Allowed = asked.Verb+" "+asked.Resource != w.denied
		return true, review, nil
	})
	return Run(t.Context(), w.cfg, Deps{Cloud: w.cloud, Kube: kube})
}

func unchanged(*emulator.Config) {}

func TestAGoodAccountAndClusterPassEveryCheckAndNothingIsMade(t *testing.T) {
	w := newWorld(t, unchanged)
	report := w.run(t)
	if report.Failed() != 0 || report.Warned() != 0 || len(report.Findings) < 12 {
		t.Errorf("%+v", report.Findings)
	}
	groups, err := w.cloud.DescribeContainerGroups(t.Context(), &eci.DescribeContainerGroupsRequest{})
	if err != nil || len(groups.ContainerGroups) != 0 {
		t.Errorf("groups %+v, %v", groups, err)
	}
}

func TestWhatIsWrongIsNamedWithWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		account func(*emulator.Config)
		change  func(*world)
		level   Level
		check   string
		do      string
	}{
		"an unknown key": {account: func(c *emulator.Config) { c.Credentials[0].AccessKeyID = "another" },
			level: Fail, check: "credentials", do: "ECI_ACCESS_KEY"},
		"a wrong secret": {account: func(c *emulator.Config) { c.Credentials[0].AccessKeySecret = "another" },
			level: Fail, check: "credentials", do: "ECI_SECRET_KEY"},
		"a clock that is off": {change: func(w *world) {
			w.emulator.Faults().Inject(emulator.Fault{Error: emulator.Refusal(400, eci.CodeTimestampExpired)})
		}, level: Fail, check: "credentials", do: "clock"},
		"no answer": {change: func(w *world) { w.emulator.Faults().Inject(emulator.Fault{DropRequest: true}) },
			level: Fail, check: "credentials", do: "network"},
		"a region without ECI": {change: func(w *world) { w.cfg.Region = "cn-nowhere" },
			level: Fail, check: "region", do: "cn-hangzhou"},
		"a service that is not activated": {change: func(w *world) {
			w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionListUsage, Error: emulator.Refusal(400, eci.CodeServiceNotEnabled)})
		}, level: Fail, check: "vCPU quota", do: "activate"},
		"no money": {change: func(w *world) {
			w.emulator.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, Error: emulator.Refusal(400, eci.CodeAccountArrearage)})
		}, level: Fail, check: "vSwitch vsw-emulator-h", do: "settle"},
		"an unknown vSwitch": {change: func(w *world) { w.cfg.VSwitchIDs = append(w.cfg.VSwitchIDs, "vsw-x") },
			level: Fail, check: "vSwitch vsw-x", do: "--vswitch"},
		"an unknown security group": {change: func(w *world) { w.cfg.SecurityGroupID = "sg-x" },
			level: Fail, check: "vSwitch vsw-emulator-h", do: "--security-group"},
		"a vSwitch without stock": {change: func(w *world) { w.emulator.Faults().Inject(emulator.Fault{NoStock: &emulator.NoStock{}}) },
			level: Warn, check: "vSwitch vsw-emulator-h", do: "other zones"},
		"no permission to create": {account: deny(eci.ActionCreateContainerGroup),
			level: Fail, check: "vSwitch vsw-emulator-h", do: "eci:CreateContainerGroup"},
		"no permission to delete": {account: deny(eci.ActionDeleteContainerGroup),
			level: Fail, check: "permission DeleteContainerGroup", do: "eci:DeleteContainerGroup"},
		"no permission to exec": {account: deny(eci.ActionExecContainerCommand),
			level: Warn, check: "permission ExecContainerCommand", do: "eci:ExecContainerCommand"},
		"no permission to list, where groups run": {account: deny(eci.ActionDescribeContainerGroups), change: func(w *world) {
			w.objects = append(w.objects, runningPod())
		}, level: Fail, check: "permission to list", do: "eci:DescribeContainerGroups"},
		"no permission to list, where none do": {account: deny(eci.ActionDescribeContainerGroups),
			level: Note, check: "permission to list", do: "eci:DescribeContainerGroups"},
		"a right to sign that is missing": {change: func(w *world) { w.denied, w.cfg.SignedCertificate = "create certificatesigningrequests", true },
			level: Fail, check: "rights", do: "deploy/eci-vnode.yaml"},
		"a right that is missing": {change: func(w *world) { w.denied = "patch pods" },
			level: Fail, check: "rights", do: "deploy/eci-vnode.yaml"},
		"the name of a real node": {change: func(w *world) {
			w.objects = append(w.objects, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "virtual-kubelet"}})
		}, level: Fail, check: "node name", do: "--nodename"},
		"a cluster without identity": {change: func(w *world) { w.objects = nil },
			level: Fail, check: "cluster id", do: "--cluster-id"},
	} {
		t.Run(name, func(t *testing.T) {
			account := unchanged
			if c.account != nil {
				account = c.account
			}
			w := newWorld(t, account)
			if c.change != nil {
				c.change(w)
			}
			report := w.run(t)
			if !slices.ContainsFunc(report.Findings, func(f Finding) bool {
				return f.Level == c.level && f.Check == c.check && strings.Contains(f.Do, c.do)
			}) {
				t.Errorf("no %s of %q with %q in %+v", c.level, c.check, c.do, report.Findings)
			}
		})
	}
}

func deny(action string) func(*emulator.Config) {
	return func(c *emulator.Config) { c.Credentials[0].Denied = []string{action} }
}

func runningPod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Annotations: map[string]string{annotationInstanceID: "eci-1"}},
		Spec:       corev1.PodSpec{NodeName: "virtual-kubelet"},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
}

func TestAnAreaThatIsLeftOutIsNotAsked(t *testing.T) {
	w := newWorld(t, unchanged)
	for _, f := range Run(t.Context(), w.cfg, Deps{Cloud: w.cloud}).Findings {
		if f.Area != "cloud" {
			t.Errorf("%+v", f)
		}
	}
}

func TestTheTableSaysBelowAFailureWhatToDo(t *testing.T) {
	var out bytes.Buffer
	report := Report{Findings: []Finding{{Area: "cloud", Check: "region", Level: Fail, Message: "no", Do: "set it"}, {Area: "cloud", Check: "key", Level: OK, Message: "yes"}}}
	if err := report.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	want := "FAIL  cloud    region  no\n                       -> set it\nok    cloud    key     yes\n\n2 checks, 1 failed, 0 warnings\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestTheRightsAreThoseOfTheManifest(t *testing.T) {
	manifest, err := os.ReadFile("../../deploy/eci-vnode.yaml")
	if err != nil {
		t.Fatal(err)
	}
	granted := mustReadRights(t, manifest)
	var needed []string
	for _, r := range Rights(Config{NodeName: "virtual-kubelet", Lease: Lease{"kube-system", "eci-vnode-virtual-kubelet"}}) {
		if r.Name != "extension-apiserver-authentication" { // by a role of Kubernetes' own
			needed = append(needed, r.String())
		}
	}
	slices.Sort(granted)
	slices.Sort(needed)
	if !slices.Equal(granted, needed) {
		t.Errorf("the manifest grants\n%s\nthe node needs\n%s", strings.Join(granted, "\n"), strings.Join(needed, "\n"))
	}
}
