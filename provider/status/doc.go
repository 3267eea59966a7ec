// Package status turns a container group, as ECI describes it, into the status
// of its pod, by the kubelet's rules: phase, conditions, and the statuses of
// containers and init containers.
//
// It is pure: no I/O, no clock, no logging, and nothing that it is given is
// changed. It reports only the conditions that belong to the node, so that
// those of others stay theirs; a condition whose time the cloud does not tell
// has none, and gets one where it is written. A pod that has ended keeps its
// status for ever.
package status
