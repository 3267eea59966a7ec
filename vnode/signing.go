package vnode

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"sync"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/certificate"
)

// signedContent is the serving certificate that the cluster signs: the current
// pair in memory, shown to the server and kept up to date by client-go's manager,
// which asks with a CertificateSigningRequest and again before it expires. Until
// one is approved, the made-up certificate serves.
type signedContent struct {
	mu        sync.Mutex
	cert, key []byte
	signed    *tls.Certificate
	listeners []dynamiccertificates.Listener
}

var (
	_ dynamiccertificates.CertKeyContentProvider = (*signedContent)(nil)
	_ certificate.Store                          = (*signedContent)(nil)
)

func newSignedContent(cert, key []byte) *signedContent { return &signedContent{cert: cert, key: key} }

// Name tells the certificate apart in logs.
func (c *signedContent) Name() string { return "kubelet-serving-signed" }

// CurrentCertKeyContent returns the pair as PEM.
func (c *signedContent) CurrentCertKeyContent() ([]byte, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cert, c.key
}

// AddListener registers who hears of a new pair.
func (c *signedContent) AddListener(l dynamiccertificates.Listener) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners = append(c.listeners, l)
}

// Current returns the signed pair. Without one the manager asks for it.
func (c *signedContent) Current() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.signed == nil {
		none := certificate.NoCertKeyError("nothing is signed yet")
		return nil, &none
	}
	return c.signed, nil
}

// Update takes a new pair as PEM.
func (c *signedContent) Update(certPEM, keyPEM []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err == nil && pair.Leaf == nil {
		err = errors.New("it has no leaf")
	}
	if err != nil {
		return nil, fmt.Errorf("use the signed serving certificate: %w", err)
	}
	c.mu.Lock()
	c.cert, c.key, c.signed = certPEM, keyPEM, &pair
	listeners := c.listeners
	c.mu.Unlock()
	for _, l := range listeners {
		l.Enqueue()
	}
	return &pair, nil
}

// newSigner asks the cluster for certificates in the name of the node, as a
// kubelet does; who may approve them is the cluster's business.
func newSigner(cfg Config, client kubernetes.Interface, store *signedContent) (certificate.Manager, error) {
	template := &x509.CertificateRequest{
		Subject:  pkix.Name{CommonName: "system:node:" + cfg.Node.Name, Organization: []string{"system:nodes"}},
		DNSNames: []string{cfg.Node.Name},
	}
	if ip := net.ParseIP(cfg.Node.InternalIP); ip != nil {
		template.IPAddresses = []net.IP{ip}
	}
	manager, err := certificate.NewManager(&certificate.Config{
		ClientsetFn:      func(*tls.Certificate) (kubernetes.Interface, error) { return client, nil },
		Template:         template,
		SignerName:       certificatesv1.KubeletServingSignerName,
		Usages:           []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth},
		CertificateStore: store,
		Name:             store.Name(),
	})
	if err != nil {
		return nil, fmt.Errorf("set up the signing of the serving certificate: %w", err)
	}
	return manager, nil
}
