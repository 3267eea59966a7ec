package vnode

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// annotationTaints lists the taints that we put on the node, so that one which
// leaves the configuration leaves the node as well. Key and effect make a taint.
const annotationTaints = "virtual-kubelet.io/last-applied-taints"

func taintID(t corev1.Taint) string { return t.Key + ":" + string(t.Effect) }

// ensureTaints puts the configured taints on a Node, which the library does only
// to one that it creates. Taints of others stay, above all those of the node
// lifecycle controller. As with a kubelet this happens at registration only: an
// administrator may take a taint off a running node.
func (k *nodeKeeper) ensureTaints(ctx context.Context) error {
	n, err := k.client.CoreV1().Nodes().Get(ctx, k.cfg.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get node %s: %w", k.cfg.Name, err)
	}
	applied := n.Annotations[annotationTaints]
	taints := mergeTaints(n.Spec.Taints, k.cfg.Taints, strings.Split(applied, ","))
	if equality.Semantic.DeepEqual(taints, n.Spec.Taints) && applied == taintIDs(k.cfg.Taints) {
		return nil
	}
	// The list is replaced as a whole, so it must not have changed meanwhile.
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{
			"resourceVersion": n.ResourceVersion,
			"annotations":     map[string]string{annotationTaints: taintIDs(k.cfg.Taints)},
		},
		"spec": map[string]any{"taints": taints},
	})
	if err != nil {
		return fmt.Errorf("encode taints of node %s: %w", k.cfg.Name, err)
	}
	if _, err := k.client.CoreV1().Nodes().Patch(ctx, k.cfg.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("taint node %s: %w", k.cfg.Name, err)
	}
	return nil
}

// mergeTaints lays ours over those on the node, without those that we applied
// before and no longer want.
func mergeTaints(there, ours []corev1.Taint, applied []string) []corev1.Taint {
	wanted := map[string]corev1.Taint{}
	for _, t := range ours {
		wanted[taintID(t)] = t
	}
	before := map[string]bool{}
	for _, id := range applied {
		before[id] = true
	}
	var merged []corev1.Taint
	for _, t := range there {
		id := taintID(t)
		if w, ok := wanted[id]; ok {
			w.TimeAdded = t.TimeAdded
			merged = append(merged, w)
			delete(wanted, id)
		} else if !before[id] {
			merged = append(merged, t)
		}
	}
	for _, t := range ours {
		if _, ok := wanted[taintID(t)]; ok {
			merged = append(merged, t)
		}
	}
	return merged
}

func taintIDs(taints []corev1.Taint) string {
	ids := make([]string, 0, len(taints))
	for _, t := range taints {
		ids = append(ids, taintID(t))
	}
	sort.Strings(ids)
	return strings.Join(ids, ",")
}
