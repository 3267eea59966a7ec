package provider

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/eip"
	"github.com/eci-vnode/eci-vnode/provider/request"
	"github.com/eci-vnode/eci-vnode/provider/status"
)

// What the files of a running pod come from (ConfigMaps, Secrets, its own labels
// and annotations, tokens) is looked at every Config.Refresh, the kubelet's
// minute. Each object that a pod of this node names is read by its name, once a
// round for all pods: a watch would need the right to list the Secrets of the
// whole cluster, and get is all that this node is granted.

// refreshChecks bounds how many pods are translated anew in one round: after a
// restart all of them are.
const refreshChecks = 100

// extendedTokenSeconds is the life of the token that admission gives every pod;
// API servers make such tokens last a year, so that an old client does no harm.
const extendedTokenSeconds = 3607

// objectKey names an object; kind is ConfigMap or Secret.
type objectKey struct{ kind, namespace, name string }

// refreshLoop brings changed files to the groups, or tells of them.
func (p *Provider) refreshLoop(ctx context.Context) {
	ticker := p.deps.Clock.NewTicker(p.cfg.Refresh)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C():
			p.sendPodIPs(ctx)
			p.refreshTurn(ctx)
		case <-p.wakeFiles:
			p.sendPodIPs(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// refreshTurn is one round. A pod whose objects cannot be read waits for the
// next.
func (p *Provider) refreshTurn(ctx context.Context) {
	p.learnDetails(ctx)
	read := map[objectKey]string{}
	checks := refreshChecks
	for _, e := range startAfter(p.store.all((*entry).refreshable), p.refreshedTo) {
		source, err := p.sourceOf(ctx, e.pod, read)
		if err != nil {
			log.G(ctx).WithError(err).Warn("reading what a pod names failed; its files stay as they are for now")
			continue
		}
		if source == e.source && !p.tokenDue(e) {
			continue
		}
		if checks--; checks < 0 {
			return
		}
		p.refreshedTo = e.pod.UID
		if err := p.refresh(ctx, e); err != nil {
			groupLogger(ctx, e.pod, e.groupID).WithError(err).Warn("refreshing the files of a container group failed; will try again")
			continue
		}
		p.store.update(e.pod.UID, func(e *entry) { e.source = source })
	}
}

// startAfter rotates entries, which are sorted by UID, so that those after one come
// first: pods that change all the time must not keep others from their turn.
func startAfter(entries []entry, last types.UID) []entry {
	i, found := slices.BinarySearchFunc(entries, last, func(e entry, uid types.UID) int { return cmp.Compare(e.pod.UID, uid) })
	if found {
		i++
	}
	return append(slices.Clone(entries[i:]), entries[:i]...)
}

// refreshable says whether the pod runs and has files that can change.
func (e *entry) refreshable() bool {
	return e.files != nil && e.hasFiles() && (e.group.status == eci.StatusRunning || e.group.status == eci.StatusPending)
}

// hasFiles says whether the pod has a group, and files that come from Kubernetes.
func (e *entry) hasFiles() bool {
	return e.stage == stageLive && e.group != nil && !e.ending() &&
		slices.ContainsFunc(e.pod.Spec.Volumes, func(v corev1.Volume) bool {
			return v.ConfigMap != nil || v.Secret != nil || v.DownwardAPI != nil || v.Projected != nil
		})
}

// learnDetails reads groups whose details are not known, because a restart found
// their pods as they should be and read the states alone: in each round as many
// as one round looks at, first those whose files may have to be refreshed.
func (p *Provider) learnDetails(ctx context.Context) {
	withFiles := func(e *entry) bool { return e.files == nil && e.hasFiles() }
	others := func(e *entry) bool { return e.group != nil && e.detailsUnread() && !withFiles(e) }
	lives := map[string]*eci.ContainerGroupStatus{}
	for _, e := range append(p.store.all(withFiles), p.store.all(others)...) {
		if lives[e.groupID] = e.live; len(lives) == refreshChecks {
			break
		}
	}
	if err := p.readDetails(ctx, lives, evidence{}); err != nil && ctx.Err() == nil {
		log.G(ctx).WithError(err).Warn("reading the details of container groups failed; will try again")
	}
}

// sourceOf sums up the versions of everything that the pod's files come from.
// What was read before in this round is in read.
func (p *Provider) sourceOf(ctx context.Context, pod *corev1.Pod, read map[objectKey]string) (string, error) {
	refs := request.References(pod)
	sum := fnv.New128a()
	for _, ref := range refs.ConfigMaps {
		if err := p.readVersion(ctx, objectKey{"ConfigMap", pod.Namespace, ref.Name}, read); err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "c %s %s\n", ref.Name, read[objectKey{"ConfigMap", pod.Namespace, ref.Name}])
	}
	for _, ref := range refs.Secrets {
		if err := p.readVersion(ctx, objectKey{"Secret", pod.Namespace, ref.Name}, read); err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "s %s %s\n", ref.Name, read[objectKey{"Secret", pod.Namespace, ref.Name}])
	}
	for _, key := range slices.Sorted(maps.Keys(pod.Labels)) {
		fmt.Fprintf(sum, "l %s %q\n", key, pod.Labels[key])
	}
	for _, key := range slices.Sorted(maps.Keys(pod.Annotations)) {
		if !p.unseen(key) {
			fmt.Fprintf(sum, "a %s %q\n", key, pod.Annotations[key])
		}
	}
	return string(sum.Sum(nil)), nil
}

