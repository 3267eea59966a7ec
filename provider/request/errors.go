package request

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// RefusedError lists every field of the pod that ECI cannot serve. The pod as it
// is will never run here.
type RefusedError struct{ Fields field.ErrorList }

// Error names every field by its path.
func (e *RefusedError) Error() string {
	return "ECI cannot run this pod: " + e.Fields.ToAggregate().Error()
}

// IsRefused says whether err is, or wraps, a *RefusedError.
func IsRefused(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused)
}

// Kinds of Missing.
const (
	KindConfigMap = "ConfigMap"
	KindSecret    = "Secret"
	KindToken     = "ServiceAccountToken"

	KindPersistentVolumeClaim = "PersistentVolumeClaim"
	KindPersistentVolume      = "PersistentVolume"
)

// Missing is an object, or with Key one key of it, that the pod names and that
// does not exist.
type Missing struct {
	Kind string
	Name string
	Key  string
	// NotBound says that a claim exists, but has no volume yet.
	NotBound bool
	// Path is the field of the pod that names it.
	Path string
}

// Reason is the reason of the event about it, spelled as virtual-kubelet's own.
func (m Missing) Reason() string { return "Mandatory" + m.reasonTail() }

func (m Missing) reasonTail() string {
	if m.NotBound {
		return m.Kind + "NotBound"
	}
	if m.Key != "" {
		return m.Kind + "KeyNotFound"
	}
	return m.Kind + "NotFound"
}

// String is the message of the event about it.
func (m Missing) String() string { return m.text() + " (" + m.Path + ")" }

func (m Missing) text() string {
	kind := strings.ToLower(m.Kind)
	if m.Key != "" {
		return fmt.Sprintf("key %q of %s %q not found", m.Key, kind, m.Name)
	}
	if m.NotBound {
		return fmt.Sprintf("%s %q is not bound to a volume yet", kind, m.Name)
	}
	return fmt.Sprintf("%s %q not found", kind, m.Name)
}

// MissingError lists the mandatory objects that do not exist. They may come
// later: the pod waits.
type MissingError struct{ Objects []Missing }

// Error names every object.
func (e *MissingError) Error() string {
	texts := make([]string, len(e.Objects))
	for i, object := range e.Objects {
		texts[i] = object.String()
	}
	return strings.Join(texts, "; ")
}

// IsMissingObject says whether err is, or wraps, a *MissingError.
func IsMissingObject(err error) bool { return MissingObjects(err) != nil }

// MissingObjects returns the objects of the *MissingError in err, or nil.
func MissingObjects(err error) []Missing {
	var missing *MissingError
	if errors.As(err, &missing) {
		return missing.Objects
	}
	return nil
}

// Warning is something that the user should know of and that does not stop the
// pod. Reason is that of an event.
type Warning struct {
	Reason  string
	Path    string
	Message string
}

// String is the message with its field path in front.
func (w Warning) String() string { return w.Path + ": " + w.Message }

// Reasons of warnings besides OptionalConfigMapNotFound and its kin. The first
// is spelled as virtual-kubelet's own.
const (
	ReasonInvalidEnvNames   = "InvalidEnvironmentVariableNames"
	ReasonNotApplied        = "SecurityContextNotApplied"
	ReasonSizeAdjusted      = "AutoInstanceTypeMatch"
	ReasonLimitsNotApplied  = "ContainerLimitsNotApplied"
	ReasonPullSecretMissing = "FailedToRetrieveImagePullSecret"
	ReasonPullSecretInvalid = "InvalidImagePullSecret"
	ReasonClusterDNSMissing = "MissingClusterDNS"
	ReasonEIPSettingIgnored = "EIPSettingIgnored"
	ReasonEIPStrategy       = "EIPReleaseStrategyNotApplied"
	ReasonProbeEmulated     = "ProbeEmulated"
	ReasonSidecarEmulated   = "SidecarEmulated"
	ReasonPodNetworking     = "PodNetworkingNotApplied"
	ReasonPodIPsLate        = "PodIPsKnownLate"
	ReasonMoreWarnings      = "MoreWarnings"
)
