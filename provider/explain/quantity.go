package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// mayCost matches text that has a number which is costly to parse, if it is a
// quantity.
var mayCost = regexp.MustCompile(`[eE][-+]?[0-9]{2}|[0-9.]{60}`)

// costlyQuantity returns the path of the first quantity that is not to be decoded,
// and why.
func costlyQuantity(data []byte) (at string, err error) {
	if !mayCost.Match(data) {
		return "", nil
	}
	at = searchQuantity(data, func(text string) bool {
		err = request.CheckQuantityText(text)
		return err != nil
	})
	return at, err
}

// badQuantity returns the path of the first quantity that is none, or "". The
// decoder, which finds it, does not say where it is.
func badQuantity(data []byte) string {
	return searchQuantity(data, func(text string) bool {
		_, err := request.ParseQuantity(text)
		return err != nil
	})
}

// searchQuantity returns the path of the first quantity whose text is wanted, or
// "".
func searchQuantity(data []byte, wanted func(text string) bool) string {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // a float64 has lost the text
	var object any
	if decoder.Decode(&object) != nil {
		return ""
	}
	return quantitySearch(wanted).in(object, nil)
}

// quantitySearch reports whether the text of a quantity is searched for.
type quantitySearch func(text string) bool

// Names of the fields that hold quantities: one, or one for each resource.
var (
	quantityFields = []string{"sizeLimit", "divisor"}
	listFields     = []string{"limits", "requests", "overhead", "capacity", "allocatedResources"}
)

func (s quantitySearch) in(value any, at *field.Path) string {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if found := s.inField(name, value[name], child(at, name)); found != "" {
				return found
			}
		}
	case []any:
		for i, item := range value {
			if found := s.in(item, at.Index(i)); found != "" {
				return found
			}
		}
	}
	return ""
}

// inField searches a field by the name that fields with quantities have.
func (s quantitySearch) inField(name string, value any, at *field.Path) string {
	list, isList := value.(map[string]any)
	switch {
	case isList && slices.Contains(listFields, name):
		for _, key := range slices.Sorted(maps.Keys(list)) {
			if s(textOf(list[key])) {
				return at.Key(key).String()
			}
		}
		return ""
	case slices.Contains(quantityFields, name):
		if s(textOf(value)) {
			return at.String()
		}
		return ""
	}
	return s.in(value, at)
}

// textOf is what the decoder of quantities would get.
func textOf(value any) string { return strings.TrimSpace(fmt.Sprint(value)) }

func child(at *field.Path, name string) *field.Path {
	if at == nil {
		return field.NewPath(name)
	}
	return at.Child(name)
}
