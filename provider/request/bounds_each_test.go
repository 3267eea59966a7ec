package request

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// boundCase is a pod with n of something that has a bound.
type boundCase struct {
	most  int
	build func(pod *corev1.Pod, objects *Objects, n int)
	// refusal is in the refusal of a pod with one more than most.
	refusal string
}

func repeat[T any](n int, part func(i int) T) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = part(i)
	}
	return all
}

// boundCases has each bound of a list or a text.
func boundCases() map[string]boundCase {
	container := func(i int) corev1.Container { return corev1.Container{Name: "c" + strconv.Itoa(i), Image: "a"} }
	return map[string]boundCase{
		"containers": {maxContainers, func(pod *corev1.Pod, _ *Objects, n int) { pod.Spec.Containers = repeat(n, container) }, "spec.containers: Too many: 21"},
		"sidecars": {maxContainers - 1, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.InitContainers = repeat(n, func(i int) corev1.Container {
				c := container(i)
				c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
				return c
			})
		}, "spec.containers: Too many: 21"},
		"init containers": {maxInitContainers, func(pod *corev1.Pod, _ *Objects, n int) { pod.Spec.InitContainers = repeat(n, container) }, "spec.initContainers: Too many"},
		"volumes": {maxVolumes, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.Volumes = repeat(n, func(i int) corev1.Volume { return corev1.Volume{Name: "v" + strconv.Itoa(i)} })
		}, "spec.volumes: Too many"},
		"pull secrets": {maxEntries, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.ImagePullSecrets = make([]corev1.LocalObjectReference, n)
		}, "spec.imagePullSecrets: Too many"},
		"host aliases": {maxHostEntries, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.HostAliases = repeat(n, func(int) corev1.HostAlias { return corev1.HostAlias{IP: "10.0.0.1"} })
		}, "spec.hostAliases: Too many: 1001"},
		"readiness gates": {maxEntries, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.ReadinessGates = make([]corev1.PodReadinessGate, n)
		}, "spec.readinessGates: Too many"},
		"nameservers": {maxEntries, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: repeat(n, strconv.Itoa)}
		}, "spec.dnsConfig.nameservers: Too many: 101: must have at most 100 items"},
		"searches": {maxEntries, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.DNSConfig = &corev1.PodDNSConfig{Searches: repeat(n, strconv.Itoa)}
		}, "spec.dnsConfig.searches: Too many: 101"},
		"options": {maxEntries, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.DNSConfig = &corev1.PodDNSConfig{Options: make([]corev1.PodDNSConfigOption, n)}
		}, "spec.dnsConfig.options: Too many: 101"},
		"sysctls": {maxEntries, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: make([]corev1.Sysctl, n)}
		}, "spec.securityContext.sysctls: Too many"},
		"command": {maxWords, func(pod *corev1.Pod, _ *Objects, n int) { app(pod).Command = make([]string, n) }, "spec.containers[0].command: Too many"},
		"args":    {maxWords, func(pod *corev1.Pod, _ *Objects, n int) { app(pod).Args = make([]string, n) }, "spec.containers[0].args: Too many"},
		"ports": {maxPorts, func(pod *corev1.Pod, _ *Objects, n int) { app(pod).Ports = make([]corev1.ContainerPort, n) },
			"spec.containers[0].ports: Too many"},
		"mounts": {maxMounts, func(pod *corev1.Pod, _ *Objects, n int) { app(pod).VolumeMounts = make([]corev1.VolumeMount, n) },
			"spec.containers[0].volumeMounts: Too many"},
		"env": {maxVariableEntries, func(pod *corev1.Pod, _ *Objects, n int) {
			app(pod).Env = repeat(n, func(int) corev1.EnvVar { return corev1.EnvVar{Name: "A"} })
		}, "spec.containers[0].env: Too many"},
		"envFrom": {maxEntries, func(pod *corev1.Pod, _ *Objects, n int) { app(pod).EnvFrom = make([]corev1.EnvFromSource, n) },
			"spec.containers[0].envFrom: Too many"},
		"capabilities": {maxEntries, func(pod *corev1.Pod, _ *Objects, n int) {
			app(pod).SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: make([]corev1.Capability, n)}}
		}, "spec.containers[0].securityContext.capabilities.add: Too many"},
		"annotations": {maxMetadata - 1, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Annotations = map[string]string{"a": strings.Repeat("v", n)}
		}, "metadata.annotations: Forbidden: they have"},
		"labels": {maxMetadata - 1, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Labels = map[string]string{"a": strings.Repeat("v", n)}
		}, "metadata.labels: Forbidden: they have"},
		"an annotation": {maxAnnotation, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Annotations = map[string]string{annotationPrefix + "eci-core-pattern": strings.Repeat("v", n)}
		}, "eci-core-pattern]: Forbidden: it has 32769 bytes"},
		"specs": {maxSpecs, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Annotations = map[string]string{keyUseSpecs: strings.TrimSuffix(strings.Repeat("2-4Gi,", n), ",")}
		}, "eci-use-specs]: Too many"},
	}
}

