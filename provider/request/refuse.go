package request

import (
	"reflect"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ruleIndex finds the row of a field.
type ruleIndex map[[2]string]Rule

// ruleTable is the index, made once: a translation asks it for every field.
var ruleTable = sync.OnceValue(indexRules)

func indexRules() ruleIndex {
	index := ruleIndex{}
	for _, rule := range Rules() {
		index[[2]string{rule.Kind, rule.Field}] = rule
	}
	return index
}

// check refuses every field of object that its row refuses. object is a struct,
// or a pointer to one that is not nil. A field without a row is refused as well:
// it is newer than this program.
func (t *translator) check(kind string, object any, path *field.Path) {
	value := reflect.Indirect(reflect.ValueOf(object))
	for i := range value.NumField() {
		name, inline := fieldName(value.Type().Field(i))
		if inline {
			t.check(kind, value.Field(i).Interface(), path)
			continue
		}
		part := value.Field(i)
		if isUnset(part) {
			continue
		}
		rule, known := t.rules[[2]string{kind, name}]
		t.used[[2]string{kind, name}] = true
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

// refuse records that the field at path cannot be served.
func (t *translator) refuse(path *field.Path, why string) {
	t.refusals = append(t.refusals, field.Forbidden(path, why))
}

// invalid records a value that ECI, or Kubernetes, cannot take.
func (t *translator) invalid(path *field.Path, value any, why string) {
	t.refusals = append(t.refusals, field.Invalid(path, value, why))
}

// warn records something that the user should know.
func (t *translator) warn(reason string, path *field.Path, message string) {
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
