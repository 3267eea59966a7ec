// Package status turns what ECI tells of a container group into the status of
// its pod, as a kubelet would write it, and into the annotations that are
// written back on the pod.
//
// It is pure: no I/O, no clock, no logging, and nothing that it is given is
// changed. Times come from the cloud, or from the status that the pod has; a
// condition that changed at a time nobody told has a zero LastTransitionTime,
// which the writer of the status sets.
//
// A status never goes back: a pod that has ended stays ended, a restart count
// never falls, and an answer of the cloud that is older than what the pod shows
// changes nothing.
package status
