package request

import (
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// apiServerService is the Service that every pod gets the variables of, even
// with enableServiceLinks false: client libraries find the API server by them.
const apiServerService = "kubernetes"

// serviceVariables returns the variables by which a pod finds Services, as the
// kubelet makes them, ordered by the name of the Service. A Service of the
// pod's namespace beats the API server's of the same name.
func serviceVariables(pod *corev1.Pod, services []*corev1.Service) []corev1.EnvVar {
	byName := map[string]*corev1.Service{}
	for _, s := range services {
		if s == nil || !hasClusterIP(s) || len(s.Spec.Ports) == 0 {
			continue
		}
		own := s.Namespace == pod.Namespace && wantsServiceLinks(pod)
		master := s.Namespace == metav1.NamespaceDefault && s.Name == apiServerService
		if own || master && byName[s.Name] == nil {
			byName[s.Name] = s
		}
	}
	var all []corev1.EnvVar
	for _, name := range sortedKeys(byName) {
		if len(all) > maxServiceVariables {
			break
		}
		all = append(all, variablesOf(byName[name])...)
	}
	return all
}

func hasClusterIP(s *corev1.Service) bool {
	return s.Spec.ClusterIP != "" && s.Spec.ClusterIP != corev1.ClusterIPNone
}

// variablesOf makes the NAME_SERVICE_ and the older NAME_PORT_ variables.
func variablesOf(s *corev1.Service) []corev1.EnvVar {
	prefix := variableName(s.Name)
	port := func(p corev1.ServicePort) string { return strconv.Itoa(int(p.Port)) }
	all := []corev1.EnvVar{
		{Name: prefix + "_SERVICE_HOST", Value: s.Spec.ClusterIP},
		{Name: prefix + "_SERVICE_PORT", Value: port(s.Spec.Ports[0])},
	}
	for _, p := range s.Spec.Ports {
		if p.Name != "" {
			all = append(all, corev1.EnvVar{Name: prefix + "_SERVICE_PORT_" + variableName(p.Name), Value: port(p)})
		}
	}
	for i, p := range s.Spec.Ports {
		protocol := strings.ToLower(string(p.Protocol))
		if protocol == "" {
			protocol = "tcp"
		}
		url := protocol + "://" + net.JoinHostPort(s.Spec.ClusterIP, port(p))
		if i == 0 {
			all = append(all, corev1.EnvVar{Name: prefix + "_PORT", Value: url})
		}
		stem := prefix + "_PORT_" + port(p) + "_" + strings.ToUpper(protocol)
		all = append(all, []corev1.EnvVar{
			{Name: stem, Value: url},
			{Name: stem + "_PROTO", Value: protocol},
			{Name: stem + "_PORT", Value: port(p)},
			{Name: stem + "_ADDR", Value: s.Spec.ClusterIP},
		}...)
	}
	// A name that ECI cannot take, of a Service such as 1st, is left out: it was
	// not asked for.
	return slices.DeleteFunc(all, func(v corev1.EnvVar) bool { return !isVariableName(v.Name) })
}

func variableName(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }
