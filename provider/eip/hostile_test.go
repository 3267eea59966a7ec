package eip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// TestHostile_NoEIPOfAnotherIsChanged lets tenants write what they like into
// annotations and PodEIP records while calls fail and the program crashes. No
// EIP is bound, unbound, released or tagged but for the pod that its tags name,
// or for a pod that may have it.
func TestHostile_NoEIPOfAnotherIsChanged(t *testing.T) {
	first, last := uint64(1), max(1, uint64(*seeds)/4)
	if *seed != 0 {
		first, last = *seed, *seed
	}
	for s := first; s <= last; s++ {
		if broken := runHostile(t, s, func(*Reconciler) {}); len(broken) > 0 {
			t.Fatalf("seed %d: %s", s, broken[0])
		}
	}
}

// TestHostile_IsBrokenWithoutTheTags shows that the campaign finds what the tags
// protect from: with every EIP taken for anybody's own a few seeds are enough.
func TestHostile_IsBrokenWithoutTheTags(t *testing.T) {
	believe := func(r *Reconciler) {
		r.guard.owns = func(vpc.EIPAddress, owner) bool { return true }
	}
	for s := uint64(1); s <= 20; s++ {
		if broken := runHostile(t, s, believe); len(broken) > 0 {
			t.Logf("seed %d: %s", s, broken[0])
			return
		}
	}
	t.Error("20 seeds without the tags broke nothing")
}

// hostile is a campaign with tenants that lie.
type hostile struct {
	*campaign
	change func(*Reconciler)
	// foreign are EIPs that no pod of this world may touch.
	foreign []string
	// ended are the names of pods whose tenant has lied.
	ended map[string]bool
	// broken are the breaches of the invariant.
	broken []string
}

// runHostile returns the breaches of the invariant in one seeded run. change is
// applied to every reconciler.
func runHostile(t *testing.T, seed uint64, change func(*Reconciler)) []string {
	w := newWorld(t, seed, func(cfg *emulator.Config) { cfg.EIPs = append(cfg.EIPs, "eip-user") })
	c := &campaign{world: w, rand: rand.New(rand.NewPCG(seed, 2)), lostByOthers: map[string]bool{}, first: map[string]string{}}
	h := &hostile{campaign: c, change: change, ended: map[string]bool{}}
	w.witness = h.witness
	w.finalizers()
	w.changed = func(r *Reconciler) { change(r) }
	w.restart()
	c.crashing()
	h.addForeign()
	for range 30 + h.rand.IntN(30) {
		if h.rand.IntN(3) == 0 {
			h.lie()
			continue
		}
		h.happen()
	}
	h.settle()
	h.judge()
	return h.broken
}

// addForeign buys EIPs as other clusters and other nodes do, for pods of names
// that are in use here.
func (h *hostile) addForeign() {
	h.foreign = []string{"eip-user"}
	for _, who := range []request.Identity{
		{ClusterID: "cluster-2", NodeName: "node-1", Namespace: "default", PodName: "never-0"},
		{ClusterID: "cluster-2", NodeName: "node-1", Namespace: "default", PodName: "auto-0", UID: "uid-1"},
		{ClusterID: "cluster-1", NodeName: "node-2", Namespace: "other", PodName: "never-0"},
		{ClusterID: "cluster-1", NodeName: "node-2", Namespace: "default", PodName: "auto-0", UID: "uid-of-another"},
	} {
		resp, err := h.provider.AllocateEIPAddress(context.Background(), &vpc.AllocateEIPAddressRequest{
			ClientToken: fmt.Sprint(who), Tags: append(who.Tags(), eci.Tag{Key: TagStrategy, Value: "Never"})})
		if err != nil {
			h.Fatal(err)
		}
		h.foreign = append(h.foreign, resp.AllocationID)
	}
}

