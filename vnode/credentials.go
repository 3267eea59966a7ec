package vnode

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	"golang.org/x/sync/errgroup"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/certificate"
)

// The ConfigMap in which every cluster publishes the CA of its client certificates.
const (
	clusterCANamespace = "kube-system"
	clusterCAName      = "extension-apiserver-authentication"
	clusterCAKey       = "client-ca-file"
)

// selfSignedAge is how long a made-up certificate is valid. It is made at every
// start, and clients that verify it need one from a file.
const selfSignedAge = 10 * 365 * 24 * time.Hour

// credentials are the serving certificate and the CA of client certificates, both
// followed while they change.
type credentials struct {
	clientCA dynamiccertificates.CAContentProvider
	serving  *dynamiccertificates.DynamicServingCertificateController
	runners  []dynamiccertificates.ControllerRunner
	signer   certificate.Manager // nil unless the cluster signs
}

func newCredentials(cfg Config, client kubernetes.Interface) (*credentials, error) {
	c := &credentials{}
	servingCert, err := c.servingCertificate(cfg, client)
	if err != nil {
		return nil, err
	}
	if c.clientCA, err = clientCA(cfg.Kubelet, client); err != nil {
		return nil, err
	}
	base := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, ClientAuth: tls.RequestClientCert,
	}
	c.serving = dynamiccertificates.NewDynamicServingCertificateController(base, c.clientCA, servingCert, nil, nil)
	servingCert.AddListener(c.serving)
	c.clientCA.AddListener(c.serving)
	for _, source := range []any{servingCert, c.clientCA} {
		if r, ok := source.(dynamiccertificates.ControllerRunner); ok {
			c.runners = append(c.runners, r)
		}
	}
	return c, nil
}

func (c *credentials) servingCertificate(cfg Config, client kubernetes.Interface) (dynamiccertificates.CertKeyContentProvider, error) {
	if cfg.Kubelet.TLSCertFile != "" {
		content, err := dynamiccertificates.NewDynamicServingContentFromFiles("kubelet-serving", cfg.Kubelet.TLSCertFile, cfg.Kubelet.TLSPrivateKeyFile)
		if err != nil {
			return nil, fmt.Errorf("load serving certificate of the kubelet API: %w", err)
		}
		return content, nil
	}
	certPEM, keyPEM, err := madeUpCertificate(cfg.Node)
	if err != nil {
		return nil, err
	}
	if cfg.Kubelet.SignedCertificate {
		content := newSignedContent(certPEM, keyPEM)
		c.signer, err = newSigner(cfg, client, content)
		return content, err
	}
	content, err := dynamiccertificates.NewStaticCertKeyContent("self-signed", certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("use made serving certificate of the kubelet API: %w", err)
	}
	return content, nil
}

// madeUpCertificate returns a self-signed pair as PEM.
func madeUpCertificate(node NodeConfig) (certPEM, keyPEM []byte, err error) {
	options := cert.SelfSignedCertKeyOptions{Host: node.Name, MaxAge: selfSignedAge}
	if ip := net.ParseIP(node.InternalIP); ip != nil {
		options.AlternateIPs = []net.IP{ip}
	}
	certPEM, keyPEM, err = cert.GenerateSelfSignedCertKeyWithOptions(options)
	if err != nil {
		return nil, nil, fmt.Errorf("make serving certificate of the kubelet API: %w", err)
	}
	return certPEM, keyPEM, nil
}

func clientCA(cfg KubeletConfig, client kubernetes.Interface) (dynamiccertificates.CAContentProvider, error) {
	if cfg.ClientCAFile != "" {
		ca, err := dynamiccertificates.NewDynamicCAContentFromFile("kubelet-client-ca", cfg.ClientCAFile)
		if err != nil {
			return nil, fmt.Errorf("load client CA of the kubelet API: %w", err)
		}
		return ca, nil
	}
	ca, err := dynamiccertificates.NewDynamicCAFromConfigMapController("kubelet-client-ca", clusterCANamespace, clusterCAName, clusterCAKey, client)
	if err != nil {
		return nil, fmt.Errorf("follow client CA of the cluster: %w", err)
	}
	return ca, nil
}

// start follows the certificates until ctx ends. A CA that cannot be read yet is
// no reason to stop: until it can, client certificates are not believed.
func (c *credentials) start(ctx context.Context, group *errgroup.Group) {
	for _, r := range c.runners {
		group.Go(func() error {
			defer utilruntime.HandleCrashWithContext(ctx)
			r.Run(ctx, 1)
			return nil
		})
	}
	if err := c.serving.RunOnce(); err != nil {
		log.G(ctx).WithError(err).Error("load certificates of the kubelet API")
	}
	group.Go(func() error {
		defer utilruntime.HandleCrashWithContext(ctx)
		c.serving.Run(1, ctx.Done())
		return nil
	})
	if c.signer != nil {
		log.G(ctx).Info("the cluster is asked to sign the serving certificate of the kubelet API; unless somebody approves it, `kubectl certificate approve` does")
		c.signer.Start()
		group.Go(func() error {
			defer utilruntime.HandleCrashWithContext(ctx)
			<-ctx.Done()
			c.signer.Stop()
			return nil
		})
	}
}
