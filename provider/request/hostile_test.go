package request

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// The API server takes objects of about 1.5 MB, and ConfigMaps and Secrets of
// 1 MiB; explain reads files, and bounds them itself.
const (
	mostPodBytes    = 1536 << 10
	mostObjectBytes = 1 << 20
)

// hostileShape builds a pod, and what it names, of some number of parts that
// repeat, nest or name each other. text is a value inside it.
type hostileShape struct {
	name  string
	build func(pod *corev1.Pod, objects *Objects, n int, text string)
}

// hostilePod returns the pod of a shape. n is cut so that the API server would
// take the pod.
func hostilePod(shape hostileShape, n int, text string) (*corev1.Pod, Objects) {
	pod := &corev1.Pod{}
	pod.Namespace, pod.Name, pod.UID = "default", "web", "uid"
	pod.Spec.Containers = []corev1.Container{{Name: "app", Image: "nginx"}}
	objects := Objects{
		ConfigMaps: map[string]*corev1.ConfigMap{"one": oneKey(), "many": manyKeys()},
		Secrets:    map[string]*corev1.Secret{"one": oneKeySecret(), "many": manyKeysSecret()},
		Tokens:     map[TokenKey]string{},
	}
	shape.build(pod, &objects, n, text)
	return pod, objects
}

// The objects are made once; nobody changes them.
var (
	oneKey = sync.OnceValue(func() *corev1.ConfigMap {
		return &corev1.ConfigMap{Data: map[string]string{"k": strings.Repeat("v", mostObjectBytes)}}
	})
	manyKeys = sync.OnceValue(func() *corev1.ConfigMap {
		m := &corev1.ConfigMap{Data: map[string]string{}}
		for i := range mostObjectBytes / 8 {
			m.Data[fmt.Sprintf("K%06x", i)] = "v"
		}
		return m
	})
	oneKeySecret   = sync.OnceValue(func() *corev1.Secret { return secretOf(oneKey()) })
	manyKeysSecret = sync.OnceValue(func() *corev1.Secret { return secretOf(manyKeys()) })
	loginSecret    = sync.OnceValue(func() *corev1.Secret {
		var config strings.Builder
		for i := 0; config.Len() < mostObjectBytes-100; i++ {
			fmt.Fprintf(&config, `"r%d":{"auth":"dTpw"},`, i)
		}
		secret := &corev1.Secret{Data: map[string][]byte{corev1.DockerConfigKey: []byte("{" + config.String() + `"z":{}}`)}}
		secret.Name = "login"
		return secret
	})
)

func secretOf(m *corev1.ConfigMap) *corev1.Secret {
	s := &corev1.Secret{Data: map[string][]byte{}}
	for key, value := range m.Data {
		s.Data[key] = []byte(value)
	}
	return s
}

// parts repeats a part as often as a pod has room for it.
func parts[T any](n, bytes int, part func(i int) T) []T {
	all := make([]T, min(n, mostPodBytes/bytes))
	for i := range all {
		all[i] = part(i)
	}
	return all
}

func app(pod *corev1.Pod) *corev1.Container { return &pod.Spec.Containers[0] }

// hostileShapes are the ways in which one pod can cost a node more than its size.
func hostileShapes() []hostileShape {
	return slices.Concat(hostileTexts(), hostileLists(), hostileObjects(), hostileAnnotations(), hostileContainers())
}

// hostileTexts multiply by expansion.
func hostileTexts() []hostileShape {
	return []hostileShape{
		{"variables that double", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			app(pod).Env = append(app(pod).Env, corev1.EnvVar{Name: "V0", Value: text + "x"})
			app(pod).Env = append(app(pod).Env, parts(n, 60, func(i int) corev1.EnvVar {
				before := fmt.Sprintf("$(V%d)", i)
				return corev1.EnvVar{Name: fmt.Sprintf("V%d", i+1), Value: before + before}
			})...)
		}},
		{"variables of many references", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			level := strings.Repeat("$(V)", n%4000)
			app(pod).Env = []corev1.EnvVar{{Name: "V", Value: text}}
			for range 9 {
				app(pod).Env = append(app(pod).Env, corev1.EnvVar{Name: "V", Value: level})
			}
		}},
		{"words of one long variable", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			app(pod).Env = []corev1.EnvVar{{Name: "V", Value: text}}
			word := strings.Repeat("$(V)", 2000)
			app(pod).Command = parts(n, len(word), func(int) string { return word })
			app(pod).Args = app(pod).Command
		}},
		{"words of a ConfigMap", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			app(pod).Env = []corev1.EnvVar{{Name: "V", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: keyOf("one")}}}
			app(pod).Command = parts(n, 10, func(int) string { return "$(V)$(V)" })
		}},
		{"references that do not close", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			app(pod).Command = []string{strings.Repeat("$(", min(n*16, mostPodBytes/2)) + text}
		}},
		{"sub paths of one variable", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			app(pod).Env = []corev1.EnvVar{{Name: "V", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: keyOf("one")}}}
			pod.Spec.Volumes = []corev1.Volume{{Name: "v"}}
			app(pod).VolumeMounts = parts(n, 60+len(text), func(i int) corev1.VolumeMount {
				return corev1.VolumeMount{Name: "v", MountPath: "/" + strconv.Itoa(i), SubPathExpr: text + "$(V)$(V)"}
			})
		}},
	}
}

