package explain

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/eci-vnode/eci-vnode/fuzzbounds"
)

const podHead = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"

// hostileFiles are small files that would cost much.
func hostileFiles() map[string]string {
	levels := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		levels += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", "))
	}
	container := func(field string) string {
		return podHead + "spec: {containers: [{name: a, image: b, " + field + "}]}\n"
	}
	return map[string]string{
		"aliases that nest":         podHead + levels,
		"aliases of one long text":  podHead + "a: &a " + strings.Repeat("x", 100<<10) + "\nb: [" + strings.Repeat("*a,", 30000) + "]\n",
		"containers of nothing":     podHead + "spec: {containers: [" + strings.Repeat("{},", 15000) + "]}\n",
		"volumes of many lists":     podHead + "spec: {volumes: [" + strings.Repeat("{projected: {sources: [{},{},{}]}},", 3500) + "]}\n",
		"a List of nothing":         "apiVersion: v1\nkind: List\nitems: [" + strings.Repeat("{},", 10000) + "]\n",
		"a small exponent":          container("resources: {limits: {memory: '1e-2000000000'}}"),
		"a small exponent, bare":    container("resources: {limits: {memory: 1e-2000000000}}"),
		"a large exponent":          container("resources: {limits: {memory: '1.5e2000000000'}}"),
		"a large exponent of zero":  container("resources: {limits: {nvidia.com/gpu: '0e2000000000'}}"),
		"an exponent in an env":     container("env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: '1e-2000000000'}}}]"),
		"an exponent in a volume":   podHead + "spec: {volumes: [{name: v, emptyDir: {sizeLimit: '1e-2000000000'}}]}\n",
		"an exponent in a status":   podHead + "status: {containerStatuses: [{allocatedResources: {cpu: '1e-2000000000'}}]}\n",
		"an exponent in a claim":    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: {resources: {requests: {storage: '1e-2000000000'}}}\n",
		"an exponent in a volume 2": "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: c}\nspec: {capacity: {storage: '1e-2000000000'}}\n",
		"an annotation": "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {k8s.aliyun.com/eci-extra-ephemeral-storage: '1e-2000000000'}}\n" +
			"spec: {containers: [{name: a, image: b}]}\n",
		"brackets":   strings.Repeat("[", 1<<20),
		"JSON":       `{"apiVersion":"v1","kind":"Pod","spec":` + strings.Repeat(`{"a":`, 100000),
		"documents":  strings.Repeat("---\n{}\n", 4000),
		"references": container("env: [{name: A, value: x}," + strings.Repeat("{name: A, value: '$(A)$(A)$(A)$(A)'},", 20) + "], command: ['$(A)']"),
	}
}

func TestRead_IsBoundedForHostileFiles(t *testing.T) {
	for name, text := range hostileFiles() {
		t.Run(name, func(t *testing.T) {
			checkExplained(t, []byte(text))
		})
	}
}

// checkExplained reads and explains a file within the bounds.
func checkExplained(t *testing.T, text []byte) {
	t.Helper()
	fuzzbounds.Check(t, func() {
		m := NewManifests("default")
		_ = m.Read("file.yaml", text)
		_, _ = Explain(t.Context(), m, testConfig(), Deps{Prices: DefaultListPrices()})
	})
}

func TestRead_RefusesWhatIsOverABound(t *testing.T) {
	files := hostileFiles()
	for name, want := range map[string]string{
		"aliases of one long text": "document 1: its aliases stand for more than 3145728 bytes",
		"aliases that nest":        "document 1: its aliases stand for more than 3145728 bytes",
		"containers of nothing":    "document 1 (Pod \"p\"): a list of it has more than 2000 parts",
		"volumes of many lists":    "document 1 (Pod \"p\"): it has more than 20000 parts",
		"a small exponent":         "document 1 (Pod \"p\"): spec.containers[0].resources.limits[memory]: quantities are below",
		"an exponent in an env":    "spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: quantities are below",
		"an exponent in a claim":   "spec.resources.requests[storage]: quantities are below",
	} {
		err := NewManifests("default").Read("f", []byte(files[name]))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %.300v, want %q", name, err, want)
		}
	}
	large := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: " + strings.Repeat("v", maxObject) + "}\n"
	if err := NewManifests("default").Read("f", []byte(large)); err == nil || !strings.Contains(err.Error(), "Kubernetes takes 3145728") {
		t.Errorf("an object that is too big: got %v", err)
	}
	if err := NewManifests("default").Read("f", make([]byte, MaxFile+1)); err == nil || !strings.Contains(err.Error(), "split it") {
		t.Errorf("a file that is too big: got %v", err)
	}
}

func TestRead_TakesAliasesThatStandForLittle(t *testing.T) {
	text := podHead + "spec: {containers: [{name: a, image: &image b}, {name: c, image: *image}]}\n"
	m := NewManifests("default")
	if err := m.Read("f", []byte(text)); err != nil || len(m.workloads) != 1 || m.workloads[0].pod.Spec.Containers[1].Image != "b" {
		t.Errorf("got %v", err)
	}
}

// TestSearchQuantity_KnowsEveryFieldWithAQuantity keeps costlyQuantity complete:
// a field that it does not know would reach the decoder.
func TestSearchQuantity_KnowsEveryFieldWithAQuantity(t *testing.T) {
	known := append(slices.Clone(quantityFields), listFields...)
	seen := map[reflect.Type]bool{}
	var walk func(t *testing.T, kind reflect.Type, path string)
	walk = func(t *testing.T, kind reflect.Type, path string) {
		switch kind.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t, kind.Elem(), path)
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[kind] && kind != reflect.TypeFor[resource.Quantity]() {
			return
		}
		seen[kind] = true
		if kind == reflect.TypeFor[resource.Quantity]() {
			if field := path[strings.LastIndexByte(path, '.')+1:]; !slices.Contains(known, field) {
				t.Errorf("%s holds a quantity, and costlyQuantity does not look at %s", path, field)
			}
			return
		}
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			walk(t, kind.Field(i).Type, path+"."+name)
		}
	}
	for _, object := range []any{corev1.Pod{}, corev1.ReplicationController{}, appsv1.Deployment{}, appsv1.ReplicaSet{}, appsv1.StatefulSet{},
		appsv1.DaemonSet{}, batchv1.Job{}, batchv1.CronJob{}, corev1.PersistentVolumeClaim{}, corev1.PersistentVolume{}, corev1.Namespace{},
		corev1.Service{}, corev1.ServiceAccount{}, corev1.Secret{}, corev1.ConfigMap{}, storagev1.StorageClass{}} {
		kind := reflect.TypeOf(object)
		walk(t, kind, kind.Name())
	}
	if !seen[reflect.TypeFor[resource.Quantity]()] {
		t.Fatal("no field with a quantity was found")
	}
}

// FuzzManifests wants any file read and explained, or refused, within the bounds.
func FuzzManifests(f *testing.F) {
	for _, text := range hostileFiles() {
		if len(text) <= 64<<10 {
			f.Add([]byte(text))
		}
	}
	f.Add([]byte(podHead + "spec: {containers: [{name: a, image: b}]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) <= 256<<10 {
			checkExplained(t, text)
		}
	})
}
