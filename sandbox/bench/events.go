package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// clusterDNSMissing is the warning that our node has for every pod that wants the
// DNS of the cluster, since it was not told of one.
const clusterDNSMissing = "MissingClusterDNS"

// providerDeleteSuccess is the library's event of a deleted pod.
const providerDeleteSuccess = "ProviderDeleteSuccess"

// events makes and deletes a burst of pods that have one event each, and counts
// those that are there afterwards.
func (b *bench) events(ctx context.Context) error {
	ours, err := b.eventsOfOurs(ctx)
	if err != nil {
		return err
	}
	library, err := b.eventsOfLibrary(ctx)
	if err != nil {
		return err
	}
	b.add(atMost("events lost in a burst of pods", b.burst, float64(b.burst-ours), "events", 0,
		fmt.Sprintf("library, best: %d of its delete events", b.burst-library)))
	return nil
}

func (b *bench) eventsOfOurs(ctx context.Context) (int, error) {
	c, err := newCloud(false)
	if err != nil {
		return 0, err
	}
	defer c.close()
	node, err := b.startNode(ctx, "bench-events", c)
	if err != nil {
		return 0, err
	}
	found, err := b.burstOfEvents(ctx, node.name, clusterDNSMissing, func(pod *corev1.Pod) { pod.Spec.DNSPolicy = corev1.DNSClusterFirst })
	return found, errors.Join(err, node.stop())
}

func (b *bench) eventsOfLibrary(ctx context.Context) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	const node = "bench-library-events"
	leave, err := keepNode(ctx, b.client(), node)
	if err != nil {
		return 0, err
	}
	defer leave()
	p, err := start(b.logs(), node, nil, self, libraryCommand, "-kubeconfig="+b.cluster.kubeconfig(), "-node="+node)
	if err != nil {
		return 0, err
	}
	found, err := b.burstOfEvents(ctx, node, providerDeleteSuccess, nil)
	return found, errors.Join(err, p.stop())
}

// burstOfEvents returns how many pods have an event of that reason once nothing
// more comes.
func (b *bench) burstOfEvents(ctx context.Context, node, reason string, change func(*corev1.Pod)) (int, error) {
	ctx, cancel := b.step(ctx)
	defer cancel()
	t, err := track(ctx, b.client(), node)
	if err != nil {
		return 0, err
	}
	defer t.stop()
	names := podNames(node, 0, b.burst)
	if err := createPods(ctx, b.client(), node, names, change); err != nil {
		return 0, err
	}
	if err := t.awaitRunning(ctx, len(names)); err != nil {
		return 0, err
	}
	if err := deletePods(ctx, b.client(), names); err != nil {
		return 0, err
	}
	if err := t.awaitGone(ctx, len(names)); err != nil {
		return 0, err
	}
	return settledEvents(ctx, b.client(), node, reason)
}

// settledEvents counts the pods of a node with an event of a reason until the
// number has not grown for a while.
func settledEvents(ctx context.Context, client kubernetes.Interface, node, reason string) (int, error) {
	const quiet = 3
	last, same := -1, 0
	for same < quiet {
		if err := pause(ctx, settle); err != nil {
			return last, err
		}
		list, err := client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=" + reason})
		if err != nil {
			return last, err
		}
		pods := map[string]bool{}
		for i := range list.Items {
			if of := list.Items[i].InvolvedObject; strings.HasPrefix(of.Name, node+"-") {
				pods[string(of.UID)] = true
			}
		}
		if same++; len(pods) != last {
			last, same = len(pods), 0
		}
	}
	return last, nil
}
