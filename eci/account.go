package eci

// DescribeRegionsRequest lists the regions.
type DescribeRegionsRequest struct{ RequestMeta }

// DescribeRegionsResponse holds the regions on sale.
type DescribeRegionsResponse struct {
	ResponseMeta
	Regions []Region `json:"Regions"`
}

// Region is one region with its zones.
type Region struct {
	RegionID         string   `json:"RegionId"`
	RegionEndpoint   string   `json:"RegionEndpoint"`
	Zones            []string `json:"Zones"`
	RecommendZones   []string `json:"RecommendZones,omitempty"`
	UnavailableZones []string `json:"UnavailableZones,omitempty"`
}

// ListUsageRequest asks for the quotas of the account in a region.
type ListUsageRequest struct{ RequestMeta }

// ListUsageResponse maps quota names (MaxCpu, UsedCpu, ...) to numbers.
type ListUsageResponse struct {
	ResponseMeta
	Attributes map[string]any `json:"Attributes"`
}

// DescribeContainerGroupPriceRequest asks what a size costs.
type DescribeContainerGroupPriceRequest struct {
	RequestMeta
	ZoneID string `json:"ZoneId,omitempty"`
	// CPU in vCPU and Memory in GiB, or InstanceType.
	CPU              float64 `json:"Cpu,omitempty"`
	Memory           float64 `json:"Memory,omitempty"`
	InstanceType     string  `json:"InstanceType,omitempty"`
	EphemeralStorage int32   `json:"EphemeralStorage,omitempty"`
	ComputeCategory  string  `json:"ComputeCategory,omitempty"`
	SpotStrategy     string  `json:"SpotStrategy,omitempty"`
	SpotPriceLimit   float64 `json:"SpotPriceLimit,omitempty"`
	SpotDuration     *int32  `json:"SpotDuration,omitempty"`
}

// DescribeContainerGroupPriceResponse holds the price per SECOND of the whole
// request (by the arithmetic of the documented example).
type DescribeContainerGroupPriceResponse struct {
	ResponseMeta
	PriceInfo PriceInfo `json:"PriceInfo"`
}

// PriceInfo holds the price, the rules that made it and the spot prices.
type PriceInfo struct {
	Price      Price      `json:"Price"`
	Rules      PriceRules `json:"Rules,omitzero"`
	SpotPrices SpotPrices `json:"SpotPrices,omitzero"`
}

// Price is in Currency (CNY or USD) per second.
type Price struct {
	Currency      string       `json:"Currency"`
	OriginalPrice float64      `json:"OriginalPrice"`
	DiscountPrice float64      `json:"DiscountPrice"`
	TradePrice    float64      `json:"TradePrice"`
	DetailInfos   PriceDetails `json:"DetailInfos"`
}

// PriceDetails wraps the list as the wire does.
type PriceDetails struct {
	DetailInfo []PriceDetail `json:"DetailInfo"`
}

// PriceDetail is the part of one resource (cpu, memory, ...).
type PriceDetail struct {
	Resource      string     `json:"Resource"`
	OriginalPrice float64    `json:"OriginalPrice"`
	DiscountPrice float64    `json:"DiscountPrice"`
	TradePrice    float64    `json:"TradePrice"`
	Rules         PriceRules `json:"Rules,omitzero"`
}

// PriceRules wraps the list as the wire does.
type PriceRules struct {
	Rule []PriceRule `json:"Rule,omitempty"`
}

// PriceRule is a discount that was applied.
type PriceRule struct {
	RuleID      int64  `json:"RuleId"`
	Description string `json:"Description"`
}

// SpotPrices wraps the list as the wire does.
type SpotPrices struct {
	SpotPrice []SpotPrice `json:"SpotPrice,omitempty"`
}

// SpotPrice is the price of one ECS type in one zone, per hour by the look of
// the documented example.
type SpotPrice struct {
	InstanceType string  `json:"InstanceType"`
	ZoneID       string  `json:"ZoneId"`
	SpotPrice    float64 `json:"SpotPrice"`
	OriginPrice  float64 `json:"OriginPrice"`
}
