package emulator

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// size is a pair of vCPU and GiB on sale.
type size struct{ cpu, memory float64 }

// defaultSize is that of a group for which nothing was asked.
func defaultSize() size { return size{2, 4} }

// sizesOnSale are the pairs of a region by vCPU, in ascending order.
// Source: help page "Specify vCPUs and memory to create a pod".
func sizesOnSale(region string) []size {
	rows := []struct {
		cpu    float64
		memory []float64
		// extra are sold in twelve regions only.
		extra []float64
	}{
		{0.25, []float64{0.5, 1}, nil},
		{0.5, []float64{1, 2}, nil},
		{1, []float64{2, 4, 8}, nil},
		{2, []float64{1, 2, 4, 8, 16}, []float64{6, 10, 12, 14}},
		{4, []float64{2, 4, 8, 16, 32}, []float64{6, 10, 12, 14, 18, 20, 22, 24, 26, 28, 30}},
		{6, nil, steps(6, 48)},
		{8, []float64{4, 8, 16, 32, 64}, append([]float64{10, 12, 14, 18, 20, 22, 24, 26, 28, 30}, steps(34, 62)...)},
		{12, []float64{12, 24, 48, 96}, nil},
		{16, []float64{16, 32, 64, 128}, nil},
		{24, []float64{24, 48, 96, 192}, nil},
		{32, []float64{32, 64, 128, 256}, nil},
		{52, []float64{96, 192, 384}, nil},
		{64, []float64{128, 256, 512}, nil},
	}
	var sizes []size
	for _, row := range rows {
		memory := row.memory
		if sellsExtraSizes(region) {
			memory = append(slices.Clone(memory), row.extra...)
		}
		slices.Sort(memory)
		for _, m := range memory {
			sizes = append(sizes, size{row.cpu, m})
		}
	}
	return sizes
}

// steps are the even numbers from low to high.
func steps(low, high float64) []float64 {
	var all []float64
	for v := low; v <= high; v += 2 {
		all = append(all, v)
	}
	return all
}

func sellsExtraSizes(region string) bool {
	switch region {
	case "cn-hangzhou", "cn-shanghai", "cn-qingdao", "cn-beijing", "cn-zhangjiakou", "cn-huhehaote",
		"cn-wulanchabu", "cn-shenzhen", "cn-heyuan", "cn-guangzhou", "cn-chengdu", "ap-southeast-1":
		return true
	}
	return false
}

// roundUp is the first pair that holds both, by vCPU and then by memory.
func roundUp(sizes []size, want size) (size, bool) {
	for _, s := range sizes {
		if s.cpu >= want.cpu && s.memory >= want.memory {
			return s, true
		}
	}
	return size{}, false
}

// parseInstanceType reads one entry of InstanceType: a size such as 2-4Gi, or an
// ECS type, whose size follows from its family and its suffix. ok is false for
// what it cannot read.
func parseInstanceType(text string) (s size, isPair, ok bool) {
	if cpu, memory, found := strings.Cut(text, "-"); found && strings.HasSuffix(memory, "Gi") {
		c, err1 := strconv.ParseFloat(cpu, 64)
		m, err2 := strconv.ParseFloat(strings.TrimSuffix(memory, "Gi"), 64)
		return size{c, m}, true, err1 == nil && err2 == nil
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] != "ecs" || parts[1] == "" {
		return size{}, false, false
	}
	cpu, ok := ecsCores(parts[2])
	return size{cpu, cpu * gibPerCore(parts[1])}, false, ok
}

// ecsCores reads large (2), xlarge (4), 2xlarge (8), ...
func ecsCores(suffix string) (float64, bool) {
	switch suffix {
	case "large":
		return 2, true
	case "xlarge":
		return 4, true
	}
	number, found := strings.CutSuffix(suffix, "xlarge")
	n, err := strconv.Atoi(number)
	return float64(4 * n), found && err == nil && n > 1
}

// gibPerCore follows the first letter of the family: compute, general, memory.
func gibPerCore(family string) float64 {
	switch {
	case strings.HasPrefix(family, "c"):
		return 2
	case strings.HasPrefix(family, "r"):
		return 8
	}
	return 4
}

// thousandths rounds a sum, as 0.1 + 0.2 is not 0.3.
func thousandths(v float64) float64 { return math.Round(v*1000) / 1000 }

func (s size) String() string { return fmt.Sprintf("%g vCPU, %g GiB", s.cpu, s.memory) }
