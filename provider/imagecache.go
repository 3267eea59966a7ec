package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// reasonNoCache is that of the event about a group that is made without an image
// cache although the pod asks for one.
const reasonNoCache = "NoImageCache"

// chooseImageCache names in req the image cache with most of the images, of
// several the largest, then the newest, as the product itself chooses. A pod that
// wants more of its images there than any cache has is made without one: its
// images are pulled. A cache that the pod names stays.
func (p *Provider) chooseImageCache(ctx context.Context, pod *corev1.Pod, req *eci.CreateContainerGroupRequest, match int) error {
	if match == 0 || req.ImageSnapshotID != "" {
		return nil
	}
	images := imagesOf(req)
	least := match
	if match == request.AllImages {
		least = len(images)
	}
	caches, err := p.imageCaches(ctx, images, least)
	if err != nil {
		return err
	}
	caches = slices.DeleteFunc(caches, func(c eci.ImageCache) bool {
		return !p.cfg.Request.Permissions.Allows(pod.Namespace, request.ImageCaches, c.ImageCacheID)
	})
	// The cloud's own choice might have fewer of them.
	req.AutoMatchImageCache = nil
	if len(caches) == 0 {
		p.deps.Events.Eventf(pod, corev1.EventTypeNormal, reasonNoCache, "no image cache that is ready, and that the pod may use, has %d of the %d images of the pod: they are pulled", least, len(images))
		return nil
	}
	best := slices.MinFunc(caches, func(a, b eci.ImageCache) int {
		return cmp.Or(matchesOf(b, images)-matchesOf(a, images), cmp.Compare(b.ImageCacheSize, a.ImageCacheSize), cmp.Compare(b.CreationTime, a.CreationTime))
	})
	req.ImageSnapshotID = best.ImageCacheID
	return nil
}

// imageCaches lists the caches that are ready and have at least so many images.
func (p *Provider) imageCaches(ctx context.Context, images []string, least int) ([]eci.ImageCache, error) {
	var fit []eci.ImageCache
	req := &eci.DescribeImageCachesRequest{MatchImages: images, ImageMatchCountRequest: int32(least)}
	for {
		resp, err := p.cloud.DescribeImageCaches(ctx, req)
		if err != nil {
			return nil, fmt.Errorf("looking for an image cache: %w", err)
		}
		for _, c := range resp.ImageCaches {
			if c.Status == eci.ImageCacheReady && matchesOf(c, images) >= least {
				fit = append(fit, c)
			}
		}
		if req.NextToken = resp.NextToken; req.NextToken == "" {
			return fit, nil
		}
	}
}

// imagesOf are the images of a group, each once.
func imagesOf(req *eci.CreateContainerGroupRequest) []string {
	var images []string
	for _, c := range req.InitContainers {
		images = append(images, c.Image)
	}
	for _, c := range req.Containers {
		images = append(images, c.Image)
	}
	slices.Sort(images)
	return slices.Compact(images)
}

func matchesOf(c eci.ImageCache, images []string) int {
	n := 0
	for _, image := range images {
		if slices.Contains(c.Images, image) {
			n++
		}
	}
	return n
}

// withoutCache is the request for a group whose images are pulled. Its ClientToken
// stays: what was refused has made nothing.
func withoutCache(req *eci.CreateContainerGroupRequest) *eci.CreateContainerGroupRequest {
	plain := *req
	plain.ImageSnapshotID = ""
	return &plain
}

func (p *Provider) reportCacheUnfit(pod *corev1.Pod, id string, err error) {
	p.deps.Events.Eventf(pod, corev1.EventTypeWarning, reasonNoCache, "image cache %s cannot be used, and the images are pulled: %v", id, err)
}
