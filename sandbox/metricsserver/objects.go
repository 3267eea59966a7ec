package metricsserver

import _ "embed" // for the objects

//go:embed objects.yaml
var objects string

// Objects are what a metrics-server outside of the cluster needs in it, as YAML:
// its account and rights, and the service that leads to it.
func Objects() string { return objects }

// The account of Objects and the service, by which the API server calls it.
const (
	Namespace = "kube-system"
	Name      = "metrics-server"
)
