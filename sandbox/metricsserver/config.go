package metricsserver

import (
	"errors"
	"fmt"
	"time"
)

// Config is one metrics-server.
type Config struct {
	Kubeconfig string // who it is for the API server and for the kubelets
	CertFile   string // serves
	KeyFile    string
	Port       int // TCP, on 127.0.0.1

	Resolution time.Duration // between two scrapes of a node
	Timeout    time.Duration // of one scrape
}

// Default scrapes as often as the node has new figures.
func Default() Config { return Config{Resolution: 15 * time.Second, Timeout: 10 * time.Second} }

// Validate reports every missing setting at once.
func (c Config) Validate() error {
	var errs []error
	for _, setting := range []struct {
		name    string
		missing bool
	}{
		{"Kubeconfig", c.Kubeconfig == ""}, {"CertFile", c.CertFile == ""}, {"KeyFile", c.KeyFile == ""},
		{"Port", c.Port == 0}, {"Resolution", c.Resolution <= 0}, {"Timeout", c.Timeout <= 0},
	} {
		if setting.missing {
			errs = append(errs, fmt.Errorf("metricsserver: %s is not set", setting.name))
		}
	}
	return errors.Join(errs...)
}
