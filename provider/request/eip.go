package request

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// Strategy is what becomes of an EIP that was bought for a pod when the pod is
// gone.
type Strategy string

const (
	// StrategyFollow releases it with the pod.
	StrategyFollow Strategy = "Follow"
	// StrategyTTL keeps it for a time, for a pod of the same name.
	StrategyTTL Strategy = "TTL"
	// StrategyNever keeps it until its PodEIP is deleted.
	StrategyNever Strategy = "Never"
)

// EIP is the public address that a pod asks for.
type EIP struct {
	// ByGroup says that CreateContainerGroup itself gives the address: the
	// parameters of the request say how. All else goes over the VPC API.
	ByGroup bool `json:"byGroup,omitempty"`
	// Given is the id of an EIP of the user: it is bound, and never changed or
	// released.
	Given string `json:"given,omitempty"`
	// Candidate is the id of an EIP that the user has given, or that this node
	// has bought and written on the pod: the tags on the EIP tell which.
	Candidate string `json:"candidate,omitempty"`
	// Permitted says that the pod may have the candidate where it turns out to be
	// one that the user has given.
	Permitted bool `json:"permitted,omitempty"`
	// Early says that the address must be known before the group is made,
	// because a file or variable of the pod shows it.
	Early bool `json:"early,omitempty"`
	// Network says that the annotations are those of the network controller.
	Network bool `json:"network,omitempty"`
	// Strategy and TTL are for an EIP that is bought.
	Strategy Strategy      `json:"strategy,omitempty"`
	TTL      time.Duration `json:"ttl,omitempty"`

	EIPSpec `json:",inline"`
}

// EIPSpec is how an EIP is bought; what is empty is left to the cloud.
type EIPSpec struct {
	// Bandwidth is in Mbit/s.
	Bandwidth       int32     `json:"bandwidth,omitempty"`
	ISP             string    `json:"isp,omitempty"`
	ChargeType      string    `json:"chargeType,omitempty"`
	Package         string    `json:"package,omitempty"`
	Pool            string    `json:"pool,omitempty"`
	ResourceGroupID string    `json:"resourceGroupID,omitempty"`
	Name            string    `json:"name,omitempty"`
	Description     string    `json:"description,omitempty"`
	Protection      []string  `json:"protection,omitempty"`
	Tags            []eci.Tag `json:"tags,omitempty"`
}

// fitsGroup says whether CreateContainerGroup has a parameter for every setting.
func (s EIPSpec) fitsGroup() bool {
	group := EIPSpec{Bandwidth: s.Bandwidth, ISP: s.ISP, Package: s.Package}
	return reflect.DeepEqual(s, group) && (s.ISP == "" || s.ISP == "BGP" || s.ISP == "BGP_PRO")
}

// IsFixed says whether the address outlives the pod.
func (e EIP) IsFixed() bool { return e.Strategy == StrategyTTL || e.Strategy == StrategyNever }

// EIPFor returns what the annotations of the pod say about an EIP, nil when it
// asks for none. The error is a *RefusedError.
func EIPFor(pod *corev1.Pod, cfg Config) (*EIP, error) {
	if !MentionsEIP(pod) {
		return nil, nil
	}
	t := newTranslator(pod, Objects{}, cfg)
	for _, row := range eipAnnotations() {
		t.annotation(row.named())
	}
	t.eip()
	if len(t.refusals) > 0 {
		return nil, &RefusedError{Fields: once(t.refusals, (*field.Error).Error)}
	}
	return t.wantedEIP, nil
}

// MentionsEIP says whether the pod may ask for an EIP by its own annotations. It
// spares most pods the reading of the table.
func MentionsEIP(pod *corev1.Pod) bool {
	for key := range pod.Annotations {
		if strings.Contains(key, eipMark) {
			return true
		}
	}
	return false
}

// eipMark is in the name of every annotation about an EIP.
const eipMark = "eip"

// eipDraft is what the annotations have said so far.
type eipDraft struct {
	// eciAuto and networkAuto ask for a new EIP, nil for silence; the ids name
	// one.
	eciAuto, networkAuto           *bool
	eciGiven, networkGiven, hinted string
	strategy                       string
	strategyPath                   *field.Path
	spec                           EIPSpec
	// params is the first annotation that says how to buy one.
	params *field.Path
}

// Families of annotations, as messages name them.
const (
	familyECI     = "k8s.aliyun.com/eci-with-eip, eci-eip-instanceid (ECI)"
	familyNetwork = "network.alibabacloud.com/... or k8s.aliyun.com/pod-with-eip, pod-eip-instanceid (network controller)"
)

// eip decides which way the pod gets its address. Two owners of one address
// would buy it twice, so that the families are not mixed.
func (t *translator) eip() {
	d := &t.draft
	eciWants := ptr.Deref(d.eciAuto, false) || d.eciGiven != ""
	networkWants := ptr.Deref(d.networkAuto, false) || d.networkGiven != "" || d.hinted != ""
	switch {
	case eciWants && (networkWants || d.strategy != ""):
		t.refuse(t.networkPath(), "an EIP has one owner: use either "+familyECI+" or "+familyNetwork)
	case eciWants:
		t.eciEIP(d)
	case networkWants && d.networkAuto != nil && !*d.networkAuto:
	case networkWants:
		t.networkEIP(d)
	case d.params != nil && d.eciAuto == nil && d.networkAuto == nil:
		t.refuse(d.params, "it needs "+annotationPrefix+`eci-with-eip: "true" or `+networkPrefix+`pod-with-eip: "true"`)
	}
	if t.wantedEIP != nil {
		t.wantedEIP.Early = showsEIP(t.pod)
		if len(VolumesAwaited(t.pod)) > 0 {
			t.warn(ReasonPodIPsLate, field.NewPath("spec", "initContainers"), "one waits for "+annotationPodIPs+
				", which is known only once the group is made: its files are sent again then, and the init containers may run anew; "+
				"wait for "+annotationPrefix+"allocated-eipAddress, which is there from the beginning")
		}
	}
}