func keyOf(name string) *corev1.ConfigMapKeySelector {
	return &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: "k"}
}

// hostileContainers repeat in every container what one may have.
func hostileContainers() []hostileShape {
	fill := func(pod *corev1.Pod, c corev1.Container) {
		pod.Spec.InitContainers, pod.Spec.Containers = nil, nil
		for i := range maxInitContainers {
			c.Name = "i" + strconv.Itoa(i)
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
		}
		for i := range maxContainers {
			c.Name = "c" + strconv.Itoa(i)
			pod.Spec.Containers = append(pod.Spec.Containers, c)
		}
	}
	return []hostileShape{
		{"words in all containers", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			word := strings.Repeat("$(V)", 1+n%8)
			fill(pod, corev1.Container{Image: "a", Env: []corev1.EnvVar{{Name: "V", Value: text[:min(len(text), mostPodBytes/100)]}},
				Command: slices.Repeat([]string{word}, maxWords), Args: slices.Repeat([]string{word}, maxWords)})
		}},
		{"keys in all containers", func(pod *corev1.Pod, objects *Objects, n int, text string) {
			m := &corev1.ConfigMap{Data: map[string]string{}}
			for i := range min(n, maxSourceKeys) {
				m.Data["."+strconv.Itoa(i)] = text[:min(len(text), mostObjectBytes/maxSourceKeys)]
			}
			objects.ConfigMaps["m"] = m
			source := corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "m"}}}
			fill(pod, corev1.Container{Image: "a", EnvFrom: slices.Repeat([]corev1.EnvFromSource{source}, maxEntries)})
		}},
		{"refusals in all containers", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			fill(pod, corev1.Container{Image: "a", Env: parts(min(n, maxVariableEntries), 25*(maxContainers+maxInitContainers), func(i int) corev1.EnvVar {
				return corev1.EnvVar{Name: "-" + strconv.Itoa(i)}
			})})
		}},
		{"Secrets in all containers", func(pod *corev1.Pod, objects *Objects, n int, text string) {
			objects.Secrets["s"] = &corev1.Secret{Data: map[string][]byte{"k": []byte(text)}}
			ref := &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "k"}
			c := corev1.Container{Image: "a"}
			for i := range min(n, maxVariables) {
				c.Env = append(c.Env, corev1.EnvVar{Name: "V" + strconv.Itoa(i), ValueFrom: &corev1.EnvVarSource{SecretKeyRef: ref}})
			}
			fill(pod, c)
		}},
	}
}

