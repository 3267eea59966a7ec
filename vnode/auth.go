package vnode

import (
	"fmt"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/nodeutil"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/kubernetes"
)

// tokenReviewTimeout bounds one question to the API server about a token.
const tokenReviewTimeout = 10 * time.Second

// newAuth authenticates by client certificate or by TokenReview, and authorizes by
// SubjectAccessReview on the nodes resource, as the kubelet does.
func newAuth(cfg Config, client kubernetes.Interface, ca dynamiccertificates.CAContentProvider) (nodeutil.Auth, error) {
	auth, err := nodeutil.WebhookAuth(client, cfg.Node.Name, func(c *nodeutil.WebhookAuthConfig) error {
		c.AuthnConfig.ClientCertificateCAContentProvider = ca
		c.AuthnConfig.TokenAccessReviewTimeout = tokenReviewTimeout
		c.AuthnConfig.Anonymous = &apiserver.AnonymousAuthConfig{Enabled: cfg.Kubelet.AnonymousAuth}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("set up authentication of the kubelet API: %w", err)
	}
	return auth, nil
}
