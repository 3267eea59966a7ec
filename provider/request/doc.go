// Package request turns a pod, and the ConfigMaps, Secrets, tokens and Services
// that it names, into the request that makes its container group on ECI.
//
// It is pure: no I/O, no clock, no logging, and nothing that it is given is
// changed. References says what a pod names, so that the caller can read it
// first; Translate does the rest.
//
// What ECI has no field for is made of other parts where that means the same
// (startup probes of the check of the liveness probe, native sidecars, claims),
// with a warning that says the difference; where it takes a promise about the
// images, a pod gives it by an annotation of ours, and is refused otherwise. What
// the node has to do itself is in Translation.Behaviour.
//
// Every field of a pod has one row in Rules: it is translated, or kept by
// Kubernetes and no business of the group, or refused. What is refused makes
// the whole translation fail with the path of the field (IsRefused); nothing is
// dropped in silence. A mandatory object that is not there is another kind of
// error, for it may come later (IsMissingObject).
//
// Sources: the OpenAPI metadata of CreateContainerGroup, the documented
// annotations of ECI, and the behaviour of the kubelet of Kubernetes 1.35.
package request
