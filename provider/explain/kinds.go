package explain

import (
	"cmp"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// reader reads one object, given as JSON, and returns what adds it, or all that is
// wrong with it.
type reader func(at source, object []byte) (add func(*Manifests), problems []error)

// readers are the kinds that make pods, or that pods name.
func readers() map[metav1.TypeMeta]reader {
	of := func(apiVersion, kind string) metav1.TypeMeta {
		return metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}
	}
	return map[metav1.TypeMeta]reader{
		of("v1", "Pod"):                   read((*Manifests).addPod),
		of("v1", "ReplicationController"): read((*Manifests).addReplicationController),
		of("apps/v1", "Deployment"):       read((*Manifests).addDeployment),
		of("apps/v1", "ReplicaSet"):       read((*Manifests).addReplicaSet),
		of("apps/v1", "StatefulSet"):      read((*Manifests).addStatefulSet),
		of("apps/v1", "DaemonSet"):        read((*Manifests).addDaemonSet),
		of("batch/v1", "Job"):             read((*Manifests).addJob),
		of("batch/v1", "CronJob"):         read((*Manifests).addCronJob),
		of("v1", "ConfigMap"):             read((*Manifests).addConfigMap),
		of("v1", "Secret"):                read((*Manifests).addSecret),
		of("v1", "ServiceAccount"):        read((*Manifests).addAccount),
		of("v1", "Service"):               read((*Manifests).addService),

		of("v1", "PersistentVolumeClaim"):       read((*Manifests).addClaim),
		of("v1", "Namespace"):                   read((*Manifests).addNamespace),
		of("v1", "PersistentVolume"):            read((*Manifests).addVolume),
		of("storage.k8s.io/v1", "StorageClass"): read((*Manifests).addClass),

		of(request.PodNetworkings().GroupVersion().String(), request.PodNetworkingKind): readNetworking,
	}
}

func read[T any](add func(*Manifests, source, *T)) reader {
	return func(at source, data []byte) (func(*Manifests), []error) {
		object := new(T)
		problems := strict(data, object)
		return func(m *Manifests) { add(m, at, object) }, problems
	}
}

func (m *Manifests) addPod(at source, pod *corev1.Pod) {
	pod.Name = cmp.Or(pod.Name, pod.GenerateName+"0")
	m.key(&pod.ObjectMeta)
	m.workloads = append(m.workloads, workload{file: at.file, kind: "Pod", namespace: pod.Namespace, name: pod.Name, pods: 1, pod: pod})
}

const templatePrefix = "spec.template."

func (m *Manifests) addDeployment(at source, d *appsv1.Deployment) {
	m.addTemplate(at, "Deployment", &d.ObjectMeta, d.Spec.Template, ptr.Deref(d.Spec.Replicas, 1))
}

func (m *Manifests) addReplicaSet(at source, r *appsv1.ReplicaSet) {
	m.addTemplate(at, "ReplicaSet", &r.ObjectMeta, r.Spec.Template, ptr.Deref(r.Spec.Replicas, 1))
}

func (m *Manifests) addReplicationController(at source, r *corev1.ReplicationController) {
	m.addTemplate(at, "ReplicationController", &r.ObjectMeta, ptr.Deref(r.Spec.Template, corev1.PodTemplateSpec{}), ptr.Deref(r.Spec.Replicas, 1))
}

// addStatefulSet gives the pod the volumes of its claim templates, as the
// controller does; one of the same name in the template gives way.
func (m *Manifests) addStatefulSet(at source, s *appsv1.StatefulSet) {
	w := m.addTemplate(at, "StatefulSet", &s.ObjectMeta, s.Spec.Template, ptr.Deref(s.Spec.Replicas, 1))
	for _, template := range s.Spec.VolumeClaimTemplates {
		volume := corev1.Volume{Name: template.Name}
		claim := template.DeepCopy()
		claim.Name, claim.Namespace = template.Name+"-"+w.pod.Name, w.pod.Namespace
		volume.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name}
		putVolume(&w.pod.Spec, volume)
		if key := m.key(&claim.ObjectMeta); m.claims[key] == nil {
			m.claims[key] = claim
		}
	}
}

func putVolume(spec *corev1.PodSpec, volume corev1.Volume) {
	for i := range spec.Volumes {
		if spec.Volumes[i].Name == volume.Name {
			spec.Volumes[i] = volume
			return
		}
	}
	spec.Volumes = append(spec.Volumes, volume)
}

// addDaemonSet adds one pod for the virtual node; Explain leaves it out where
// the taint of the node keeps it away.
func (m *Manifests) addDaemonSet(at source, d *appsv1.DaemonSet) {
	m.addTemplate(at, "DaemonSet", &d.ObjectMeta, d.Spec.Template, 1)
}

func (m *Manifests) addJob(at source, j *batchv1.Job) {
	w := m.addTemplate(at, "Job", &j.ObjectMeta, j.Spec.Template, atOnce(j.Spec))
	w.note = "a Job is billed only while its pods run"
}

func (m *Manifests) addCronJob(at source, c *batchv1.CronJob) {
	job := c.Spec.JobTemplate.Spec
	w := m.addTemplate(at, "CronJob", &c.ObjectMeta, job.Template, atOnce(job))
	w.prefix = "spec.jobTemplate." + templatePrefix
	w.note = "a CronJob is billed only while its pods run (schedule " + c.Spec.Schedule + ")"
}

// atOnce is how many pods of a Job run at once.
func atOnce(spec batchv1.JobSpec) int32 {
	parallel := ptr.Deref(spec.Parallelism, 1)
	return min(parallel, ptr.Deref(spec.Completions, parallel))
}

// addTemplate adds the pods of a template. The pod is named as the first of a
// StatefulSet is; the pods of other kinds end in letters that nobody knows
// before.
func (m *Manifests) addTemplate(at source, kind string, owner *metav1.ObjectMeta, template corev1.PodTemplateSpec, pods int32) *workload {
	m.key(owner)
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Name, pod.Namespace = owner.Name+"-0", owner.Namespace
	m.workloads = append(m.workloads, workload{
		file: at.file, kind: kind, namespace: owner.Namespace, name: owner.Name, pods: int64(pods), pod: pod, prefix: templatePrefix,
	})
	return &m.workloads[len(m.workloads)-1]
}
