package provider

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// collect reads what the pod names, each object once. An object that does not
// exist is left out: the translation knows whether that matters. Any other
// error is returned, for it says nothing about the object. Without tokens those
// of the ServiceAccount are empty.
func (p *Provider) collect(ctx context.Context, pod *corev1.Pod, tokens bool) (request.Objects, error) {
	refs := request.References(pod)
	kube := p.deps.Kube.CoreV1()
	var objects request.Objects
	var err error
	var read objectBytes
	if objects.ConfigMaps, err = readAll(ctx, "ConfigMap", refs.ConfigMaps, kube.ConfigMaps(pod.Namespace).Get, read.addConfigMap); err != nil {
		return objects, err
	}
	if objects.Secrets, err = readAll(ctx, "Secret", refs.Secrets, kube.Secrets(pod.Namespace).Get, read.addSecret); err != nil {
		return objects, err
	}
	if objects.PullSecrets, err = p.pullSecrets(ctx, pod, refs, &read); err != nil {
		return objects, err
	}
	if !tokens {
		objects.Tokens = map[request.TokenKey]string{}
		for _, ref := range refs.Tokens {
			objects.Tokens[ref.TokenKey] = ""
		}
	} else if objects.Tokens, err = p.tokens(ctx, pod, refs); err != nil {
		return objects, err
	}
	if err = p.claims(ctx, pod, refs, &objects); err != nil {
		return objects, err
	}
	objects.Services, err = p.services(pod, refs)
	return objects, err
}

// objectBytes counts what is read for one pod: a hundred pods that name the same large
// objects must not fill the memory of the node.
type objectBytes int

func (n *objectBytes) addConfigMap(m *corev1.ConfigMap) bool {
	for _, value := range m.Data {
		*n += objectBytes(len(value))
	}
	for _, value := range m.BinaryData {
		*n += objectBytes(len(value))
	}
	return *n <= request.MaxObjectBytes
}

func (n *objectBytes) addSecret(s *corev1.Secret) bool {
	for _, value := range s.Data {
		*n += objectBytes(len(value))
	}
	return *n <= request.MaxObjectBytes
}

// anySize is for objects whose number alone is bounded.
func anySize[T any](*T) bool { return true }

// readAll gets the objects of refs by name. fits counts each, and reports whether the
// pod may have it beside the others.
func readAll[T any](ctx context.Context, kind string, refs []request.Ref, get func(context.Context, string, metav1.GetOptions) (*T, error), fits func(*T) bool) (map[string]*T, error) {
	found := map[string]*T{}
	asked := map[string]bool{}
	for _, ref := range refs {
		if asked[ref.Name] {
			continue
		}
		asked[ref.Name] = true
		object, err := get(ctx, ref.Name, metav1.GetOptions{})
		switch {
		case errors.IsNotFound(err):
		case err != nil:
			return nil, fmt.Errorf("reading %s %q, named by %s: %w", kind, ref.Name, ref.Path, err)
		case !fits(object):
			return nil, &request.RefusedError{Fields: field.ErrorList{field.Forbidden(ref.Path,
				fmt.Sprintf("the ConfigMaps and Secrets that are read for a pod have more than %d bytes with %s %q", request.MaxObjectBytes, kind, ref.Name))}}
		default:
			found[ref.Name] = object
		}
	}
	return found, nil
}

// pullSecrets reads the pod's pull secrets. Those of its ServiceAccount are
// already in the pod: admission puts them there when the pod names none.
func (p *Provider) pullSecrets(ctx context.Context, pod *corev1.Pod, refs request.Refs, read *objectBytes) ([]*corev1.Secret, error) {
	found, err := readAll(ctx, "pull Secret", refs.PullSecrets, p.deps.Kube.CoreV1().Secrets(pod.Namespace).Get, read.addSecret)
	if err != nil {
		return nil, err
	}
	var secrets []*corev1.Secret
	for _, ref := range refs.PullSecrets {
		if secret := found[ref.Name]; secret != nil {
			secrets = append(secrets, secret)
		}
	}
	return secrets, nil
}

// tokens has the API server make the ServiceAccount tokens that the pod wants,
// bound to the pod: they end with it.
func (p *Provider) tokens(ctx context.Context, pod *corev1.Pod, refs request.Refs) (map[request.TokenKey]string, error) {
	tokens := map[request.TokenKey]string{}
	for _, ref := range refs.Tokens {
		if _, had := tokens[ref.TokenKey]; had {
			continue
		}
		spec := authenticationv1.TokenRequestSpec{
			ExpirationSeconds: ptr.To(ref.ExpirationSeconds),
			BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
		}
		if ref.Audience != "" {
			spec.Audiences = []string{ref.Audience}
		}
		answer, err := p.deps.Kube.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, refs.ServiceAccountName,
			&authenticationv1.TokenRequest{Spec: spec}, metav1.CreateOptions{})
		if errors.IsNotFound(err) {
			continue // the ServiceAccount is not there; the translation says so
		}
		if err != nil {
			return nil, fmt.Errorf("making a token of ServiceAccount %q for %s: %w", refs.ServiceAccountName, ref.Path, err)
		}
		tokens[ref.TokenKey] = answer.Status.Token
	}
	return tokens, nil
}

// services lists what the pod's variables point to: the API server's own
// Service, and those of its namespace where it wants them.
func (p *Provider) services(pod *corev1.Pod, refs request.Refs) ([]*corev1.Service, error) {
	var services []*corev1.Service
	if api, err := p.deps.Services.Services(metav1.NamespaceDefault).Get("kubernetes"); err == nil {
		services = append(services, api)
	}
	if !refs.ServiceLinks {
		return services, nil
	}
	own, err := p.deps.Services.Services(pod.Namespace).List(labels.Everything())
	return append(services, own...), err
}

// reportMissing writes one event for each object that is missing and matters,
// with the reasons of virtual-kubelet.
func (p *Provider) reportMissing(pod *corev1.Pod, err error) {
	for _, missing := range request.MissingObjects(err) {
		p.deps.Events.Event(pod, corev1.EventTypeWarning, missing.Reason(), missing.String())
	}
}

// reportWarnings writes what the user should know of and does not stop the pod.
func (p *Provider) reportWarnings(pod *corev1.Pod, warnings []request.Warning) {
	for _, w := range warnings {
		p.deps.Events.Event(pod, corev1.EventTypeWarning, w.Reason, w.String())
	}
}