// finalizers makes the fake API server keep what has finalizers, as the real one
// does.
func (w *world) finalizers() {
	tracker := w.dynamic.Tracker()
	w.dynamic.PrependReactor("delete", "podeips", func(action clienttesting.Action) (bool, runtime.Object, error) {
		name := action.(clienttesting.DeleteAction).GetName()
		object, err := tracker.Get(PodEIPs(), action.GetNamespace(), name)
		if err != nil {
			return true, nil, err
		}
		record := object.(*unstructured.Unstructured).DeepCopy()
		if len(record.GetFinalizers()) == 0 {
			return false, nil, nil
		}
		now := metav1.NewTime(w.clock.Now())
		record.SetDeletionTimestamp(&now)
		return true, record, tracker.Update(PodEIPs(), record, action.GetNamespace())
	})
	w.dynamic.PrependReactor("update", "podeips", func(action clienttesting.Action) (bool, runtime.Object, error) {
		record := action.(clienttesting.UpdateAction).GetObject().(*unstructured.Unstructured)
		if record.GetDeletionTimestamp() == nil || len(record.GetFinalizers()) > 0 {
			return false, nil, nil
		}
		return true, record, tracker.Delete(PodEIPs(), action.GetNamespace(), record.GetName())
	})
}

// anyEIP is the id of some EIP of the account.
func (h *hostile) anyEIP() string {
	all := h.em.EIPs()
	if len(all) == 0 || h.rand.IntN(2) == 0 {
		return h.foreign[h.rand.IntN(len(h.foreign))]
	}
	return all[h.rand.IntN(len(all))].AllocationID
}

// lie is one thing that a tenant writes.
func (h *hostile) lie() {
	name := append([]string{"ghost-0"}, names...)[h.rand.IntN(len(names)+1)]
	records := h.dynamic.Tracker()
	if h.rand.IntN(3) == 0 {
		h.editPod(h.named(name))
		return
	}
	h.giveUp(name)
	object, err := records.Get(PodEIPs(), "default", name)
	if err != nil {
		h.forge(name)
		return
	}
	record := object.(*unstructured.Unstructured).DeepCopy()
	switch h.rand.IntN(5) {
	case 0, 1:
		_ = unstructured.SetNestedField(record.Object, h.anyEIP(), "spec", "allocationID")
	case 2:
		_ = unstructured.SetNestedField(record.Object, "TTL", "spec", "allocationType", "releaseStrategy")
		_ = unstructured.SetNestedField(record.Object, "1s", "spec", "allocationType", "releaseAfter")
	case 3:
		record.SetAnnotations(map[string]string{annotationController: controllerName, annotationNode: "node-2"})
	case 4:
		now := metav1.NewTime(h.clock.Now())
		record.SetDeletionTimestamp(&now)
	}
	if err := records.Update(PodEIPs(), record, "default"); err != nil {
		h.Fatal(err)
	}
}

// giveUp expects nothing more for the pods of a name whose tenant lies: what
// becomes of their own EIP is their own doing.
func (h *hostile) giveUp(name string) {
	h.ended[name], h.lostByOthers[name] = true, true
}

// forge makes a record of an EIP that is not the pod's, for one that is gone
// soon.
func (h *hostile) forge(name string) {
	record := &PodEIP{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: name, Finalizers: []string{Finalizer},
		Annotations: map[string]string{annotationController: controllerName, annotationNode: "node-1"},
	}}
	record.Spec = PodEIPSpec{AllocationID: h.anyEIP(), AllocationType: AllocationType{Type: "Auto", ReleaseStrategy: request.StrategyTTL, ReleaseAfter: "1s"}}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(record)
	if err != nil {
		h.Fatal(err)
	}
	object := &unstructured.Unstructured{Object: content}
	object.SetAPIVersion(PodEIPs().GroupVersion().String())
	object.SetKind(podEIPKind)
	if err := h.dynamic.Tracker().Create(PodEIPs(), object, "default"); err != nil {
		h.Fatal(err)
	}
}

// editPod lets the annotations of a pod name the EIP of another.
func (h *hostile) editPod(p *testPod) {
	if p == nil || p.want == nil || p.want.ByGroup {
		return
	}
	h.giveUp(p.object.Name)
	object := p.object.DeepCopy()
	object.Annotations["network.alibabacloud.com/allocated-eip-id"] = h.anyEIP()
	want, err := request.EIPFor(object, tenantConfig())
	if err != nil {
		h.Fatal(err)
	}
	p.object, p.want = object, want
}

