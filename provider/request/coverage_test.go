package request

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

// TestEveryRowHasAGolden wants a case for each row of both tables: a row that no
// pod touches proves nothing.
func TestEveryRowHasAGolden(t *testing.T) {
	used := map[[2]string]bool{}
	for _, in := range append(mustGlob(t, "testdata/*.in.yaml"), mustGlob(t, "../../examples/*.yaml")...) {
		documents := mustReadDocuments(t, in)
		for _, pod := range documents.pods {
			tr := newTranslator(pod, documents.objectsFor(pod), documents.config)
			tr.translate()
			for row := range tr.used {
				used[row] = true
			}
		}
	}
	for _, rule := range Rules() {
		if !used[[2]string{rule.Kind, rule.Field}] {
			t.Errorf("no golden has %s.%s", rule.Kind, rule.Field)
		}
	}
	for _, row := range Annotations() {
		for _, key := range append([]string{row.Key}, row.Aliases...) {
			if !used[[2]string{"annotation", key}] {
				t.Errorf("no golden has the annotation %s", key)
			}
		}
	}
}

// checkPaths wants every refusal, and every missing object, to name a field that
// the pod has, or one that a part of the pod lacks.
func checkPaths(t *testing.T, pod *corev1.Pod, err error) {
	t.Helper()
	var paths []string
	if refused, ok := err.(*RefusedError); ok {
		for _, problem := range refused.Fields {
			paths = append(paths, problem.Field)
		}
	}
	for _, missing := range MissingObjects(err) {
		paths = append(paths, missing.Path)
	}
	for _, path := range paths {
		if !hasPath(reflect.ValueOf(*pod), path) {
			t.Errorf("the pod has no %s: %v", path, err)
		}
	}
	if len(paths) == 0 {
		t.Errorf("no path in %v", err)
	}
}

// step is one part of a path: a name, an index or a key.
var step = regexp.MustCompile(`^\.?([A-Za-z]+)|^\[(\d+)\]`)

// hasPath walks down v. Every part but the last must be there; the last one may
// be a field that is not set.
func hasPath(v reflect.Value, path string) bool {
	for path != "" {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return false
			}
			v = v.Elem()
		}
		if v.Kind() == reflect.Map {
			key, opens := strings.CutPrefix(path, "[")
			key, closes := strings.CutSuffix(key, "]") // a key may have brackets of its own
			return opens && closes && v.MapIndex(reflect.ValueOf(key).Convert(v.Type().Key())).IsValid()
		}
		found := step.FindStringSubmatch(path)
		if found == nil {
			return false
		}
		path = path[len(found[0]):]
		switch {
		case found[1] != "" && v.Kind() == reflect.Struct:
			if v = fieldByTag(v, found[1]); !v.IsValid() {
				return false
			}
		case found[2] != "" && v.Kind() == reflect.Slice:
			i, err := strconv.Atoi(found[2])
			if err != nil || i >= v.Len() {
				return false
			}
			v = v.Index(i)
		default:
			return false
		}
	}
	return true
}

func fieldByTag(v reflect.Value, tag string) reflect.Value {
	for i := range v.NumField() {
		name, inline := fieldName(v.Type().Field(i))
		if name == tag {
			return v.Field(i)
		}
		if inline {
			if found := fieldByTag(v.Field(i), tag); found.IsValid() {
				return found
			}
		}
	}
	return reflect.Value{}
}

// minSecret keeps texts such as "a" out, which stand everywhere.
const minSecret = 6

// checkShown looks for what is in Secrets in the request as it may be shown.
func checkShown(t *testing.T, translation *Translation, objects Objects) {
	t.Helper()
	text, err := json.Marshal(translation.Shown())
	if err != nil {
		t.Fatal(err)
	}
	checkSilent(t, string(text), objects)
	for _, warning := range translation.Warnings {
		checkSilent(t, warning.String(), objects)
	}
}

// checkSilent wants a text to hold nothing that is in a Secret.
func checkSilent(t *testing.T, text string, objects Objects) {
	t.Helper()
	for name, secret := range objects.Secrets {
		for key, value := range secret.Data {
			if len(value) >= minSecret && strings.Contains(text, string(value)) {
				t.Errorf("key %s of secret %s is shown", key, name)
			}
		}
	}
}

func TestShownLeavesTheRequestWhole(t *testing.T) {
	documents := mustReadDocuments(t, "testdata/secret-expanded.in.yaml")
	pod := documents.pods[0]
	translation, err := Translate(pod, documents.objectsFor(pod), documents.config)
	if err != nil {
		t.Fatal(err)
	}
	shown := translation.Shown().Containers[0]
	real := translation.Request.Containers[0]
	if !containsWord(real.Args, "--password=correct horse") || containsWord(shown.Args, "--password=correct horse") {
		t.Errorf("args %q shown as %q", real.Args, shown.Args)
	}
	if valueOf(real, "URL") != "db://me:correct horse@db" || valueOf(shown, "URL") != redacted || valueOf(shown, "PLAIN") != "plain" {
		t.Errorf("variables %v shown as %v", real.EnvironmentVars, shown.EnvironmentVars)
	}
}

func containsWord(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

func valueOf(c eci.Container, key string) string {
	for _, v := range c.EnvironmentVars {
		if v.Key == key {
			return v.Value
		}
	}
	return ""
}
