package request

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// maxProbeWords bounds the command of a probe. Source: OpenAPI metadata.
const maxProbeWords = 20

// defaultGracePeriod is that of a pod that gives none, in seconds.
const defaultGracePeriod = 30

// probe translates a probe; nil is none.
func (t *translator) probe(p *corev1.Probe, c corev1.Container, path *field.Path) *eci.Probe {
	if p == nil {
		return nil
	}
	t.check(kindProbe, p, path)
	t.checkProbe(p, path)
	out := &eci.Probe{
		InitialDelaySeconds: p.InitialDelaySeconds,
		PeriodSeconds:       p.PeriodSeconds,
		TimeoutSeconds:      p.TimeoutSeconds,
		FailureThreshold:    p.FailureThreshold,
		SuccessThreshold:    1,
	}
	switch {
	case p.Exec != nil:
		t.checkCount(path.Child("exec", "command"), len(p.Exec.Command), maxProbeWords)
		out.Exec = &eci.ExecAction{Command: append([]string(nil), p.Exec.Command...)}
	case p.HTTPGet != nil:
		t.check(kindHTTPProbe, p.HTTPGet, path.Child("httpGet"))
		t.checkScheme(p.HTTPGet.Scheme, path.Child("httpGet", "scheme"))
		if p.HTTPGet.Host != "" || len(p.HTTPGet.HTTPHeaders) > 0 {
			port := t.port(p.HTTPGet.Port, c, path.Child("httpGet", "port"))
			out.Exec = t.httpProgram(p.HTTPGet, p.TimeoutSeconds, port, path.Child("httpGet"))
			break
		}
		out.HTTPGet = &eci.HTTPGetAction{
			Path:   p.HTTPGet.Path,
			Port:   t.port(p.HTTPGet.Port, c, path.Child("httpGet", "port")),
			Scheme: scheme(p.HTTPGet.Scheme),
		}
	case p.TCPSocket != nil:
		t.check(kindTCPProbe, p.TCPSocket, path.Child("tcpSocket"))
		out.TCPSocket = &eci.TCPSocketAction{Port: t.port(p.TCPSocket.Port, c, path.Child("tcpSocket", "port"))}
	case p.GRPC != nil:
		t.grpcProbe(p.GRPC, p.TimeoutSeconds, path.Child("grpc"), out)
	}
	return out
}

// checkProbe refuses what the API server would, and the grace period of its own
// that ECI cannot give a probe.
func (t *translator) checkProbe(p *corev1.Probe, path *field.Path) {
	handlers := 0
	for _, given := range []bool{p.Exec != nil, p.HTTPGet != nil, p.TCPSocket != nil, p.GRPC != nil} {
		if given {
			handlers++
		}
	}
	if handlers != 1 {
		t.refuse(path, "a probe has one handler, not "+strconv.Itoa(handlers))
	}
	if p.Exec != nil && len(p.Exec.Command) == 0 {
		t.refusals = append(t.refusals, field.Required(path.Child("exec", "command"), "what to run"))
	}
	for name, number := range map[string]int32{"initialDelaySeconds": p.InitialDelaySeconds, "periodSeconds": p.PeriodSeconds,
		"timeoutSeconds": p.TimeoutSeconds, "failureThreshold": p.FailureThreshold} {
		if number < 0 {
			t.invalid(path.Child(name), number, "must not be negative")
		}
	}
	grace := int64(defaultGracePeriod)
	if own := t.pod.Spec.TerminationGracePeriodSeconds; own != nil {
		grace = *own
	}
	if p.TerminationGracePeriodSeconds != nil && *p.TerminationGracePeriodSeconds != grace {
		t.refuse(path.Child("terminationGracePeriodSeconds"), "ECI has one grace period for the pod, "+strconv.FormatInt(grace, 10)+" s: leave it out")
	}
}

