package request

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Prefixes of the annotations of ECI, and of the network controller, which makes
// EIPs for pods elsewhere.
const (
	annotationPrefix = "k8s.aliyun.com/"
	networkPrefix    = "network.alibabacloud.com/"
)

// Actor is who acts on an annotation.
type Actor string

// The actors.
const (
	// ActorRequest: it becomes a parameter, or changes the translation.
	ActorRequest Actor = "request"
	// ActorProvider: it becomes a part of Behaviour.
	ActorProvider Actor = "provider"
	// ActorRefused: it is refused, unless it asks for what happens anyway.
	ActorRefused Actor = "refused"
	// ActorNobody: it is output, and means nothing as input.
	ActorNobody Actor = "nobody"
)

// Annotation is the row of one annotation of a pod.
type Annotation struct {
	Key string
	// Aliases are older names of it.
	Aliases []string
	// Parameter is the parameter of CreateContainerGroup that it sets, or "".
	Parameter string
	// Note says what the value looks like, or why it is refused.
	Note string
	// Actor says who acts on it.
	Actor Actor
	// Permission is the resource of the account that the value names, or "" for an
	// annotation that means nothing beyond the pod itself.
	Permission Resource
	// checksItself says that apply, or what follows from it, asks for the
	// permission.
	checksItself bool
	// apply sets the parameter, or refuses; nil for what is written back and
	// means nothing in a request.
	apply func(t *translator, path *field.Path, value string)
}

// annotations applies every annotation of the pod that has a row, in the order
// of the table, and refuses what looks like a misspelled one.
func (t *translator) annotations() {
	table := annotationTable()
	for _, row := range table.rows {
		t.annotation(row)
	}
	t.checkTogether()
	t.eip()
	t.unknownAnnotations(table)
}

// unknownAnnotations refuses what has our prefix and no row, and names the row
// that may be meant.
func (t *translator) unknownAnnotations(table annotationIndex) {
	suggestions := 0
	for _, key := range sortedKeys(t.pod.Annotations) {
		if !strings.HasPrefix(key, annotationPrefix) && !strings.HasPrefix(key, ownPrefix) || table.known[key] {
			continue
		}
		why := "no such annotation"
		if suggestions < maxSuggestions && len(key) <= maxSuggestionKey {
			why += "; did you mean " + nearest(key, table.keys) + "?"
			suggestions++
		}
		t.refuse(annotationPath(key), why)
	}
}

// annotationIndex is the table with all keys that are not misspelled.
type annotationIndex struct {
	rows  []Annotation
	known map[string]bool
	// keys are those of known, in order.
	keys []string
}

// annotationTable is made once; nobody changes it.
var annotationTable = sync.OnceValue(func() annotationIndex {
	index := annotationIndex{rows: Annotations(), known: map[string]bool{}}
	for _, row := range index.rows {
		index.known[row.Key] = true
		for _, key := range row.Aliases {
			index.known[key] = true
		}
	}
	for _, key := range ForeignAnnotations() {
		index.known[key] = true
	}
	index.keys = sortedKeys(index.known)
	return index
})

// annotation applies one row. Of two names of one setting both may be given only
// with one value.
func (t *translator) annotation(row Annotation) {
	first := ""
	for i := range len(row.Aliases) + 1 {
		key := row.Key
		if i > 0 {
			key = row.Aliases[i-1]
		}
		value, given := t.pod.Annotations[key]
		if !given {
			continue
		}
		t.used[[2]string{"annotation", key}] = true
		switch {
		case len(value) > maxAnnotation:
			t.refuse(annotationPath(key), fmt.Sprintf("it has %d bytes, and at most %d are read", len(value), maxAnnotation))
		case first == "":
			first = key
			t.permitAnnotation(row, key, strings.TrimSpace(value))
			if row.apply != nil {
				row.apply(t, annotationPath(key), strings.TrimSpace(value))
			}
		case strings.TrimSpace(value) != strings.TrimSpace(t.pod.Annotations[first]):
			t.refuse(annotationPath(key), "it is another name of "+first+", which has another value: leave one out")
		}
	}
}

// named completes the names of a row with the prefix of ECI.
func (a Annotation) named() Annotation {
	a.Key = withPrefix(a.Key)
	a.Aliases = slices.Clone(a.Aliases)
	for i := range a.Aliases {
		a.Aliases[i] = withPrefix(a.Aliases[i])
	}
	if a.Actor == "" {
		a.Actor = ActorRequest
	}
	return a
}

