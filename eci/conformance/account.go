package conformance

import (
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

var accountContracts = []contract{
	{"the regions hold ours, with zones and an endpoint", regionsAreListed},
	{"the usage names the vCPU quota", usageNamesTheQuota},
	{"a size has a price that is the sum of its parts", sizeHasAPrice},
}

func regionsAreListed(t *testing.T, s *suite) {
	resp, err := s.Client.DescribeRegions(t.Context(), &eci.DescribeRegionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range resp.Regions {
		if region.RegionID == s.Region {
			if len(region.Zones) == 0 || region.RegionEndpoint == "" {
				t.Errorf("got %+v", region)
			}
			return
		}
	}
	t.Errorf("%s is not among %d regions", s.Region, len(resp.Regions))
}

func usageNamesTheQuota(t *testing.T, s *suite) {
	resp, err := s.Client.ListUsage(t.Context(), &eci.ListUsageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"MaxCpu", "UsedCpu"} {
		if _, told := resp.Attributes[name]; !told {
			t.Errorf("%s is not in %v", name, resp.Attributes)
		}
	}
}

func sizeHasAPrice(t *testing.T, s *suite) {
	resp, err := s.Client.DescribeContainerGroupPrice(t.Context(), &eci.DescribeContainerGroupPriceRequest{CPU: 2, Memory: 4})
	if err != nil {
		t.Fatal(err)
	}
	price := resp.PriceInfo.Price
	if price.TradePrice <= 0 || price.OriginalPrice < price.TradePrice || (price.Currency != "CNY" && price.Currency != "USD") {
		t.Errorf("got %+v", price)
	}
	parts := 0.0
	for _, part := range price.DetailInfos.DetailInfo {
		parts += part.OriginalPrice
	}
	// Prices are told in few digits.
	if difference := parts - price.OriginalPrice; difference > price.OriginalPrice/100 || difference < -price.OriginalPrice/100 {
		t.Errorf("the parts cost %v, the whole %v", parts, price.OriginalPrice)
	}
	dearer, err := s.Client.DescribeContainerGroupPrice(t.Context(), &eci.DescribeContainerGroupPriceRequest{CPU: 4, Memory: 8})
	if err != nil {
		t.Fatal(err)
	}
	if dearer.PriceInfo.Price.OriginalPrice <= price.OriginalPrice {
		t.Errorf("twice the size costs %v, the size %v", dearer.PriceInfo.Price.OriginalPrice, price.OriginalPrice)
	}
}
