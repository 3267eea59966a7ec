package request

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// safeConfig is testConfig with the permissions of a node that sets none.
func safeConfig() Config {
	cfg := DefaultConfig()
	cfg.RegionID, cfg.VSwitchIDs, cfg.SecurityGroupID = "cn-hangzhou", []string{"vsw-1"}, "sg-1"
	cfg.ClusterID, cfg.NodeName = "cluster-1", "virtual-kubelet"
	return cfg
}

// podWith is a pod of the namespace team-a with the annotations and volumes.
func podWith(annotations map[string]string, volumes ...corev1.Volume) *corev1.Pod {
	pod := labelled(nil, annotations)
	pod.Namespace, pod.UID = "team-a", "uid-1"
	pod.Spec.Containers = []corev1.Container{{Name: "app", Image: "nginx"}}
	pod.Spec.Volumes = volumes
	return pod
}

func flexOf(driver string, options map[string]string) corev1.Volume {
	return corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{FlexVolume: &corev1.FlexVolumeSource{Driver: driver, Options: options}}}
}

func csiOf(driver string, attributes map[string]string) corev1.Volume {
	return corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: driver, VolumeAttributes: attributes}}}
}

// TestPermissions_DefaultsRefuseWhatReachesBeyondThePod asks for each thing that
// needs permission on a node whose operator has set nothing.
func TestPermissions_DefaultsRefuseWhatReachesBeyondThePod(t *testing.T) {
	annotation := func(key, value string) *corev1.Pod {
		return podWith(map[string]string{key: value})
	}
	oss := func(option, value string) map[string]string {
		return map[string]string{"bucket": "b", "url": "oss.example.com", option: value}
	}
	for name, c := range map[string]struct {
		pod        *corev1.Pod
		path, kind string
	}{
		"RAM role": {annotation("k8s.aliyun.com/eci-ram-role-name", "admin"), "metadata.annotations[k8s.aliyun.com/eci-ram-role-name]", "ramRoles"},
		"registry role of the service": {podWith(map[string]string{"k8s.aliyun.com/acr-instance-ids": "cri-1", "k8s.aliyun.com/acr-service-arns": "acs:ram::1:role/admin"}),
			"metadata.annotations[k8s.aliyun.com/acr-service-arns]", "ramRoles"},
		"registry role of the user": {podWith(map[string]string{"k8s.aliyun.com/acr-instance-id": "cri-1", "k8s.aliyun.com/acr-user-arns": "acs:ram::1:role/admin"}),
			"metadata.annotations[k8s.aliyun.com/acr-user-arns]", "ramRoles"},
		"given EIP":                {annotation("k8s.aliyun.com/eci-eip-instanceid", "eip-1"), "metadata.annotations[k8s.aliyun.com/eci-eip-instanceid]", "eips"},
		"given EIP, other family":  {annotation("network.alibabacloud.com/pod-eip-instanceid", "eip-1"), "metadata.annotations[network.alibabacloud.com/pod-eip-instanceid]", "eips"},
		"given EIP, older prefix":  {annotation("k8s.aliyun.com/pod-eip-instanceid", "eip-1"), "metadata.annotations[k8s.aliyun.com/pod-eip-instanceid]", "eips"},
		"given EIP as if by us":    {annotation("network.alibabacloud.com/allocated-eip-id", "eip-1"), "metadata.annotations[network.alibabacloud.com/allocated-eip-id]", "eips"},
		"disk by flexVolume":       {podWith(nil, flexOf(flexDisk, map[string]string{"volumeId": "d-1"})), "spec.volumes[0].flexVolume.options[volumeId]", "disks"},
		"disk by CSI":              {podWith(nil, csiOf(csiDisk, map[string]string{"volumeId": "d-1"})), "spec.volumes[0].csi.volumeAttributes[volumeId]", "disks"},
		"disk deleted with pod":    {podWith(nil, flexOf(flexDisk, map[string]string{"volumeId": "d-1", "deleteWithInstance": "true"})), "spec.volumes[0].flexVolume.options[deleteWithInstance]", "disksDeleted"},
		"the same by CSI":          {podWith(nil, csiOf(csiDisk, map[string]string{"volumeId": "d-1", "deleteWithInstance": "True"})), "spec.volumes[0].csi.volumeAttributes[deleteWithInstance]", "disksDeleted"},
		"role of a bucket":         {podWith(nil, flexOf(flexOSS, oss("ramRole", "admin"))), "spec.volumes[0].flexVolume.options[ramRole]", "ramRoles"},
		"role of a bucket by CSI":  {podWith(nil, csiOf(csiOSS, oss("ramRole", "admin"))), "spec.volumes[0].csi.volumeAttributes[ramRole]", "ramRoles"},
		"role in free options":     {podWith(nil, flexOf(flexOSS, oss("otherOpts", "-o max_stat_cache_size=0 -oram_role=http://100.100.100.200/latest/admin"))), "spec.volumes[0].flexVolume.options[otherOpts]", "ramRoles"},
		"role in spaced options":   {podWith(nil, csiOf(csiOSS, oss("otherOpts", "-o allow_other,RAM_ROLE=admin"))), "spec.volumes[0].csi.volumeAttributes[otherOpts]", "ramRoles"},
		"role of a bucket, spaced": {podWith(nil, flexOf(flexOSS, oss("ramRole", " admin "))), "spec.volumes[0].flexVolume.options[ramRole]", "ramRoles"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Translate(c.pod, Objects{}, safeConfig())
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, want := range []string{c.path + ": ", "permissions", c.kind, "team-a"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing from: %v", want, err)
				}
			}
			if IsRefused(err) {
				checkPaths(t, c.pod, err)
			}
		})
	}
}

