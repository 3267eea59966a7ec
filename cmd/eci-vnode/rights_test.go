package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// ownRights are what the shipped roles grant, with the block that is commented out
// because only a setting needs it.
func ownRights(t *testing.T) []grant {
	t.Helper()
	var rights []grant
	for _, role := range mustReadManifest(t, uncommentSigning) {
		rights = append(rights, grantsOf(t, role)...)
	}
	return rights
}

// TestRights_EachIsNeededAndNoneIsMissing runs the whole program, but for its
// HTTP clients, against an API server that authorizes every request by the shipped
// roles. A right is needed when a request of this life would be refused without it.
func TestRights_EachIsNeededAndNoneIsMissing(t *testing.T) {
	rights := ownRights(t)
	// Kubernetes itself has the role for the CA of its clients.
	kubernetesOwn := []grant{
		{namespace: "kube-system", resource: "configmaps", name: "extension-apiserver-authentication", verb: "get"},
		{namespace: "kube-system", resource: "configmaps", name: "extension-apiserver-authentication", verb: "list"},
		{namespace: "kube-system", resource: "configmaps", name: "extension-apiserver-authentication", verb: "watch"},
	}
	s := newAuthorizing(t, slices.Concat(rights, kubernetesOwn))
	s.fill(t)
	stop := s.run(t)
	var unneeded []string
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 2*time.Minute, true, func(context.Context) (bool, error) {
		s.askKubeletAPI()
		s.deleteWhatRuns(t)
		unneeded = s.unneeded(rights)
		return len(unneeded) == 0, nil
	})
	stop()
	if err != nil {
		t.Errorf("nothing that the program did needs:\n%s", strings.Join(unneeded, "\n"))
	}
	for _, refused := range s.refusals() {
		t.Errorf("no shipped right allows: %s", refused)
	}
}

func TestRights_JudgesByNameAndNamespace(t *testing.T) {
	rights := ownRights(t)
	for asked, want := range map[apiRequest]bool{
		{verb: "patch", resource: "nodes", name: "virtual-kubelet"}:                                                                          true,
		{verb: "patch", resource: "nodes", name: "another"}:                                                                                  false,
		{verb: "patch", resource: "nodes/status", name: "another"}:                                                                           false,
		{verb: "update", group: "coordination.k8s.io", resource: "leases", namespace: "kube-node-lease", name: "virtual-kubelet"}:            true,
		{verb: "update", group: "coordination.k8s.io", resource: "leases", namespace: "kube-node-lease", name: "another"}:                    false,
		{verb: "update", group: "coordination.k8s.io", resource: "leases", namespace: "kube-system", name: "kube-scheduler"}:                 false,
		{verb: "get", group: "coordination.k8s.io", resource: "leases", namespace: "default", name: "virtual-kubelet"}:                       false,
		{verb: "list", resource: "secrets", namespace: "default"}:                                                                            false,
		{verb: "delete", resource: "nodes", name: "virtual-kubelet"}:                                                                         false,
		{verb: "approve", group: "certificates.k8s.io", resource: "signers", name: "kubernetes.io/kubelet-serving"}:                          false,
		{verb: "update", group: "certificates.k8s.io", resource: "certificatesigningrequests/approval", name: "csr-1"}:                       false,
		{verb: "create", resource: "pods", namespace: "default"}:                                                                             false,
		{verb: "patch", resource: "pods", namespace: "default", name: "web"}:                                                                 false,
		{verb: "create", group: "rbac.authorization.k8s.io", resource: "clusterrolebindings", name: ""}:                                      false,
		{verb: "patch", group: "admissionregistration.k8s.io", resource: "validatingadmissionpolicybindings", name: "eci-vnode-annotations"}: false,
	} {
		if got := allows(rights, asked); got != want {
			t.Errorf("%s: allowed %v, want %v", asked, got, want)
		}
	}
}

func TestRights_AreToldInTheDocuments(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## What the node's token can do")
	if !found {
		t.Fatal("docs/security.md does not say what the token can do")
	}
	for _, right := range ownRights(t) {
		told := slices.ContainsFunc(strings.Split(section, "\n"), func(line string) bool {
			return strings.HasPrefix(line, "|") && strings.Contains(line, "`"+right.resource+"`") && strings.Contains(line, right.verb)
		})
		if !told {
			t.Errorf("docs/security.md does not tell of: %s", right)
		}
	}
}

