package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Answers of the cloud are read up to a bound. What a tenant has the cloud say must not
// hide the pods of others.

func TestSync_TerminationMessagesHideNoOtherPod(t *testing.T) {
	w := newWorld(t)
	job := func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever }
	victim := w.mustAddPod("victim", job, func(p *corev1.Pod) { p.Spec.Containers[0].Command = []string{"sh", "-c", "sleep 60"} })
	w.mustCreatePod(victim)
	for i := range 30 {
		w.mustCreatePod(w.mustAddPod(fmt.Sprintf("loud-%03d", i), job, func(p *corev1.Pod) {
			p.Spec.Containers = nil
			for n := range 20 {
				p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: fmt.Sprintf("c%d", n), Image: "nginx",
					Command: []string{"sh", "-c", "echo '" + strings.Repeat("\x01", 4000) + "' > /dev/termination-log"}})
			}
		}))
	}
	for range 8 {
		w.pass(30 * time.Second)
		w.tick()
	}
	w.expectPhase(victim, corev1.PodSucceeded)
	if err := w.Recover(t.Context(), w.pods.List()); err != nil {
		t.Errorf("recovery: %v", err)
	}
}

func TestRecover_LongDetailsHideNoOtherPod(t *testing.T) {
	w := newWorld(t)
	w.mustRun("victim")
	data := map[string]string{"a": strings.Repeat("x", 30<<10), "b": strings.Repeat("y", 30<<10)}
	w.mustAdd(&corev1.ConfigMap{ObjectMeta: objectMeta("long"), Data: data})
	for i := range 10 {
		w.mustRun(fmt.Sprintf("long-%02d", i), annotated("eci-spot-strategy", "SpotAsPriceGo"), func(p *corev1.Pod) {
			for v := range 20 {
				name := fmt.Sprintf("v%d", v)
				p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
					ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "long"}}}})
				p.Spec.Containers[0].VolumeMounts = append(p.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
			}
		})
	}
	var ids []string
	for _, e := range w.store.all((*entry).running) {
		ids = append(ids, e.groupID)
	}
	w.start() // fails unless it recovers
	if _, err := (&reaper{p: w.Provider}).confirm(t.Context(), ids); err != nil {
		t.Errorf("the reaper: %v", err)
	}
}

func TestCreate_RefusesAGroupThatCouldNotBeRead(t *testing.T) {
	for references, wanted := range map[int]bool{100: true, 520: false} {
		w := newWorld(t)
		pod := w.mustAddPod("bomb", func(p *corev1.Pod) {
			c := &p.Spec.Containers[0]
			c.Env = []corev1.EnvVar{{Name: "A", Value: strings.Repeat("\x01", 250)}}
			c.Command = []string{"sleep", "100000"}
			c.Args = slices.Repeat([]string{strings.Repeat("$(A)", references)}, 17)
		})
		err := w.CreatePod(t.Context(), pod)
		if wanted != (err == nil) || err != nil && !strings.Contains(err.Error(), "can be read back from the cloud") {
			t.Errorf("%d references: %v", references, err)
		}
		w.pass(time.Minute)
		if err := w.repair(t.Context(), newReaper(w.Provider)); err != nil {
			t.Errorf("%d references: the repair pass: %v", references, err)
		}
	}
}
