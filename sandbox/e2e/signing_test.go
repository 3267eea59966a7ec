package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestTheClusterSignsTheServingCertificateOfANode: the API server verifies the
// certificate, so that a log is shown once somebody has approved it, and no sooner.
func TestTheClusterSignsTheServingCertificateOfANode(t *testing.T) {
	const node = "signed"
	namespace := mustNamespace(t, shared)
	v := mustRunVNode(t, shared, node, "--rotate-server-certificates")
	t.Cleanup(func() {
		v.end(t)
		if err := shared.client.CoreV1().Nodes().Delete(context.Background(), node, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	awaitNode(t, shared, node)
	mustBindPods(t, shared, namespace, node, "web", 1, func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Command = []string{"sh", "-c", "echo shown; sleep 100000"}
	})
	eventually(t, "pod web-0 Running", func() string { return notRunning(mustGetPod(t, shared, namespace, "web-0")) })
	if log, err := kubectl(t.Context(), shared, "logs", "-n", namespace, "web-0"); err == nil || !strings.Contains(log, "x509") {
		t.Errorf("before the certificate is signed the log is %q", log)
	}

	request := mustFindRequest(t, node)
	if user := request.Spec.Username; user != "system:serviceaccount:kube-system:eci-vnode" {
		t.Errorf("%s asks for the certificate", user)
	}
	mustKubectl(t, shared, "certificate", "approve", request.Name)
	eventually(t, "a log over the signed certificate", func() string {
		log, err := kubectl(t.Context(), shared, "logs", "-n", namespace, "web-0")
		return unless(err == nil && log == "shown\n", log, err)
	})
	checkServing(t, node)
	// Nobody is there to end it later.
	mustKubectl(t, shared, "delete", "pod", "-n", namespace, "web-0", "--timeout=2m")
}

// mustFindRequest waits for the request that a node's certificate be signed.
func mustFindRequest(t *testing.T, node string) certificatesv1.CertificateSigningRequest {
	t.Helper()
	var found certificatesv1.CertificateSigningRequest
	eventually(t, "the request of node "+node, func() string {
		all, err := shared.client.CertificatesV1().CertificateSigningRequests().List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		for _, request := range all.Items {
			if request.Spec.SignerName == certificatesv1.KubeletServingSignerName {
				found = request
				return ""
			}
		}
		return fmt.Sprintf("%d requests, none of a kubelet", len(all.Items))
	})
	return found
}

// checkServing looks at the certificate with the eyes of any client that knows
// the cluster's CA.
func checkServing(t *testing.T, name string) {
	t.Helper()
	node, err := shared.client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(shared.path("state", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	address := net.JoinHostPort(node.Status.Addresses[0].Address, fmt.Sprint(node.Status.DaemonEndpoints.KubeletEndpoint.Port))
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: name})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if subject := conn.ConnectionState().PeerCertificates[0].Subject; subject.CommonName != "system:node:"+name || subject.Organization[0] != "system:nodes" {
		t.Errorf("the certificate is of %s", subject)
	}
}
