package explain

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// source is the place of an object.
type source struct {
	file string
	// document counts from 1, and item in a List from 1; 0 is no List.
	document, item int
}

func (s source) String() string {
	text := fmt.Sprintf("%s: document %d", s.file, s.document)
	if s.item > 0 {
		text += fmt.Sprintf(", item %d", s.item)
	}
	return text
}

// header is what every object has.
type header struct {
	metav1.TypeMeta
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Items []json.RawMessage `json:"items"`
}

// Read adds the objects of a file: YAML or JSON, one document or many, Lists
// included. It reads strictly: a field that Kubernetes does not know, or that is
// there twice, is an error. The error holds every problem, each with file,
// document and field; the objects that were good are kept.
func (m *Manifests) Read(file string, content []byte) error {
	if len(content) > MaxFile {
		return fmt.Errorf("%s: it has %d bytes, and at most %d are read: split it", file, len(content), MaxFile)
	}
	documents, err := split(content)
	read := make([]readings, len(documents))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, document := range documents {
		group.Go(func() error {
			defer utilruntime.HandleCrash(func(cause any) {
				read[i] = readings{err: fmt.Errorf("%s: document %d: panic: %v", file, i+1, cause)}
			})
			read[i] = m.readDocument(source{file: file, document: i + 1}, document)
			return nil
		})
	}
	_ = group.Wait() // what is wrong with a document is among its readings
	var errs []error
	for _, r := range read {
		errs = append(errs, r.err)
		for _, add := range r.adds {
			add(m)
		}
	}
	if err != nil {
		errs = append(errs, fmt.Errorf("%s: document %d: %w", file, len(documents)+1, err))
	}
	return errors.Join(errs...)
}

// readings are what a document adds, in order, and all that is wrong with it.
type readings struct {
	adds []func(*Manifests)
	err  error
}

// split cuts a file into documents: a stream of JSON objects, or YAML, whose
// documents may be JSON too.
func split(content []byte) ([][]byte, error) {
	if documents, ok := splitJSON(content); ok {
		return documents, nil
	}
	var documents [][]byte
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return documents, err
		}
		documents = append(documents, document)
	}
}

// splitJSON is false for what is not JSON to its end.
func splitJSON(content []byte) ([][]byte, bool) {
	if !bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		return nil, false
	}
	var documents [][]byte
	stream := json.NewDecoder(bytes.NewReader(content))
	for {
		var document json.RawMessage
		err := stream.Decode(&document)
		if err != nil {
			return documents, errors.Is(err, io.EOF)
		}
		documents = append(documents, document)
	}
}

// readDocument only looks at m: documents are read side by side.
func (m *Manifests) readDocument(at source, document []byte) readings {
	if err := CheckAliases(document); err != nil {
		return readings{err: fmt.Errorf("%s: %w", at, err)}
	}
	object, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return readings{err: fmt.Errorf("%s: %s", at, strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	if bytes.Equal(object, []byte("null")) {
		return readings{} // comments only
	}
	return m.readObject(at, object, metav1.TypeMeta{})
}

// readObject reads an object, or the items of a List. of is the kind of an item
// that does not say it, as in a PodList.
func (m *Manifests) readObject(at source, object []byte, of metav1.TypeMeta) readings {
	var h header
	if err := kjson.UnmarshalCaseSensitivePreserveInts(object, &h); err != nil {
		return readings{err: fmt.Errorf("%s: this is no Kubernetes object", at)}
	}
	h.Kind, h.APIVersion = cmp.Or(h.Kind, of.Kind), cmp.Or(h.APIVersion, of.APIVersion)
	if h.Kind == "" || h.APIVersion == "" {
		return readings{err: fmt.Errorf("%s: apiVersion and kind must be set", at)}
	}
	if kind, isList := strings.CutSuffix(h.Kind, "List"); isList {
		return m.readList(at, h, metav1.TypeMeta{Kind: kind, APIVersion: h.APIVersion})
	}
	read, known := m.readers[h.TypeMeta]
	if !known {
		return m.passOver(at, h)
	}
	add, problems := read(at, object)
	if len(problems) == 0 {
		return readings{adds: []func(*Manifests){add}}
	}
	var errs []error
	for _, problem := range problems {
		errs = append(errs, fmt.Errorf("%s (%s %q): %w", at, h.Kind, h.Metadata.Name, problem))
	}
	return readings{err: errors.Join(errs...)}
}

func (m *Manifests) readList(at source, list header, of metav1.TypeMeta) readings {
	if of.Kind == "" { // a v1 List holds anything
		of = metav1.TypeMeta{}
	}
	var all readings
	for i, item := range list.Items {
		at.item = i + 1
		one := m.readObject(at, item, of)
		all.adds, all.err = append(all.adds, one.adds...), errors.Join(all.err, one.err)
	}
	return all
}

// passOver notes a kind that makes no pods. One of ours in a version that
// Kubernetes no longer has is an error: it would not apply.
func (m *Manifests) passOver(at source, h header) readings {
	group, _, _ := strings.Cut(h.APIVersion, "/")
	for known := range m.readers {
		ours := group == "v1" || group == "apps" || group == "batch" || group == "storage.k8s.io" || group == "extensions"
		if known.Kind == h.Kind && ours {
			return readings{err: fmt.Errorf("%s (%s %q): apiVersion %s has no such kind; use %s", at, h.Kind, h.Metadata.Name, h.APIVersion, known.APIVersion)}
		}
	}
	return readings{adds: []func(*Manifests){func(m *Manifests) { m.note(at, h.Kind+"/"+h.Metadata.Name, "passed over: it makes no pods") }}}
}

// strict reads an object and returns every problem with its field path.
func strict(data []byte, into any) []error {
	if err := checkParts(data); err != nil {
		return []error{err}
	}
	// Before it is decoded: to decode one quantity may take hours.
	if at, err := costlyQuantity(data); err != nil {
		return []error{fmt.Errorf("%s: %w", at, err)}
	}
	problems, err := kjson.UnmarshalStrict(data, into)
	if err == nil {
		return problems
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return append(problems, fmt.Errorf("%s: must be of type %s, not %s", inFile(wrong.Field), wrong.Type, wrong.Value))
	}
	if at := badQuantity(data); at != "" {
		return append(problems, fmt.Errorf("%s: %w", at, err))
	}
	return append(problems, err)
}

// inFile leaves out of a path the structs that are inlined, such as
// LocalObjectReference, which no file has.
func inFile(path string) string {
	parts := slices.DeleteFunc(strings.Split(path, "."), func(part string) bool {
		return part != "" && part[0] >= 'A' && part[0] <= 'Z'
	})
	return strings.Join(parts, ".")
}
