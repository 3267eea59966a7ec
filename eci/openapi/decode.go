package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// decode reads an answer; pages of states are read with what was seen before.
func (c *Client) decode(body []byte, resp any) error {
	if page, ok := resp.(*eci.DescribeContainerGroupStatusResponse); ok && c.seen.decode(body, page) {
		return nil
	}
	return decode(body, resp)
}

// decode reads an answer into resp, a pointer to a struct. Gateways have been
// seen to write numbers and booleans as texts, numbers for texts, and "" for an
// empty list or object: such an answer is read a second time, leniently. What
// resp held before, from an attempt that failed, is forgotten.
func decode(body []byte, resp any) error {
	reflect.ValueOf(resp).Elem().SetZero()
	err := json.Unmarshal(body, resp)
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return err
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return err
	}
	fitted, err := json.Marshal(fit(tree, reflect.TypeOf(resp)))
	if err != nil {
		return err
	}
	reflect.ValueOf(resp).Elem().SetZero()
	return json.Unmarshal(fitted, resp)
}

// fit turns the scalars of tree into what t takes; what cannot be turned stays,
// for encoding/json to refuse.
func fit(tree any, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch value := tree.(type) {
	case map[string]any:
		return fitObject(value, t)
	case []any:
		if t.Kind() == reflect.Slice {
			for i := range value {
				value[i] = fit(value[i], t.Elem())
			}
		}
	case string:
		return fitText(value, t)
	case json.Number:
		if t.Kind() == reflect.String {
			return value.String()
		}
	case bool:
		if t.Kind() == reflect.String {
			return strconv.FormatBool(value)
		}
	}
	return tree
}

func fitObject(object map[string]any, t reflect.Type) any {
	if t.Kind() != reflect.Struct {
		return object
	}
	for name, value := range object {
		if field, ok := fieldNamed(t, name); ok {
			object[name] = fit(value, field.Type)
		}
	}
	return object
}

func fitText(text string, t reflect.Type) any {
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map:
		if text == "" {
			return nil
		}
	case reflect.Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	case reflect.Int32, reflect.Int64, reflect.Float64:
		if text == "" {
			return nil
		}
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return json.Number(text)
		}
	}
	return text
}

// fieldNamed finds a field by its wire name, whatever the letter case, through
// embedded structs.
func fieldNamed(t reflect.Type, name string) (reflect.StructField, bool) {
	for _, field := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag != "" && strings.EqualFold(tag, name) {
			return field, true
		}
	}
	return reflect.StructField{}, false
}