// boundCasesOfObjects has each bound of what a pod names.
func boundCasesOfObjects() map[string]boundCase {
	volume := func(source corev1.VolumeSource) []corev1.Volume {
		return []corev1.Volume{{Name: "v", VolumeSource: source}}
	}
	projected := func(sources []corev1.VolumeProjection) []corev1.Volume {
		return volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: sources}})
	}
	return map[string]boundCase{
		"items": {maxItems, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.Volumes = volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{Items: make([]corev1.KeyToPath, n)}})
		}, "spec.volumes[0].secret.items: Too many"},
		"items of a ConfigMap": {maxItems, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.Volumes = volume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{Items: make([]corev1.KeyToPath, n)}})
		}, "spec.volumes[0].configMap.items: Too many"},
		"items of the downward API": {maxItems, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.Volumes = volume(corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: make([]corev1.DownwardAPIVolumeFile, n)}})
		}, "spec.volumes[0].downwardAPI.items: Too many"},
		"sources": {maxSources, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.Volumes = projected(make([]corev1.VolumeProjection, n))
		}, "spec.volumes[0].projected.sources: Too many: 41"},
		"items of sources": {maxItems, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.Volumes = projected([]corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{Items: make([]corev1.KeyToPath, 100)}},
				{Secret: &corev1.SecretProjection{Items: make([]corev1.KeyToPath, n-150)}},
				{DownwardAPI: &corev1.DownwardAPIProjection{Items: make([]corev1.DownwardAPIVolumeFile, 50)}},
			})
		}, "spec.volumes[0].projected.sources: Too many: 201"},
		"objects": {maxReferences, func(pod *corev1.Pod, _ *Objects, n int) {
			app(pod).Env = repeat(n-1, func(i int) corev1.EnvVar {
				ref := corev1.LocalObjectReference{Name: strconv.Itoa(i)}
				return corev1.EnvVar{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: ref}}}
			})
			app(pod).EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{}}}
		}, "spec: Forbidden: it names 1001 ConfigMaps"},
		"tokens": {maxTokens, func(pod *corev1.Pod, _ *Objects, n int) {
			pod.Spec.Volumes = projected(repeat(n, func(i int) corev1.VolumeProjection {
				return corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: ptr.To(int64(i))}}
			}))
		}, "spec.volumes: Forbidden: they ask for 101 tokens"},
		"keys of envFrom": {maxSourceKeys, func(pod *corev1.Pod, objects *Objects, n int) {
			m := &corev1.ConfigMap{Data: map[string]string{}}
			for i := range n {
				m.Data["."+strconv.Itoa(i)] = ""
			}
			objects.ConfigMaps["m"] = m
			app(pod).EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "m"}}}}
		}, "spec.containers[0].envFrom[0]: Forbidden: it has 1001 keys"},
		"files": {maxFiles, func(pod *corev1.Pod, objects *Objects, n int) {
			m := &corev1.ConfigMap{Data: map[string]string{}}
			for i := range n {
				m.Data[strconv.Itoa(i)] = ""
			}
			objects.ConfigMaps["m"] = m
			pod.Spec.Volumes = volume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "m"}}})
		}, "spec.volumes[0].configMap: Too many: 90"},
		"a word": {maxText, func(pod *corev1.Pod, _ *Objects, n int) {
			app(pod).Env = []corev1.EnvVar{{Name: "A", Value: strings.Repeat("v", 64<<10)}}
			app(pod).Command = []string{strings.Repeat("v", n-64<<10) + "$(A)"}
		}, "spec.containers[0].command[0]: Forbidden: it has 131073 bytes once its variables are replaced"},
		"a variable": {maxText, func(pod *corev1.Pod, objects *Objects, n int) {
			objects.ConfigMaps["m"] = &corev1.ConfigMap{Data: map[string]string{"k": strings.Repeat("v", n)}}
			app(pod).Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: keyOf("m")}}}
		}, "spec.containers[0].env[0]: Forbidden: the value of A has 131073 bytes"},
		"all words": {maxPodText, func(pod *corev1.Pod, _ *Objects, n int) {
			app(pod).Env = []corev1.EnvVar{{Name: "A", Value: strings.Repeat("v", maxText)}}
			app(pod).Command = repeat(n/maxText, func(int) string { return "$(A)" })
			app(pod).Args = []string{"$$" + strings.Repeat("v", n%maxText)}
			app(pod).Args[0] = app(pod).Args[0][:max(0, 1+n%maxText)]
			if n%maxText == 0 {
				app(pod).Args = nil
			}
		}, "spec.containers[0].args[0]: Forbidden: with it the variables and command lines of the pod have more than 8388608 bytes"},
		"pull secrets": {maxPullSecretText, func(_ *corev1.Pod, objects *Objects, n int) {
			objects.PullSecrets = repeat(2, func(i int) *corev1.Secret {
				return &corev1.Secret{Data: map[string][]byte{corev1.DockerConfigKey: make([]byte, n/2+i*(n%2))}}
			})
		}, "spec.imagePullSecrets: Forbidden: the pull secrets have more than 262144 bytes"},
	}
}

