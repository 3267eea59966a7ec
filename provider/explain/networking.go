package explain

import (
	"encoding/json"
	"errors"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// readNetworking adds a PodNetworking. It is Terway's: fields that mean nothing
// here are no errors.
func readNetworking(_ source, object []byte) (func(*Manifests), []error) {
	var n request.PodNetworking
	err := json.Unmarshal(object, &n)
	if err == nil {
		err = request.ValidateNetworking(n)
	}
	if err != nil {
		return nil, []error{err}
	}
	return func(m *Manifests) { m.networks = append(m.networks, n) }, nil
}

// place gives a pod the defaults of the cluster, as the node does: those of the
// profile, and those of the PodNetworking that selects it. One that it names and
// that is in none of the files is missing.
func (e *explainer) place(pod *corev1.Pod, out *Pod) request.Applied {
	namespace := e.manifests.labelsOf(pod.Namespace)
	applied := request.ApplyProfile(pod, namespace, e.profile, e.cfg.Request)
	placed, warnings, err := request.ApplyNetworking(applied, namespace, e.manifests.networks)
	out.Profile = applied.Selectors
	for _, w := range warnings {
		out.Warnings = append(out.Warnings, e.message(w.Reason, w.Path, w.Message))
	}
	var unfit *request.NetworkingError
	switch {
	case !errors.As(err, &unfit):
		out.Networking = placed.Networking
		return placed
	case unfit.NotFound != "":
		out.Missing = append(out.Missing, e.message("", "metadata.annotations[k8s.aliyun.com/pod-networking]", "PodNetworking "+unfit.NotFound+" not found"))
	default:
		out.Refusals = append(out.Refusals, Message{Reason: request.ReasonPodNetworking, Text: unfit.Problem})
		out.Outcome = Refused
	}
	return applied
}
