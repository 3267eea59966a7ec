package request

import (
	"encoding/json"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

func withPrefix(key string) string {
	if strings.Contains(key, "/") {
		return key
	}
	return annotationPrefix + key
}

// parseSpec reads 2-4Gi.
func parseSpec(item string) (Size, bool) {
	cpu, memory, ok := strings.Cut(item, "-")
	memory, gi := strings.CutSuffix(memory, "Gi")
	c, errC := strconv.ParseFloat(cpu, 64)
	m, errM := strconv.ParseFloat(memory, 64)
	return Size{CPU: c, Memory: m}, ok && gi && errC == nil && errM == nil && isAmount(c) && isAmount(m)
}

func isAmount(n float64) bool { return n > 0 && n <= math.MaxInt16 }

// applySpecs takes one size for the group, or a list of sizes and ECS types
// that the cloud tries in order. The sizes of a list are sent as given, for
// rounding would hide which of them was meant.
func applySpecs(t *translator, path *field.Path, value string) {
	items := splitList(value)
	if t.checkCount(path, len(items), maxSpecs); len(items) > maxSpecs {
		return
	}
	sizes := make([]Size, 0, len(items))
	for _, item := range items {
		size, ok := parseSpec(item)
		if !ok && !isECSType(item) {
			t.invalid(path, item, "neither a size such as 2-4Gi nor an ECS type such as ecs.c6.large")
			return
		}
		if ok && len(items) == 1 {
			t.size, t.sizePath = size, path
			return
		}
		if ok && !t.isOnSale(size, path, item) {
			return
		}
		if !ok {
			size = ecsSize(item)
		}
		sizes = append(sizes, size)
	}
	if len(items) == 0 {
		return
	}
	t.req.InstanceType, t.sizePath = strings.Join(items, ","), path
	for _, size := range sizes {
		t.bound = Size{CPU: least(t.bound.CPU, size.CPU), Memory: least(t.bound.Memory, size.Memory)}
	}
}

// isOnSale refuses an item of a list that is no size on sale: the list is sent as
// it is given, and the cloud would refuse it as a whole.
func (t *translator) isOnSale(size Size, path *field.Path, item string) bool {
	next, ok := RoundUp(size, t.cfg.RegionID, false)
	switch {
	case ok && next == size:
		return true
	case ok:
		t.invalid(path, item, "this size is not on sale; the next is "+next.String())
	default:
		t.invalid(path, item, "no size on sale is that big")
	}
	return false
}

// least is the smaller of two; 0 is not known.
func least(bound, value float64) float64 {
	if bound == 0 || value == 0 {
		return max(bound, value)
	}
	return min(bound, value)
}

// The names of ECS types, compiled once: a list has many of them.
var (
	ecsParts = regexp.MustCompile(`^ecs\.([cgr]?)(\d?)[a-z0-9-]*\.(\d*)(x?)large$`)
	ecsType  = regexp.MustCompile(`^ecs\.[a-z0-9-]+\.(small|medium|large|\d{0,3}xlarge)$`)
)

// ecsSize reads the size off the name of an ECS type: large has 2 vCPU, xlarge 4,
// 2xlarge 8, and so on, and the families c, g and r have 2, 4 and 8 GiB for each.
// What the name does not say is 0.
func ecsSize(item string) Size {
	parts := ecsParts.FindStringSubmatch(item)
	if parts == nil {
		return Size{}
	}
	var size Size
	switch number, err := strconv.Atoi(parts[3]); {
	case parts[4] == "":
		size.CPU = 2
	case parts[3] == "":
		size.CPU = 4
	case err == nil:
		size.CPU = float64(4 * number)
	}
	if parts[2] != "" {
		size.Memory = size.CPU * map[string]float64{"c": 2, "g": 4, "r": 8}[parts[1]]
	}
	return size
}

func isECSType(item string) bool {
	return ecsType.MatchString(item)
}

func applyStorage(t *translator, path *field.Path, value string) {
	quantity, err := ParseQuantity(value)
	extra := math.Ceil(gibOf(quantity))
	if err != nil || math.IsNaN(extra) || extra < 0 || extra > maxExtraStorage {
		t.invalid(path, value, "must be a quantity of up to 5000Gi")
		return
	}
	t.req.EphemeralStorage = int32(extra)
}

// applyVSwitches drops the zone of the node: ECI refuses a zone that is not that
// of the vSwitch.
func applyVSwitches(t *translator, path *field.Path, value string) {
	textList(maxVSwitches, func(r *request) *string { return &r.VSwitchID })(t, path, value)
	// These are not those that the settings and a PodNetworking speak of.
	t.req.ZoneID, t.req.ScheduleStrategy = "", ""
}

func applySpotPrice(t *translator, path *field.Path, value string) {
	price, err := strconv.ParseFloat(value, 64)
	if err != nil || !(price > 0) || math.IsInf(price, 0) {
		t.invalid(path, value, "must be a price for an hour, for example 0.5")
		return
	}
	t.req.SpotPriceLimit = price
}

func applyCorePattern(t *translator, path *field.Path, value string) {
	if strings.HasPrefix(value, "|") {
		t.invalid(path, value, "ECI writes core files and starts no program for them")
		return
	}
	t.req.CorePattern = value
}

func applyTags(t *translator, path *field.Path, value string) {
	items := splitList(value)
	if t.checkCount(path, len(items), eci.MaxTags); len(items) > eci.MaxTags {
		return
	}
	for _, item := range items {
		key, text, _ := strings.Cut(item, ":")
		key, text = strings.TrimSpace(key), strings.TrimSpace(text)
		if problem := tagProblem(key, text); problem != "" {
			t.invalid(path, item, problem)
			continue
		}
		t.req.Tags = append(t.req.Tags, eci.Tag{Key: key, Value: text})
	}
}

func applyACRInstances(t *translator, path *field.Path, value string) {
	items := splitList(value)
	if t.checkCount(path, len(items), maxListItems); len(items) > maxListItems {
		return
	}
	for _, item := range items {
		info := eci.ACRRegistryInfo{InstanceID: item}
		if region, id, ok := strings.Cut(item, ":"); ok {
			info.RegionID, info.InstanceID = region, id
		}
		t.req.ACRRegistryInfos = append(t.req.ACRRegistryInfos, info)
	}
}

// applyACRRoles gives the instances their roles in turn; one role serves all.
func applyACRRoles(part func(*eci.ACRRegistryInfo) *string) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		roles, infos := splitList(value), t.req.ACRRegistryInfos
		if len(roles) != 1 && len(roles) != len(infos) || len(infos) == 0 {
			t.invalid(path, value, "must have one role, or one for each of acr-instance-ids")
			return
		}
		for i := range infos {
			*part(&infos[i]) = roles[min(i, len(roles)-1)]
		}
	}
}

