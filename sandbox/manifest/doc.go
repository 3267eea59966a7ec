// Package manifest turns YAML files into objects of a cluster: it reads every
// document, applies them as `kubectl apply --server-side` does, and tells what
// an applied workload still waits for. It never deletes.
package manifest
