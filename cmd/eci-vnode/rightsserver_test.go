package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apimachinery/pkg/watch"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/provider/eip"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// apiRequest is what an authorizer is asked about.
type apiRequest struct {
	verb, group, resource, namespace, name string
}

func (r apiRequest) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s/%s %s/%s", r.verb, r.group, r.resource, r.namespace, r.name))
}

// grant is one verb on one resource; an empty namespace or name is any.
type grant struct {
	namespace, group, resource, name, verb string
}

func (g grant) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s/%s %s/%s", g.verb, g.group, g.resource, g.namespace, g.name))
}

// allows is the rule of RBAC; a create has no name yet.
func (g grant) allows(r apiRequest) bool {
	return g.verb == r.verb && g.group == r.group && g.resource == r.resource &&
		(g.namespace == "" || g.namespace == r.namespace) && (g.name == "" || g.name == r.name)
}

func allows(grants []grant, r apiRequest) bool {
	return slices.ContainsFunc(grants, func(g grant) bool { return g.allows(r) })
}

// mustReadManifest returns the objects of deploy/eci-vnode.yaml after an edit.
func mustReadManifest(t *testing.T, edit func(string) string) []unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile("../../deploy/eci-vnode.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var objects []unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(edit(string(text)))), 4096); ; {
		var object unstructured.Unstructured
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
}

// grantsOf takes a role apart, into one grant for each verb, resource and name.
func grantsOf(t *testing.T, object unstructured.Unstructured) []grant {
	t.Helper()
	if kind := object.GetKind(); kind != "Role" && kind != "ClusterRole" {
		return nil
	}
	var role rbacv1.Role // a ClusterRole has the same fields
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &role); err != nil {
		t.Fatal(err)
	}
	var grants []grant
	for _, rule := range role.Rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range names {
						grants = append(grants, grant{namespace: role.Namespace, group: group, resource: resource, name: name, verb: verb})
					}
				}
			}
		}
	}
	return grants
}

// authorizing is an API server that refuses what its grants do not allow, and
// remembers every request.
type authorizing struct {
	*fake.Clientset
	custom  *dynamicfake.FakeDynamicClient
	reviews kubernetes.Interface
	grants  []grant

	mu       sync.Mutex
	requests map[apiRequest]bool
}

func newAuthorizing(t *testing.T, grants []grant) *authorizing {
	t.Helper()
	s := &authorizing{Clientset: fake.NewClientset(), grants: grants, requests: map[apiRequest]bool{}}
	s.custom = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
		eip.PodEIPs(): "PodEIPList", request.PodNetworkings(): "PodNetworkingList",
	})
	// The authenticator of the kubelet API asks with a REST client, which the fake
	// clientset has not.
	server := httptest.NewServer(http.HandlerFunc(s.review))
	t.Cleanup(server.Close)
	var err error
	if s.reviews, err = kubernetes.NewForConfig(&rest.Config{Host: server.URL, QPS: -1}); err != nil {
		t.Fatal(err)
	}
	s.PrependReactor("create", "*", s.answerCreate)
	s.custom.PrependReactor("delete", "podeips", s.deleteRecord)
	s.custom.PrependReactor("update", "podeips", s.updateRecord)
	for _, f := range []*clienttesting.Fake{&s.Fake, &s.custom.Fake} {
		f.PrependReactor("*", "*", s.authorize)
		watching := f.WatchReactionChain
		f.PrependWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
			if refused, _, err := s.authorize(a); refused {
				return true, nil, err
			}
			for _, next := range watching {
				if next.Handles(a) {
					if handled, w, err := next.React(a); handled {
						return true, w, err
					}
				}
			}
			return false, nil, nil
		})
	}
	return s
}

// AuthenticationV1 and AuthorizationV1 are those of the server of reviews.
func (s *authorizing) AuthenticationV1() authenticationclient.AuthenticationV1Interface {
	return s.reviews.AuthenticationV1()
}

func (s *authorizing) AuthorizationV1() authorizationclient.AuthorizationV1Interface {
	return s.reviews.AuthorizationV1()
}

// review lets everybody in whom a granted review asks about.
func (s *authorizing) review(w http.ResponseWriter, req *http.Request) {
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/") // apis, group, version, resource
	if len(parts) != 4 || req.Method != http.MethodPost || !s.may(apiRequest{verb: "create", group: parts[1], resource: parts[3]}) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	status := `{"allowed":true}`
	kind := "SubjectAccessReview"
	if parts[3] == "tokenreviews" {
		kind, status = "TokenReview", `{"authenticated":true,"user":{"username":"somebody"}}`
	}
	fmt.Fprintf(w, `{"apiVersion":"%s/v1","kind":%q,"status":%s}`, parts[1], kind, status)
}

// may remembers a request and says whether it is allowed.
func (s *authorizing) may(r apiRequest) bool {
	s.mu.Lock()
	s.requests[r] = true
	s.mu.Unlock()
	return allows(s.grants, r)
}

func (s *authorizing) authorize(a clienttesting.Action) (bool, runtime.Object, error) {
	r := requestOf(a)
	if s.may(r) {
		return false, nil, nil
	}
	return true, nil, apierrors.NewForbidden(a.GetResource().GroupResource(), r.name, errors.New("no role allows it"))
}

