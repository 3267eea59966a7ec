package explain

import (
	"fmt"
	"math"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// AddressPrices are what public addresses cost for an hour, traffic left out: it
// costs the same either way. All are in the currency of ListPrices.
type AddressPrices struct {
	// EIPHour is one EIP that is bound to a container group.
	EIPHour float64 `json:"eipHour"`
	// NATGatewayHour is one Internet NAT gateway, GatewayEIPHour the EIP on it.
	NATGatewayHour float64 `json:"natGatewayHour"`
	GatewayEIPHour float64 `json:"gatewayEIPHour"`
	// Origin says whose prices these are, and of when.
	Origin string `json:"origin"`
}

// DefaultAddressPrices are those of the Chinese mainland. An EIP that is bound to
// a container group has no configuration fee, up to 2,000 of an account. What an
// EIP on a gateway costs is not on these pages. Source: the billing pages of EIP
// and of Internet NAT gateways, of 2022.
func DefaultAddressPrices() AddressPrices {
	return AddressPrices{NATGatewayHour: 0.034, Origin: "billing pages of EIP and NAT gateway, Chinese mainland, 2022; capacity units and the EIP of the gateway left out"}
}

// addressNote compares an EIP for each of the pods with one gateway for all of
// them; "" for pods that have none, or for one pod.
func addressNote(want *request.EIP, pods int64, p AddressPrices, currency string) string {
	if pods < 2 || want == nil || want.Given != "" {
		return ""
	}
	each, gateway := p.EIPHour*hoursPerMonth, (p.NATGatewayHour+p.GatewayEIPHour)*hoursPerMonth
	verdict := "the gateway is never cheaper, but a pod behind it cannot be reached from outside"
	if each > 0 {
		verdict = fmt.Sprintf("the gateway is cheaper from %d pods, for those that need not be reached from outside", int64(math.Floor(gateway/each))+1)
	}
	return fmt.Sprintf("%d EIPs cost %s %.2f a month, one NAT gateway with one EIP %.2f: %s (%s)", pods, currency, each*float64(pods), gateway, verdict, p.Origin)
}

// sharedEIP is the refusal of one EIP for several pods, or "".
func sharedEIP(want *request.EIP, pods int64) string {
	if want == nil || want.Given == "" || pods < 2 {
		return ""
	}
	return fmt.Sprintf("EIP %s is named for %d pods, and one EIP serves one pod: set replicas to 1, or let each pod have an EIP of its own", want.Given, pods)
}
