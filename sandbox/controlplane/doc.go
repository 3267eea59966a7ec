// Package controlplane runs a real Kubernetes control plane inside this
// process: etcd, kube-apiserver, kube-scheduler and kube-controller-manager,
// from their Go modules, with the certificates and kubeconfigs they need.
//
// It is for one throw-away cluster per process: the components keep state in
// process-wide registries, and they are not stopped but die with the process,
// because an orderly shutdown takes the API server about eight seconds and the
// state is not kept.
package controlplane
