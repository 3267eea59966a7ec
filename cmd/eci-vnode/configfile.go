package main

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/eci-vnode/eci-vnode/provider/explain"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// readConfig overlays c with a YAML file. The error joins those of all keys that are
// unknown or of the wrong type.
func readConfig(c *Config, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return decodeConfig(c, data)
}

func decodeConfig(c *Config, data []byte) error {
	if err := explain.CheckAliases(data); err != nil {
		return err
	}
	object, twice := yaml.YAMLToJSONStrict(data)
	if twice != nil {
		var err error
		if object, err = yaml.YAMLToJSON(data); err != nil {
			return err
		}
	}
	var d configDecoder
	d.decode(nil, object, reflect.ValueOf(c).Elem())
	return errors.Join(twice, d.problems.ToAggregate())
}

// configDecoder decodes as encoding/json does, and goes on after a problem: whoever
// writes a file learns of all that is wrong with it at once.
type configDecoder struct{ problems field.ErrorList }

// decode overlays into with a value of the file.
func (d *configDecoder) decode(path *field.Path, value json.RawMessage, into reflect.Value) {
	_, special := into.Addr().Interface().(json.Unmarshaler)
	switch kind := into.Kind(); {
	case string(value) == "null":
		_ = json.Unmarshal(value, into.Addr().Interface()) // no type refuses it
	case special:
		d.decodeValue(path, value, into)
	case kind == reflect.Struct:
		d.decodeStruct(path, value, into)
	case kind == reflect.Map:
		d.decodeMap(path, value, into)
	case kind == reflect.Slice:
		d.decodeList(path, value, into)
	default:
		d.decodeValue(path, value, into)
	}
}

func (d *configDecoder) decodeStruct(path *field.Path, value json.RawMessage, into reflect.Value) {
	values, fields := d.keysOf(path, value), map[string]reflect.Value{}
	for _, f := range reflect.VisibleFields(into.Type()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = into.FieldByIndex(f.Index)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if at, known := fields[key]; known {
			d.decode(path.Child(key), values[key], at)
		} else {
			d.problems = append(d.problems, field.Forbidden(path.Child(key), "unknown key; see docs/configuration.md for those that there are"))
		}
	}
}

func (d *configDecoder) decodeMap(path *field.Path, value json.RawMessage, into reflect.Value) {
	values := d.keysOf(path, value)
	if into.IsNil() {
		into.Set(reflect.MakeMap(into.Type()))
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		element := reflect.New(into.Type().Elem()).Elem()
		d.decode(path.Key(key), values[key], element)
		into.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), element)
	}
}

func (d *configDecoder) decodeList(path *field.Path, value json.RawMessage, into reflect.Value) {
	var values []json.RawMessage
	if json.Unmarshal(value, &values) != nil {
		d.wrongType(path, value, into.Type())
		return
	}
	list := reflect.MakeSlice(into.Type(), len(values), len(values))
	for i, element := range values {
		d.decode(path.Index(i), element, list.Index(i))
	}
	into.Set(list)
}

// keysOf returns the values of a map of the file by their keys.
func (d *configDecoder) keysOf(path *field.Path, value json.RawMessage) map[string]json.RawMessage {
	var values map[string]json.RawMessage
	if json.Unmarshal(value, &values) != nil {
		d.wrongType(path, value, reflect.TypeFor[map[string]any]())
	}
	return values
}

// decodeValue decodes what has no keys. YAML takes 5 and true for no strings, where a
// label may well have such a value.
func (d *configDecoder) decodeValue(path *field.Path, value json.RawMessage, into reflect.Value) {
	if into.Kind() == reflect.String && strings.ContainsRune("-0123456789tf", rune(value[0])) {
		into.SetString(string(value))
		return
	}
	if into.Type() == reflect.TypeFor[resource.Quantity]() {
		if _, err := request.ParseQuantity(strings.TrimSpace(strings.Trim(string(value), `"`))); err != nil { // in time that the text does not decide
			d.wrongType(path, value, into.Type())
			return
		}
	}
	if json.Unmarshal(value, into.Addr().Interface()) != nil {
		d.wrongType(path, value, into.Type())
	}
}

// maxShown bounds what is shown of a value, in bytes.
const maxShown = 60

func (d *configDecoder) wrongType(path *field.Path, value json.RawMessage, want reflect.Type) {
	shown := string(value)
	if len(shown) > maxShown {
		shown = strings.ToValidUTF8(shown[:maxShown], "") + "..."
	}
	if path == nil {
		path = field.NewPath("(root)")
	}
	d.problems = append(d.problems, field.Invalid(path, field.OmitValueType{}, shown+": must be "+wanted(want)))
}

// wanted names the type of a setting for those who write the file.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[metav1.Duration]():
		return "a duration such as 5s or 2m"
	case t == reflect.TypeFor[resource.Quantity]():
		return "a quantity such as 1000 or 4Ti, below 9223372036854775807"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Map:
		return "a map"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "a whole number in the range of the setting"
	}
	return "a value of the type " + t.String()
}
