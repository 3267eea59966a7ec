// Package metricsserver runs the real metrics-server, from its own module, in
// this process: its scraper, storage and API, put together here. Its command
// line is left out, which was written for an older k8s.io/apiserver than the one
// that the sandbox's control plane is built from.
package metricsserver
