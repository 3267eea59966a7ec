package explain

import (
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

func TestSeveralReplicasWithAnEIPEachAreComparedWithOneGateway(t *testing.T) {
	prices := DefaultAddressPrices()
	own := prices
	own.EIPHour = 0.01
	byBandwidth := request.EIPSpec{ChargeType: "PayByBandwidth", Bandwidth: 10}
	shared := byBandwidth
	shared.Package = "cbwp-1"
	for name, tc := range map[string]struct {
		want   *request.EIP
		pods   int64
		prices AddressPrices
		text   string
	}{
		"over the VPC API": {&request.EIP{Network: true}, 3, prices, "3 EIPs cost USD 6.48 a month, one NAT gateway with one EIP 26.64: the gateway is cheaper from 13 pods;"},
		"by the group": {&request.EIP{ByGroup: true}, 3, prices, "3 EIPs cost USD 0.00 a month, one NAT gateway with one EIP 26.64: the gateway is never cheaper; " +
			"where the quota of the account is above 2,000 EIPs each costs 2.16, and the gateway is cheaper from 13 pods;"},
		"at prices of one's own": {&request.EIP{Network: true}, 3, own, "3 EIPs cost USD 21.60 a month, one NAT gateway with one EIP 26.64: the gateway is cheaper from 4 pods;"},
		// 5 Mbit/s at 0.14 a day and 5 at 0.5, for 30 days.
		"by bandwidth": {&request.EIP{EIPSpec: byBandwidth}, 2, prices, "2 EIPs cost USD 196.32 a month, one NAT gateway with one EIP 122.64: the gateway is cheaper from 2 pods;"},
		"in a package": {&request.EIP{EIPSpec: shared}, 2, prices, "2 EIPs cost USD 4.32 a month, one NAT gateway with one EIP 26.64: the gateway is cheaper from 13 pods;"},
		"one pod":      {&request.EIP{}, 1, prices, ""},
		"none":         {nil, 3, prices, ""},
		"a given one":  {&request.EIP{Given: "eip-1"}, 3, prices, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := addressNote(tc.want, tc.pods, tc.prices, "USD")
			if !strings.HasPrefix(got, tc.text) || tc.text == "" && got != "" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestOneEIPForSeveralReplicasIsRefused(t *testing.T) {
	if text := sharedEIP(&request.EIP{Given: "eip-1"}, 2); !strings.Contains(text, "EIP eip-1 is named for 2 pods") {
		t.Errorf("got %q", text)
	}
	if text := sharedEIP(&request.EIP{Given: "eip-1"}, 1); text != "" {
		t.Errorf("one pod: %q", text)
	}
}
