package request

import (
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// eipAnnotations are both families: that of ECI, and that of the network
// controller under either prefix. Values that say how to buy an EIP belong to
// both.
func eipAnnotations() []Annotation {
	const buys = "AllocateEipAddress"
	rows := []Annotation{
		{Key: "eci-with-eip", Parameter: "AutoCreateEip", Note: "true or false", apply: eipTruth(func(d *eipDraft) **bool { return &d.eciAuto })},
		{Key: "eci-eip-instanceid", Permission: EIPs, checksItself: true, Parameter: "EipInstanceId", Note: "eip-...", apply: eipText(func(d *eipDraft) *string { return &d.eciGiven })},
		{Key: "pod-with-eip", Note: "true or false", apply: eipTruth(func(d *eipDraft) **bool { return &d.networkAuto })},
		{Key: "pod-eip-instanceid", Permission: EIPs, checksItself: true, Parameter: "EipInstanceId", Note: "eip-...", apply: eipText(func(d *eipDraft) *string { return &d.networkGiven })},
		{Key: "pod-eip-release-strategy", Permission: KeptAddresses, Note: "Follow, Never, or a duration such as 10m", apply: applyEIPStrategy},
		{Key: "eip-bandwidth", Parameter: "EipBandwidth", Note: "Mbit/s", apply: applyEIPBandwidth},
		{Key: "eip-common-bandwidth-package-id", Permission: BandwidthPackages, Aliases: []string{"eip-common-bandwith-package-id"}, Parameter: "EipCommonBandwidthPackage", Note: "cbwp-...",
			apply: eipText(func(d *eipDraft) *string { return &d.spec.Package })},
		{Key: "eip-isp", Parameter: "EipISP", Note: "BGP or BGP_PRO; single lines by allow-list", apply: eipOneOf(func(d *eipDraft) *string { return &d.spec.ISP },
			"BGP", "BGP_PRO", "ChinaTelecom", "ChinaUnicom", "ChinaMobile", "ChinaTelecom_L2", "ChinaUnicom_L2", "ChinaMobile_L2", "BGP_FinanceCloud")},
		{Key: "eip-internet-charge-type", Aliases: []string{"eip-charge-type"}, Parameter: buys, Note: "PayByTraffic or PayByBandwidth",
			apply: eipOneOf(func(d *eipDraft) *string { return &d.spec.ChargeType }, vpc.PayByTraffic, vpc.PayByBandwidth)},
		{Key: "eip-instance-charge-type", Parameter: buys, Note: "PostPaid", apply: applyEIPInstanceCharge},
		{Key: "eip-public-ip-address-pool-id", Permission: EIPPools, Parameter: buys, Note: "pippool-...", apply: eipText(func(d *eipDraft) *string { return &d.spec.Pool })},
		{Key: "eip-resource-group-id", Permission: ResourceGroups, Parameter: buys, Note: "rg-...", apply: eipText(func(d *eipDraft) *string { return &d.spec.ResourceGroupID })},
		{Key: "eip-name", Parameter: buys, Note: "text", apply: eipText(func(d *eipDraft) *string { return &d.spec.Name })},
		{Key: "eip-description", Parameter: buys, Note: "text", apply: eipText(func(d *eipDraft) *string { return &d.spec.Description })},
		{Key: "eip-security-protection-types", Parameter: buys, Note: "a list such as AntiDDoS_Enhanced", apply: applyEIPProtection},
		{Key: "eip-tags", Permission: Tags, checksItself: true, Parameter: buys, Note: `{"k":"v"}`, apply: applyEIPTags},
	}
	for i, row := range rows {
		if !strings.HasPrefix(row.Key, "eci-") {
			rows[i].Aliases = append(row.Aliases, networkPrefix+row.Key)
		}
	}
	return append(rows, Annotation{Key: networkPrefix + "allocated-eip-id", Permission: EIPs, checksItself: true, Parameter: "EipInstanceId", Note: "eip-...; also written back",
		apply: eipText(func(d *eipDraft) *string { return &d.hinted })})
}

// eipText sets a part of the draft.
func eipText(part func(*eipDraft) *string) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		if value == "" {
			return
		}
		t.noteEIP(path)
		*part(&t.draft) = value
	}
}

func eipOneOf(part func(*eipDraft) *string, values ...string) func(*translator, *field.Path, string) {
	set := eipText(part)
	return func(t *translator, path *field.Path, value string) {
		for _, known := range values {
			if strings.EqualFold(known, value) {
				set(t, path, known)
				return
			}
		}
		t.refusals = append(t.refusals, field.NotSupported(path, value, values))
	}
}

func eipTruth(part func(*eipDraft) **bool) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		if b, ok := t.parseBool(path, value); ok {
			*part(&t.draft) = ptr.To(b)
		}
	}
}

// noteEIP remembers the first annotation that says how to buy an EIP.
func (t *translator) noteEIP(path *field.Path) {
	key := strings.TrimSuffix(strings.TrimPrefix(path.String(), "metadata.annotations["), "]")
	if isEIPParameter(key) && t.draft.params == nil {
		t.draft.params = path
	}
}

func applyEIPStrategy(t *translator, path *field.Path, value string) {
	t.draft.strategy, t.draft.strategyPath = value, path
}

func applyEIPBandwidth(t *translator, path *field.Path, value string) {
	n, ok := t.parseInt(path, value, 1, maxEIPBandwidth)
	if !ok {
		return
	}
	t.noteEIP(path)
	t.draft.spec.Bandwidth = int32(n)
}

// applyEIPInstanceCharge takes pay as you go only: a subscription cannot be
// released.
func applyEIPInstanceCharge(t *translator, path *field.Path, value string) {
	if value != "" && !strings.EqualFold(value, vpc.PostPaid) {
		t.refuse(path, "a subscription EIP could not be released: buy it yourself and name it with pod-eip-instanceid")
	}
}

func applyEIPProtection(t *translator, path *field.Path, value string) {
	t.noteEIP(path)
	t.draft.spec.Protection = splitList(value)
}

func applyEIPTags(t *translator, path *field.Path, value string) {
	t.noteEIP(path)
	var tags map[string]string
	if err := json.Unmarshal([]byte(value), &tags); err != nil {
		t.invalid(path, value, `must be JSON such as {"k":"v"}`)
		return
	}
	t.draft.spec.Tags = nil
	for _, key := range sortedKeys(tags) {
		if problem := tagProblem(key, tags[key]); problem != "" {
			t.invalid(path, key, problem)
		}
		if !t.isGranted(annotationOf(path)) {
			t.permit(Tags, path, key+":"+tags[key])
		}
		t.draft.spec.Tags = append(t.draft.spec.Tags, eci.Tag{Key: key, Value: tags[key]})
	}
}