// TestPermissions_EveryAnnotationAndOptionIsClassified wants each new annotation
// and each new option of a volume to be put on one of the two sides.
func TestPermissions_EveryAnnotationAndOptionIsClassified(t *testing.T) {
	harmless := "eci-use-specs eci-compute-category eci-cpu-option-core eci-cpu-option-ht eci-gpu-driver-version eci-extra-ephemeral-storage " +
		"eci-spot-strategy eci-spot-price-limit eci-spot-duration eci-core-pattern eci-max-pending-minute eci-schedule-strategy " +
		"plain-http-registry insecure-registry eci-data-cache-pl eci-data-cache-provisionedIops eci-data-cache-burstingEnabled " +
		"eci-enable-ipv6 eci-ipv6-bandwidth-enable eci-ipv6-bandwidth eci-fixed-ip-retain-hour eci-custom-hosts eci-custom-dnsconfig " +
		"ingress-bandwidth egress-bandwidth eci-ntp-server eci-with-eip pod-with-eip eip-bandwidth eip-isp eip-internet-charge-type " +
		"eip-instance-charge-type eip-name eip-description eip-security-protection-types eci-set-diskvolume startup-probe http-probe grpc-probe " +
		"eci-fail-strategy pod-fail-on-create-err eci-spot-fallback imc-match-count-request imc-perfect-match"
	for _, row := range Annotations() {
		_, name, _ := strings.Cut(row.Key, "/")
		known := strings.Contains(" "+harmless+" ", " "+name+" ")
		switch {
		case row.Actor == ActorRefused || row.Actor == ActorNobody:
		case known == (row.Permission != ""):
			t.Errorf("%s is to be harmless or to need a permission, has %q", row.Key, row.Permission)
		}
		if row.Permission != "" {
			if _, ok := resourceRule(row.Permission); !ok {
				t.Errorf("%s needs %q, which is no resource", row.Key, row.Permission)
			}
		}
	}
	options := " volumeSize performanceLevel encrypted path vers options mode mountProtocol url akId akSecret " +
		"deleteWithInstance otherOpts " // which permitFlex looks at for themselves
	for driver, rule := range flexRules() {
		for _, option := range append(rule.needs, rule.also...) {
			if strings.Contains(options, " "+option+" ") == (optionPermissions(driver)[option] != "") {
				t.Errorf("option %s of %s is to be harmless or to need a permission", option, driver)
			}
		}
	}
}

func TestPermissions_WhatTheProfileGivesNeedsNone(t *testing.T) {
	p := mustParseProfile(t, map[string]string{"selectors": `[{"name":"web","effect":{"annotations":{
		"k8s.aliyun.com/eci-ram-role-name":"web","network.alibabacloud.com/pod-eip-instanceid":"eip-1"}}}]`})
	applied := ApplyProfile(podWith(nil), nil, p, safeConfig())
	made, err := Translate(applied.Pod, Objects{}, applied.Config)
	if err != nil {
		t.Fatal(err)
	}
	if made.Request.RAMRoleName != "web" || made.Request.EIPInstanceID != "eip-1" {
		t.Errorf("role %q, EIP %q", made.Request.RAMRoleName, made.Request.EIPInstanceID)
	}
	applied = ApplyProfile(podWith(map[string]string{"k8s.aliyun.com/eci-ram-role-name": "admin"}), nil, p, safeConfig())
	if _, err := Translate(applied.Pod, Objects{}, applied.Config); err == nil || !strings.Contains(err.Error(), `"admin"`) {
		t.Errorf("the pod's own role: %v", err)
	}
}

func TestPermissions_RefusalSaysThatTheDefaultsAreAssumed(t *testing.T) {
	cfg := safeConfig()
	cfg.Permissions.Assumed = true
	_, err := Translate(podWith(map[string]string{"k8s.aliyun.com/eci-ram-role-name": "admin"}), Objects{}, cfg)
	if err == nil || !strings.Contains(err.Error(), "default permissions are assumed") {
		t.Errorf("%v", err)
	}
}

