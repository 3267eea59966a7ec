package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// account is an emulator with groups of the pods "kept" and "gone".
type account struct {
	cloud   *openapi.Client
	orphans *provider.Orphans
}

// newAccount makes a group for each pod; the API server has "kept" alone.
func newAccount(t *testing.T, pods ...string) account {
	t.Helper()
	env := newEmulator(t, unchanged)
	cloud, err := newCloud(ECI{Region: env["ECI_REGION"], Endpoint: env["ECI_ENDPOINT"]}, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		if _, err := cloud.CreateContainerGroup(t.Context(), &eci.CreateContainerGroupRequest{
			ContainerGroupName: pod, VSwitchID: env["ECI_VSWITCH"], SecurityGroupID: env["ECI_SECURITY_GROUP"], CPU: 2, Memory: 4,
			Tags:       request.Identity{ClusterID: "c", NodeName: "n", Namespace: "default", PodName: pod, UID: types.UID(pod)}.Tags(),
			Containers: []eci.Container{{ContainerBase: eci.ContainerBase{Name: "app", Image: "nginx"}}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	kube := fake.NewClientset(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "kept", UID: "kept"}, Spec: corev1.PodSpec{NodeName: "n"},
	})
	orphans, err := provider.NewOrphans(provider.OrphansConfig{ClusterID: "c", NodeName: "n"}, provider.OrphansDeps{Cloud: cloud, Kube: kube})
	if err != nil {
		t.Fatal(err)
	}
	return account{cloud, orphans}
}

// reap runs the command behind its flags and reads the JSON.
func (a account) reap(t *testing.T, flags reapFlags) (reapReport, int, error) {
	t.Helper()
	flags.output = "json"
	var out bytes.Buffer
	var report reapReport
	err := noAnswer(reap(t.Context(), a.orphans, flags, &out))
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Fatalf("%v in %s", err, &out)
		}
	}
	return report, exitStatus(err), err
}

func (a account) groups(t *testing.T) int {
	t.Helper()
	resp, err := a.cloud.DescribeContainerGroups(context.Background(), &eci.DescribeContainerGroupsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return len(resp.ContainerGroups)
}

func TestWithoutYesReapDeletesNothingAndItsStatusSaysThatThereAreOrphans(t *testing.T) {
	a := newAccount(t, "kept", "gone")
	report, status, _ := a.reap(t, reapFlags{})
	if status != statusFound || !report.DryRun || report.Groups != 2 || len(report.Orphans) != 1 || report.Orphans[0].PodName != "gone" || report.Orphans[0].Outcome != outcomeFound {
		t.Errorf("status %d, %+v", status, report)
	}
	if n := a.groups(t); n != 2 {
		t.Errorf("%d groups are left", n)
	}
}

func TestWithYesReapDeletesTheOrphansAlone(t *testing.T) {
	a := newAccount(t, "kept", "gone")
	report, status, err := a.reap(t, reapFlags{yes: true})
	if status != 0 || report.DryRun || len(report.Orphans) != 1 || report.Orphans[0].Outcome != outcomeDeleted {
		t.Errorf("status %d, %v, %+v", status, err, report)
	}
	if report, status, _ := a.reap(t, reapFlags{}); status != 0 || len(report.Orphans) != 0 || report.Groups != 1 {
		t.Errorf("afterwards: status %d, %+v", status, report)
	}
}

func TestANodeWithoutASinglePodIsReapedOnlyWithAll(t *testing.T) {
	a := newAccount(t, "gone", "gone-too")
	_, status, err := a.reap(t, reapFlags{yes: true})
	if status != statusNoAnswer || !strings.Contains(err.Error(), "--all") || a.groups(t) != 2 {
		t.Errorf("status %d, %v, %d groups", status, err, a.groups(t))
	}
	report, status, err := a.reap(t, reapFlags{yes: true, all: true})
	if status != 0 || len(report.Orphans) != 2 {
		t.Errorf("with --all: status %d, %v, %+v", status, err, report)
	}
}

func TestReap_DeletesMostGroupsOfANodeOnlyWithAll(t *testing.T) {
	a := newAccount(t, "kept", "gone", "gone-too")
	_, status, err := a.reap(t, reapFlags{yes: true})
	if status != statusNoAnswer || !strings.Contains(err.Error(), "2 of the 3") || a.groups(t) != 3 {
		t.Errorf("status %d, %v, %d groups", status, err, a.groups(t))
	}
	report, status, err := a.reap(t, reapFlags{yes: true, all: true})
	if status != 0 || len(report.Orphans) != 2 {
		t.Errorf("with --all: status %d, %v", status, err)
	}
}

func TestReapWritesATable(t *testing.T) {
	a := newAccount(t, "kept", "gone")
	var out bytes.Buffer
	_ = reap(t.Context(), a.orphans, reapFlags{output: "table"}, &out) // its error is the status
	for _, want := range []string{"CONTAINER GROUP", "gone", "2    4Gi", "1 of 2 container groups of node n in cluster c are orphans; nothing was deleted: --yes does that"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
}

func TestReapRefusesWhatItCannotDo(t *testing.T) {
	for says, args := range map[string][]string{
		"--output":   {"-o", "xml"},
		"eci.region": {"--grace", "1s"},
		"--grace":    {"--grace", "-1s", "--region", "r"},
		"--nope":     {"--nope"},
	} {
		err := execute(t.Context(), append([]string{"reap"}, args...), func(string) (string, bool) { return "", false }, &bytes.Buffer{}, &bytes.Buffer{})
		if exitStatus(err) != statusNoAnswer || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: status %d, %v", args, exitStatus(err), err)
		}
	}
}
