package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// profileAge is how old what is known of the profile of the cluster may be. It is
// short, so that a change is live for the next pod, and bounds the reads when
// thousands of pods come at once.
const profileAge = 2 * time.Second

// profileMostAge is how old it may be while it is being read anew.
const profileMostAge = 5 * profileAge

// reasonProfileInvalid is that of the event about a profile which cannot be read
// in whole.
const reasonProfileInvalid = "InvalidProfile"

// profiles reads the ConfigMap eci-profile and the PodNetworking resources, and
// the labels of namespaces for their selectors.
type profiles struct {
	kube     kubernetes.Interface
	networks dynamic.Interface // nil reads no PodNetworking
	clock    clock.PassiveClock

	reads *sharedReads

	mu    sync.Mutex // never held during a call: one slow answer must not stop every create
	known *knownProfile
	// reading says that somebody reads it anew.
	reading bool
}

// knownProfile is what one reading has found; only namespaces grows, under the
// lock of its profiles.
type knownProfile struct {
	readAt     time.Time
	profile    request.Profile
	networks   []request.PodNetworking
	problem    error
	namespaces map[string]map[string]string
}

func newProfiles(kube kubernetes.Interface, networks dynamic.Interface, clock clock.PassiveClock) *profiles {
	return &profiles{kube: kube, networks: networks, clock: clock, reads: newSharedReads(clock)}
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
	if err := known.profile.EnforcedProblem; err != nil {
		return request.Applied{}, nil, fmt.Errorf("what the profile enforces cannot be read, so that no pod may be created: %w", err)
	}
	var warnings []request.Warning
	if known.problem != nil {
		warnings = append(warnings, request.Warning{Reason: reasonProfileInvalid, Path: "metadata.annotations",
			Message: "not in force: " + known.problem.Error()})
	}
	labels, err := p.labelsOf(ctx, known, pod.Namespace)
	if err != nil {
		return request.Applied{}, nil, err
	}
	applied, more, err := request.ApplyNetworking(request.ApplyProfile(pod, labels, known.profile, cfg), labels, known.networks)
	return applied, append(warnings, more...), err
}

// current is what is known, read anew when it is old: one reads, and the others make
// do with what is not very old, or wait for the answer. In a burst of pods all would
// read at once.
func (p *profiles) current(ctx context.Context) (*knownProfile, error) {
	if known := p.fresh(); known != nil {
		return known, nil
	}
	read, err := p.reads.do(ctx, "the profile of the cluster", func(ctx context.Context) (any, error) { return p.renew(ctx) })
	if err != nil {
		return nil, err
	}
	return read.(*knownProfile), nil
}

// renew reads the profile anew, unless that was done since the caller looked.
func (p *profiles) renew(ctx context.Context) (*knownProfile, error) {
	if known := p.fresh(); known != nil {
		return known, nil
	}
	p.setReading(true)
	defer p.setReading(false)
	known, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = known
	return known, nil
}

// fresh is what is known and may be used, or nil: then it is to be read anew.
func (p *profiles) fresh() *knownProfile {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := profileAge
	if p.reading {
		most = profileMostAge
	}
	if p.known != nil && p.clock.Since(p.known.readAt) < most {
		return p.known
	}
	return nil
}

func (p *profiles) setReading(reading bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = reading
}

// read reads the profile anew; a cluster need not have one.
func (p *profiles) read(ctx context.Context) (*knownProfile, error) {
	began := p.clock.Now()
	object, err := p.kube.CoreV1().ConfigMaps(request.ProfileNamespace).Get(ctx, request.ProfileName, metav1.GetOptions{ResourceVersion: "0"})
	switch {
	case apierrors.IsNotFound(err):
		object = &corev1.ConfigMap{}
	case err != nil:
		return nil, fmt.Errorf("reading ConfigMap %s/%s: %w", request.ProfileNamespace, request.ProfileName, err)
	}
	known := &knownProfile{readAt: began, namespaces: map[string]map[string]string{}}
	known.profile, known.problem = request.ParseProfile(object.Data)
	var problem error
	if known.networks, problem, err = p.readNetworks(ctx); err != nil {
		return nil, err
	}
	known.problem = errors.Join(known.problem, problem)
	return known, nil
}

// labelsOf reads the labels of a namespace where a selector asks for them.
func (p *profiles) labelsOf(ctx context.Context, known *knownProfile, name string) (map[string]string, error) {
	if labels, had := p.knownLabels(known, name); had || !known.asksForNamespaces() {
		return labels, nil
	}
	labels, err := p.reads.do(ctx, "namespace "+name, func(ctx context.Context) (any, error) {
		if labels, had := p.knownLabels(known, name); had {
			return labels, nil
		}
		namespace, err := p.kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{ResourceVersion: "0"})
		if err != nil {
			return nil, fmt.Errorf("reading the labels of namespace %s, which selectors ask for: %w", name, err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		known.namespaces[name] = namespace.Labels
		return namespace.Labels, nil
	})
	if err != nil {
		return nil, err
	}
	return labels.(map[string]string), nil
}

func (p *profiles) knownLabels(known *knownProfile, name string) (labels map[string]string, had bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	labels, had = known.namespaces[name]
	return labels, had
}