func applyIPv6(t *translator, path *field.Path, value string) {
	if on, ok := t.parseBool(path, value); ok && on {
		t.req.IPv6AddressCount = 1
	}
}

// applyIPv6Bandwidth drops the unit that the parameter does not have.
func applyIPv6Bandwidth(t *translator, path *field.Path, value string) {
	if n, ok := t.parseInt(path, strings.TrimSuffix(value, "M"), 1, 2000); ok {
		t.req.IPv6GatewayBandwidth = strconv.FormatInt(n, 10)
	}
}

func applyPrivateIP(t *translator, path *field.Path, value string) {
	if address, err := netip.ParseAddr(value); err != nil || !address.Is4() {
		t.invalid(path, value, "must be an IPv4 address")
		return
	}
	t.req.PrivateIPAddress = value
}

func applyFixedIP(t *translator, path *field.Path, value string) {
	if on, ok := t.parseBool(path, value); ok && on {
		t.req.FixedIP = "true"
	}
}

func applyHosts(t *translator, path *field.Path, value string) {
	var hosts []struct{ Host, IP string }
	if err := json.Unmarshal([]byte(value), &hosts); err != nil {
		t.invalid(path, value, `must be JSON such as [{"host":"a","ip":"10.0.0.1"}]`)
		return
	}
	for _, host := range hosts {
		if _, err := netip.ParseAddr(host.IP); err != nil {
			t.invalid(path, host.IP, "not an IP address")
		}
		t.putHost(host.IP, []string{host.Host})
	}
	t.checkHosts(path)
}

func applyDNS(t *translator, path *field.Path, value string) {
	var given struct{ NameServers, Searches, Options string }
	if err := json.Unmarshal([]byte(value), &given); err != nil {
		t.invalid(path, value, `must be JSON such as {"nameservers":"1.1.1.1","searches":"a,b","options":"ndots:2"}`)
		return
	}
	config := &eci.DNSConfig{NameServers: splitList(given.NameServers), Searches: splitList(given.Searches)}
	for _, item := range splitList(given.Options) {
		name, text, _ := strings.Cut(item, ":")
		config.Options = append(config.Options, eci.NameValue{Name: name, Value: text})
	}
	t.dns = config
	if len(config.NameServers) == 0 {
		t.invalid(path, value, "nameservers are missing")
	}
	t.checkCount(path, len(config.NameServers), maxNameServers)
	t.checkCount(path, max(len(config.Searches), len(config.Options)), maxSearches)
}

// quantityOf reads a whole number with a suffix, such as 40M.
func quantityOf(value string) (int64, bool) {
	quantity, err := ParseQuantity(value)
	return quantity.Value(), err == nil && quantity.Sign() > 0
}

// applyAutoCache lets the cloud choose an image cache, of all that there are.
func applyAutoCache(t *translator, path *field.Path, value string) {
	auto, ok := t.parseBool(path, value)
	if !ok {
		return
	}
	if auto && !t.isGranted(annotationOf(path)) {
		t.permitAny(ImageCaches, path, "that the cloud chooses; imc-match-count-request chooses among those that are allowed")
	}
	t.req.AutoMatchImageCache = ptr.To(auto)
}
