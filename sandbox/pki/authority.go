package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// lifetime of every certificate. Longer than any sandbox runs, shorter than
// what strict TLS clients refuse (825 days).
const lifetime = 365 * 24 * time.Hour

// clockSkew is how far in the past a certificate starts to be valid, so that a
// machine that sets its clock back a little still trusts it.
const clockSkew = time.Hour

// KeyPair is a certificate and its private key, both PEM encoded.
type KeyPair struct {
	CertificatePEM []byte
	KeyPEM         []byte
}

// Subject says whom a certificate is for.
type Subject struct {
	CommonName    string   // the user name, to an API server
	Organizations []string // the groups, to an API server
	Hosts         []string // DNS names and IP addresses; with any, the certificate also serves
}

// Authority signs certificates. Its key exists in memory and in KeyPair.
type Authority struct {
	KeyPair
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes a self-signed authority.
func NewAuthority(commonName string) (*Authority, error) {
	template, err := newTemplate(pkix.Name{CommonName: commonName})
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature

	authority := &Authority{certificate: template}
	authority.KeyPair, authority.key, err = sign(template, nil)
	return authority, err
}

// Issue signs a new key pair that authenticates a client and, when the subject
// has hosts, a server.
func (a *Authority) Issue(subject Subject) (KeyPair, error) {
	template, err := newTemplate(pkix.Name{CommonName: subject.CommonName, Organization: subject.Organizations})
	if err != nil {
		return KeyPair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for _, host := range subject.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if len(subject.Hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	pair, _, err := sign(template, a)
	return pair, err
}

func newTemplate(name pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("choose a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      name,
		NotBefore:    now.Add(-clockSkew),
		NotAfter:     now.Add(lifetime),
	}, nil
}

// sign makes a key for the template and signs it, by itself without an issuer.
func sign(template *x509.Certificate, issuer *Authority) (KeyPair, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return KeyPair{}, nil, fmt.Errorf("make a key for %s: %w", template.Subject, err)
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.key
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return KeyPair{}, nil, fmt.Errorf("sign the certificate of %s: %w", template.Subject, err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return KeyPair{}, nil, fmt.Errorf("encode the key of %s: %w", template.Subject, err)
	}
	return KeyPair{
		CertificatePEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		KeyPEM:         pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
	}, key, nil
}
