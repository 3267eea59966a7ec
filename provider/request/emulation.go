package request

import (
	"net"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Annotations of our own, by which a pod says what may stand in the place of a
// probe that ECI lacks. Each promises something about the images of the pod that
// a translation cannot know.
const (
	ownPrefix       = "eci-vnode/"
	keyStartupProbe = ownPrefix + "startup-probe"
	keyHTTPProbe    = ownPrefix + "http-probe"
	keyGRPCProbe    = ownPrefix + "grpc-probe"
)

// emulation is what those annotations allow.
type emulation struct {
	relaxedStartup bool
	// httpProgram is curl or wget, or none.
	httpProgram string
	// grpcProgram is the path of grpc_health_probe in the image; grpcByTCP asks
	// for no more than an open port.
	grpcProgram string
	grpcByTCP   bool
}

func emulationAnnotations() []Annotation {
	return []Annotation{
		{Key: keyStartupProbe, Note: "relaxed: a startup probe beside other checks delays liveness only, and ends nothing", apply: applyRelaxed},
		{Key: keyHTTPProbe, Note: "curl or wget, which the image has: probes with host or httpHeaders call it in the container", apply: applyHTTPProgram},
		{Key: keyGRPCProbe, Note: "tcp for an open port, or the path of grpc_health_probe in the image", apply: applyGRPCProgram},
	}
}

func applyRelaxed(t *translator, path *field.Path, value string) {
	if value != "relaxed" {
		t.refusals = append(t.refusals, field.NotSupported(path, value, []string{"relaxed"}))
	}
	t.emulation.relaxedStartup = true
}

func applyHTTPProgram(t *translator, path *field.Path, value string) {
	if value != "curl" && value != "wget" {
		t.refusals = append(t.refusals, field.NotSupported(path, value, []string{"curl", "wget"}))
	}
	t.emulation.httpProgram = value
}

func applyGRPCProgram(t *translator, path *field.Path, value string) {
	switch {
	case value == "tcp":
		t.emulation.grpcByTCP = true
	case strings.HasPrefix(value, "/"):
		t.emulation.grpcProgram = value
	default:
		t.invalid(path, value, "must be tcp, or a path such as /bin/grpc_health_probe")
	}
}

// httpProgram makes an exec probe of an HTTP probe with headers or a host. Both
// programs fail from status 400 on and trust any certificate, as the kubelet
// does. They ask the loopback address where no host is given.
func (t *translator) httpProgram(g *corev1.HTTPGetAction, timeout, port int32, path *field.Path) *eci.ExecAction {
	at := path.Child("host")
	if len(g.HTTPHeaders) > 0 {
		at = path.Child("httpHeaders")
	}
	program := t.emulation.httpProgram
	if program == "" {
		t.refuse(at, "ECI probes the group itself and sends no headers of yours: use an exec probe, or have it made with the annotation "+keyHTTPProbe)
		return nil
	}
	host := g.Host
	if host == "" {
		host = "127.0.0.1"
	}
	url := strings.ToLower(scheme(g.Scheme)) + "://" + net.JoinHostPort(host, strconv.Itoa(int(port))) + "/" + strings.TrimPrefix(g.Path, "/")
	seconds, header := strconv.Itoa(int(max(timeout, 1))), "-H"
	words := []string{"curl", "-fsSk", "-o", "/dev/null", "-m", seconds}
	if program == "wget" {
		words, header = []string{"wget", "-q", "-O", "/dev/null", "-T", seconds}, "--header"
		if scheme(g.Scheme) == string(corev1.URISchemeHTTPS) {
			words = append(words, "--no-check-certificate")
		}
	}
	for _, h := range g.HTTPHeaders {
		words = append(words, header, h.Name+": "+h.Value)
	}
	t.checkCount(at, len(words)+1, maxProbeWords)
	return &eci.ExecAction{Command: append(words, url)}
}

// grpcProbe makes a tcp or exec probe of a gRPC probe.
func (t *translator) grpcProbe(g *corev1.GRPCAction, timeout int32, path *field.Path, out *eci.Probe) {
	t.check(kindGRPCProbe, g, path)
	t.checkPort(g.Port, path.Child("port"))
	switch {
	case t.emulation.grpcByTCP:
		out.TCPSocket = &eci.TCPSocketAction{Port: g.Port}
		t.warn(ReasonProbeEmulated, path, "the probe asks for an open port, not for the health of the service")
	case t.emulation.grpcProgram != "":
		limit := strconv.Itoa(int(max(timeout, 1))) + "s"
		words := []string{t.emulation.grpcProgram, "-addr=127.0.0.1:" + strconv.Itoa(int(g.Port)), "-connect-timeout=" + limit, "-rpc-timeout=" + limit}
		if g.Service != nil && *g.Service != "" {
			words = append(words, "-service="+*g.Service)
		}
		out.Exec = &eci.ExecAction{Command: words}
	default:
		t.refuse(path, "ECI has no gRPC probe: use an exec probe, or have one made with the annotation "+keyGRPCProbe)
	}
}
