package emulator

import (
	"slices"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// describeRegions names the emulator itself as the endpoint, so that a client
// that follows it stays here.
func (e *Emulator) describeRegions(c *call, _ *eci.DescribeRegionsRequest) (*eci.DescribeRegionsResponse, *eci.Error) {
	return &eci.DescribeRegionsResponse{Regions: []eci.Region{{
		RegionID: e.cfg.Region, RegionEndpoint: c.host, Zones: e.cfg.Zones, RecommendZones: e.cfg.Zones[:1],
	}}}, nil
}

func (e *Emulator) listUsage(*call, *eci.ListUsageRequest) (*eci.ListUsageResponse, *eci.Error) {
	return &eci.ListUsageResponse{Attributes: map[string]any{
		"UsedCpu": thousandths(e.usedCPU), "MaxCpu": e.cfg.MaxCPU,
		"UsedImageCacheCount": 0, "MaxImageCacheCount": 50,
		"UsedAutoImageCacheCount": 0, "MaxAutoImageCacheCount": 50,
		"UsedDataCacheCount": 0, "MaxDataCacheCount": 50,
	}}, nil
}

// Prices in CNY per second. Source: arithmetic of the documented example.
const (
	pricePerCPU = 0.000049
	pricePerGiB = 0.00000613
	// spotDiscount is what spot costs of the full price, near the middle of
	// the documented range.
	spotDiscount = 0.3
)

func (e *Emulator) describeContainerGroupPrice(_ *call, r *eci.DescribeContainerGroupPriceRequest) (*eci.DescribeContainerGroupPriceResponse, *eci.Error) {
	options, err := e.sizeOptions(&eci.CreateContainerGroupRequest{CPU: r.CPU, Memory: r.Memory, InstanceType: r.InstanceType})
	if err != nil {
		return nil, err
	}
	if r.ZoneID != "" && !slices.Contains(e.cfg.Zones, r.ZoneID) {
		return nil, invalid("ZoneId", "there is no zone %q", r.ZoneID)
	}
	o := options[0]
	price := eci.Price{Currency: "CNY"}
	for _, part := range []struct {
		resource string
		amount   float64
	}{{"cpu", o.size.cpu * pricePerCPU}, {"memory", o.size.memory * pricePerGiB}} {
		price.OriginalPrice += part.amount
		price.DetailInfos.DetailInfo = append(price.DetailInfos.DetailInfo,
			eci.PriceDetail{Resource: part.resource, OriginalPrice: part.amount, TradePrice: part.amount})
	}
	price.TradePrice = price.OriginalPrice
	info := eci.PriceInfo{Price: price}
	if strings.HasPrefix(r.SpotStrategy, "Spot") {
		info.SpotPrices = e.spotPrices(r, o.instanceType, 3600*price.OriginalPrice)
	}
	return &eci.DescribeContainerGroupPriceResponse{PriceInfo: info}, nil
}

// spotPrices are per hour, for each zone that was asked for.
func (e *Emulator) spotPrices(r *eci.DescribeContainerGroupPriceRequest, instanceType string, hourly float64) eci.SpotPrices {
	var prices eci.SpotPrices
	for _, zone := range e.cfg.Zones {
		if r.ZoneID == "" || r.ZoneID == zone {
			prices.SpotPrice = append(prices.SpotPrice,
				eci.SpotPrice{InstanceType: instanceType, ZoneID: zone, SpotPrice: spotDiscount * hourly, OriginPrice: hourly})
		}
	}
	return prices
}
