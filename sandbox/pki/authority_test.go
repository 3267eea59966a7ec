package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"testing"

	"github.com/eci-vnode/eci-vnode/sandbox/pki"
)

func TestAServingCertificateIsTrustedForItsHostsAndNoOthers(t *testing.T) {
	authority := mustAuthority(t)
	certificate := mustIssue(t, authority, pki.Subject{CommonName: "node", Hosts: []string{"node", "10.1.2.3"}})

	for host, trusted := range map[string]bool{"node": true, "10.1.2.3": true, "other": false, "10.1.2.4": false} {
		_, err := certificate.Verify(x509.VerifyOptions{DNSName: host, Roots: roots(authority)})
		if (err == nil) != trusted {
			t.Errorf("host %s: trusted = %v, want %v (%v)", host, err == nil, trusted, err)
		}
	}
}

func TestACertificateWithoutHostsServesNothing(t *testing.T) {
	authority := mustAuthority(t)
	certificate := mustIssue(t, authority, pki.Subject{CommonName: "admin", Organizations: []string{"system:masters"}})

	for usage, allowed := range map[x509.ExtKeyUsage]bool{x509.ExtKeyUsageClientAuth: true, x509.ExtKeyUsageServerAuth: false} {
		_, err := certificate.Verify(x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{usage}, Roots: roots(authority)})
		if (err == nil) != allowed {
			t.Errorf("usage %v: allowed = %v, want %v (%v)", usage, err == nil, allowed, err)
		}
	}
	if got := certificate.Subject.String(); got != "CN=admin,O=system:masters" {
		t.Errorf("subject = %q, want the user name and its group", got)
	}
}

func TestAnotherAuthorityIsNotTrusted(t *testing.T) {
	certificate := mustIssue(t, mustAuthority(t), pki.Subject{CommonName: "node", Hosts: []string{"node"}})

	if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots(mustAuthority(t))}); err == nil {
		t.Error("a certificate of one authority was trusted by another")
	}
}

func TestTheWrittenKeyBelongsToItsCertificateAndIsPrivate(t *testing.T) {
	pair, err := mustAuthority(t).Issue(pki.Subject{CommonName: "node"})
	if err != nil {
		t.Fatal(err)
	}
	files, err := pair.Write(t.TempDir(), "node")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.LoadX509KeyPair(files.Certificate, files.Key); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(files.Key)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode of the key = %o, want 600", mode)
	}
}

func mustAuthority(t *testing.T) *pki.Authority {
	t.Helper()
	authority, err := pki.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func mustIssue(t *testing.T, authority *pki.Authority, subject pki.Subject) *x509.Certificate {
	t.Helper()
	pair, err := authority.Issue(subject)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(pair.CertificatePEM)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func roots(authority *pki.Authority) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.CertificatePEM)
	return pool
}