// signingBlock is commented out in the manifest.
const signingBlock = "#   resources: [certificatesigningrequests]"

func uncommentSigning(manifest string) string {
	lines := strings.Split(manifest, "\n")
	for i, line := range lines {
		if strings.Contains(line, signingBlock) {
			for j := i - 1; j <= i+1; j++ {
				lines[j] = strings.Replace(lines[j], "# ", "", 1)
			}
		}
	}
	return strings.Join(lines, "\n")
}

// run starts the program as one of several replicas; stop ends it.
func (s *authorizing) run(t *testing.T) (stop func()) {
	t.Helper()
	env := newEmulator(t, func(c *emulator.Config) {})
	cfg := defaultConfig()
	cfg.InternalIP, cfg.Kubelet.Address, cfg.Kubelet.Port = "127.0.0.1", "127.0.0.1", 0
	cfg.Kubelet.ServerTLSBootstrap = true
	cfg.LeaderElection.Enabled = true
	cfg.EIP.GarbageCollectionPeriodInMinutes = 0.005
	cfg.Sync.Slow.Duration = cfg.Sync.Fast.Duration
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	cfg.ECI.Region, cfg.ECI.Endpoint = env["ECI_REGION"], env["ECI_ENDPOINT"]
	cfg.ECI.VSwitchIDs, cfg.ECI.SecurityGroupID = []string{env["ECI_VSWITCH"]}, env["ECI_SECURITY_GROUP"]
	registry := prometheus.NewRegistry()
	cloud, err := newCloud(cfg.ECI, lookup, registry)
	if err != nil {
		t.Fatal(err)
	}
	r := newReplica(cfg, registry)
	all := clients{pods: s, events: s, node: s, election: s, watch: s, custom: s.custom}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- r.lead(ctx, all, func(ctx context.Context) error { return work(ctx, cfg, all, cloud, registry, r) })
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the program ended with: %v", err)
		}
	}
}

// askKubeletAPI has the node review a token and the access of its bearer. It fails
// until the API listens.
func (s *authorizing) askKubeletAPI() {
	node, err := s.nodeNow()
	if err != nil {
		return
	}
	port := node.Status.DaemonEndpoints.KubeletEndpoint.Port
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, // its certificate is made up
	}}
	req, err := http.NewRequest(http.MethodGet, "https://"+net.JoinHostPort("127.0.0.1", fmt.Sprint(port))+"/pods", nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer a-token")
	if resp, err := client.Do(req); err == nil {
		resp.Body.Close()
	}
}

// deleteWhatRuns marks pods as a user's delete does, once they run and, where they
// asked for one, have their address.
func (s *authorizing) deleteWhatRuns(t *testing.T) {
	t.Helper()
	for _, pod := range s.podsNow(t) {
		wantsEIP := pod.Annotations[annotationWithEIP] != ""
		if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil || wantsEIP && pod.Annotations["k8s.aliyun.com/allocated-eipAddress"] == "" {
			continue
		}
		marked := pod.DeepCopy()
		now, grace := metav1.Now(), int64(1)
		marked.DeletionTimestamp, marked.DeletionGracePeriodSeconds = &now, &grace
		marked.ResourceVersion = ""
		if err := s.Tracker().Update(corev1.SchemeGroupVersion.WithResource("pods"), marked, marked.Namespace); err != nil {
			t.Fatal(err)
		}
	}
}

// unneeded lists the rights without which every request so far would be allowed.
func (s *authorizing) unneeded(rights []grant) []string {
	made := s.made()
	var found []string
	for i, right := range rights {
		rest := slices.Delete(slices.Clone(s.grants), i, i+1)
		if !slices.ContainsFunc(made, func(r apiRequest) bool { return right.allows(r) && !allows(rest, r) }) {
			found = append(found, right.String())
		}
	}
	return found
}

func (s *authorizing) made() []apiRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.requests))
}

func (s *authorizing) refusals() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for r := range s.requests {
		if !allows(s.grants, r) {
			found = append(found, r.String())
		}
	}
	slices.Sort(found)
	return found
}
