package provider

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// profileAge is how old what is known of the profile of the cluster may be. It is
// short, so that a change is live for the next pod, and bounds the reads when
// thousands of pods come at once.
const profileAge = 2 * time.Second

// reasonProfileInvalid is that of the event about a profile which cannot be read
// in whole.
const reasonProfileInvalid = "InvalidProfile"

// profiles reads the ConfigMap eci-profile, and the labels of namespaces for its
// selectors.
type profiles struct {
	kube  kubernetes.Interface
	clock clock.PassiveClock

	mu    sync.Mutex // never held during a call: one slow answer must not stop every create
	known *knownProfile
}

// knownProfile is what one reading has found; only namespaces grows, under the
// lock of its profiles.
type knownProfile struct {
	readAt     time.Time
	profile    request.Profile
	problem    error
	namespaces map[string]map[string]string
}

func newProfiles(kube kubernetes.Interface, clock clock.PassiveClock) *profiles {
	return &profiles{kube: kube, clock: clock}
}

// apply gives a pod the defaults of the cluster. The pod that it is given stays as
// it is. A part of the profile that cannot be read is not in force, and a warning;
// an error says that nothing could be read, so that nothing may be made: the pod
// could land in the wrong place.
func (p *profiles) apply(ctx context.Context, pod *corev1.Pod, cfg request.Config) (request.Applied, []request.Warning, error) {
	known, err := p.current(ctx)
	if err != nil {
		return request.Applied{}, nil, err
	}
	var warnings []request.Warning
	if known.problem != nil {
		warnings = append(warnings, request.Warning{Reason: reasonProfileInvalid, Path: "metadata.annotations",
			Message: "the defaults of the cluster are not in force: " + known.problem.Error()})
	}
	labels, err := p.labelsOf(ctx, known, pod.Namespace)
	if err != nil {
		return request.Applied{}, nil, err
	}
	return request.ApplyProfile(pod, labels, known.profile, cfg), warnings, nil
}

// current is what is known, read anew when it is old. Several may read at once.
func (p *profiles) current(ctx context.Context) (*knownProfile, error) {
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()
	if known != nil && p.clock.Since(known.readAt) < profileAge {
		return known, nil
	}
	known, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = known
	return known, nil
}

// read reads the profile anew; a cluster need not have one.
func (p *profiles) read(ctx context.Context) (*knownProfile, error) {
	object, err := p.kube.CoreV1().ConfigMaps(request.ProfileNamespace).Get(ctx, request.ProfileName, metav1.GetOptions{ResourceVersion: "0"})
	switch {
	case errors.IsNotFound(err):
		object = &corev1.ConfigMap{}
	case err != nil:
		return nil, fmt.Errorf("reading ConfigMap %s/%s: %w", request.ProfileNamespace, request.ProfileName, err)
	}
	known := &knownProfile{readAt: p.clock.Now(), namespaces: map[string]map[string]string{}}
	known.profile, known.problem = request.ParseProfile(object.Data)
	return known, nil
}

// labelsOf reads the labels of a namespace where a selector asks for them.
func (p *profiles) labelsOf(ctx context.Context, known *knownProfile, name string) (map[string]string, error) {
	asks := func(s request.ProfileSelector) bool { return s.NamespaceSelector != nil }
	p.mu.Lock()
	labels, had := known.namespaces[name]
	p.mu.Unlock()
	if had || !slices.ContainsFunc(known.profile.Selectors, asks) {
		return labels, nil
	}
	namespace, err := p.kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, fmt.Errorf("reading the labels of namespace %s for ConfigMap %s/%s: %w", name, request.ProfileNamespace, request.ProfileName, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known.namespaces[name] = namespace.Labels
	return namespace.Labels, nil
}