// unseen says whether a change of an annotation is no change of the pod: this node
// writes it. The address of an EIP is worth an update; to tell that the files lack
// it is not, where its pod is not made to read it there.
func (p *Provider) unseen(annotation string) bool {
	return status.OwnsAnnotation(annotation) || !p.cfg.UpdateFiles && eip.OwnsAnnotation(annotation)
}

func (p *Provider) sumsFor(pod *corev1.Pod) sums { return sums{pod: pod, unseen: p.unseen} }

// readVersion puts the version of an object into read, "" for one that does not
// exist. A slightly old answer does: resourceVersion 0 lets the API server give
// it from its memory.
func (p *Provider) readVersion(ctx context.Context, key objectKey, read map[objectKey]string) error {
	if _, had := read[key]; had {
		return nil
	}
	var object metav1.Object
	var err error
	kube, any := p.deps.Kube.CoreV1(), metav1.GetOptions{ResourceVersion: "0"}
	if key.kind == "Secret" {
		object, err = kube.Secrets(key.namespace).Get(ctx, key.name, any)
	} else {
		object, err = kube.ConfigMaps(key.namespace).Get(ctx, key.name, any)
	}
	switch {
	case errors.IsNotFound(err):
		read[key] = ""
	case err != nil:
		return fmt.Errorf("reading %s %s/%s: %w", key.kind, key.namespace, key.name, err)
	default:
		read[key] = versionOf(object)
	}
	return nil
}

// versionsIn is what readVersion would read of objects just collected.
func versionsIn(pod *corev1.Pod, objects request.Objects) map[objectKey]string {
	read := map[objectKey]string{}
	refs := request.References(pod)
	for _, ref := range refs.ConfigMaps {
		if o := objects.ConfigMaps[ref.Name]; o != nil {
			read[objectKey{"ConfigMap", pod.Namespace, ref.Name}] = versionOf(o)
		}
	}
	for _, ref := range refs.Secrets {
		if o := objects.Secrets[ref.Name]; o != nil {
			read[objectKey{"Secret", pod.Namespace, ref.Name}] = versionOf(o)
		}
	}
	return read
}

func versionOf(o metav1.Object) string { return string(o.GetUID()) + "/" + o.GetResourceVersion() }