// hostileLists are long.
func hostileLists() []hostileShape {
	return []hostileShape{
		{"containers", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			pod.Spec.Containers = parts(n, 50, func(i int) corev1.Container { return corev1.Container{Name: "c" + strconv.Itoa(i), Image: "a"} })
		}},
		{"init containers", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			pod.Spec.InitContainers = parts(n, 50, func(i int) corev1.Container {
				return corev1.Container{Name: "c" + strconv.Itoa(i), Image: "a", RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)}
			})
		}},
		{"variables that are refused", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			app(pod).Env = parts(n, 30+len(text), func(i int) corev1.EnvVar { return corev1.EnvVar{Name: "-" + strconv.Itoa(i), Value: text} })
		}},
		{"sizes of other containers", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			ref := &corev1.ResourceFieldSelector{ContainerName: "app", Resource: "requests.cpu"}
			pod.Spec.InitContainers = make([]corev1.Container, 40)
			for i := range pod.Spec.InitContainers {
				pod.Spec.InitContainers[i] = corev1.Container{Name: "i" + strconv.Itoa(i), Image: "a"}
				pod.Spec.InitContainers[i].Env = parts(n/40, 4000, func(j int) corev1.EnvVar {
					return corev1.EnvVar{Name: "V" + strconv.Itoa(j), ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: ref}}
				})
			}
		}},
		{"host aliases", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			pod.Spec.HostAliases = parts(n, 30, func(i int) corev1.HostAlias {
				return corev1.HostAlias{IP: fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255), Hostnames: []string{"a"}}
			})
		}},
		{"options of the resolver", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			pod.Spec.DNSConfig = &corev1.PodDNSConfig{Options: parts(n, 20, func(i int) corev1.PodDNSConfigOption {
				return corev1.PodDNSConfigOption{Name: strconv.Itoa(i)}
			})}
		}},
		{"ports, mounts and probes", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			app(pod).Ports = parts(n, 60, func(i int) corev1.ContainerPort {
				return corev1.ContainerPort{Name: strconv.Itoa(i), ContainerPort: int32(i)}
			})
			app(pod).VolumeMounts = parts(n, 60+len(text), func(i int) corev1.VolumeMount {
				return corev1.VolumeMount{Name: text, MountPath: "/" + strconv.Itoa(i)}
			})
			app(pod).LivenessProbe = &corev1.Probe{PeriodSeconds: int32(n) << 16, FailureThreshold: int32(n) << 16, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
				Port: intstr.FromString(text), HTTPHeaders: parts(n, 40+2*len(text), func(int) corev1.HTTPHeader { return corev1.HTTPHeader{Name: text, Value: text} })}}}
		}},
		{"sysctls, capabilities and gates", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: parts(n, 40+2*len(text), func(int) corev1.Sysctl { return corev1.Sysctl{Name: text, Value: text} })}
			app(pod).SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: parts(n, 20+len(text), func(int) corev1.Capability { return corev1.Capability(text) })}}
			pod.Spec.ReadinessGates = parts(n, 40, func(int) corev1.PodReadinessGate { return corev1.PodReadinessGate{ConditionType: "x"} })
			pod.Spec.Tolerations = parts(n, 40+len(text), func(int) corev1.Toleration { return corev1.Toleration{Key: text} })
		}},
		{"quantities of any exponent", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			quantity := *resource.NewScaledQuantity(int64(n%3)-1, resource.Scale(n<<15))
			list := corev1.ResourceList{corev1.ResourceCPU: quantity, corev1.ResourceMemory: resource.MustParse("1.0000000000000000000000001"), gpuResource: quantity}
			app(pod).Resources = corev1.ResourceRequirements{Limits: list, Requests: corev1.ResourceList{corev1.ResourceEphemeralStorage: quantity}}
			app(pod).Env = []corev1.EnvVar{{Name: "V", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu", Divisor: quantity}}}}
			pod.Spec.Overhead = list
			pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: &quantity}}}}
		}},
	}
}