// requestOf is what the API server makes of a request, before it is authorized.
func requestOf(a clienttesting.Action) apiRequest {
	r := apiRequest{verb: a.GetVerb(), group: a.GetResource().Group, resource: a.GetResource().Resource, namespace: a.GetNamespace()}
	if sub := a.GetSubresource(); sub != "" {
		r.resource += "/" + sub
	}
	switch a := a.(type) {
	case clienttesting.CreateActionImpl:
		r.name = a.Name // of a subresource only
	case clienttesting.UpdateAction:
		if object, err := meta.Accessor(a.GetObject()); err == nil {
			r.name = object.GetName()
		}
	case interface{ GetName() string }: // get, patch, delete
		r.name = a.GetName()
	case clienttesting.ListAction:
		r.name, _ = a.GetListRestrictions().Fields.RequiresExactMatch("metadata.name")
	case clienttesting.WatchAction:
		r.name, _ = a.GetWatchRestrictions().Fields.RequiresExactMatch("metadata.name")
	}
	return r
}

// answerCreate does what the fake clientset does not: tokens, names, and a webhook
// that takes the taints off a new node.
func (s *authorizing) answerCreate(a clienttesting.Action) (bool, runtime.Object, error) {
	object := a.(clienttesting.CreateAction).GetObject()
	switch object := object.(type) {
	case *authenticationv1.TokenRequest:
		object.Status = authenticationv1.TokenRequestStatus{Token: "a-token", ExpirationTimestamp: metav1.NewTime(time.Now().Add(time.Hour))}
		return true, object, nil
	case *certificatesv1.CertificateSigningRequest:
		object.Name = "csr-1"
	case *corev1.Node:
		object.Spec.Taints = nil
	}
	return false, nil, nil
}

// deleteRecord waits for the finalizer, updateRecord removes what has none left.
func (s *authorizing) deleteRecord(a clienttesting.Action) (bool, runtime.Object, error) {
	d := a.(clienttesting.DeleteAction)
	found, err := s.custom.Tracker().Get(eip.PodEIPs(), d.GetNamespace(), d.GetName())
	if err != nil {
		return true, nil, err
	}
	record := found.(*unstructured.Unstructured).DeepCopy()
	record.SetDeletionTimestamp(ptr.To(metav1.Now()))
	return true, nil, s.custom.Tracker().Update(eip.PodEIPs(), record, d.GetNamespace())
}

func (s *authorizing) updateRecord(a clienttesting.Action) (bool, runtime.Object, error) {
	record := a.(clienttesting.UpdateAction).GetObject().(*unstructured.Unstructured)
	if record.GetDeletionTimestamp() == nil || len(record.GetFinalizers()) > 0 {
		return false, nil, nil
	}
	return true, record, s.custom.Tracker().Delete(eip.PodEIPs(), record.GetNamespace(), record.GetName())
}

func (s *authorizing) nodeNow() (*corev1.Node, error) {
	found, err := s.Tracker().Get(corev1.SchemeGroupVersion.WithResource("nodes"), "", "virtual-kubelet")
	if err != nil {
		return nil, err
	}
	return found.(*corev1.Node), nil
}

func (s *authorizing) podsNow(t *testing.T) []corev1.Pod {
	t.Helper()
	gv := corev1.SchemeGroupVersion
	found, err := s.Tracker().List(gv.WithResource("pods"), gv.WithKind("Pod"), "default")
	if err != nil {
		t.Fatal(err)
	}
	return found.(*corev1.PodList).Items
}

const annotationWithEIP = "k8s.aliyun.com/pod-with-eip"

// fill puts in what pods name, and pods that name everything: one with files and a
// claim, one of a stateful workload with an address, one that waits for a ConfigMap
// and says so again and again.
func (s *authorizing) fill(t *testing.T) {
	t.Helper()
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: inDefault("data"), Spec: corev1.PersistentVolumeClaimSpec{VolumeName: "pv-1"}, Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound}}
	volume := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv-1"}}
	volume.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: "nasplugin.csi.alibabacloud.com", VolumeHandle: "pv-1",
		VolumeAttributes: map[string]string{"server": "nas.example", "path": "/"}}
	files := runningPod("files", map[string]string{})
	files.Spec.ServiceAccountName = "default"
	files.Spec.Volumes = []corev1.Volume{
		{Name: "settings", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}},
		{Name: "password", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "password"}}},
		{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}},
		{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](3600)}}}}}},
	}
	for _, v := range files.Spec.Volumes {
		files.Spec.Containers[0].VolumeMounts = append(files.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: v.Name, MountPath: "/" + v.Name})
	}
	address := runningPod("db-0", map[string]string{annotationWithEIP: "true", "k8s.aliyun.com/pod-eip-release-strategy": "1s"})
	address.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "db", Controller: ptr.To(true)}}
	// It shows its address, which is got, by its record, before the group is made.
	address.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "ADDRESS", ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['k8s.aliyun.com/allocated-eipAddress']"}}}}
	waiting := runningPod("waiting", nil)
	waiting.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "missing"}}}}
	for _, object := range []runtime.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "uid-of-kube-system"}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "extension-apiserver-authentication"}, Data: map[string]string{"client-ca-file": ""}},
		&corev1.ConfigMap{ObjectMeta: inDefault("settings"), Data: map[string]string{"a": "b"}},
		&corev1.Secret{ObjectMeta: inDefault("password"), Data: map[string][]byte{"a": []byte("b")}},
		&corev1.ServiceAccount{ObjectMeta: inDefault("default")},
		claim, volume, files, address, waiting,
	} {
		if err := s.Tracker().Add(object); err != nil {
			t.Fatal(err)
		}
	}
}

func inDefault(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID("uid-of-" + name)}
}

// runningPod is bound to the node.
func runningPod(name string, annotations map[string]string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: inDefault(name), Spec: corev1.PodSpec{
		NodeName: "virtual-kubelet", RestartPolicy: corev1.RestartPolicyAlways,
		Containers: []corev1.Container{{Name: "main", Image: "busybox", Command: []string{"sleep", "100000"}}},
	}, Status: corev1.PodStatus{Phase: corev1.PodPending}}
	pod.Annotations, pod.CreationTimestamp = annotations, metav1.Now()
	return pod
}
