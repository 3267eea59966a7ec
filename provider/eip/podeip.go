package eip

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// PodEIPs is the resource of the durable records; deploy/ has its definition.
func PodEIPs() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "alibabacloud.com", Version: "v1beta1", Resource: "podeips"}
}

const (
	podEIPKind = "PodEIP"
	// Finalizer keeps a record until its EIP is given back. Source: the network
	// controller.
	Finalizer = "podeip-controller.alibabacloud.com/finalizer"
	// annotationController says who looks after a record: not we, if it is
	// another one.
	annotationController = "k8s.aliyun.com/eip-controller"
	controllerName       = "eci-vnode"
	// annotationNode is the node that is to collect the record.
	annotationNode = "eci-vnode/node"
)

// PodEIP is the record of an EIP that outlives the pod of its name.
type PodEIP struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              PodEIPSpec   `json:"spec"`
	Status            PodEIPStatus `json:"status,omitempty"`
}

// PodEIPSpec names the EIP and how long it is kept.
type PodEIPSpec struct {
	AllocationID       string         `json:"allocationID"`
	BandwidthPackageID string         `json:"bandwidthPackageID,omitempty"`
	AllocationType     AllocationType `json:"allocationType"`
}

// AllocationType is how long an EIP is kept; ReleaseAfter is a Go duration.
type AllocationType struct {
	// Type is Auto: the EIP was bought for the pod.
	Type            string           `json:"type"`
	ReleaseStrategy request.Strategy `json:"releaseStrategy"`
	ReleaseAfter    string           `json:"releaseAfter,omitempty"`
}

// PodEIPStatus is where the EIP is.
type PodEIPStatus struct {
	EIPAddress         string      `json:"eipAddress,omitempty"`
	PrivateIPAddress   string      `json:"privateIPAddress,omitempty"`
	NetworkInterfaceID string      `json:"networkInterfaceID,omitempty"`
	ISP                string      `json:"isp,omitempty"`
	InternetChargeType string      `json:"internetChargeType,omitempty"`
	ResourceGroupID    string      `json:"resourceGroupID,omitempty"`
	Name               string      `json:"name,omitempty"`
	PoolID             string      `json:"publicIpAddressPoolID,omitempty"`
	BandwidthPackageID string      `json:"bandwidthPackageID,omitempty"`
	Status             string      `json:"status,omitempty"`
	PodLastSeen        metav1.Time `json:"podLastSeen,omitempty"`
}

func (p *PodEIP) isOurs() bool { return p.Annotations[annotationController] == controllerName }

// isDone reports whether a record is deleted and this node has let it go: the finalizer
// of somebody else may keep it for as long as that likes.
func (p *PodEIP) isDone() bool { return p.isDeleting() && !slices.Contains(p.Finalizers, Finalizer) }

func (p *PodEIP) isDeleting() bool { return p.DeletionTimestamp != nil }

// isOver says whether the time of an address without a pod has passed. slack is
// how stale PodLastSeen may be.
func (p *PodEIP) isOver(now time.Time, slack time.Duration) bool {
	if p.Spec.AllocationType.ReleaseStrategy != request.StrategyTTL {
		return false
	}
	after, err := time.ParseDuration(p.Spec.AllocationType.ReleaseAfter)
	// Anybody may have written the record: a sum past what a duration holds would
	// be negative, and the address over at once.
	after = min(max(after, 0), request.MaxTTL)
	return err == nil && now.Sub(p.lastSeen()) >= after+slack
}

// lastSeen is the birth of the record until its pod was noted.
func (p *PodEIP) lastSeen() time.Time {
	if p.Status.PodLastSeen.IsZero() {
		return p.CreationTimestamp.Time
	}
	return p.Status.PodLastSeen.Time
}

func (p *PodEIP) dropFinalizer() {
	p.Finalizers = slices.DeleteFunc(p.Finalizers, func(f string) bool { return f == Finalizer })
}

func allocationTypeOf(want *request.EIP) AllocationType {
	t := AllocationType{Type: "Auto", ReleaseStrategy: want.Strategy}
	if want.Strategy == request.StrategyTTL {
		t.ReleaseAfter = want.TTL.String()
	}
	return t
}
