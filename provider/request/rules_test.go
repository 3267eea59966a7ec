package request

import (
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// ruledTypes are the structs whose every field must have a row.
func ruledTypes() map[string]any {
	return map[string]any{
		kindPodSpec:           corev1.PodSpec{},
		kindContainer:         corev1.Container{},
		kindInitContainer:     corev1.Container{},
		kindPort:              corev1.ContainerPort{},
		kindEnvVarSource:      corev1.EnvVarSource{},
		kindVolumeMount:       corev1.VolumeMount{},
		kindVolume:            corev1.Volume{},
		kindProjection:        corev1.VolumeProjection{},
		kindProbe:             corev1.Probe{},
		kindHTTPProbe:         corev1.HTTPGetAction{},
		kindTCPProbe:          corev1.TCPSocketAction{},
		kindLifecycle:         corev1.Lifecycle{},
		kindHook:              corev1.LifecycleHandler{},
		kindSecurity:          corev1.SecurityContext{},
		kindInitSecurity:      corev1.SecurityContext{},
		kindPodSecurity:       corev1.PodSecurityContext{},
		kindResources:         corev1.ResourceRequirements{},
		kindEmptyDir:          corev1.EmptyDirVolumeSource{},
		kindConfigMapVolume:   corev1.ConfigMapVolumeSource{},
		kindSecretVolume:      corev1.SecretVolumeSource{},
		kindDownwardVolume:    corev1.DownwardAPIVolumeSource{},
		kindProjectedVolume:   corev1.ProjectedVolumeSource{},
		kindNFSVolume:         corev1.NFSVolumeSource{},
		kindFlexVolume:        corev1.FlexVolumeSource{},
		kindCSIVolume:         corev1.CSIVolumeSource{},
		kindClaimVolume:       corev1.PersistentVolumeClaimVolumeSource{},
		kindHostPathVolume:    corev1.HostPathVolumeSource{},
		kindGRPCProbe:         corev1.GRPCAction{},
		kindServiceAccountTok: corev1.ServiceAccountTokenProjection{},
	}
}

func TestEveryFieldOfAPodHasExactlyOneRule(t *testing.T) {
	rows := map[[2]string]int{}
	for _, rule := range Rules() {
		rows[[2]string{rule.Kind, rule.Field}]++
	}
	for kind, object := range ruledTypes() {
		for _, name := range fieldNames(reflect.TypeOf(object)) {
			key := [2]string{kind, name}
			if rows[key] != 1 {
				t.Errorf("%s.%s has %d rows", kind, name, rows[key])
			}
			delete(rows, key)
		}
	}
	for key := range rows {
		t.Errorf("%s.%s is no field of Kubernetes", key[0], key[1])
	}
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		name, inline := fieldName(t.Field(i))
		if inline {
			names = append(names, fieldNames(t.Field(i).Type)...)
			continue
		}
		names = append(names, name)
	}
	return names
}

// TestEveryRefusedFieldIsRefused sets each refused field to a value in turn, so
// that no row can promise a refusal that does not happen.
func TestEveryRefusedFieldIsRefused(t *testing.T) {
	for kind, object := range ruledTypes() {
		for _, rule := range Rules() {
			if rule.Kind != kind || rule.Treatment != Refused {
				continue
			}
			if !refusesSome(kind, rule.Field, reflect.TypeOf(object)) {
				t.Errorf("%s.%s is not refused", kind, rule.Field)
			}
			if rule.Note == "" {
				t.Errorf("%s.%s is refused without saying why", kind, rule.Field)
			}
		}
	}
}

// refusesSome says whether some value of the field is refused, at its path. A
// pointer to a boolean asks for the default with one of the two.
func refusesSome(kind, name string, structure reflect.Type) bool {
	for _, b := range []bool{true, false} {
		value := reflect.New(structure).Elem()
		setField(value, name, b)
		tr := newTranslator(nil, Objects{}, testConfig())
		tr.check(kind, value.Interface(), nil)
		if len(tr.refusals) == 1 && tr.refusals[0].Field == name {
			return true
		}
	}
	return false
}

func setField(v reflect.Value, name string, b bool) {
	for i := range v.NumField() {
		field, inline := fieldName(v.Type().Field(i))
		switch {
		case inline:
			setField(v.Field(i), name, b)
		case field == name:
			fill(v.Field(i), b)
		}
	}
}

// fill gives v a value that no rule takes for the default.
func fill(v reflect.Value, b bool) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if v.Elem().Kind() != reflect.Struct {
			fill(v.Elem(), b)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Bool:
		v.SetBool(b)
	case reflect.String:
		v.SetString("something")
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	}
}

func TestAFieldThatIsNotKnownIsRefused(t *testing.T) {
	tr := newTranslator(nil, Objects{}, testConfig())
	tr.check(kindPort, struct {
		New string `json:"brandNew,omitempty"`
	}{New: "x"}, nil)
	if len(tr.refusals) != 1 || tr.refusals[0].Field != "brandNew" {
		t.Errorf("refusals %v", tr.refusals)
	}
}

func TestAnnotationKeysAreUniqueAndSayWhatTheyAre(t *testing.T) {
	var keys []string
	for _, row := range Annotations() {
		keys = append(append(keys, row.Key), row.Aliases...)
		if row.Note == "" || row.Parameter != "" && row.apply == nil {
			t.Errorf("row %+v is not whole", row)
		}
	}
	slices.Sort(keys)
	if unique := slices.Compact(slices.Clone(keys)); len(unique) != len(keys) {
		t.Errorf("a key stands twice in %v", keys)
	}
}