// networkPath is the first annotation of the pod by which the network controller
// would act.
func (t *translator) networkPath() *field.Path {
	var keys []string
	for _, name := range []string{"pod-with-eip", "pod-eip-instanceid", "allocated-eip-id", "pod-eip-release-strategy"} {
		keys = append(keys, annotationPrefix+name, networkPrefix+name)
	}
	return t.givenPath(keys...)
}

// eciEIP uses the parameters of the group where it has one for every setting.
func (t *translator) eciEIP(d *eipDraft) {
	if d.eciGiven != "" {
		if ptr.Deref(d.eciAuto, false) {
			t.refuse(annotationPath(annotationPrefix+"eci-eip-instanceid"), "the pod asks for a new EIP as well: leave one of the two out")
		}
		t.givenEIP(d, d.eciGiven, false, annotationPrefix+"eci-eip-instanceid")
		return
	}
	t.wantedEIP = &EIP{Strategy: StrategyFollow, EIPSpec: d.spec}
	if !d.spec.fitsGroup() || showsEIP(t.pod) {
		t.checkBought()
		return
	}
	t.wantedEIP.ByGroup = true
	t.req.AutoCreateEIP, t.req.EIPBandwidth = ptr.To(true), d.spec.Bandwidth
	t.req.EIPISP, t.req.EIPCommonBandwidthPackage = d.spec.ISP, d.spec.Package
}

// networkEIP buys over the VPC API, whose charge type the group cannot choose.
// Where a new EIP and an id are asked for together, the id may be one that this
// node wrote there.
func (t *translator) networkEIP(d *eipDraft) {
	const hint = networkPrefix + "allocated-eip-id"
	switch {
	case d.networkGiven != "":
		t.givenEIP(d, d.networkGiven, true, annotationPrefix+"pod-eip-instanceid", networkPrefix+"pod-eip-instanceid")
		return
	case !ptr.Deref(d.networkAuto, false):
		t.givenEIP(d, d.hinted, true, hint)
		return
	}
	t.wantedEIP = &EIP{Network: true, Candidate: d.hinted, EIPSpec: d.spec}
	t.wantedEIP.Permitted = d.hinted != "" && (t.isGranted(hint) || t.cfg.Permissions.Allows(t.pod.Namespace, EIPs, d.hinted))
	t.strategy(d)
	t.checkBought()
}

// givenEIP takes the EIP that one of the annotations of these keys names.
func (t *translator) givenEIP(d *eipDraft, id string, network bool, keys ...string) {
	if !slices.ContainsFunc(keys, t.isGranted) {
		t.permit(EIPs, t.givenPath(keys...), id)
	}
	if d.params != nil {
		t.warn(ReasonEIPSettingIgnored, d.params, "EIP "+id+" is given: it is used as it is")
	}
	t.wantedEIP = &EIP{ByGroup: true, Given: id, Network: network}
	t.req.EIPInstanceID = id
}

// strategy reads how long the address is kept; only the pods of a stateful
// workload come back under their name.
func (t *translator) strategy(d *eipDraft) {
	want := t.wantedEIP
	want.Strategy = StrategyFollow
	switch d.strategy {
	case "", string(StrategyFollow):
		return
	case string(StrategyNever):
		want.Strategy = StrategyNever
	default:
		ttl, err := time.ParseDuration(d.strategy)
		if err != nil || ttl <= 0 || ttl > MaxTTL {
			t.invalid(d.strategyPath, d.strategy, "must be Follow, Never or a duration such as 10m, at most 87600h")
			return
		}
		want.Strategy, want.TTL = StrategyTTL, ttl
	}
	if !isStateful(t.pod, t.cfg) {
		t.warn(ReasonEIPStrategy, d.strategyPath, "only the pods of a stateful workload keep their address: Follow is used")
		want.Strategy, want.TTL = StrategyFollow, 0
	}
}

// MaxTTL is the longest time for which an address is kept: ten years. A time near
// the end of what a duration holds would be over at once when something is added.
// Our own choice.
const MaxTTL = 87600 * time.Hour

// checkBought refuses what the VPC API would.
func (t *translator) checkBought() {
	if t.wantedEIP.ChargeType == "" {
		t.wantedEIP.ChargeType = vpc.PayByTraffic // the controller's default, not the API's
	}
	spec := t.wantedEIP.EIPSpec
	most := int32(maxBandwidthByTraffic)
	if spec.ChargeType == vpc.PayByBandwidth {
		most = maxBandwidthByBandwidth
	}
	if spec.Bandwidth > most {
		t.invalid(t.draft.params, strconv.Itoa(int(spec.Bandwidth)), "with "+spec.ChargeType+" an EIP has at most "+strconv.Itoa(int(most))+" Mbit/s")
	}
	if n := len(spec.Tags); n > maxEIPTags {
		t.refusals = append(t.refusals, field.TooMany(annotationPath(networkPrefix+"eip-tags"), n, maxEIPTags))
	}
}

// Bounds of the VPC API, in Mbit/s. Source: VPC documents.
const (
	maxBandwidthByTraffic   = 200
	maxBandwidthByBandwidth = 500
	// maxEIPTags leaves room for the tags of provider/eip.
	maxEIPTags = eci.MaxTags - 6
)

// isEIPParameter says whether the annotation says how to buy an EIP.
func isEIPParameter(key string) bool {
	_, name, _ := strings.Cut(key, "/")
	return strings.HasPrefix(name, "eip-")
}