// witness looks at every call that changes an EIP, before it is made.
func (h *hostile) witness(action, id, eni string, tags []eci.Tag) {
	a := h.find(id)
	if a == nil {
		return
	}
	breach := func(why string) {
		h.broken = append(h.broken, fmt.Sprintf("%s of %s (tags %v), network interface %q: %s", action, id, a.Tags.Tag, eni, why))
	}
	who := ownerOf(*a)
	ours := a.Tag(TagStrategy) != "" && who.ClusterID == "cluster-1"
	switch action {
	case vpc.ActionAssociateEipAddress:
		p := h.ofENI(eni)
		switch {
		case p == nil:
			breach("no pod has it")
		case !ours && (id != "eip-emulator" || p.want.Candidate != id): // the one that tenantConfig allows
			breach("it is not bought here, and the pod " + p.object.Name + " may not have it")
		case ours && (who.Namespace != p.object.Namespace || who.PodName != p.object.Name || who.UID != "" && who.UID != p.object.UID):
			breach("it was bought for another pod than " + p.object.Name)
		}
	case vpc.ActionTagResources:
		next, _ := request.IdentityOf(tags)
		if !ours || who.Namespace != next.Namespace || who.PodName != next.PodName {
			breach("it would be given to " + next.PodName)
		}
	case vpc.ActionUnassociateEipAddress, vpc.ActionReleaseEipAddress, vpc.ActionRemoveCommonBandwidthPackageIP:
		switch {
		case !ours || who.NodeName != "node-1":
			breach("it was not bought by this node")
		case !h.ended[who.PodName] && h.needs(who, id):
			breach("its own pod needs it")
		}
	case vpc.ActionAddCommonBandwidthPackageIP:
		if !ours {
			breach("it was not bought by this node")
		}
	}
}

// needs reports whether a living pod has no other EIP than this one.
func (h *hostile) needs(who request.Identity, id string) bool {
	p := h.named(who.PodName)
	if p == nil || p.ended || p.want == nil || p.want.ByGroup || who.UID != "" && p.object.UID != who.UID || (who.UID == "") != p.want.IsFixed() {
		return false
	}
	for _, a := range h.em.EIPs() {
		if other := ownerOf(a); a.AllocationID != id && a.Tag(TagStrategy) != "" && other.ClusterID == who.ClusterID &&
			other.PodName == who.PodName && other.Namespace == who.Namespace && other.UID == who.UID {
			return false
		}
	}
	return true
}

func (h *hostile) find(id string) *vpc.EIPAddress {
	for _, a := range h.em.EIPs() {
		if a.AllocationID == id {
			return &a
		}
	}
	return nil
}

func (h *hostile) ofENI(eni string) *testPod {
	for _, p := range h.pods {
		if p.groupENI == eni {
			return p
		}
	}
	return nil
}

// settle is that of the campaign, but for what the lies keep from coming to rest.
func (h *hostile) settle() {
	h.em.Faults().Clear()
	clear(h.hidden)
	h.untilCrash = 0
	for _, pause := range []time.Duration{5 * time.Second, 3 * time.Minute, 3 * time.Minute, 5 * time.Second} {
		for range 5 {
			if err := h.Turn(context.Background()); err != nil {
				h.Fatal(err)
			}
			h.pass(pause)
		}
	}
}

// judge wants what is foreign to be there, and nothing of ours to be left without
// a pod or a record that keeps it.
func (h *hostile) judge() {
	for _, id := range h.foreign {
		if a := h.find(id); a == nil || a.InstanceID != "" {
			h.broken = append(h.broken, fmt.Sprintf("the foreign EIP %s became %+v", id, a))
		}
	}
	for _, a := range h.bought() {
		who := ownerOf(a)
		if who.ClusterID != "cluster-1" || who.NodeName != "node-1" {
			continue
		}
		p := h.named(who.PodName)
		living := p != nil && !p.ended && p.want != nil
		kept, err := h.records.ofOne().keeps(context.Background(), who.Namespace, who.PodName, a.AllocationID)
		if err != nil {
			h.Fatal(err)
		}
		if !living && !kept {
			h.broken = append(h.broken, fmt.Sprintf("%s of %s is paid for and serves nobody", a.AllocationID, who.PodName))
		}
	}
}
