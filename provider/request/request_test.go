package request

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
)

func TestExpandFollowsTheKubelet(t *testing.T) {
	lookup := func(name string) (value, bool) {
		switch name {
		case "A":
			return value{text: "a"}, true
		case "EMPTY":
			return value{}, true
		case "IP":
			return value{podIP: true}, true
		}
		return value{}, false
	}
	for input, want := range map[string]string{
		"":           "",
		"plain":      "plain",
		"$(A)":       "a",
		"x$(A)$(A)y": "xaay",
		"$(EMPTY)":   "",
		"$(B)":       "$(B)",
		"$$(A)":      "$(A)",
		"$$$(A)":     "$a",
		"$A":         "$A",
		"$":          "$",
		"$$":         "$",
		"a$":         "a$",
		"$(A":        "$(A",
		"$()":        "$()",
		"$(($(A)":    "$(($(A)",
		"$ä$(A)":     "$äa",
	} {
		got, embedded := expand(input, lookup, 0)
		if got.text != want || got.podIP || embedded {
			t.Errorf("expand(%q) = %+v, %v; want %q", input, got, embedded, want)
		}
	}
	if got, embedded := expand("$(IP)", lookup, 0); !got.podIP || embedded {
		t.Errorf("a lone reference to the address gave %+v, %v", got, embedded)
	}
	if _, embedded := expand("$(IP):80", lookup, 0); !embedded {
		t.Error("an address inside a text was not told")
	}
}

func TestRoundUpTakesTheCheapestSizeOnSale(t *testing.T) {
	for _, c := range []struct {
		want   Size
		region string
		spot   bool
		got    Size
	}{
		{Size{7, 13}, "cn-hangzhou", false, Size{8, 14}},
		{Size{7, 13}, "us-west-1", false, Size{8, 16}},
		{Size{4.25, 8.5}, "cn-hangzhou", false, Size{6, 10}},
		{Size{2, 3}, "cn-hangzhou", false, Size{2, 4}},
		{Size{0.1, 0.1}, "cn-hangzhou", false, Size{0.25, 0.5}},
		{Size{0.1, 3}, "cn-hangzhou", false, Size{1, 4}},
		{Size{1, 9}, "cn-hangzhou", false, Size{2, 10}},
		{Size{1, 9}, "us-west-1", false, Size{2, 16}},
		{Size{0, 200}, "us-west-1", false, Size{32, 256}},
		{Size{0.25, 0.5}, "cn-hangzhou", true, Size{2, 1}},
		{Size{4, 5}, "cn-hangzhou", true, Size{4, 8}},
		{Size{64, 512}, "cn-hangzhou", false, Size{64, 512}},
	} {
		if got, ok := RoundUp(c.want, c.region, c.spot); !ok || got != c.got {
			t.Errorf("RoundUp(%v, %s, spot %v) = %v, %v; want %v", c.want, c.region, c.spot, got, ok, c.got)
		}
	}
	if got, ok := RoundUp(Size{65, 1}, "cn-hangzhou", false); ok {
		t.Errorf("65 vCPU fit in %v", got)
	}
}

func TestClientTokenIsStableAndShort(t *testing.T) {
	const uid types.UID = "11111111-2222-3333-4444-555555555555"
	if a, b := ClientToken(uid, 1), ClientToken(uid, 1); a != b {
		t.Errorf("%q and %q for one attempt", a, b)
	}
	if ClientToken(uid, 1) == ClientToken(uid, 2) {
		t.Error("two attempts share a token")
	}
	for _, odd := range []types.UID{"", types.UID(strings.Repeat("x", 100)), "ünïcode", "with space"} {
		if token := ClientToken(odd, 3); token == "" || len(token) > eci.MaxClientToken || !isPrintable(token) {
			t.Errorf("token %q for uid %q", token, odd)
		}
	}
}

