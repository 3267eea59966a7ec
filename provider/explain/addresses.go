package explain

import (
	"cmp"
	"fmt"
	"math"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// AddressPrices are what public addresses cost, traffic left out: it costs the
// same either way. All are in the currency of ListPrices.
type AddressPrices struct {
	// EIPHour is an hour of an EIP that the node binds to the network interface of
	// a group, GroupEIPHour of one that ECI itself gives a group.
	EIPHour      float64 `json:"eipHour"`
	GroupEIPHour float64 `json:"groupEIPHour"`
	// NATGatewayHour is one Internet NAT gateway, GatewayEIPHour the EIP on it.
	NATGatewayHour float64 `json:"natGatewayHour"`
	GatewayEIPHour float64 `json:"gatewayEIPHour"`
	// MbitDay is one Mbit/s for a day of an EIP that is paid by bandwidth, up to 5,
	// MbitDayAbove5 each one above.
	MbitDay       float64 `json:"mbitDay"`
	MbitDayAbove5 float64 `json:"mbitDayAbove5"`
	// Origin says whose prices these are, and of when.
	Origin string `json:"origin"`
}

// defaultBandwidth in Mbit/s is that of an EIP that names none, cheapBandwidth up
// to where a Mbit/s costs less.
const (
	defaultBandwidth = 5
	cheapBandwidth   = 5
)

// DefaultAddressPrices are those of the Chinese mainland. An EIP pays a fee for
// holding its address, also on a network interface or a gateway; one that is
// bound to a container group itself pays none while the account may hold at most
// 2,000. Source: the product's page on pay-as-you-go EIPs of 2025, and that on
// Internet NAT gateways of 2022.
func DefaultAddressPrices() AddressPrices {
	return AddressPrices{EIPHour: 0.003, NATGatewayHour: 0.034, GatewayEIPHour: 0.003, MbitDay: 0.14, MbitDayAbove5: 0.5,
		Origin: "billing pages of EIP of 2025 and NAT gateway of 2022, Chinese mainland; traffic and capacity units left out"}
}

// hasNegative says whether one of the prices is below 0.
func (p AddressPrices) hasNegative() bool {
	return min(p.EIPHour, p.GroupEIPHour, p.NATGatewayHour, p.GatewayEIPHour, p.MbitDay, p.MbitDayAbove5) < 0
}

// addressNote compares an EIP for each of the pods with one gateway for all of
// them; "" for pods that have none, or for one pod.
func addressNote(want *request.EIP, pods int64, p AddressPrices, currency string) string {
	if pods < 2 || want == nil || want.Given != "" {
		return ""
	}
	bandwidth := p.bandwidthMonth(want)
	gateway := (p.NATGatewayHour+p.GatewayEIPHour)*hoursPerMonth + bandwidth
	each, listed := p.EIPHour*hoursPerMonth+bandwidth, p.EIPHour*hoursPerMonth+bandwidth
	if want.ByGroup {
		each = p.GroupEIPHour*hoursPerMonth + bandwidth
	}
	text := fmt.Sprintf("%d EIPs cost %s %.2f a month, one NAT gateway with one EIP %.2f: %s", pods, currency, each*float64(pods), gateway, verdict(each, gateway))
	if each == 0 && listed > 0 {
		text += fmt.Sprintf("; where the quota of the account is above 2,000 EIPs each costs %.2f, and %s", listed, verdict(listed, gateway))
	}
	return text + "; a pod behind a gateway cannot be reached from outside (" + p.Origin + ")"
}

// bandwidthMonth is what an EIP costs a month for its bandwidth, where that is
// what is paid for.
func (p AddressPrices) bandwidthMonth(want *request.EIP) float64 {
	if want.ChargeType != vpc.PayByBandwidth || want.Package != "" {
		return 0
	}
	mbit := float64(cmp.Or(want.Bandwidth, defaultBandwidth))
	return (min(mbit, cheapBandwidth)*p.MbitDay + max(mbit-cheapBandwidth, 0)*p.MbitDayAbove5) * hoursPerMonth / 24
}

// verdict says from how many pods on a gateway for all costs less than an EIP for
// each.
func verdict(each, gateway float64) string {
	if each == 0 {
		return "the gateway is never cheaper"
	}
	return fmt.Sprintf("the gateway is cheaper from %d pods", int64(math.Floor(gateway/each))+1)
}

// sharedEIP is the refusal of one EIP for several pods, or "".
func sharedEIP(want *request.EIP, pods int64) string {
	if want == nil || want.Given == "" || pods < 2 {
		return ""
	}
	return fmt.Sprintf("EIP %s is named for %d pods, and one EIP serves one pod: set replicas to 1, or let each pod have an EIP of its own", want.Given, pods)
}
