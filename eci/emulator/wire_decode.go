package emulator

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/eci-vnode/eci-vnode/eci"
)

// maxIndex bounds list indexes, so that no request makes a huge list.
const maxIndex = 1000

// brokenList is what the official V1 SDK sends for lists inside structures that
// were not set, by a slip of its reflection. The cloud ignores it, and so does
// the strict decoder.
const brokenList = "<[]string Value>"

// decoder turns flattened parameters (Container.1.Name) into a request struct,
// by the json tags of its type. It is written from the wire's rules, without a
// look at any encoder.
type decoder struct {
	strict bool
	// fields remembers the wire names of each struct type: a map from
	// reflect.Type to map[string][]int.
	fields *sync.Map
}

// decode fills into, which points to a struct. Common parameters are skipped.
func (d decoder) decode(params map[string]string, into any) *eci.Error {
	root := &node{}
	for _, name := range sortedKeys(params) {
		if isCommon(name) {
			continue
		}
		if !root.insert(name, params[name]) && d.strict {
			return invalid(name, "it is both a value and a structure")
		}
	}
	return d.value(root, "", reflect.ValueOf(into).Elem())
}

// node is one level of the dotted names.
type node struct {
	value    string
	isSet    bool
	children map[string]*node
}

// insert says false for a name that is at once a value and a parent.
func (n *node) insert(name, value string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if n.isSet {
			return false
		}
		if n.children == nil {
			n.children = map[string]*node{}
		}
		child := n.children[part]
		if child == nil {
			child = &node{}
			n.children[part] = child
		}
		n = child
	}
	if n.children != nil {
		return false
	}
	n.value, n.isSet = value, true
	return true
}

func (d decoder) value(n *node, path string, v reflect.Value) *eci.Error {
	switch target := v.Addr().Interface().(type) {
	case *eci.JSONList:
		return d.jsonList(n, path, target)
	case *eci.OctalMode:
		return d.octal(n, path, target)
	}
	switch v.Kind() {
	case reflect.Pointer:
		return d.pointer(n, path, v)
	case reflect.Struct:
		return d.structure(n, path, v)
	case reflect.Slice:
		return d.list(n, path, v)
	default:
		return d.scalar(n, path, v)
	}
}

// pointer leaves nil what has no content: a structure of empty texts was not
// sent.
func (d decoder) pointer(n *node, path string, v reflect.Value) *eci.Error {
	fresh := reflect.New(v.Type().Elem())
	if err := d.value(n, path, fresh.Elem()); err != nil {
		return err
	}
	if fresh.Elem().Kind() != reflect.Struct || !fresh.Elem().IsZero() {
		v.Set(fresh)
	}
	return nil
}

func (d decoder) structure(n *node, path string, v reflect.Value) *eci.Error {
	if n.isSet {
		return d.unknown(path)
	}
	for _, name := range sortedKeys(n.children) {
		index, ok := d.fieldsOf(v.Type())[name]
		if !ok {
			if err := d.unknown(join(path, name)); err != nil {
				return err
			}
			continue
		}
		if err := d.value(n.children[name], join(path, name), v.FieldByIndex(index)); err != nil {
			return err
		}
	}
	return nil
}

// unknown refuses a parameter in strict mode; the cloud would ignore it.
func (d decoder) unknown(path string) *eci.Error {
	if !d.strict {
		return nil
	}
	return invalid(path, "there is no such parameter")
}

// fieldsOf maps the wire names of a struct, embedded ones included, to fields.
func (d decoder) fieldsOf(t reflect.Type) map[string][]int {
	if known, ok := d.fields.Load(t); ok {
		return known.(map[string][]int)
	}
	fields := map[string][]int{}
	for _, field := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.Anonymous && tag != "" {
			fields[tag] = field.Index
		}
	}
	d.fields.Store(t, fields)
	return fields
}

func (d decoder) list(n *node, path string, v reflect.Value) *eci.Error {
	if n.isSet {
		if !d.strict || n.value == brokenList {
			return nil
		}
		return invalid(path, "it is a list: name it %s.1", path)
	}
	indexes, err := d.indexes(n, path)
	if err != nil {
		return err
	}
	items := reflect.MakeSlice(v.Type(), len(indexes), len(indexes))
	for i, index := range indexes {
		name := strconv.Itoa(index)
		if err := d.value(n.children[name], join(path, name), items.Index(i)); err != nil {
			return err
		}
	}
	v.Set(items)
	return nil
}

// indexes returns the indexes of a list in order; strict wants 1, 2, 3, ...
func (d decoder) indexes(n *node, path string) ([]int, *eci.Error) {
	indexes := make([]int, 0, len(n.children))
	for _, name := range sortedKeys(n.children) {
		index, err := strconv.Atoi(name)
		if err != nil || index < 1 || index > maxIndex || strconv.Itoa(index) != name {
			return nil, invalid(join(path, name), "%q is no list index from 1 to %d", name, maxIndex)
		}
		indexes = append(indexes, index)
	}
	slices.Sort(indexes)
	for i, index := range indexes {
		if d.strict && index != i+1 {
			return nil, invalid(join(path, strconv.Itoa(index)), "the list has no %d", i+1)
		}
	}
	return indexes, nil
}

func (d decoder) scalar(n *node, path string, v reflect.Value) *eci.Error {
	if !n.isSet {
		return d.unknown(join(path, sortedKeys(n.children)[0]))
	}
	if v.Kind() == reflect.String {
		v.SetString(n.value)
		return nil
	}
	if n.value == "" && !d.strict {
		return nil
	}
	return setNumber(n.value, path, v)
}

func setNumber(text, path string, v reflect.Value) *eci.Error {
	switch v.Kind() {
	case reflect.Bool:
		if text != "true" && text != "false" {
			return invalid(path, "%q is neither true nor false", text)
		}
		v.SetBool(text == "true")
	case reflect.Int32, reflect.Int64:
		number, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return invalid(path, "%q is no integer of %d bits", text, v.Type().Bits())
		}
		v.SetInt(number)
	case reflect.Float64:
		number, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
			return invalid(path, "%q is no number", text)
		}
		v.SetFloat(number)
	default:
		return invalid(path, "its type %s is unknown to the emulator", v.Type())
	}
	return nil
}

// jsonList reads one text that holds a JSON array; an empty array is as not
// sent.
func (d decoder) jsonList(n *node, path string, target *eci.JSONList) *eci.Error {
	if !n.isSet {
		return invalid(path, "it is one text with a JSON array, not a list of parameters")
	}
	if n.value == "" {
		return nil
	}
	var items []string
	if err := json.Unmarshal([]byte(n.value), &items); err != nil {
		return invalid(path, "it is no JSON array of texts")
	}
	if len(items) > 0 {
		*target = items
	}
	return nil
}

// octal reads a file mode, whose digits are octal: 644 or 0644.
func (d decoder) octal(n *node, path string, target *eci.OctalMode) *eci.Error {
	if !n.isSet {
		return d.unknown(join(path, sortedKeys(n.children)[0]))
	}
	if n.value == "" && !d.strict {
		return nil
	}
	perm, err := strconv.ParseUint(n.value, 8, 32)
	if err != nil || perm > 0o7777 {
		return invalid(path, "%q has not one to four octal digits", n.value)
	}
	*target = eci.NewOctalMode(uint32(perm))
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
