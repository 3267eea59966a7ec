package request

import (
	"fmt"
	"slices"
)

// Size is vCPU and memory in GiB.
type Size struct {
	CPU    float64
	Memory float64
}

// String is the size as annotations write it, for example 2-4Gi.
func (s Size) String() string { return fmt.Sprintf("%g-%gGi", s.CPU, s.Memory) }

// fits says whether want can run in s.
func (s Size) fits(want Size) bool { return s.CPU >= want.CPU && s.Memory >= want.Memory }

// DefaultSize is that of a pod that asks for nothing. Source: product document
// "Specify vCPUs and memory to create a pod".
func DefaultSize() Size { return Size{CPU: 2, Memory: 4} }

// Prices of one vCPU and one GiB for one second, in CNY. Source: the documented
// example of DescribeContainerGroupPrice. Only their relation matters here; it
// is the same on the international price list.
const (
	pricePerCPU = 0.000049
	pricePerGiB = 0.00000613
)

// price of the size for one second, in CNY.
func (s Size) price() float64 { return s.CPU*pricePerCPU + s.Memory*pricePerGiB }

// minSpotCPU is the smallest size, in vCPU, that is sold as spot.
const minSpotCPU = 2

// pairRow is one row of the sizes on sale: memories in GiB for a number of vCPU.
type pairRow struct {
	cpu      float64
	memories []float64
}

// commonPairs are on sale in all regions. Source: product document "Specify
// vCPUs and memory to create a pod".
func commonPairs() []pairRow {
	return []pairRow{
		{0.25, []float64{0.5, 1}},
		{0.5, []float64{1, 2}},
		{1, []float64{2, 4, 8}},
		{2, []float64{1, 2, 4, 8, 16}},
		{4, []float64{2, 4, 8, 16, 32}},
		{8, []float64{4, 8, 16, 32, 64}},
		{12, []float64{12, 24, 48, 96}},
		{16, []float64{16, 32, 64, 128}},
		{24, []float64{24, 48, 96, 192}},
		{32, []float64{32, 64, 128, 256}},
		{52, []float64{96, 192, 384}},
		{64, []float64{128, 256, 512}},
	}
}

// extraPairs are on sale in the regions of hasExtraPairs only, and not as spot.
func extraPairs() []pairRow {
	return []pairRow{
		{2, []float64{6, 10, 12, 14}},
		{4, append([]float64{6, 10, 12, 14}, evens(18, 30)...)},
		{6, evens(6, 48)},
		{8, slices.Concat([]float64{10, 12, 14}, evens(18, 30), evens(34, 62))},
	}
}

func evens(from, to float64) []float64 {
	var all []float64
	for n := from; n <= to; n += 2 {
		all = append(all, n)
	}
	return all
}

func hasExtraPairs(region string) bool {
	switch region {
	case "cn-hangzhou", "cn-shanghai", "cn-qingdao", "cn-beijing", "cn-zhangjiakou", "cn-huhehaote", "cn-wulanchabu",
		"cn-shenzhen", "cn-heyuan", "cn-guangzhou", "cn-chengdu", "ap-southeast-1":
		return true
	}
	return false
}

// RoundUp returns the cheapest size on sale in the region in which want fits;
// of two at one price that with fewer vCPU. It is false when nothing on sale is
// big enough.
func RoundUp(want Size, region string, spot bool) (Size, bool) {
	rows := commonPairs()
	if hasExtraPairs(region) && !spot {
		rows = append(rows, extraPairs()...)
	}
	var best Size
	for _, row := range rows {
		for _, memory := range row.memories {
			offer := Size{CPU: row.cpu, Memory: memory}
			if !offer.fits(want) || spot && offer.CPU < minSpotCPU {
				continue
			}
			if best == (Size{}) || offer.price() < best.price() || offer.price() == best.price() && offer.CPU < best.CPU {
				best = offer
			}
		}
	}
	return best, best != Size{}
}
