package emulator

import (
	"net/http"
	"slices"

	"github.com/eci-vnode/eci-vnode/eci"
)

// describeImageCaches shows all caches in one page, those that match most images
// first.
func (e *Emulator) describeImageCaches(_ *call, r *eci.DescribeImageCachesRequest) (*eci.DescribeImageCachesResponse, *eci.Error) {
	if r.ImageMatchCountRequest < 0 {
		return nil, invalid("ImageMatchCountRequest", "%d is negative", r.ImageMatchCountRequest)
	}
	least := int(r.ImageMatchCountRequest)
	if r.ImageFullMatch != nil && *r.ImageFullMatch {
		least = len(r.MatchImages)
	}
	found := slices.DeleteFunc(slices.Clone(e.cfg.ImageCaches), func(c eci.ImageCache) bool {
		return r.ImageCacheID != "" && c.ImageCacheID != r.ImageCacheID || matchesIn(c, r.MatchImages) < least
	})
	slices.SortStableFunc(found, func(a, b eci.ImageCache) int { return matchesIn(b, r.MatchImages) - matchesIn(a, r.MatchImages) })
	return &eci.DescribeImageCachesResponse{ImageCaches: found, TotalCount: int32(len(found))}, nil
}

func matchesIn(c eci.ImageCache, images []string) int {
	n := 0
	for _, image := range images {
		if slices.Contains(c.Images, image) {
			n++
		}
	}
	return n
}

// checkSnapshot refuses a cache of the account that is not ready. An id that the
// account does not have passes: what the cloud says of one is not documented.
func (e *Emulator) checkSnapshot(id string) *eci.Error {
	for _, c := range e.cfg.ImageCaches {
		if c.ImageCacheID == id && c.Status != eci.ImageCacheReady {
			return refuse(http.StatusBadRequest, eci.CodeSnapshotStatus, "The image cache %s is %s.", id, c.Status)
		}
	}
	return nil
}
