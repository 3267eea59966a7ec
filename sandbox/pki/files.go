package pki

import (
	"os"
	"path/filepath"
)

// Files names a key pair on disk.
type Files struct {
	Certificate string
	Key         string
}

// Write saves the pair as NAME.crt and NAME.key (readable by the owner only)
// and returns their paths.
func (p KeyPair) Write(dir, name string) (Files, error) {
	files := Files{
		Certificate: filepath.Join(dir, name+".crt"),
		Key:         filepath.Join(dir, name+".key"),
	}
	if err := os.WriteFile(files.Certificate, p.CertificatePEM, 0o644); err != nil {
		return Files{}, err
	}
	return files, os.WriteFile(files.Key, p.KeyPEM, 0o600)
}