func TestBounds_RefuseOneMore(t *testing.T) {
	for _, cases := range []map[string]boundCase{boundCases(), boundCasesOfObjects()} {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				for _, over := range []bool{false, true} {
					n := c.most
					if over {
						n++
					}
					pod, objects := hostilePod(hostileShape{build: func(pod *corev1.Pod, objects *Objects, n int, _ string) { c.build(pod, objects, n) }}, n, "")
					_, err := Translate(pod, objects, openConfig())
					if told := strings.Contains(fmt.Sprint(err), c.refusal); told != over {
						t.Errorf("with %d: got %.500v, refused for the bound: %v, want %v", n, err, told, over)
					}
				}
			})
		}
	}
}

func TestRefusals_AreToldUpToABound(t *testing.T) {
	pod, objects := hostilePod(hostileShape{build: func(pod *corev1.Pod, _ *Objects, _ int, _ string) {
		app(pod).Env = repeat(maxVariableEntries, func(i int) corev1.EnvVar { return corev1.EnvVar{Name: "-" + strconv.Itoa(i)} })
	}}, 0, "")
	_, err := Translate(pod, objects, testConfig())
	if refused, ok := err.(*RefusedError); !ok || len(refused.Fields) != maxReports+1 || !strings.Contains(err.Error(), "900 more fields are refused") {
		t.Errorf("got %.300v", err)
	}
}

func TestWarnings_AreToldUpToABound(t *testing.T) {
	pod, objects := hostilePod(hostileShape{build: func(pod *corev1.Pod, _ *Objects, _ int, _ string) {
		for i := range maxContainers {
			c := corev1.Container{Name: "c" + strconv.Itoa(i), Image: "a"}
			c.EnvFrom = repeat(maxEntries, func(int) corev1.EnvFromSource {
				return corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{Optional: ptr.To(true), LocalObjectReference: corev1.LocalObjectReference{Name: "none"}}}
			})
			pod.Spec.Containers = append(pod.Spec.Containers[:i:i], c)
		}
	}}, 0, "")
	translation, err := Translate(pod, objects, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(translation.Warnings); n != maxReports+1 || translation.Warnings[n-1].Reason != ReasonMoreWarnings {
		t.Errorf("got %d warnings, the last %v", n, translation.Warnings[n-1])
	}
}

func TestAnnotations_AreSuggestedUpToABound(t *testing.T) {
	pod := &corev1.Pod{}
	pod.Annotations = map[string]string{annotationPrefix + strings.Repeat("x", maxSuggestionKey): ""}
	if _, err := Translate(pod, Objects{}, testConfig()); strings.Contains(err.Error(), "did you mean") {
		t.Errorf("a key that is too long has a suggestion: %v", err)
	}
	for i := range 2 * maxSuggestions {
		pod.Annotations[annotationPrefix+"eci-use-spec"+strconv.Itoa(i)] = ""
	}
	_, err := Translate(pod, Objects{}, testConfig())
	if n := strings.Count(err.Error(), "did you mean"); n != maxSuggestions {
		t.Errorf("%d suggestions, want %d: %v", n, maxSuggestions, err)
	}
}

func TestServices_MakeVariablesUpToABound(t *testing.T) {
	pod, objects := hostilePod(hostileShape{build: func(pod *corev1.Pod, objects *Objects, _ int, _ string) {
		for i := range 10000 {
			s := &corev1.Service{}
			s.Namespace, s.Name, s.Spec.ClusterIP, s.Spec.Ports = pod.Namespace, "s"+strconv.Itoa(i), "10.0.0.1", make([]corev1.ServicePort, 1)
			objects.Services = append(objects.Services, s)
		}
	}}, 0, "")
	if n := len(serviceVariables(pod, objects.Services)); n > maxServiceVariables+10 {
		t.Errorf("%d variables, want about %d", n, maxServiceVariables)
	}
}

func TestParseProfile_RefusesSelectorsOverABound(t *testing.T) {
	for n, want := range map[int]bool{maxProfileText: false, maxProfileText + 1: true} {
		_, err := ParseProfile(map[string]string{"selectors": "[]" + strings.Repeat(" ", n-2)})
		if refused := err != nil; refused != want {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
}

func TestCredentials_CountASecretOnce(t *testing.T) {
	pod, objects := hostilePod(hostileShape{build: func(pod *corev1.Pod, objects *Objects, _ int, _ string) {
		text := `{"r":{"auth":"dTpw"}}` + strings.Repeat(" ", maxPullSecretText/2)
		secret := &corev1.Secret{Data: map[string][]byte{corev1.DockerConfigKey: []byte(text)}}
		objects.PullSecrets = repeat(maxEntries, func(int) *corev1.Secret { return secret })
	}}, 0, "")
	translation, err := Translate(pod, objects, testConfig())
	if err != nil || len(translation.Request.ImageRegistryCredentials) != 1 {
		t.Errorf("got %v, want one login", err)
	}
}