func (t *translator) checkScheme(s corev1.URIScheme, path *field.Path) {
	if s != "" && s != corev1.URISchemeHTTP && s != corev1.URISchemeHTTPS {
		t.refusals = append(t.refusals, field.NotSupported(path, s, []corev1.URIScheme{corev1.URISchemeHTTP, corev1.URISchemeHTTPS}))
	}
}

// scheme is HTTP when unset, as the API server defaults it.
func scheme(s corev1.URIScheme) string {
	if s == "" {
		s = corev1.URISchemeHTTP
	}
	return string(s)
}

// port resolves the name of a port of the container.
func (t *translator) port(port intstr.IntOrString, c corev1.Container, path *field.Path) int32 {
	number := port.IntVal
	if port.Type == intstr.String {
		number = int32(port.IntValue())
		for _, p := range c.Ports {
			if p.Name == port.StrVal {
				number = p.ContainerPort
			}
		}
		if number == 0 {
			t.invalid(path, port.StrVal, "the container has no port of this name")
			return 0
		}
	}
	t.checkPort(number, path)
	return number
}

// hooks translates the lifecycle hooks of a container.
func (t *translator) hooks(c corev1.Container, path *field.Path, out *eci.Container) {
	if c.Lifecycle == nil {
		return
	}
	t.check(kindLifecycle, c.Lifecycle, path)
	if h := c.Lifecycle.PostStart; h != nil {
		at := path.Child("postStart")
		t.checkHook(h, at)
		if h.Exec != nil {
			out.PostStartExec = append([]string(nil), h.Exec.Command...)
		}
		if g := h.HTTPGet; g != nil {
			out.PostStartHTTPGetHost, out.PostStartHTTPGetPath, out.PostStartHTTPGetScheme = g.Host, g.Path, scheme(g.Scheme)
			t.checkScheme(g.Scheme, at.Child("httpGet", "scheme"))
			out.PostStartHTTPGetPort = t.port(g.Port, c, at.Child("httpGet", "port"))
			out.PostStartHTTPHeaders = headers(g.HTTPHeaders)
		}
		if s := h.TCPSocket; s != nil {
			out.PostStartTCPSocketHost, out.PostStartTCPSocketPort = s.Host, t.port(s.Port, c, at.Child("tcpSocket", "port"))
		}
	}
	if h := c.Lifecycle.PreStop; h != nil {
		at := path.Child("preStop")
		t.checkHook(h, at)
		if h.Exec != nil {
			out.PreStopExec = append([]string(nil), h.Exec.Command...)
		}
		if g := h.HTTPGet; g != nil {
			out.PreStopHTTPGetHost, out.PreStopHTTPGetPath, out.PreStopHTTPGetScheme = g.Host, g.Path, scheme(g.Scheme)
			t.checkScheme(g.Scheme, at.Child("httpGet", "scheme"))
			out.PreStopHTTPGetPort = t.port(g.Port, c, at.Child("httpGet", "port"))
			out.PreStopHTTPHeaders = headers(g.HTTPHeaders)
		}
		if s := h.TCPSocket; s != nil {
			out.PreStopTCPSocketHost, out.PreStopTCPSocketPort = s.Host, t.port(s.Port, c, at.Child("tcpSocket", "port"))
		}
	}
}

func (t *translator) checkHook(h *corev1.LifecycleHandler, path *field.Path) {
	t.check(kindHook, h, path)
	handlers := 0
	for _, given := range []bool{h.Exec != nil, h.HTTPGet != nil, h.TCPSocket != nil, h.Sleep != nil} {
		if given {
			handlers++
		}
	}
	if handlers != 1 {
		t.refuse(path, "a hook has one handler, not "+strconv.Itoa(handlers))
	}
	if h.Exec != nil {
		t.checkCount(path.Child("exec", "command"), len(h.Exec.Command), maxWords)
	}
}

func headers(list []corev1.HTTPHeader) []eci.NameValue {
	var out []eci.NameValue
	for _, h := range list {
		out = append(out, eci.NameValue{Name: h.Name, Value: h.Value})
	}
	return out
}
