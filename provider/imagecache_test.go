package provider

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// caches are those of an account, whose pods have the images nginx and agent.
func caches(cfg *emulator.Config) {
	cache := func(id, status, created string, size int32, images ...string) eci.ImageCache {
		return eci.ImageCache{ImageCacheID: id, Status: status, ImageCacheSize: size, CreationTime: created, Images: images}
	}
	cfg.ImageCaches = []eci.ImageCache{
		cache("imc-one", "Ready", "2026-01-01T00:00:00Z", 40, "nginx", "redis"),
		cache("imc-old", "Ready", "2026-01-01T00:00:00Z", 20, "nginx", "agent"),
		cache("imc-new", "Ready", "2026-01-02T00:00:00Z", 20, "nginx", "agent"),
		cache("imc-early", "Creating", "2026-01-03T00:00:00Z", 60, "nginx", "agent", "extra"),
	}
}

func withImages(images ...string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Containers = nil
		for _, image := range images {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: image, Image: image, Command: []string{"sleep", "100000"}})
		}
	}
}

func TestAPodGetsTheImageCacheThatMatchesEnoughOfItsImages(t *testing.T) {
	for name, tc := range map[string]struct {
		annotation, value string
		images            []string
		want              string
	}{
		"all images":                    {"imc-perfect-match", "true", []string{"nginx", "agent"}, "imc-new"},
		"one is missing":                {"imc-perfect-match", "true", []string{"nginx", "missing"}, ""},
		"one is enough":                 {"imc-match-count-request", "1", []string{"nginx", "missing"}, "imc-one"},
		"most of them":                  {"imc-match-count-request", "1", []string{"nginx", "agent", "missing"}, "imc-new"},
		"not enough":                    {"imc-match-count-request", "2", []string{"redis", "missing"}, ""},
		"only in one that is not ready": {"imc-perfect-match", "true", []string{"extra"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, caches)
			pod := w.mustRun("web", annotated(tc.annotation, tc.value), withImages(tc.images...))
			req := w.requestOf(pod)
			if req.ImageSnapshotID != tc.want || req.AutoMatchImageCache != nil {
				t.Errorf("it is made with the cache %q, automatic %v; want %q", req.ImageSnapshotID, req.AutoMatchImageCache, tc.want)
			}
			told := map[string]int{"": 1}[tc.want]
			if n := w.recorded(reasonNoCache); n != told {
				t.Errorf("%d events tell that there is none, want %d", n, told)
			}
		})
	}
}

func TestAPodThatAsksForNoMatchCostsNoCall(t *testing.T) {
	w := newWorld(t, caches)
	w.mustRun("web", annotated("eci-imc-id", "imc-old"))
	w.mustRun("other", annotated("imc-perfect-match", "false"))
	w.mustRun("named", annotated("eci-imc-id", "imc-one"), func(p *corev1.Pod) { p.Annotations["k8s.aliyun.com/imc-perfect-match"] = "true" })
	if n := w.calls(eci.ActionDescribeImageCaches); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestAGroupIsMadeWithoutAnImageCacheThatCannotBeUsed(t *testing.T) {
	w := newWorld(t, caches)
	pod := w.mustRun("web", annotated("eci-imc-id", "imc-early"))
	if got := w.requestOf(pod).ImageSnapshotID; got != "" {
		t.Errorf("it is made with %s", got)
	}
	if n := w.recorded(reasonNoCache); n != 1 {
		t.Errorf("%d events tell of it", n)
	}
	w.expectLive(1)
}

func TestImageCache_IsChosenAmongThoseThatThePodMayUse(t *testing.T) {
	for name, allowed := range map[string][]string{"": nil, "imc-old": {"imc-old"}} {
		w := newWorld(t, caches)
		w.cfg.Request.Permissions = request.Permissions{Allow: request.Grants{request.ImageCaches: allowed}}
		pod := w.mustAddPod("web", annotated("imc-match-count-request", "1"), withImages("nginx", "agent"))
		w.mustCreatePod(pod)
		if got := w.requestOf(pod).ImageSnapshotID; got != name {
			t.Errorf("with %q allowed the group is made with %q", allowed, got)
		}
	}
}
