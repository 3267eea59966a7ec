package explain

import (
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

func TestSeveralReplicasWithAnEIPEachAreComparedWithOneGateway(t *testing.T) {
	free := DefaultAddressPrices()
	paid := free
	paid.EIPHour = 0.01
	for name, tc := range map[string]struct {
		want   *request.EIP
		pods   int64
		prices AddressPrices
		text   string
	}{
		"an EIP without a fee": {&request.EIP{ByGroup: true}, 3, free, "3 EIPs cost USD 0.00 a month, one NAT gateway with one EIP 24.48: the gateway is never cheaper"},
		"an EIP with a fee":    {&request.EIP{Network: true}, 3, paid, "3 EIPs cost USD 21.60 a month, one NAT gateway with one EIP 24.48: the gateway is cheaper from 4 pods"},
		"one pod":              {&request.EIP{}, 1, paid, ""},
		"none":                 {nil, 3, paid, ""},
		"a given one":          {&request.EIP{Given: "eip-1"}, 3, paid, ""},
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
