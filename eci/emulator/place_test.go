package emulator_test

import (
	"net/netip"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// smallConfig has a vSwitch of four addresses in zone h and another in zone i.
func smallConfig() emulator.Config {
	cfg := emulator.DefaultConfig()
	cfg.VSwitches[0].CIDR = "192.168.0.0/29"
	cfg.VSwitches[1].CIDR = "192.168.1.0/29"
	return cfg
}

func TestAVSwitchRunsOutOfAddressesAndGetsThemBack(t *testing.T) {
	_, endpoint := mustServe(t, smallConfig())
	c := newCaller(t, endpoint)
	seen := map[string]bool{}
	var last string
	for range 4 {
		last = c.mustCreate("VSwitchId", "vsw-emulator-h")
	}
	for _, g := range c.mustDescribe() {
		ip := netip.MustParseAddr(g.IntranetIP)
		if seen[g.IntranetIP] || !netip.MustParsePrefix("192.168.0.0/29").Contains(ip) {
			t.Errorf("address %s is doubled or foreign", ip)
		}
		seen[g.IntranetIP] = true
	}
	wantCode(t, "the fifth", c.call(eci.ActionCreateContainerGroup, nil, group("VSwitchId", "vsw-emulator-h")...), 403, eci.CodeIPNotEnough)
	if err := c.call(eci.ActionDeleteContainerGroup, nil, "ContainerGroupId", last); err != nil {
		t.Fatal(err)
	}
	c.mustCreate("VSwitchId", "vsw-emulator-h")
}

func TestAGroupThatEndsGivesItsAddressBackAndStillShowsIt(t *testing.T) {
	_, endpoint := mustServe(t, smallConfig())
	c := newCaller(t, endpoint)
	for range 12 {
		c.mustCreate("VSwitchId", "vsw-emulator-h", "RestartPolicy", "Never", "Container.1.Command.1", "true")
	}
	for _, g := range c.mustDescribe() {
		if g.Status != eci.StatusSucceeded || g.IntranetIP == "" {
			t.Errorf("group is %s with address %q", g.Status, g.IntranetIP)
		}
	}
}

func TestTheNextVSwitchIsTakenWhenOneIsFull(t *testing.T) {
	_, endpoint := mustServe(t, smallConfig())
	c := newCaller(t, endpoint)
	for range 8 {
		c.mustCreate("VSwitchId", "vsw-emulator-h,vsw-emulator-i")
	}
	zones := map[string]int{}
	for _, g := range c.mustDescribe() {
		zones[g.ZoneID]++
	}
	if zones["cn-hangzhou-h"] != 4 || zones["cn-hangzhou-i"] != 4 {
		t.Errorf("zones are %v, want four groups in each", zones)
	}
}

func TestAWantedAddressIsGivenOnce(t *testing.T) {
	_, endpoint := mustServe(t, smallConfig())
	c := newCaller(t, endpoint)
	c.mustCreate("PrivateIpAddress", "192.168.0.3")
	if got := c.only().IntranetIP; got != "192.168.0.3" {
		t.Errorf("address is %s", got)
	}
	create := func(ip string) error {
		return c.call(eci.ActionCreateContainerGroup, nil, group("PrivateIpAddress", ip)...)
	}
	wantCode(t, "one in use", create("192.168.0.3"), 400, eci.CodePrivateIPInUse)
	wantCode(t, "one of the cloud", create("192.168.0.7"), 400, eci.CodeInvalidParameter)
	wantCode(t, "one of another net", create("10.9.9.9"), 400, eci.CodeInvalidParameter)
	wantCode(t, "no address", create("fe80::1"), 400, eci.CodeInvalidParameter)
}

func TestTheVCPUQuotaIsKept(t *testing.T) {
	cfg := emulator.DefaultConfig()
	cfg.MaxCPU = 3
	_, endpoint := mustServe(t, cfg)
	c := newCaller(t, endpoint)
	id := c.mustCreate("Cpu", "2", "Memory", "4")
	wantCode(t, "two more", c.call(eci.ActionCreateContainerGroup, nil, group("Cpu", "2", "Memory", "4")...), 403, eci.CodeQuotaExceeded)
	var usage eci.ListUsageResponse
	if err := c.call(eci.ActionListUsage, &usage); err != nil {
		t.Fatal(err)
	}
	if usage.Attributes["UsedCpu"] != 2.0 || usage.Attributes["MaxCpu"] != 3.0 {
		t.Errorf("usage is %v", usage.Attributes)
	}
	if err := c.call(eci.ActionDeleteContainerGroup, nil, "ContainerGroupId", id); err != nil {
		t.Fatal(err)
	}
	c.mustCreate("Cpu", "2", "Memory", "4")
}

func TestASumThatIsNotOnSaleIsRaised(t *testing.T) {
	for name, tc := range map[string]struct {
		cpu, memory         string
		wantCPU, wantMemory float64
	}{
		"the documented 7/13":     {"7", "13", 8, 14},
		"the documented 4.25/8.5": {"4.25", "8.5", 6, 10},
		"the documented 2/3":      {"2", "3", 2, 4},
		"one on sale":             {"0.25", "0.5", 0.25, 0.5},
	} {
		_, endpoint := mustServe(t, emulator.DefaultConfig())
		c := newCaller(t, endpoint)
		c.mustCreate("Cpu", "", "Memory", "", "Container.1.Cpu", tc.cpu, "Container.1.Memory", tc.memory)
		if g := c.only(); g.CPU != tc.wantCPU || g.Memory != tc.wantMemory {
			t.Errorf("%s: became %v/%v, want %v/%v", name, g.CPU, g.Memory, tc.wantCPU, tc.wantMemory)
		}
	}
}

func TestAWrongConfigIsReportedAsAWhole(t *testing.T) {
	cfg := emulator.DefaultConfig()
	cfg.Region, cfg.MaxCPU = "", 0
	cfg.VSwitches[1] = emulator.VSwitch{ID: "vsw-emulator-h", ZoneID: "nowhere", CIDR: "10.0.0.0/30"}
	cfg.Delays.RestartBackOff = 0
	_, err := emulator.New(cfg)
	if err == nil {
		t.Fatal("it is accepted")
	}
	for _, path := range []string{"Region:", "MaxCPU:", "VSwitches[1]: ZoneID:", "VSwitches[1].ID:", "Delays.RestartBackOff:"} {
		if !contains(err.Error(), path) {
			t.Errorf("the error does not name %s: %v", path, err)
		}
	}
}