func TestPermissions_ValidateNamesEveryField(t *testing.T) {
	cfg := safeConfig()
	cfg.Permissions = Permissions{Allow: Grants{"roles": {"*"}}, Rules: []PermissionRule{{Allow: Grants{"ramRole": nil}}, {Namespaces: []string{"a"}}}}
	err := cfg.Validate()
	for _, want := range []string{`permissions.allow: Unsupported value: "roles"`, "permissions.rules[0].namespaces: Required", `permissions.rules[0].allow: Unsupported value: "ramRole"`, "permissions.rules[1].allow: Required", "securityGroups"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing from %v", want, err)
		}
	}
}

func TestMatchesPattern_StarStandsForAnyText(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		want           bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "acs:ram::1:role/x", true},
		{"team-*", "team-a", true}, {"team-*", "steam-a", false}, {"*-ro", "team-ro", true}, {"ab*ba", "aba", false}, {"ab*ba", "abba", true},
		{"a*b*c", "a-b-c", true}, {"a*b*c", "a-c-b", false}, {"a**c", "ac", true}, {"[a]", "a", false}, {"?", "a", false},
	} {
		if got := matchesPattern(c.pattern, c.value); got != c.want {
			t.Errorf("%q against %q: %v", c.value, c.pattern, got)
		}
	}
}

func TestPermissions_RoleInFreeOptionsIsTheOneThatIsRead(t *testing.T) {
	cfg := safeConfig()
	cfg.Permissions = Permissions{Allow: Grants{RAMRoles: {"team-*"}}}
	for options, allowed := range map[string]bool{
		"-o ram_role=" + metadataRoles + "team-a":              true,
		"-o allow_other,ram_role=team-a":                       true,
		"-oram_role=team-a -o max_stat_cache_size=0":           true,
		"-o ram_role=" + metadataRoles + "admin":               false,
		"-o ram_role=" + metadataRoles + "admin?x=/team-a":     false,
		"-o ram_role=" + metadataRoles + "admin#/team-a":       false,
		"-o ram_role=" + metadataRoles + "team-x%2f..%2fadmin": false,
		"-o ram_role=http://elsewhere.example/team-a":          false,
		"-o a=1;ram_role=admin":                                false,
		"-o a=1\vram_role=admin":                               false,
		"-o a=1\u00a0ram_role=admin":                           false,
		"-o ram_role admin":                                    false,
		`-o ram_ro""le=admin`:                                  false,
		"-o ram_r$()ole=admin":                                 false,
		"-o credential_process=/bin/x":                         false,
		"-o umask=022 -o max_stat_cache_size=0,allow_other":    true,
		`-o "ram_role=admin"`:                                  false,
		"-o ram_role=team-a;ram_role=admin":                    false,
	} {
		_, err := Translate(podWith(nil, csiOf(csiOSS, map[string]string{"bucket": "b", "url": "u", "otherOpts": options})), Objects{}, cfg)
		if allowed != (err == nil) {
			t.Errorf("%q: %v", options, err)
		}
	}
}

func TestPermissions_ValuesAreComparedAsTheyAreSent(t *testing.T) {
	cfg := safeConfig()
	cfg.Permissions = Permissions{Allow: Grants{FileSystems: {"good"}, Tags: {"env:test"}, ImageCaches: {"imc-1"}}}
	nas := func(server, options string) *corev1.Pod {
		return podWith(nil, flexOf(flexNAS, map[string]string{"server": server, "path": "/", "options": options}))
	}
	for name, c := range map[string]struct {
		pod     *corev1.Pod
		allowed bool
	}{
		"the server":               {nas("good", "nolock"), true},
		"a space before it":        {nas(" good", ""), false},
		"two of them":              {nas("good,good", ""), false},
		"another by an option":     {nas("good", "nolock,addr=10.0.0.9"), false},
		"its mount daemon":         {nas("good", "mountaddr=10.0.0.9"), false},
		"the tag of an EIP":        {podWith(map[string]string{"k8s.aliyun.com/pod-with-eip": "true", "k8s.aliyun.com/eip-tags": `{"env":"test"}`}), true},
		"a tag with a comma":       {podWith(map[string]string{"k8s.aliyun.com/pod-with-eip": "true", "k8s.aliyun.com/eip-tags": `{"env":"test,env:test"}`}), false},
		"the image cache":          {podWith(map[string]string{"k8s.aliyun.com/eci-imc-id": "imc-1"}), true},
		"whichever image cache":    {podWith(map[string]string{"k8s.aliyun.com/eci-auto-imc": "true"}), false},
		"no image cache by itself": {podWith(map[string]string{"k8s.aliyun.com/eci-auto-imc": "false"}), true},
	} {
		_, err := Translate(c.pod, Objects{}, cfg)
		if c.allowed != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
