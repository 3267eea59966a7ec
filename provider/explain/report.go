package explain

import (
	"math"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// Outcome is what becomes of a pod.
type Outcome string

// The outcomes.
const (
	// Accepted pods run.
	Accepted Outcome = "accepted"
	// Waiting pods name an object that is not in the files; they run once it is
	// in the cluster.
	Waiting Outcome = "waiting"
	// Refused pods never run as they are.
	Refused Outcome = "refused"
)

// Report is what Explain found.
type Report struct {
	// Prices says where the prices are from, and of when.
	Prices string `json:"prices"`
	// Assumed are the settings that were not given and what stands in for them.
	Assumed []string `json:"assumed,omitempty"`
	Pods    []Pod    `json:"pods"`
	// Totals are the costs of all accepted and waiting pods, one for each
	// currency, if all ran all the time.
	Totals []Cost `json:"totals,omitempty"`
	Notes  []Note `json:"notes,omitempty"`
}

// Pod is what becomes of the pods of one object.
type Pod struct {
	File      string `json:"file"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Pods is how many there are at once.
	Pods    int64   `json:"pods"`
	Outcome Outcome `json:"outcome"`
	// Profile are the selectors of the ConfigMap eci-profile that have matched.
	Profile []string `json:"profile,omitempty"`
	// Networking is the PodNetworking that gives vSwitches and security groups.
	Networking string `json:"podNetworking,omitempty"`
	// Cloud is the answer of a dry run.
	Cloud string `json:"cloud,omitempty"`
	// Asked is what the containers ask for and Billed what is paid for, each for
	// one pod; empty for a pod that is refused.
	Asked  string `json:"asked,omitempty"`
	Billed string `json:"billed,omitempty"`
	// Cost is nil when the price is not known.
	Cost     *Cost     `json:"cost,omitempty"`
	Refusals []Message `json:"refusals,omitempty"`
	Missing  []Message `json:"missing,omitempty"`
	Warnings []Message `json:"warnings,omitempty"`
	// Request is that of CreateContainerGroup, without Secrets.
	Request any `json:"request,omitempty"`
}

// Cost is in Currency; a month has 30 days.
type Cost struct {
	Currency string `json:"currency"`
	// PerHour and PerMonth are for one pod; 0 in a total.
	PerHour  float64 `json:"perHour,omitempty"`
	PerMonth float64 `json:"perMonth,omitempty"`
	// AllPerHour and AllPerMonth are for all pods.
	AllPerHour  float64 `json:"allPerHour"`
	AllPerMonth float64 `json:"allPerMonth"`
	// Note is what the figures leave out.
	Note string `json:"note,omitempty"`
}

// Message is about one field.
type Message struct {
	Reason string `json:"reason,omitempty"`
	// Field is the path in the file, or "" for the pod as a whole.
	Field string `json:"field,omitempty"`
	Text  string `json:"text"`
}

// String is the text with the field in front.
func (m Message) String() string {
	if m.Field == "" {
		return m.Text
	}
	return m.Field + ": " + m.Text
}

// Refused counts the objects whose pods would be refused.
func (r *Report) Refused() int {
	n := 0
	for _, pod := range r.Pods {
		if pod.Outcome == Refused {
			n++
		}
	}
	return n
}

// add adds a pod and its cost.
func (r *Report) add(pod Pod) {
	r.Pods = append(r.Pods, pod)
	if pod.Cost == nil || pod.Outcome == Refused {
		return
	}
	for i := range r.Totals {
		if t := &r.Totals[i]; t.Currency == pod.Cost.Currency {
			t.AllPerHour, t.AllPerMonth = money(t.AllPerHour+pod.Cost.AllPerHour), money(t.AllPerMonth+pod.Cost.AllPerMonth)
			return
		}
	}
	r.Totals = append(r.Totals, Cost{Currency: pod.Cost.Currency, AllPerHour: pod.Cost.AllPerHour, AllPerMonth: pod.Cost.AllPerMonth})
}

// money takes the dust of binary fractions off. A millionth is below every unit
// price by the hour.
func money(amount float64) float64 { return math.Round(amount*1e6) / 1e6 }

func (p *Pod) setSize(pod *corev1.Pod, t *request.Translation) {
	p.Asked = "nothing"
	if t.Asked != (request.Size{}) {
		p.Asked = sizeText(t.Asked)
	}
	for _, key := range sizeAnnotations() {
		if specs := pod.Annotations[key]; specs != "" {
			p.Asked = specs
		}
	}
	switch size, known := billedSize(t.Request); {
	case strings.Contains(t.Request.InstanceType, "ecs."):
		p.Billed = strings.ReplaceAll(t.Request.InstanceType, ",", ", ")
	case known:
		p.Billed = sizeText(size)
	}
}

// sizeAnnotations beat what the containers ask for.
func sizeAnnotations() []string {
	return []string{"k8s.aliyun.com/eci-use-specs", "k8s.aliyun.com/eci-instance-type"}
}

// billedSize is the size that a group is paid for: that of the request, or the
// first of its list. It is false for an ECS type, which has a price of its own.
func billedSize(req *eci.CreateContainerGroupRequest) (request.Size, bool) {
	if req.InstanceType == "" {
		return request.Size{CPU: req.CPU, Memory: req.Memory}, req.CPU > 0 && req.Memory > 0
	}
	first, _, _ := strings.Cut(req.InstanceType, ",")
	vcpu, memory, isPair := strings.Cut(strings.TrimSuffix(strings.TrimSpace(first), "Gi"), "-")
	c, err1 := strconv.ParseFloat(vcpu, 64)
	g, err2 := strconv.ParseFloat(memory, 64)
	return request.Size{CPU: c, Memory: g}, isPair && err1 == nil && err2 == nil
}

// sizeText is a size for people.
func sizeText(s request.Size) string {
	return strconv.FormatFloat(s.CPU, 'g', 6, 64) + " vCPU " + strconv.FormatFloat(s.Memory, 'g', 6, 64) + " GiB"
}
