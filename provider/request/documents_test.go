package request

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

// documents is what a YAML file holds. A document of the kind Config, which only
// these tests know, changes the settings of the node.
type documents struct {
	config     Config
	pods       []*corev1.Pod
	configMaps map[string]*corev1.ConfigMap
	secrets    map[string]*corev1.Secret
	services   []*corev1.Service
	claims     map[string]*corev1.PersistentVolumeClaim
	volumes    map[string]*corev1.PersistentVolume
	noTokens   bool
}

func testConfig() Config {
	cfg := DefaultConfig()
	cfg.RegionID = "cn-hangzhou"
	cfg.VSwitchIDs = []string{"vsw-1"}
	cfg.SecurityGroupID = "sg-1"
	cfg.ClusterID = "cluster-1"
	cfg.NodeName = "virtual-kubelet"
	cfg.ClusterDNS = []string{"10.96.0.10"}
	// The goldens are about the translation; those about permissions take it back.
	cfg.Permissions.Allow = Grants{RAMRoles: {"*"}, Disks: {"*"}, DisksDeleted: {"*"}, EIPs: {"*"}}
	return cfg
}

func mustReadDocuments(t testing.TB, file string) *documents {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := &documents{config: testConfig(), configMaps: map[string]*corev1.ConfigMap{}, secrets: map[string]*corev1.Secret{},
		claims: map[string]*corev1.PersistentVolumeClaim{}, volumes: map[string]*corev1.PersistentVolume{}}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return d
		}
		if err == nil {
			err = d.add(document)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
}

// add reads one document strictly. Kinds that hold no pod are passed over.
func (d *documents) add(document []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	switch kind.Kind {
	case "Config":
		var wrapped struct {
			Kind     string `json:"kind"`
			Config   Config `json:"config"`
			NoTokens bool   `json:"noTokens"`
		}
		wrapped.Config = d.config
		err := yaml.UnmarshalStrict(document, &wrapped)
		d.config, d.noTokens = wrapped.Config, wrapped.NoTokens
		return err
	case "Pod":
		pod := &corev1.Pod{}
		d.pods = append(d.pods, pod)
		return d.finish(pod, yaml.UnmarshalStrict(document, pod))
	case "ConfigMap":
		object := &corev1.ConfigMap{}
		err := yaml.UnmarshalStrict(document, object)
		d.configMaps[object.Name] = object
		return err
	case "Secret":
		object := &corev1.Secret{}
		err := yaml.UnmarshalStrict(document, object)
		for key, value := range object.StringData {
			if object.Data == nil {
				object.Data = map[string][]byte{}
			}
			object.Data[key] = []byte(value)
		}
		d.secrets[object.Name] = object
		return err
	case "PersistentVolumeClaim":
		object := &corev1.PersistentVolumeClaim{}
		err := yaml.UnmarshalStrict(document, object)
		d.claims[object.Name] = object
		return err
	case "PersistentVolume":
		object := &corev1.PersistentVolume{}
		err := yaml.UnmarshalStrict(document, object)
		d.volumes[object.Name] = object
		return err
	case "Service":
		object := &corev1.Service{}
		d.services = append(d.services, object)
		return yaml.UnmarshalStrict(document, object)
	}
	return d.addTemplate(kind.Kind, document)
}

// addTemplate makes a pod of the template of a workload.
func (d *documents) addTemplate(kind string, document []byte) error {
	var owner metav1.ObjectMeta
	var template corev1.PodTemplateSpec
	var err error
	switch kind {
	case "Deployment":
		var object appsv1.Deployment
		err = yaml.UnmarshalStrict(document, &object)
		owner, template = object.ObjectMeta, object.Spec.Template
	case "StatefulSet":
		var object appsv1.StatefulSet
		err = yaml.UnmarshalStrict(document, &object)
		owner, template = object.ObjectMeta, object.Spec.Template
	case "DaemonSet":
		var object appsv1.DaemonSet
		err = yaml.UnmarshalStrict(document, &object)
		owner, template = object.ObjectMeta, object.Spec.Template
	case "ReplicaSet":
		var object appsv1.ReplicaSet
		err = yaml.UnmarshalStrict(document, &object)
		owner, template = object.ObjectMeta, object.Spec.Template
	case "Job":
		var object batchv1.Job
		err = yaml.UnmarshalStrict(document, &object)
		owner, template = object.ObjectMeta, object.Spec.Template
	case "CronJob":
		var object batchv1.CronJob
		err = yaml.UnmarshalStrict(document, &object)
		owner, template = object.ObjectMeta, object.Spec.JobTemplate.Spec.Template
	default:
		return nil
	}
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Name, pod.Namespace = owner.Name+"-0", owner.Namespace
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: owner.Name, Controller: ptr.To(true)}}
	d.pods = append(d.pods, pod)
	return d.finish(pod, err)
}

// finish gives a pod what the API server would.
func (d *documents) finish(pod *corev1.Pod, err error) error {
	if pod.Namespace == "" {
		pod.Namespace = "default"
	}
	if pod.UID == "" {
		pod.UID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
	}
	return err
}

// objectsFor collects what the pod names, tokens included, as the provider
// does.
func (d *documents) objectsFor(pod *corev1.Pod) Objects {
	objects := Objects{ConfigMaps: d.configMaps, Secrets: d.secrets, Services: d.services, Tokens: map[TokenKey]string{},
		PersistentVolumeClaims: d.claims, PersistentVolumes: d.volumes, VolumeSecrets: map[types.NamespacedName]*corev1.Secret{}}
	for _, pv := range d.volumes {
		if name, ok := VolumeSecret(pv); ok && d.secrets[name.Name] != nil {
			objects.VolumeSecrets[name] = d.secrets[name.Name]
		}
	}
	refs := References(pod)
	for _, ref := range refs.PullSecrets {
		if secret := d.secrets[ref.Name]; secret != nil {
			objects.PullSecrets = append(objects.PullSecrets, secret)
		}
	}
	for _, ref := range refs.Tokens {
		if !d.noTokens {
			objects.Tokens[ref.TokenKey] = fmt.Sprintf("token for %q, %ds", ref.Audience, ref.ExpirationSeconds)
		}
	}
	return objects
}
