package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// minScrubbed is the length, in bytes, from which the value of an environment
// variable is looked for in error texts: a shorter one is hardly a secret, and
// taking it out would garble every text.
const minScrubbed = 8

// parameters are a request in the form of the wire.
type parameters struct {
	values map[string]string
	// secrets are the values that no error may show.
	secrets []string
}

// encode flattens a request: lists count from 1, nested structs are dotted, the
// name of a field is that of its json tag. omitempty drops zero values and nil;
// a pointer to a zero value, a field without omitempty and every element of a
// list are sent also when empty, so that no key loses its value and no list its
// order. req is a struct of package eci or a pointer to one.
func encode(req any) (parameters, error) {
	p := parameters{values: map[string]string{}}
	if err := p.add("", reflect.ValueOf(req)); err != nil {
		return parameters{}, fmt.Errorf("encoding %T: %w", req, err)
	}
	return p, nil
}

func (p *parameters) add(name string, v reflect.Value) error {
	switch value := v.Interface().(type) {
	case eci.Secret:
		p.values[name] = value.Reveal()
		p.secrets = append(p.secrets, value.Reveal())
		return nil
	case eci.OctalMode:
		p.values[name] = value.String()
		return nil
	case eci.JSONList:
		text, err := json.Marshal(value)
		p.values[name] = string(text)
		return err
	case eci.EnvironmentVar:
		return p.addVariable(name, value)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return p.add(name, v.Elem())
	case reflect.Struct:
		return p.addFields(name, v)
	case reflect.Slice:
		return p.addList(name, v)
	}
	text, err := scalar(v)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p.values[name] = text
	return nil
}

func (p *parameters) addFields(prefix string, v reflect.Value) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := prefix
		if !field.Anonymous {
			tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			if isEmpty(v.Field(i)) && strings.Contains(options, "omitempty") {
				continue
			}
			name = join(prefix, tag)
		}
		if err := p.add(name, v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func (p *parameters) addList(name string, v reflect.Value) error {
	for i := range v.Len() {
		if err := p.add(join(name, strconv.Itoa(i+1)), v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// addVariable sends an empty Value, as a key with it is not the same as no key;
// but none beside a FieldRef, which is another way to give the value.
func (p *parameters) addVariable(name string, v eci.EnvironmentVar) error {
	if err := p.addFields(name, reflect.ValueOf(v)); err != nil {
		return err
	}
	if v.FieldRef != nil && v.Value == "" {
		delete(p.values, join(name, "Value"))
	}
	if len(v.Value) >= minScrubbed {
		p.secrets = append(p.secrets, v.Value)
	}
	return nil
}

func scalar(v reflect.Value) (string, error) {
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64), nil
	}
	return "", fmt.Errorf("a %s has no form on the wire", v.Type())
}

// isEmpty is emptiness as encoding/json has it for omitempty.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}
