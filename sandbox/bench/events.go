package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// The events of ours that are counted: a warning of the translation, since the
// node was not told of a DNS of the cluster, and one that the cloud has of each
// pod. They take different ways to the API server.
const (
	warningOfOurs = "MissingClusterDNS"
	eventOfCloud  = "Started"
)

// The library's events of a pod.
const (
	libraryCreated = "ProviderCreateSuccess"
	libraryDeleted = "ProviderDeleteSuccess"
)

// events makes and deletes a burst of pods and counts those that have the events
// that they should afterwards. The library's burst is that of its first lap.
func (b *bench) events(ctx context.Context) error {
	c, err := newCloud(false)
	if err != nil {
		return err
	}
	defer c.close()
	node, err := b.startNode(ctx, "bench-events", c)
	if err != nil {
		return err
	}
	err = b.burstOfEvents(ctx, node.name)
	if err := errors.Join(err, node.stop()); err != nil {
		return err
	}
	lost, err := b.lostEvents(ctx, node.name, b.burst, warningOfOurs, eventOfCloud)
	if err != nil {
		return err
	}
	rival := "the library was not run"
	if slices.Contains(b.parts(), "throughput") {
		theirs, err := b.lostEvents(ctx, nodeOfLibrary(settingsBest, 1), b.pods[0], libraryCreated, libraryDeleted)
		if err != nil {
			return err
		}
		rival = fmt.Sprintf("library, best: %d of %d", theirs, 2*b.pods[0])
	}
	b.add(atMost(rowEvents, b.burst, float64(lost), "events", 0, rival))
	return nil
}

// burstOfEvents makes and deletes pods and waits until all is written.
func (b *bench) burstOfEvents(ctx context.Context, node string) error {
	ctx, cancel := b.step(ctx)
	defer cancel()
	t, err := track(ctx, b.client(), node)
	if err != nil {
		return err
	}
	defer t.stop()
	names := podNames(node, 0, b.burst)
	err = createPods(ctx, b.client(), node, names, func(pod *corev1.Pod) { pod.Spec.DNSPolicy = corev1.DNSClusterFirst })
	if err != nil {
		return err
	}
	if err := t.awaitRunning(ctx, len(names)); err != nil {
		return err
	}
	if err := deletePods(ctx, b.client(), names); err != nil {
		return err
	}
	if err := t.awaitGone(ctx, len(names)); err != nil {
		return err
	}
	last, err := readWrites(ctx, b.client())
	if err != nil {
		return err
	}
	_, _, err = b.drain(ctx, last, true)
	return err
}

// lostEvents is how many events of n pods of a node are not there, one of each
// reason for each pod.
func (b *bench) lostEvents(ctx context.Context, node string, n int, reasons ...string) (int, error) {
	lost := 0
	for _, reason := range reasons {
		found, err := podsWithEvent(ctx, b.client(), node, reason)
		if err != nil {
			return 0, err
		}
		lost += n - found
	}
	return lost, nil
}

// podsWithEvent counts the pods of a node that have an event of a reason.
func podsWithEvent(ctx context.Context, client kubernetes.Interface, node, reason string) (int, error) {
	list, err := client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=" + reason})
	if err != nil {
		return 0, err
	}
	pods := map[string]bool{}
	for i := range list.Items {
		if of := list.Items[i].InvolvedObject; strings.HasPrefix(of.Name, node+"-") {
			pods[string(of.UID)] = true
		}
	}
	return len(pods), nil
}
