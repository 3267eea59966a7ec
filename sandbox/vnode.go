package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/eci-vnode/eci-vnode/sandbox/manifest"
)

// tokenLifetime outlasts any sandbox; outside a pod nobody renews the token.
const tokenLifetime = 365 * 24 * time.Hour

// grantVNode gives eci-vnode what the operator's manifest would: everything in
// it but the Deployment and its Secret, and a kubeconfig of its ServiceAccount.
func (s *session) grantVNode(ctx context.Context) error {
	objects, err := manifest.Read(s.config.Deploy)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; run from the root of the repository, or name the manifest with --deploy", err)
	}
	if err != nil {
		return err
	}
	account, titles := (*unstructured.Unstructured)(nil), []string(nil)
	for _, object := range objects {
		switch object.GetKind() {
		case "Deployment", "Secret":
			continue
		case "ServiceAccount":
			account = object
		}
		if err := s.cluster.Apply(ctx, object); err != nil {
			return fmt.Errorf("%s: %w", s.config.Deploy, err)
		}
		titles = append(titles, manifest.Title(object))
	}
	if account == nil {
		return fmt.Errorf("%s holds no ServiceAccount for eci-vnode", s.config.Deploy)
	}
	s.report.sayf("Applied from %s: %s", s.config.Deploy, strings.Join(titles, ", "))
	user, err := s.writeAccountKubeconfig(ctx, s.files.vnodeKubeconfig(), cmp.Or(account.GetNamespace(), metav1.NamespaceDefault), account.GetName())
	s.report.sayf("eci-vnode acts as %s", user)
	return err
}

// writeAccountKubeconfig saves, at path, access as a ServiceAccount, and returns
// its user name.
func (s *session) writeAccountKubeconfig(ctx context.Context, path, namespace, name string) (user string, err error) {
	seconds := int64(tokenLifetime.Seconds())
	token, err := s.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("make a token for ServiceAccount %s/%s: %w", namespace, name, err)
	}
	user = fmt.Sprintf("system:serviceaccount:%s:%s", namespace, name)
	return user, s.plane.WriteTokenKubeconfig(path, user, token.Status.Token)
}

func (s *session) startVNode(ctx context.Context) error {
	s.report.sayf("Starting eci-vnode")
	credentials := s.plane.Credentials
	child := s.supervise(vnodeName, s.keys.env(), append([]string{
		"run",
		"--kubeconfig=" + s.files.vnodeKubeconfig(),
		"--nodename=" + NodeName,
		"--region=" + Region,
		"--zone=" + Zone,
		"--vswitch=" + VSwitchID,
		"--security-group=" + SecurityGroup,
		"--endpoint=" + s.emulatorURL(),
		"--internal-ip=" + s.config.NodeIP,
		fmt.Sprintf("--kubelet-port=%d", s.config.KubeletPort),
		"--tls-cert-file=" + credentials.NodeServing.Certificate,
		"--tls-private-key-file=" + credentials.NodeServing.Key,
		"--client-ca-file=" + credentials.CA.Certificate,
	}, s.config.VNodeArgs...))
	if err := s.await(ctx, "node "+NodeName, child, s.nodeNotReady); err != nil {
		return s.withLog(vnodeName, err)
	}
	s.report.sayf("Node %s is Ready, its kubelet API is at https://%s:%d", NodeName, s.config.NodeIP, s.config.KubeletPort)
	return nil
}

func (s *session) nodeNotReady(ctx context.Context) (string, error) {
	node, err := s.client.CoreV1().Nodes().Get(ctx, NodeName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "it has not registered yet", nil
	}
	if err != nil {
		return "", fmt.Errorf("look at node %s: %w", NodeName, err)
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return "", nil
		}
	}
	return "it is not Ready yet", nil
}
