package vnode

import (
	"bytes"
	"errors"
	"testing"

	"k8s.io/client-go/util/certificate"
)

// counter is a listener.
type counter int

func (c *counter) Enqueue() { *c++ }

func TestASignedCertificateTakesThePlaceOfTheMadeUpOne(t *testing.T) {
	made, key, err := madeUpCertificate(NodeConfig{Name: "vk"})
	if err != nil {
		t.Fatal(err)
	}
	content, heard := newSignedContent(made, key), counter(0)
	content.AddListener(&heard)
	var none *certificate.NoCertKeyError
	if _, err := content.Current(); !errors.As(err, &none) {
		t.Errorf("before: %v, want that there is none", err)
	}
	if got, _ := content.CurrentCertKeyContent(); !bytes.Equal(got, made) {
		t.Error("the made-up certificate does not serve")
	}
	signed, signedKey := newAuthority(t).issue(t, "system:node:vk")
	if _, err := content.Update(signed, key); err == nil || heard != 0 {
		t.Errorf("with another key: %v, heard %d times", err, heard)
	}
	if _, err := content.Update(signed, signedKey); err != nil || heard != 1 {
		t.Errorf("update: %v, heard %d times", err, heard)
	}
	current, err := content.Current()
	if got, _ := content.CurrentCertKeyContent(); err != nil || !bytes.Equal(got, signed) || current.Leaf.Subject.CommonName != "system:node:vk" {
		t.Errorf("the signed certificate does not serve: %v", err)
	}
}
