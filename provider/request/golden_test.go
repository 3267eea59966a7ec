package request

import (
	"bytes"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/eci-vnode/eci-vnode/eci"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// TestGoldens translates the pods of every testdata/<case>.in.yaml, and of every
// example, and compares with <case>.out.yaml, or <case>.err.txt for those that
// are refused or lack an object.
func TestGoldens(t *testing.T) {
	cases := mustGlob(t, "testdata/*.in.yaml")
	if len(cases) < 250 {
		t.Errorf("only %d goldens found", len(cases))
	}
	for _, in := range cases {
		stem := strings.TrimSuffix(in, ".in.yaml")
		t.Run(filepath.Base(stem), func(t *testing.T) { checkGolden(t, in, stem) })
	}
	for _, in := range mustGlob(t, "../../examples/*.yaml") {
		stem := filepath.Join("testdata", "examples", strings.TrimSuffix(filepath.Base(in), ".yaml"))
		t.Run("examples/"+filepath.Base(stem), func(t *testing.T) { checkGolden(t, in, stem) })
	}
}

func mustGlob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func checkGolden(t *testing.T, in, stem string) {
	t.Helper()
	documents := mustReadDocuments(t, in)
	var out, failures []string
	for _, pod := range documents.pods {
		before := pod.DeepCopy()
		objects := documents.objectsFor(pod)
		translation, err := Translate(pod, objects, documents.config)
		if diff := cmp.Diff(before, pod); diff != "" {
			t.Errorf("the pod was changed:\n%s", diff)
		}
		if err != nil {
			failures = append(failures, describe(err))
			checkPaths(t, pod, err)
			checkSilent(t, err.Error(), objects)
			continue
		}
		checkInvariants(t, translation.Request)
		checkShown(t, translation, objects)
		out = append(out, show(t, translation))
	}
	compareGolden(t, stem+".out.yaml", strings.Join(out, "---\n"))
	compareGolden(t, stem+".err.txt", strings.Join(failures, "---\n"))
}

// describe shows the class of an error and each of its parts on a line.
func describe(err error) string {
	var lines []string
	switch {
	case IsRefused(err):
		lines = append(lines, "refused:")
		for _, problem := range err.(*RefusedError).Fields {
			lines = append(lines, problem.Error())
		}
	case IsMissingObject(err):
		lines = append(lines, "missing:")
		for _, object := range MissingObjects(err) {
			lines = append(lines, object.Reason()+": "+object.String())
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// compareGolden compares with a file that does not exist when want is empty.
func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if got == "" {
			os.Remove(file)
			return
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (run with -update to accept):\n%s", file, diff)
	}
}

// show prints the translation as YAML under the names of the wire. Secrets,
// which print as *** everywhere else, are shown: the test's own are not secret.
func show(t *testing.T, translation *Translation) string {
	t.Helper()
	top := map[string]any{"request": plain(reflect.ValueOf(*translation.Request))}
	if translation.EIP != nil && !translation.EIP.ByGroup {
		top["eip"] = translation.EIP
	}
	var warnings []string
	for _, w := range translation.Warnings {
		warnings = append(warnings, w.Reason+": "+w.String())
	}
	if translation.Behaviour != (Behaviour{}) {
		top["behaviour"] = translation.Behaviour
	}
	if len(warnings) > 0 {
		top["warnings"] = warnings
	}
	text, err := yaml.Marshal(top)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// plain turns a value into maps and lists with the names of the wire; what is
// empty is left out, but for the value of a variable.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case reflect.Slice:
		var list []any
		for i := range v.Len() {
			list = append(list, plain(v.Index(i)))
		}
		return list
	case reflect.Struct:
		fields := map[string]any{}
		addFields(fields, v)
		return fields
	}
	switch value := v.Interface().(type) {
	case eci.Secret:
		return reveal(value)
	case eci.OctalMode:
		return value.String()
	default:
		return value
	}
}

func addFields(fields map[string]any, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			addFields(fields, v.Field(i))
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if options == "" || !v.Field(i).IsZero() {
			fields[name] = plain(v.Field(i))
		}
	}
}

// reveal shows the text behind the BASE64 of a config file.
func reveal(secret eci.Secret) string {
	data, err := base64.StdEncoding.DecodeString(secret.Reveal())
	if err != nil || len(data) == 0 || !bytes.Equal(bytes.ToValidUTF8(data, nil), data) {
		return secret.Reveal()
	}
	return "base64(" + string(data) + ")"
}
