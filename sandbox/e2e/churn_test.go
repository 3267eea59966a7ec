package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// The size of the churn: small in every run of the tests, `make churn` sets more.
const (
	churnPodsEnv  = "ECI_CHURN_PODS"
	churnKillsEnv = "ECI_CHURN_KILLS"
)

// churnSettings let lost and orphaned groups be seen within the test, and keep
// the rules: two listings and a grace period.
const churnSettings = "sync: {repair: 5s, orphanGrace: 10s, massOrphanGrace: 20s, lostGrace: 30s}\n"

// fate is what a pod of the churn goes through, and how it ends.
type fate int

const (
	staysRunning fate = iota
	succeeds
	fails
	isDeleted
	isForcedAway
	isMadeAnew // deleted, and made again under the same name
	fates
)

// churn is one run.
type churn struct {
	*sandbox
	cloud     *openapi.Client
	namespace string
	pods      int
	kills     int
	uids      map[string]map[types.UID]bool // every UID that a name has had
}

func TestChurnUnderFaultsAndKillsMakesNoGroupTwiceLeaksNoneAndEndsEveryPodAsItShould(t *testing.T) {
	c := newChurn(t)
	killed, restarts := map[int]bool{}, 0
	for k := range c.kills {
		c.step(t, k)
		victim := c.awaitVNode(t, killed)
		c.mustHaveNoneTwice(t)
		// Any instant is as good as another: it is the fault, not a wait.
		<-time.After(rand.N(1500 * time.Millisecond))
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatalf("kill %d: %v", victim, err)
		}
		killed[victim] = true
		if k == c.kills/3 || k == 2*c.kills/3 {
			c.restartAPIServer(t)
			restarts++
		}
	}
	c.step(t, c.kills)
	eventuallyWithin(t, 10*patience, "every pod in its final state, with its group and no other", func() string {
		c.mustHaveNoneTwice(t)
		return c.unsettled(t)
	})
	c.mustHaveRunOnce(t)
	t.Logf("%d pods, %d kills of eci-vnode, %d of the API server, 10%% of the calls faulty: no group twice, none leaked, every pod as it should be", c.pods, len(killed), restarts)
}

func newChurn(t *testing.T) *churn {
	t.Helper()
	c := &churn{pods: fromEnv(t, churnPodsEnv, 100), kills: fromEnv(t, churnKillsEnv, 6), uids: map[string]map[types.UID]bool{}}
	dir := t.TempDir()
	settings := filepath.Join(dir, "settings.yaml")
	if err := os.WriteFile(settings, []byte(churnSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	c.sandbox, err = startSandbox(dir, append(otherPorts(), "--apiserver-apart", "--emulator-arg=--delays=fast",
		"--emulator-arg=--fault-rate=0.1", "--vnode-arg=--config="+settings)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			c.dumpLogs(os.Stderr)
		}
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	})
	c.cloud, c.namespace = mustCloud(t, c.sandbox), "churn"
	if _, err := c.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the default ServiceAccount", func() string {
		_, err := c.client.CoreV1().ServiceAccounts(c.namespace).Get(t.Context(), "default", metav1.GetOptions{})
		return text(err)
	})
	return c
}

func fromEnv(t *testing.T, name string, otherwise int) int {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number above 0", name, value)
	}
	return n
}

func fateOf(i int) fate { return fate(i % int(fates)) }

func podName(i int) string { return fmt.Sprintf("churn-%d", i) }

// step makes its share of the pods, and lets those of the step before go on with
// their fate.
func (c *churn) step(t *testing.T, k int) {
	t.Helper()
	steps := c.kills + 1
	first := func(k int) int { return max(0, k) * c.pods / steps }
	for i := first(k); i < first(k+1); i++ {
		c.mustCreate(t, i)
	}
	last := first(k)
	if k == steps-1 {
		last = c.pods
	}
	c.proceed(t, first(k-1), last)
}

