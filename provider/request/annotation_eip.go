package request

import (
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// networkPrefix is that of the network controller since its v0.9.2; before, and
// still, it takes that of ECI.
const networkPrefix = "network.alibabacloud.com/"

// eipAnnotations are both families: that of ECI, and that of the network
// controller under either prefix. Values that say how to buy an EIP belong to
// both.
func eipAnnotations() []Annotation {
	const buys = "AllocateEipAddress"
	rows := []Annotation{
		{"eci-with-eip", nil, "AutoCreateEip", "true or false", eipTruth(func(d *eipDraft) **bool { return &d.eciAuto })},
		{"eci-eip-instanceid", nil, "EipInstanceId", "eip-...", eipText(func(d *eipDraft) *string { return &d.eciGiven })},
		{"pod-with-eip", nil, "", "true or false", eipTruth(func(d *eipDraft) **bool { return &d.networkAuto })},
		{"pod-eip-instanceid", nil, "EipInstanceId", "eip-...", eipText(func(d *eipDraft) *string { return &d.networkGiven })},
		{"pod-eip-release-strategy", nil, "", "Follow, Never, or a duration such as 10m", applyEIPStrategy},
		{"eip-bandwidth", nil, "EipBandwidth", "Mbit/s", applyEIPBandwidth},
		{"eip-common-bandwidth-package-id", []string{"eip-common-bandwith-package-id"}, "EipCommonBandwidthPackage", "cbwp-...",
			eipText(func(d *eipDraft) *string { return &d.spec.Package })},
		{"eip-isp", nil, "EipISP", "BGP or BGP_PRO; single lines by allow-list", eipOneOf(func(d *eipDraft) *string { return &d.spec.ISP },
			"BGP", "BGP_PRO", "ChinaTelecom", "ChinaUnicom", "ChinaMobile", "ChinaTelecom_L2", "ChinaUnicom_L2", "ChinaMobile_L2", "BGP_FinanceCloud")},
		{"eip-internet-charge-type", []string{"eip-charge-type"}, buys, "PayByTraffic or PayByBandwidth",
			eipOneOf(func(d *eipDraft) *string { return &d.spec.ChargeType }, vpc.PayByTraffic, vpc.PayByBandwidth)},
		{"eip-instance-charge-type", nil, buys, "PostPaid", applyEIPInstanceCharge},
		{"eip-public-ip-address-pool-id", nil, buys, "pippool-...", eipText(func(d *eipDraft) *string { return &d.spec.Pool })},
		{"eip-resource-group-id", nil, buys, "rg-...", eipText(func(d *eipDraft) *string { return &d.spec.ResourceGroupID })},
		{"eip-name", nil, buys, "text", eipText(func(d *eipDraft) *string { return &d.spec.Name })},
		{"eip-description", nil, buys, "text", eipText(func(d *eipDraft) *string { return &d.spec.Description })},
		{"eip-security-protection-types", nil, buys, "a list such as AntiDDoS_Enhanced", applyEIPProtection},
		{"eip-tags", nil, buys, `{"k":"v"}`, applyEIPTags},
	}
	for i, row := range rows {
		if !strings.HasPrefix(row.Key, "eci-") {
			rows[i].Aliases = append(row.Aliases, networkPrefix+row.Key)
		}
	}
	return append(rows, Annotation{networkPrefix + "allocated-eip-id", nil, "EipInstanceId", "eip-...; also written back",
		eipText(func(d *eipDraft) *string { return &d.hinted })})
}

// eipText sets a part of the draft. Two names of one setting must agree.
func eipText(part func(*eipDraft) *string) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		if value == "" {
			return
		}
		t.noteEIP(path)
		at := part(&t.draft)
		if *at != "" && *at != value {
			t.invalid(path, value, "said otherwise under another name: "+*at)
			return
		}
		*at = value
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
		b, ok := t.parseBool(path, value)
		if !ok {
			return
		}
		at := part(&t.draft)
		if *at != nil && **at != b {
			t.invalid(path, value, "said otherwise under another name")
		}
		*at = ptr.To(b)
	}
}

// noteEIP remembers which annotations say how to buy an EIP, and which of all
// only the network controller knows.
func (t *translator) noteEIP(path *field.Path) {
	key := strings.TrimSuffix(strings.TrimPrefix(path.String(), "metadata.annotations["), "]")
	if isEIPParameter(key) && t.draft.params == nil {
		t.draft.params = path
	}
	if strings.HasPrefix(key, networkPrefix) && t.draft.own == nil {
		t.draft.own = path
	}
}

func applyEIPStrategy(t *translator, path *field.Path, value string) {
	t.draft.strategyPath = path
	if t.draft.own == nil {
		t.draft.own = path
	}
	eipText(func(d *eipDraft) *string { return &d.strategy })(t, path, value)
}

func applyEIPBandwidth(t *translator, path *field.Path, value string) {
	n, ok := t.parseInt(path, value, 1, maxEIPBandwidth)
	if !ok {
		return
	}
	t.noteEIP(path)
	if had := t.draft.spec.Bandwidth; had != 0 && int64(had) != n {
		t.invalid(path, value, "said otherwise under another name")
	}
	t.draft.spec.Bandwidth = int32(n)
}

// applyEIPInstanceCharge takes pay as you go only: a subscription cannot be
// released.
func applyEIPInstanceCharge(t *translator, path *field.Path, value string) {
	if value != "" && value != vpc.PostPaid {
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
		t.draft.spec.Tags = append(t.draft.spec.Tags, eci.Tag{Key: key, Value: tags[key]})
	}
}