// checkTogether refuses annotations that lack their companion.
func (t *translator) checkTogether() {
	if t.req.SpotStrategy == spotPriceLimit && t.req.SpotPriceLimit == 0 {
		t.refuse(annotationPath(keySpotStrategy), spotPriceLimit+" needs "+keySpotPrice)
	}
}

// givenPath is the path of the first of the keys that the pod has.
func (t *translator) givenPath(keys ...string) *field.Path {
	for _, key := range keys {
		if _, given := t.pod.Annotations[key]; given {
			return annotationPath(key)
		}
	}
	return field.NewPath("metadata", "annotations")
}

func annotationPath(key string) *field.Path {
	return field.NewPath("metadata", "annotations").Key(key)
}

// text sets a parameter as it is. An empty value asks for nothing.
func text(part func(*eci.CreateContainerGroupRequest) *string) func(*translator, *field.Path, string) {
	return func(t *translator, _ *field.Path, value string) {
		if value != "" {
			*part(t.req) = value
		}
	}
}

// textList sets a parameter that is a comma separated text, spaces removed, of
// at most most items.
func textList(most int, part func(*eci.CreateContainerGroupRequest) *string) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		items := splitList(value)
		if len(items) > most {
			t.refusals = append(t.refusals, field.TooMany(path, len(items), most))
		}
		if len(items) > 0 {
			*part(t.req) = strings.Join(items, ",")
		}
	}
}

// maxListItems is the length of the lists of the annotations. Source: OpenAPI
// metadata of NtpServer; the others have fewer values to choose from.
const maxListItems = 20

// list sets a parameter that is a list, where values are given of those only.
func list(part func(*eci.CreateContainerGroupRequest) *[]string, values ...string) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		items := splitList(value)
		t.checkCount(path, len(items), maxListItems)
		for _, item := range items {
			if len(values) > 0 && !slices.Contains(values, item) {
				t.refusals = append(t.refusals, field.NotSupported(path, item, values))
			}
		}
		*part(t.req) = items
	}
}

// oneOf sets a parameter to one of the values, told without regard to case.
func oneOf(part func(*eci.CreateContainerGroupRequest) *string, values ...string) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		i := slices.IndexFunc(values, func(known string) bool { return strings.EqualFold(known, value) })
		if i < 0 {
			t.refusals = append(t.refusals, field.NotSupported(path, value, values))
			return
		}
		*part(t.req) = values[i]
	}
}

// truth sets a boolean parameter.
func truth(part func(*eci.CreateContainerGroupRequest) **bool) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		if b, ok := t.parseBool(path, value); ok {
			*part(t.req) = ptr.To(b)
		}
	}
}

// whole sets an int32 parameter between least and most.
func whole(least, most int64, part func(*eci.CreateContainerGroupRequest) *int32) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		if n, ok := t.parseInt(path, value, least, most); ok {
			*part(t.req) = int32(n)
		}
	}
}

// long sets an int64 parameter that may be zero.
func long(least, most int64, part func(*eci.CreateContainerGroupRequest) **int64) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		if n, ok := t.parseInt(path, value, least, most); ok {
			*part(t.req) = ptr.To(n)
		}
	}
}

// onlyDefault takes the values that ask for what happens anyway, and refuses
// the others.
func onlyDefault(why string, values ...string) func(*translator, *field.Path, string) {
	return func(t *translator, path *field.Path, value string) {
		if !slices.Contains(values, strings.ToLower(value)) {
			t.refuse(path, why)
		}
	}
}

func (t *translator) parseBool(path *field.Path, value string) (b, ok bool) {
	switch strings.ToLower(value) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	t.invalid(path, value, `must be "true" or "false"`)
	return false, false
}

func (t *translator) parseInt(path *field.Path, value string, least, most int64) (int64, bool) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < least || n > most {
		t.invalid(path, value, "must be a whole number from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
		return 0, false
	}
	return n, true
}

// splitList splits a comma separated text; items are trimmed, empty ones left
// out.
func splitList(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// nearest returns the known key that takes the fewest edits.
func nearest(key string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int { return edits(key, a) - edits(key, b) })
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			if a[i] == b[j] {
				row[j+1] = diagonal
			} else {
				row[j+1] = 1 + min(diagonal, above, row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}
