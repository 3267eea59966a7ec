package request

import (
	"reflect"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ruleIndex finds the row of a field, and the names of the fields of a type: to
// read its tags anew for every pod would be an eighth of the time of a translation.
type ruleIndex struct {
	rows   map[[2]string]Rule
	fields map[reflect.Type][]namedField
}

type namedField struct {
	name   string
	inline bool
}

// ruleTable is the index, made once: a translation asks it for every field.
var ruleTable = sync.OnceValue(indexRules)

func indexRules() ruleIndex {
	index := ruleIndex{rows: map[[2]string]Rule{}, fields: map[reflect.Type][]namedField{}}
	for _, rule := range Rules() {
		index.rows[[2]string{rule.Kind, rule.Field}] = rule
	}
	index.addFields(reflect.TypeFor[corev1.PodSpec]())
	return index
}

// addFields names the fields of a struct, and of all that it holds.
func (x ruleIndex) addFields(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		x.addFields(t.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	if _, known := x.fields[t]; known {
		return
	}
	x.fields[t] = namedFields(t)
	for i := range t.NumField() {
		x.addFields(t.Field(i).Type)
	}
}

// fieldsOf are the fields of a struct.
func (x ruleIndex) fieldsOf(t reflect.Type) []namedField {
	if fields, known := x.fields[t]; known {
		return fields
	}
	return namedFields(t)
}

func namedFields(t reflect.Type) []namedField {
	fields := make([]namedField, t.NumField())
	for i := range fields {
		fields[i].name, fields[i].inline = fieldName(t.Field(i))
	}
	return fields
}

// check refuses every field of object that its row refuses. object is a struct,
// or a pointer to one that is not nil. A field without a row is refused as well:
// it is newer than this program.
func (t *translator) check(kind string, object any, path *field.Path) {
	value := reflect.Indirect(reflect.ValueOf(object))
	for i, f := range t.rules.fieldsOf(value.Type()) {
		part, name := value.Field(i), f.name
		if f.inline {
			t.check(kind, part.Interface(), path)
			continue
		}
		if isUnset(part) {
			continue
		}
		row := [2]string{kind, name}
		rule, known := t.rules.rows[row]
		t.used[row] = true
		switch {
		case !known:
			t.refuse(path.Child(name), "this field is not known here")
		case rule.Treatment == Refused && (rule.anyway == nil || !rule.anyway(reflect.Indirect(part).Interface())):
			t.refuse(path.Child(name), rule.Note)
		}
	}
}

// isUnset says whether a field asks for nothing: a pointer that is set asks,
// even for a zero value.
func isUnset(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Slice, reflect.Map:
		return value.Len() == 0
	}
	return value.IsZero()
}

// fieldName is the name of a field in YAML.
func fieldName(f reflect.StructField) (name string, inline bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, strings.Contains(options, "inline") || f.Anonymous
}

// isFull reports whether so much is refused that more would not be told.
func (t *translator) isFull() bool { return len(t.refusals) >= maxCollected }

// refuse records that the field at path cannot be served.
func (t *translator) refuse(path *field.Path, why string) {
	if t.isFull() {
		return
	}
	t.refusals = append(t.refusals, field.Forbidden(path, why))
}

// invalid records a value that ECI, or Kubernetes, cannot take.
func (t *translator) invalid(path *field.Path, value any, why string) {
	if t.isFull() {
		return
	}
	t.refusals = append(t.refusals, field.Invalid(path, value, why))
}

// warn records something that the user should know.
func (t *translator) warn(reason string, path *field.Path, message string) {
	if len(t.warnings) >= maxCollected {
		return
	}
	t.warnings = append(t.warnings, Warning{Reason: reason, Path: path.String(), Message: message})
}

// harden records a restriction that ECI cannot apply.
func (t *translator) harden(path *field.Path, why string) {
	if t.cfg.Hardening == HardeningRefuse {
		t.refuse(path, why)
		return
	}
	t.warn(ReasonNotApplied, path, "not applied: "+why)
}