// proceed deletes the pods from first to end that are to be deleted.
func (c *churn) proceed(t *testing.T, first, end int) {
	t.Helper()
	for i := first; i < end; i++ {
		switch fateOf(i) {
		case isDeleted, isMadeAnew:
			c.mustDelete(t, i, metav1.DeleteOptions{})
		case isForcedAway:
			zero := int64(0)
			c.mustDelete(t, i, metav1.DeleteOptions{GracePeriodSeconds: &zero})
		}
		if fateOf(i) == isMadeAnew {
			c.mustMakeAnew(t, i)
		}
	}
}

// mustCreate makes a pod and remembers its UID.
func (c *churn) mustCreate(t *testing.T, i int) {
	t.Helper()
	grace := int64(2)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: podName(i)},
		Spec: corev1.PodSpec{
			NodeName: nodeName, TerminationGracePeriodSeconds: &grace,
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers:  []corev1.Container{{Name: "main", Image: "busybox", Command: []string{"sh", "-c", script(i)}}},
		},
	}
	if f := fateOf(i); f == succeeds || f == fails {
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	}
	eventually(t, "the create of "+pod.Name, func() string {
		created, err := c.client.CoreV1().Pods(c.namespace).Create(t.Context(), pod, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) { // an answer was lost, or the one before has not gone
			created, err = c.client.CoreV1().Pods(c.namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
			if err == nil && (created.DeletionTimestamp != nil || c.uids[pod.Name][created.UID]) {
				return "the one before is still there"
			}
		}
		if err != nil {
			return err.Error()
		}
		if c.uids[pod.Name] == nil {
			c.uids[pod.Name] = map[types.UID]bool{}
		}
		c.uids[pod.Name][created.UID] = true
		return ""
	})
}

func script(i int) string {
	switch fateOf(i) {
	case succeeds:
		return "sleep 1; exit 0"
	case fails:
		return "sleep 1; exit 3"
	}
	return "sleep 100000"
}

func (c *churn) mustDelete(t *testing.T, i int, options metav1.DeleteOptions) {
	t.Helper()
	eventually(t, "the delete of "+podName(i), func() string {
		err := c.client.CoreV1().Pods(c.namespace).Delete(t.Context(), podName(i), options)
		if apierrors.IsNotFound(err) {
			return ""
		}
		return text(err)
	})
}

// mustMakeAnew forces the old one away when it takes its time: its name is wanted.
func (c *churn) mustMakeAnew(t *testing.T, i int) {
	t.Helper()
	zero := int64(0)
	c.mustDelete(t, i, metav1.DeleteOptions{GracePeriodSeconds: &zero})
	c.mustCreate(t, i)
}

// awaitVNode waits for a process of eci-vnode that was not killed yet.
func (c *churn) awaitVNode(t *testing.T, killed map[int]bool) int {
	t.Helper()
	var pid int
	eventually(t, "eci-vnode started again", func() string {
		content, err := os.ReadFile(c.path("eci-vnode.pid"))
		if err != nil {
			return err.Error()
		}
		if _, err := fmt.Sscan(string(content), &pid); err != nil || killed[pid] {
			return "it is not"
		}
		return ""
	})
	return pid
}

func (c *churn) restartAPIServer(t *testing.T) {
	t.Helper()
	before := c.pid(t, "kube-apiserver")
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the API server started again", func() string {
		content, err := os.ReadFile(c.path("kube-apiserver.pid"))
		if err != nil || string(content) == fmt.Sprintln(before) {
			return "its process is not there"
		}
		_, err = c.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(t.Context())
		return text(err)
	})
}

