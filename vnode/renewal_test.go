package vnode

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
)

var requestsResource = certificatesv1.SchemeGroupVersion.WithResource("certificatesigningrequests")

// signingCluster takes requests for certificates, and signs them when the test says
// so: the n-th with the serial number n.
type signingCluster struct {
	*reviewed
	ca *authority

	mu       sync.Mutex
	requests []*certificatesv1.CertificateSigningRequest
}

func newSigningCluster(t *testing.T) *signingCluster {
	t.Helper()
	c := &signingCluster{reviewed: newReviewed(t), ca: newAuthority(t)}
	c.PrependReactor("create", "certificatesigningrequests", c.take)
	return c
}

// take keeps the newest request only, as the tracker knows no field selectors.
func (c *signingCluster) take(a clienttesting.Action) (bool, runtime.Object, error) {
	request := a.(clienttesting.CreateAction).GetObject().(*certificatesv1.CertificateSigningRequest).DeepCopy()
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.requests); n > 0 {
		if err := c.tracker.Delete(requestsResource, "", c.requests[n-1].Name); err != nil {
			return true, nil, err
		}
	}
	request.Name = fmt.Sprint("csr-", len(c.requests)+1)
	request.UID, request.ResourceVersion = types.UID(request.Name), fmt.Sprint(len(c.requests)+1)
	c.requests = append(c.requests, request)
	return true, request, c.tracker.Create(requestsResource, request.DeepCopy(), "")
}

func (c *signingCluster) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.requests)
}

// mustSign approves the newest request; the certificate is valid between two times
// that are so far from now.
func (c *signingCluster) mustSign(t *testing.T, from, until time.Duration) {
	t.Helper()
	c.mustBeWatched(t, requestsResource, c.asked())
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.requests)
	request := c.requests[n-1].DeepCopy()
	block, _ := pem.Decode(request.Spec.Request)
	wanted, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if request.Spec.SignerName != certificatesv1.KubeletServingSignerName || wanted.Subject.CommonName != "system:node:vk" {
		t.Errorf("request %d is to %s for %s", n, request.Spec.SignerName, wanted.Subject)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(int64(n)), Subject: wanted.Subject, DNSNames: wanted.DNSNames, IPAddresses: wanted.IPAddresses,
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, c.ca.cert, wanted.PublicKey, c.ca.key)
	if err != nil {
		t.Fatal(err)
	}
	request.ResourceVersion = fmt.Sprint(100 + n)
	request.Status.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	request.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{
		{Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue},
	}
	if err := c.tracker.Update(requestsResource, request, ""); err != nil {
		t.Fatal(err)
	}
}

func mustConnect(t *testing.T, v startedNode, config *tls.Config) (conn *tls.Conn, serial int64) {
	t.Helper()
	conn, err := tls.Dial("tcp", v.kubelet.listener.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	number := conn.ConnectionState().PeerCertificates[0].SerialNumber
	if !number.IsInt64() {
		return conn, -1 // the made-up one has a long number
	}
	return conn, number.Int64()
}

func TestASignedServingCertificateIsRenewedWithoutARestart(t *testing.T) {
	c := newSigningCluster(t)
	cfg := quickConfig()
	cfg.Kubelet.SignedCertificate = true
	v := mustStart(t, cfg, c, talkative{newTestProvider()})
	mustBeReady(t, v)
	var old *tls.Conn
	serves := func(want int64) func() bool {
		return func() (is bool) {
			conn, serial := mustConnect(t, v, &tls.Config{InsecureSkipVerify: true})
			if serial == want {
				old = conn
				return true
			}
			conn.Close()
			return false
		}
	}
	eventually(t, "a certificate is asked for", func() bool { return c.asked() == 1 })
	// Nine tenths of its life are over within two seconds.
	c.mustSign(t, -9*time.Second, 3*time.Second)
	eventually(t, "the first certificate is served", serves(1))
	first := old
	eventually(t, "another certificate is asked for", func() bool { return c.asked() == 2 })
	c.mustSign(t, -time.Minute, time.Hour)
	eventually(t, "the second certificate is served", serves(2))

	roots := x509.NewCertPool()
	roots.AddCert(c.ca.cert)
	if _, serial := mustConnect(t, v, &tls.Config{RootCAs: roots, ServerName: cfg.Node.Name}); serial != 2 {
		t.Errorf("certificate %d is verified", serial)
	}
	// Who was connected stays so.
	fmt.Fprintf(first, "GET /healthz HTTP/1.1\r\nHost: vk\r\nAuthorization: Bearer good\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(first), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("over the first connection: %+v, %v", resp, err)
	}
	if c.asked() != 2 {
		t.Errorf("%d certificates were asked for", c.asked())
	}
}
