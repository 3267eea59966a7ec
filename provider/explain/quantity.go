package explain

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// badQuantity returns the path of the first quantity that is none, or "". The
// decoder, which finds it, does not say where it is.
func badQuantity(data []byte) string {
	var object any
	if json.Unmarshal(data, &object) != nil {
		return ""
	}
	return findQuantity(object, nil)
}

func findQuantity(value any, at *field.Path) string {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if found := findQuantityIn(name, value[name], child(at, name)); found != "" {
				return found
			}
		}
	case []any:
		for i, item := range value {
			if found := findQuantity(item, at.Index(i)); found != "" {
				return found
			}
		}
	}
	return ""
}

// findQuantityIn looks at a field by the name that fields with quantities have.
func findQuantityIn(name string, value any, at *field.Path) string {
	list, isList := value.(map[string]any)
	switch name {
	case "limits", "requests", "overhead", "capacity":
		if !isList {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(list)) {
			if !isQuantity(list[key]) {
				return at.Key(key).String()
			}
		}
		return ""
	case "sizeLimit", "divisor":
		if !isQuantity(value) {
			return at.String()
		}
		return ""
	}
	return findQuantity(value, at)
}

func isQuantity(value any) bool {
	_, err := resource.ParseQuantity(fmt.Sprint(value))
	return err == nil
}

func child(at *field.Path, name string) *field.Path {
	if at == nil {
		return field.NewPath(name)
	}
	return at.Child(name)
}