// groups lists all groups that the cloud has a record of, by the UID of their pod.
func (c *churn) groups(t *testing.T) map[types.UID][]eci.ContainerGroup {
	t.Helper()
	groups := map[types.UID][]eci.ContainerGroup{}
	eventually(t, "a complete list of groups", func() string {
		clear(groups)
		for token := ""; ; {
			page, err := c.cloud.DescribeContainerGroups(t.Context(), &eci.DescribeContainerGroupsRequest{
				Tags: []eci.Tag{{Key: request.TagNamespace, Value: c.namespace}}, Limit: eci.MaxGroupsPerPage, NextToken: token,
			})
			if err != nil {
				return err.Error()
			}
			for _, group := range page.ContainerGroups {
				who, _ := request.IdentityOf(group.Tags)
				groups[who.UID] = append(groups[who.UID], group)
			}
			if token = page.NextToken; token == "" {
				return ""
			}
		}
	})
	return groups
}

func live(groups []eci.ContainerGroup) (ids []string) {
	for _, g := range groups {
		if !eci.IsTerminal(g.Status) {
			ids = append(ids, g.ContainerGroupID)
		}
	}
	return ids
}

// mustHaveNoneTwice fails when a pod has two live groups.
func (c *churn) mustHaveNoneTwice(t *testing.T) {
	t.Helper()
	for uid, groups := range c.groups(t) {
		if ids := live(groups); len(ids) > 1 {
			t.Fatalf("pod %s has %d live groups: %v", uid, len(ids), ids)
		}
	}
}

// mustHaveRunOnce fails when a pod that runs to its end was run twice: the
// records of ended groups tell.
func (c *churn) mustHaveRunOnce(t *testing.T) {
	t.Helper()
	groups := c.groups(t)
	for i := range c.pods {
		if f := fateOf(i); f != succeeds && f != fails {
			continue
		}
		for uid := range c.uids[podName(i)] {
			if len(groups[uid]) != 1 {
				t.Errorf("pod %s has %d records of groups, want 1: %v", podName(i), len(groups[uid]), groups[uid])
			}
		}
	}
}

// unsettled says what is not yet as it should be at the end.
func (c *churn) unsettled(t *testing.T) string {
	t.Helper()
	list, err := c.client.CoreV1().Pods(c.namespace).List(context.WithoutCancel(t.Context()), metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	pods := map[string]*corev1.Pod{}
	for i := range list.Items {
		pods[list.Items[i].Name] = &list.Items[i]
	}
	groups := c.groups(t)
	for i := range c.pods {
		pod := pods[podName(i)]
		if reason := unfulfilled(fateOf(i), pod); reason != "" {
			return podName(i) + ": " + reason
		}
		if pod != nil && pod.Status.Phase == corev1.PodRunning {
			if ids := live(groups[pod.UID]); len(ids) != 1 || pod.Annotations[annotationInstanceID] != ids[0] {
				return fmt.Sprintf("%s runs in %q, and lives in %v", pod.Name, pod.Annotations[annotationInstanceID], ids)
			}
			delete(groups, pod.UID)
		}
	}
	for uid, left := range groups {
		if ids := live(left); len(ids) > 0 {
			return fmt.Sprintf("groups %v of pod %s are left", ids, uid)
		}
	}
	return ""
}

// unfulfilled says why a pod, nil when it is gone, has not come to its end yet.
func unfulfilled(f fate, pod *corev1.Pod) string {
	if f == isDeleted || f == isForcedAway {
		if pod != nil {
			return "it is still there"
		}
		return ""
	}
	if pod == nil {
		return "it is gone"
	}
	switch f {
	case succeeds:
		return notEnded(pod, corev1.PodSucceeded, 0)
	case fails:
		return notEnded(pod, corev1.PodFailed, 3)
	}
	return notRunning(pod)
}

func notEnded(pod *corev1.Pod, phase corev1.PodPhase, code int32) string {
	if pod.Status.Phase != phase {
		return fmt.Sprintf("%s %s %s", pod.Status.Phase, pod.Status.Reason, pod.Status.Message)
	}
	if end := pod.Status.ContainerStatuses[0].State.Terminated; end == nil || end.ExitCode != code {
		return fmt.Sprintf("its container ended with %+v", end)
	}
	return ""
}