// hostileObjects name an object again and again.
func hostileObjects() []hostileShape {
	volumes := func(n, bytes int, source func(i int) corev1.VolumeSource) []corev1.Volume {
		return parts(n, bytes, func(i int) corev1.Volume { return corev1.Volume{Name: "v" + strconv.Itoa(i), VolumeSource: source(i)} })
	}
	items := func(n int) []corev1.KeyToPath {
		return parts(n, 30, func(i int) corev1.KeyToPath { return corev1.KeyToPath{Key: "k", Path: strconv.Itoa(i)} })
	}
	of := func(i int) corev1.LocalObjectReference {
		return corev1.LocalObjectReference{Name: []string{"one", "many"}[i%2]}
	}
	return []hostileShape{
		{"volumes of one ConfigMap", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			pod.Spec.Volumes = volumes(n, 60, func(i int) corev1.VolumeSource {
				return corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: of(i)}}
			})
		}},
		{"files of one key", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			pod.Spec.Volumes = volumes(20, 60, func(int) corev1.VolumeSource {
				return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "one", Items: items(n / 20)}}
			})
		}},
		{"sources of a projected volume", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			pod.Spec.Volumes = volumes(20, 60, func(int) corev1.VolumeSource {
				return corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: parts(n/20, 1200, func(i int) corev1.VolumeProjection {
					return corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: of(i)}, Secret: &corev1.SecretProjection{LocalObjectReference: of(i)}}
				})}}
			})
		}},
		{"tokens", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			pod.Spec.Volumes = volumes(1, 60, func(int) corev1.VolumeSource {
				return corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: parts(n, 80, func(i int) corev1.VolumeProjection {
					return corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: strconv.Itoa(i), ExpirationSeconds: ptr.To(int64(i))}}
				})}}
			})
		}},
		{"files of all annotations", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			pod.Annotations = map[string]string{"example.com/a": strings.Repeat("\x00"+text, 250<<10/(1+len(text)))}
			pod.Spec.Volumes = volumes(20, 60, func(int) corev1.VolumeSource {
				return corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: parts(n/20, 1600, func(i int) corev1.DownwardAPIVolumeFile {
					return corev1.DownwardAPIVolumeFile{Path: strconv.Itoa(i), FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations"}}
				})}}
			})
		}},
		{"variables from all keys", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			app(pod).EnvFrom = parts(n, 60+len(text), func(i int) corev1.EnvFromSource {
				source := corev1.EnvFromSource{Prefix: text, ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: of(i)}}
				if i%3 == 0 {
					source = corev1.EnvFromSource{Prefix: strconv.Itoa(i), SecretRef: &corev1.SecretEnvSource{LocalObjectReference: of(i / 2)}}
				}
				return source
			})
		}},
		{"pull secrets", func(pod *corev1.Pod, objects *Objects, n int, _ string) {
			pod.Spec.ImagePullSecrets = parts(n, 20, func(int) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: "login"} })
			for range pod.Spec.ImagePullSecrets {
				objects.PullSecrets = append(objects.PullSecrets, loginSecret())
			}
		}},
		{"Services of the namespace", func(pod *corev1.Pod, objects *Objects, n int, _ string) {
			for i := range min(n, 10000) {
				s := &corev1.Service{}
				s.Namespace, s.Name, s.Spec.ClusterIP = pod.Namespace, "s"+strconv.Itoa(i), "10.0.0.1"
				s.Spec.Ports = make([]corev1.ServicePort, 20)
				objects.Services = append(objects.Services, s)
			}
			pod.Spec.InitContainers = make([]corev1.Container, 40)
		}},
	}
}

// hostileAnnotations have long values.
func hostileAnnotations() []hostileShape {
	const mostAnnotationBytes = 256 << 10
	put := func(pod *corev1.Pod, n int, value string) {
		row := Annotations()[n%len(Annotations())]
		pod.Annotations = map[string]string{row.Key: value[:min(len(value), mostAnnotationBytes)], annotationPrefix + "eci-with-eip": "true"}
	}
	return []hostileShape{
		{"annotations that do not exist", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			pod.Annotations = map[string]string{}
			for i := range min(n, mostAnnotationBytes/(40+len(text))) {
				pod.Annotations[annotationPrefix+"eci-use-spec-"+strconv.Itoa(i)] = text
			}
			pod.Annotations[annotationPrefix+strings.Repeat("x", mostAnnotationBytes)] = text
		}},
		{"annotations of one text", func(pod *corev1.Pod, _ *Objects, n int, text string) { put(pod, n, text) }},
		{"annotations of repeated text", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			put(pod, n, strings.Repeat(text+",", mostAnnotationBytes/(len(text)+1)))
		}},
		{"annotations of counted text", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			var list strings.Builder
			for i := 0; list.Len() < mostAnnotationBytes-len(text)-10; i++ {
				list.WriteString(strconv.Itoa(i) + text + ",")
			}
			put(pod, n, list.String())
		}},
		{"annotations that nest", func(pod *corev1.Pod, _ *Objects, n int, text string) {
			put(pod, n, strings.Repeat(text, mostAnnotationBytes/max(1, len(text))))
		}},
		{"hosts of an annotation", func(pod *corev1.Pod, _ *Objects, n int, _ string) {
			var list []string
			for i := range min(n, mostAnnotationBytes/20) {
				list = append(list, fmt.Sprintf(`{"ip":"10.0.%d.%d"}`, i>>8&255, i&255))
			}
			pod.Annotations = map[string]string{annotationPrefix + "eci-custom-hosts": "[" + strings.Join(list, ",") + "]"}
		}},
	}
}
