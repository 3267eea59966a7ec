package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/eip"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

func TestReapListsTheEIPsOfTheNodeThatAreBoundToNothing(t *testing.T) {
	a := newAccount(t)
	buy := func(node, pod string, more ...eci.Tag) string {
		resp, err := a.cloud.AllocateEIPAddress(t.Context(), &vpc.AllocateEIPAddressRequest{
			ClientToken: node + pod, InternetChargeType: vpc.PayByTraffic,
			Tags: append(request.Identity{ClusterID: "c", NodeName: node, Namespace: "default", PodName: pod}.Tags(), more...),
		})
		if err != nil {
			t.Fatal(err)
		}
		return resp.AllocationID
	}
	ours := eci.Tag{Key: eip.TagStrategy, Value: "Never"}
	want := buy("n", "kept", ours)
	others := []string{buy("other", "kept", ours), buy("n", "somebody's")}

	var out bytes.Buffer
	cfg := Config{NodeName: "n", ECI: ECI{ClusterID: "c"}}
	if err := listEIPs(t.Context(), a.cloud, cfg, "table", time.Now().Add(3*time.Hour), &out); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{want, "Never", "Available", "3h", "1 EIPs"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("no %q in\n%s", text, &out)
		}
	}
	for _, id := range others {
		if strings.Contains(out.String(), id) {
			t.Errorf("%s is not this node's:\n%s", id, &out)
		}
	}
}