func TestGroupNamesAreValidAndApart(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,126}[a-z0-9]$`)
	long := strings.Repeat("a", 200)
	seen := map[string]string{}
	for _, name := range []string{"web-0", "web.0", "web_0", "WEB-0", long + "x", long + "y", strings.Repeat(".", 150), ""} {
		got := GroupName("default", name)
		if !valid.MatchString(got) {
			t.Errorf("GroupName(%q) = %q", name, got)
		}
		if other, taken := seen[got]; taken {
			t.Errorf("%q and %q are both %q", name, other, got)
		}
		seen[got] = name
	}
	if got := GroupName("", ""); !valid.MatchString(got) {
		t.Errorf("GroupName of nothing = %q", got)
	}
}

func TestIdentityComesBackFromTags(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: strings.Repeat("n", 200), UID: "uid-1"}}
	id := IdentityFor(pod, testConfig())
	got, ok := IdentityOf(append([]eci.Tag{{Key: "other", Value: "x"}}, id.Tags()...))
	id.PodName = id.PodName[:maxTagValue]
	if !ok || got != id {
		t.Errorf("IdentityOf = %+v, %v; want %+v", got, ok, id)
	}
	if _, ok := IdentityOf([]eci.Tag{{Key: TagCluster, Value: "c"}, {Key: TagNode, Value: "n"}}); ok {
		t.Error("a group without a UID passed as ours")
	}
	for _, tag := range FilterTags(testConfig()) {
		if !slices.Contains(id.Tags(), tag) {
			t.Errorf("filter tag %v is not on the group", tag)
		}
	}
}

func TestReferencesNameEverythingThatThePodNames(t *testing.T) {
	documents := mustReadDocuments(t, "testdata/missing-objects.in.yaml")
	refs := References(documents.pods[0])
	var got []string
	for _, ref := range slices.Concat(refs.ConfigMaps, refs.Secrets) {
		got = append(got, fmt.Sprintf("%s %v %s", ref.Name, ref.Optional, ref.Path))
	}
	for _, ref := range refs.Tokens {
		got = append(got, fmt.Sprintf("token %q %d %s", ref.Audience, ref.ExpirationSeconds, ref.Path))
	}
	want := []string{
		"settings false spec.containers[0].envFrom[0].configMapRef.name",
		"there false spec.containers[0].env[0].valueFrom.configMapKeyRef.name",
		"files false spec.volumes[0].configMap.name",
		"there false spec.volumes[2].configMap.name",
		"keys false spec.containers[0].envFrom[1].secretRef.name",
		"keys false spec.containers[0].env[1].valueFrom.secretKeyRef.name",
		"certs false spec.volumes[1].secret.secretName",
		`token "" 3600 spec.volumes[3].projected.sources[0].serviceAccountToken`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if refs.ServiceAccountName != "default" || !refs.ServiceLinks {
		t.Errorf("account %q, service links %v", refs.ServiceAccountName, refs.ServiceLinks)
	}
}

func TestConfigReportsAllProblemsAtOnce(t *testing.T) {
	cfg := Config{ClusterDNS: []string{"dns"}, Hardening: "maybe", MaxEnvValue: -1, Tags: map[string]string{"acs:x": "", TagUID: "u"},
		VSwitchIDs: make([]string, 11)}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, path := range []string{"regionID", "clusterID", "nodeName", "clusterDNS[0]", "hardening", "maxEnvValue", "tags[acs:x]", "tags[" + TagUID + "]", "vSwitchIDs"} {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not named in: %v", path, err)
		}
	}
	if err := testConfig().Validate(); err != nil {
		t.Errorf("a good config: %v", err)
	}
}

func TestErrorsAreToldApartThroughWrapping(t *testing.T) {
	refused := fmt.Errorf("pod a/b: %w", &RefusedError{})
	missing := fmt.Errorf("pod a/b: %w", &MissingError{Objects: []Missing{{Kind: KindSecret, Name: "x"}}})
	if !IsRefused(refused) || IsRefused(missing) || IsRefused(nil) {
		t.Error("IsRefused")
	}
	if !IsMissingObject(missing) || IsMissingObject(refused) || IsMissingObject(nil) {
		t.Error("IsMissingObject")
	}
}

func TestARefusalNeverShowsASecret(t *testing.T) {
	const secret = "s3cr3t-value"
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		ImagePullSecrets: []corev1.LocalObjectReference{{Name: "s"}},
		Containers: []corev1.Container{{Name: "a", Image: "a", EnvFrom: []corev1.EnvFromSource{{
			SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}}}}},
	}}
	object := &corev1.Secret{Data: map[string][]byte{"LONG": []byte(strings.Repeat(secret, 100)), corev1.DockerConfigJsonKey: []byte(`{"auths":` + secret)}}
	object.Name = "s"
	_, err := Translate(pod, Objects{Secrets: map[string]*corev1.Secret{"s": object}, PullSecrets: []*corev1.Secret{object}}, testConfig())
	if !IsRefused(err) || strings.Contains(err.Error(), secret) {
		t.Errorf("error %v", err)
	}
}

func TestTheNameOfAnECSTypeTellsItsSize(t *testing.T) {
	for name, want := range map[string]Size{
		"ecs.c6.large":          {CPU: 2, Memory: 4},
		"ecs.g7.xlarge":         {CPU: 4, Memory: 16},
		"ecs.r6e.2xlarge":       {CPU: 8, Memory: 64},
		"ecs.gn6i-c4g1.xlarge":  {CPU: 4},
		"ecs.ebmgn7.26xlarge":   {CPU: 104},
		"ecs.t5-lc1m1.small":    {},
		"ecs.cm4.large":         {CPU: 2},
		"ecs.c6.99999999xlarge": {CPU: 4 * 99999999, Memory: 8 * 99999999},
	} {
		if got := ecsSize(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
