// Package sandbox turns one directory into a running cluster for people and
// tests: a Kubernetes control plane in this process, the ECI emulator and
// eci-vnode as its children, and a first pod. It runs eci-vnode as an operator
// would, with the shipped manifest's ServiceAccount and rights, and keeps no
// state from one start to the next: the emulator's is in memory, so older
// cluster state would lie.
package sandbox
