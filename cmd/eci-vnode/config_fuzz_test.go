package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/eci-vnode/eci-vnode/fuzzbounds"
)

// FuzzConfig: whatever a file holds, it is refused with an error or understood:
// written and read again it says the same, and no room panics over it. It takes no
// more time and memory than the bounds allow.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"nodeName: hz\neci: {region: cn-hangzhou, vSwitchIDs: [vsw-1], securityGroupID: sg-1}\n",
		"labels: {a: b}\ntaints: [{key: k, effect: NoSchedule}]\ncapacity: {cpu: \"10\", memory: 1Ti, pods: \"5\"}\n",
		"eci: {timeout: 5s, budgetShare: 0.5, rates: {CreateContainerGroup: {perSecond: 1, burst: 2}}, clusterDNS: [10.0.0.10], tags: {a: b}}\n",
		"leaderElection: {enabled: true, namespace: nodes, leaseDuration: 15s, renewDeadline: 10s, retryPeriod: 2s}\n",
		"kubelet: {port: 10250, tlsCertFile: a, tlsPrivateKeyFile: b, serverTLSBootstrap: true}\nsync: {fast: 1s, repair: 1m}\n",
		"pods: {hardening: refuse, bandwidthUnit: bit, refresh: 1m}\neip: {maxConcurrentReconciles: 2}\nlog: {level: debug, format: json}\n",
		"taint: {key: \"\", effect: x}\nkube: {qps: -1, burst: 1e9, workers: 0}\n", "eci: [", "{}", "unknown: 1", "eci: {budgetShare: .nan}",
		"capacity: {pods: 1e-2000000000}\n", "capacity: {pods: '0e2000000000'}\nallocatable: {cpu: '1.5e-2000000000'}\n", "capacity: {pods: 1E2000000000}\n",
		"annotations: {a: &a " + strings.Repeat("x", 20<<10) + ", b: [" + strings.Repeat("*a,", 10000) + "]}\n", strings.Repeat("[", 10000),
		"eci: {timeout: 999999999999999999999h, clusterDNS: [" + strings.Repeat("a,", 10000) + "]}\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 256<<10 {
			return
		}
		var c Config
		accepted := false
		fuzzbounds.Check(t, func() {
			c = defaultConfig()
			c.ECI.Region, c.ECI.VSwitchIDs, c.ECI.SecurityGroupID = "cn-hangzhou", []string{"vsw-1"}, "sg-1"
			if accepted = decodeConfig(&c, text) == nil && c.Validate() == nil; accepted {
				enterRooms(c)
			}
		})
		if !accepted {
			return
		}
		written, err := yaml.Marshal(c)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again := defaultConfig()
		if err := decodeConfig(&again, written); err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, written)
		}
		rewritten, err := yaml.Marshal(again)
		if diff := cmp.Diff(string(written), string(rewritten)); err != nil || diff != "" {
			t.Errorf("written (-) and read again (+): %v\n%s", err, diff)
		}
	})
}

// enterRooms gives a file that was accepted to every room, before anything runs:
// each takes it or returns an error.
func enterRooms(c Config) {
	node := vnodeConfig(c)
	_, _, _ = providerConfig(c).Validate(), node.Validate(), checkConfig(c)
	_, _ = newCloud(c.ECI, func(string) (string, bool) { return "key", true }, nil)
}