// refresh compares the files that the pod should have with those of its group.
// An object that is gone changes nothing, as with the kubelet.
func (p *Provider) refresh(ctx context.Context, e entry) error {
	due := p.tokenDue(e)
	volumes, err := p.filesFor(ctx, e, due && p.cfg.UpdateFiles)
	switch {
	case request.IsRefused(err):
		p.outdated(e, "their new content cannot be sent: "+err.Error())
		return nil
	case request.MissingObjects(err) != nil:
		return nil
	case err != nil:
		return err
	}
	changed := p.changedVolumes(e, volumes, due)
	if len(changed) == 0 {
		return nil
	}
	if !p.cfg.UpdateFiles {
		p.outdated(e, "volumes "+namesOf(changed)+" have changed at their source; an update would restart the containers: delete the pod to have it made anew")
		p.store.update(e.pod.UID, func(e *entry) { e.tokenTold = e.tokenTold || due })
		return nil
	}
	if !due { // the tokens beside the files must be real ones
		if volumes, err = p.filesFor(ctx, e, true); err != nil {
			return err
		}
		changed = p.changedVolumes(e, volumes, true)
	}
	return p.update(ctx, e, changed)
}

// update sends the changed volumes alone: all else of the group stays.
func (p *Provider) update(ctx context.Context, e entry, changed []eci.Volume) error {
	_, err := p.cloud.UpdateContainerGroup(ctx, &eci.UpdateContainerGroupRequest{
		ContainerGroupID: e.groupID, UpdateType: eci.UpdateIncremental, Volumes: changed,
	})
	if err != nil && eci.CodeOf(err) != eci.CodeNoNeedUpdate {
		return err
	}
	files, now := maps.Clone(e.files), p.deps.Clock.Now()
	for name, sum := range p.sumsFor(e.pod).of(changed) {
		if files != nil { // else all are read first, once they are learnt
			files[name] = sum
		}
	}
	p.store.update(e.pod.UID, func(e *entry) { e.files, e.tokensAt = files, now })
	p.deps.Events.Event(e.pod, corev1.EventTypeNormal, "FilesUpdated", "volumes "+namesOf(changed)+" were updated in the running container group")
	return nil
}

// outdated tells the user that the group keeps older files.
func (p *Provider) outdated(e entry, why string) {
	p.deps.Events.Event(e.pod, corev1.EventTypeWarning, "FilesOutdated", "the running container group keeps its files: "+why)
}

// filesFor translates the pod with the objects as they are now. Tokens are made
// only if asked: they are different each time.
func (p *Provider) filesFor(ctx context.Context, e entry, tokens bool) ([]eci.Volume, error) {
	translation, err := p.translate(ctx, e.withAddress(), tokens)
	if err != nil {
		return nil, err
	}
	return translation.Request.Volumes, nil
}

// changedVolumes are the volumes whose files differ from those of the group,
// those with a token too where due says so. A volume that was empty at first is
// a directory in the group and stays one.
func (p *Provider) changedVolumes(e entry, volumes []eci.Volume, due bool) []eci.Volume {
	sums := p.sumsFor(e.pod).of(volumes)
	var changed []eci.Volume
	for _, v := range volumes {
		had, known := e.files[v.Name]
		if sum, isFiles := sums[v.Name]; isFiles && known && (sum != had || due && hasToken(e.pod, v.Name)) {
			changed = append(changed, v)
		}
	}
	return changed
}

func namesOf(volumes []eci.Volume) string {
	var names []string
	for _, v := range volumes {
		names = append(names, v.Name)
	}
	return strings.Join(names, ", ")
}

// tokenDue says whether a token of the pod is past four fifths of its life, when
// the kubelet renews it, or a day old.
func (p *Provider) tokenDue(e entry) bool {
	if e.tokenTold || e.tokensAt.IsZero() {
		return false
	}
	age := p.deps.Clock.Since(e.tokensAt)
	return slices.ContainsFunc(request.References(e.pod).Tokens, func(ref request.TokenRef) bool {
		if ref.ExpirationSeconds == extendedTokenSeconds && !p.cfg.UpdateFiles {
			return false
		}
		life := time.Duration(ref.ExpirationSeconds) * time.Second
		return age > min(life/5*4, 24*time.Hour) // life*4 is more than a time.Duration holds after 73 years
	})
}
