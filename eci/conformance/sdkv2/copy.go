package sdkv2

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// mode says what to do with a field that the other side does not have.
type mode bool

const (
	strict  mode = true
	lenient mode = false
)

// copyWire copies src into dst by wire names. Strict copying fails on a value
// that dst has no field for; nothing else is lost silently either.
func copyWire(path string, dst, src reflect.Value, m mode) error {
	for src.Kind() == reflect.Pointer || src.Kind() == reflect.Interface && dst.Kind() != reflect.Interface {
		if src.IsNil() {
			return nil
		}
		src = src.Elem()
	}
	if dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(dst.Type().Elem()))
		return copyWire(path, dst.Elem(), src, m)
	}
	switch {
	case src.Kind() == reflect.Struct && dst.Kind() == reflect.Struct:
		return copyStruct(path, dst, src, m)
	case src.Kind() == reflect.Slice && dst.Kind() == reflect.Slice:
		return copySlice(path, dst, src, m)
	case src.Kind() == reflect.Slice && dst.Kind() == reflect.String:
		text, err := json.Marshal(src.Interface())
		dst.SetString(string(text))
		return err
	case src.Kind() == reflect.Map && dst.Kind() == reflect.Map:
		dst.Set(src.Convert(dst.Type()))
		return nil
	case src.Kind() == dst.Kind(), src.CanInt() && dst.CanInt(), src.CanFloat() && dst.CanFloat():
		dst.Set(src.Convert(dst.Type()))
		return nil
	}
	return fmt.Errorf("%s: %s does not fit into %s", path, src.Type(), dst.Type())
}

func copySlice(path string, dst, src reflect.Value, m mode) error {
	dst.Set(reflect.MakeSlice(dst.Type(), src.Len(), src.Len()))
	for i := range src.Len() {
		if err := copyWire(fmt.Sprintf("%s.%d", path, i+1), dst.Index(i), src.Index(i), m); err != nil {
			return err
		}
	}
	return nil
}

func copyStruct(path string, dst, src reflect.Value, m mode) error {
	var errs []error
	for name, from := range wireFields(src.Type()) {
		value := src.FieldByIndex(from.Index)
		if value.IsZero() && strings.Contains(from.Tag.Get("json"), ",omit") {
			continue
		}
		to, known := wireFields(dst.Type())[name]
		switch {
		case known:
			errs = append(errs, copyWire(path+"."+name, dst.FieldByIndex(to.Index), value, m))
		case m == strict && !value.IsZero():
			errs = append(errs, fmt.Errorf("%s.%s: %s has no such field", path, name, dst.Type()))
		}
	}
	return errors.Join(errs...)
}

// wireFields are the fields of a struct by wire name, those of embedded structs
// with them.
func wireFields(t reflect.Type) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			fields[name] = f
		}
	}
	return fields
}
