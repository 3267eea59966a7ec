package vnode

import (
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Validate reports everything that is wrong with c at once, each with its field path.
func (c *Config) Validate() error {
	var errs field.ErrorList
	errs = append(errs, c.Node.validate(field.NewPath("node"))...)
	errs = append(errs, c.Kubelet.validate(field.NewPath("kubelet"))...)
	if c.Workers < 1 {
		errs = append(errs, field.Invalid(field.NewPath("workers"), c.Workers, "must be at least 1"))
	}
	errs = append(errs, positive(field.NewPath("retryMin"), c.RetryMin)...)
	if c.RetryMax < c.RetryMin {
		errs = append(errs, field.Invalid(field.NewPath("retryMax"), c.RetryMax.String(), "must not be less than retryMin"))
	}
	if c.PendingPause < 0 {
		errs = append(errs, field.Invalid(field.NewPath("pendingPause"), c.PendingPause.String(), "must not be negative"))
	}
	errs = append(errs, positive(field.NewPath("deleteRecheck"), c.DeleteRecheck)...)
	if c.ShutdownGrace < 0 {
		errs = append(errs, field.Invalid(field.NewPath("shutdownGrace"), c.ShutdownGrace.String(), "must not be negative"))
	}
	return errs.ToAggregate()
}

func (c *NodeConfig) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if c.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), ""))
	} else {
		for _, msg := range validation.IsDNS1123Subdomain(c.Name) {
			errs = append(errs, field.Invalid(path.Child("name"), c.Name, msg))
		}
	}
	for _, label := range []struct{ name, value string }{
		{"role", c.Role}, {"region", c.Region}, {"zone", c.Zone}, {"os", c.OS}, {"arch", c.Arch},
	} {
		for _, msg := range validation.IsValidLabelValue(label.value) {
			errs = append(errs, field.Invalid(path.Child(label.name), label.value, msg))
		}
	}
	errs = append(errs, metav1validation.ValidateLabels(c.Labels, path.Child("labels"))...)
	errs = append(errs, validateTaints(c.Taints, path.Child("taints"))...)
	errs = append(errs, validateResources(c, path)...)
	if c.InternalIP != "" && net.ParseIP(c.InternalIP) == nil {
		errs = append(errs, field.Invalid(path.Child("internalIP"), c.InternalIP, "must be an IP address"))
	}
	errs = append(errs, positive(path.Child("pingInterval"), c.PingInterval)...)
	errs = append(errs, positive(path.Child("pingTimeout"), c.PingTimeout)...)
	errs = append(errs, positive(path.Child("statusInterval"), c.StatusInterval)...)
	// The lease is renewed after a quarter of its duration, in whole seconds.
	if c.LeaseDuration < 4*time.Second {
		errs = append(errs, field.Invalid(path.Child("leaseDuration"), c.LeaseDuration.String(), "must be at least 4s"))
	}
	return errs
}

func validateTaints(taints []corev1.Taint, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, t := range taints {
		p := path.Index(i)
		for _, msg := range validation.IsQualifiedName(t.Key) {
			errs = append(errs, field.Invalid(p.Child("key"), t.Key, msg))
		}
		for _, msg := range validation.IsValidLabelValue(t.Value) {
			errs = append(errs, field.Invalid(p.Child("value"), t.Value, msg))
		}
		switch t.Effect {
		case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
		default:
			errs = append(errs, field.NotSupported(p.Child("effect"), t.Effect, []corev1.TaintEffect{
				corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute,
			}))
		}
		if seen[taintID(t)] {
			errs = append(errs, field.Duplicate(p, taintID(t)))
		}
		seen[taintID(t)] = true
	}
	return errs
}

func validateResources(c *NodeConfig, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for name, q := range c.Capacity {
		if q.Sign() < 0 {
			errs = append(errs, field.Invalid(path.Child("capacity").Key(string(name)), q.String(), "must not be negative"))
		}
	}
	for name, q := range c.Allocatable {
		p := path.Child("allocatable").Key(string(name))
		if q.Sign() < 0 {
			errs = append(errs, field.Invalid(p, q.String(), "must not be negative"))
		}
		if total, ok := c.Capacity[name]; ok && q.Cmp(total) > 0 {
			errs = append(errs, field.Invalid(p, q.String(), "must not be more than the capacity"))
		}
	}
	return errs
}

func (c *KubeletConfig) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if c.Address != "" && net.ParseIP(c.Address) == nil {
		errs = append(errs, field.Invalid(path.Child("address"), c.Address, "must be an IP address"))
	}
	if c.Port < 0 || c.Port > 65535 {
		errs = append(errs, field.Invalid(path.Child("port"), c.Port, "must be between 0 and 65535"))
	}
	if (c.TLSCertFile == "") != (c.TLSPrivateKeyFile == "") {
		errs = append(errs, field.Required(path.Child("tlsPrivateKeyFile"), "tlsCertFile and tlsPrivateKeyFile go together"))
	}
	if c.SignedCertificate && c.TLSCertFile != "" {
		errs = append(errs, field.Invalid(path.Child("signedCertificate"), true, "must not be set with tlsCertFile: the certificate comes from one place"))
	}
	errs = append(errs, c.Limits.Validate(path.Child("limits"))...)
	errs = append(errs, positive(path.Child("streamIdleTimeout"), c.StreamIdleTimeout)...)
	errs = append(errs, positive(path.Child("streamCreationTimeout"), c.StreamCreationTimeout)...)
	return errs
}

func positive(path *field.Path, d time.Duration) field.ErrorList {
	if d > 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, d.String(), "must be positive")}
}
