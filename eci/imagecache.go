package eci

// ImageCacheReady is the only status in which an image cache can be used.
const ImageCacheReady = "Ready"

// DescribeImageCachesRequest lists the image caches of the region.
type DescribeImageCachesRequest struct {
	RequestMeta
	ImageCacheID string `json:"ImageCacheId,omitempty"`
	// MatchImages are the images that caches are to have; ImageFullMatch wants all
	// of them there, ImageMatchCountRequest at least so many.
	MatchImages            []string `json:"MatchImage,omitempty"`
	ImageFullMatch         *bool    `json:"ImageFullMatch,omitempty"`
	ImageMatchCountRequest int32    `json:"ImageMatchCountRequest,omitempty"`
	Limit                  int32    `json:"Limit,omitempty"`
	NextToken              string   `json:"NextToken,omitempty"`
}

// DescribeImageCachesResponse is one page.
type DescribeImageCachesResponse struct {
	ResponseMeta
	ImageCaches []ImageCache `json:"ImageCaches"`
	NextToken   string       `json:"NextToken,omitempty"`
	TotalCount  int32        `json:"TotalCount"`
}

// ImageCache is a snapshot of pulled images; ImageCacheSize is in GiB, times are
// RFC 3339 in UTC.
type ImageCache struct {
	ImageCacheID   string   `json:"ImageCacheId"`
	ImageCacheName string   `json:"ImageCacheName"`
	Images         []string `json:"Images"`
	Status         string   `json:"Status"`
	ImageCacheSize int32    `json:"ImageCacheSize"`
	CreationTime   string   `json:"CreationTime"`
}
