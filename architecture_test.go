// Package architecture_test keeps the rooms of the house apart: imports go one
// way, every room has a doc.go, and no room is a drawer.
package architecture_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/eci-vnode/eci-vnode/"

// rooms says what each room may import of our own, and which foreign modules
// must stay out of it. A room that is not listed may not exist.
var rooms = map[string]struct {
	ours      []string
	forbidden []string
	// allowed are exceptions from forbidden: whole modules.
	allowed []string
}{
	"eci":         {forbidden: foreign},
	"eci/vpc":     {ours: []string{"eci"}, forbidden: foreign},
	"eci/openapi": {ours: []string{"eci", "eci/vpc"}, forbidden: append(slices.Clone(clusterSide), loggers...)},
	// The stream of ExecContainerCommand is a WebSocket: nobody writes that anew.
	"eci/execstream": {ours: []string{"eci"}, forbidden: foreign, allowed: []string{"github.com/gorilla/websocket"}},
	"eci/emulator":   {ours: []string{"eci", "eci/vpc", "eci/emulator/shell"}, forbidden: foreign, allowed: []string{"github.com/gorilla/websocket"}},
	// The shell of simulated containers, and the only thing that it is for.
	"eci/emulator/shell": {forbidden: foreign, allowed: []string{"mvdan.cc/sh/v3"}},
	"eci/conformance":    {ours: []string{"eci"}, forbidden: foreign},
	"vnode":              {ours: []string{"vnode/connlimit"}, forbidden: cloudSide},
	// Bounds connections only, so that every server of the program can use it.
	"vnode/connlimit": {forbidden: foreign, allowed: []string{"k8s.io/utils/lru"}},
	"vnode/leader":    {forbidden: cloudSide},
	"provider":        {ours: []string{"eci", "eci/vpc", "eci/execstream", "provider/request", "provider/status", "provider/eip"}, forbidden: append(slices.Clone(cloudSide), loggers...)},
	// The campaign drives everything from outside; nothing imports it.
	"provider/campaign": {ours: []string{"eci", "eci/vpc", "eci/emulator", "eci/openapi", "provider", "provider/request", "provider/status", "vnode"}, forbidden: append(slices.Clone(cloudSide), loggers...)},
	"provider/request":  {ours: []string{"eci", "eci/vpc"}, forbidden: pure},
	"provider/status":   {ours: []string{"eci"}, forbidden: pure},
	"provider/explain":  {ours: []string{"eci", "eci/vpc", "provider/request"}, forbidden: pure},
	"provider/check":    {ours: []string{"eci"}, forbidden: append(slices.Clone(cloudSide), loggers...)},
	"provider/eip":      {ours: []string{"eci", "eci/vpc", "provider/request"}, forbidden: cloudSide},
	"cmd/eci-vnode":     {ours: []string{"eci", "eci/vpc", "eci/execstream", "eci/openapi", "provider", "provider/request", "provider/status", "provider/eip", "provider/explain", "provider/check", "vnode", "vnode/connlimit", "vnode/leader"}},
	"cmd/eci-emulator":  {ours: []string{"eci", "eci/emulator", "eci/emulator/process"}, forbidden: clusterSide},

	// What one input may cost, for tests and fuzz targets only.
	"fuzzbounds": {forbidden: foreign},

	// Real processes need libraries for images, networks and a shell.
	"eci/emulator/process":         {ours: []string{"eci", "eci/emulator", "eci/emulator/process/toolbox"}, forbidden: append(slices.Concat(clusterSide, cloudSide), loggers...)},
	"eci/emulator/process/toolbox": {forbidden: append(slices.Concat(clusterSide, cloudSide), loggers...)},
}

var (
	clusterSide = []string{"k8s.io/", "sigs.k8s.io/", "github.com/virtual-kubelet/"}
	cloudSide   = []string{"github.com/aliyun/", "github.com/alibabacloud-go/"}
	loggers     = []string{"github.com/sirupsen/", "log", "log/slog", "k8s.io/klog"}
	// foreign is everything beyond the standard library.
	foreign = []string{"github.com/", "golang.org/", "google.golang.org/", "gopkg.in/", "k8s.io/", "sigs.k8s.io/", "mvdan.cc/", "log", "log/slog"}
	// pure rooms have no I/O, no clock of their own and no logger.
	pure = append([]string{"net/http", "os", "k8s.io/client-go/", "github.com/virtual-kubelet/"}, loggers...)
)

func TestImportsGoOneWay(t *testing.T) {
	seen := map[string]bool{}
	for room, files := range goFiles(t) {
		rule, known := rooms[room]
		if !known {
			t.Errorf("room %s is not on the map in this test", room)
			continue
		}
		seen[room] = true
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue // a test may drive its room from any side
			}
			for _, imported := range importsOf(t, file) {
				checkImport(t, file, imported, rule.ours, rule.forbidden, rule.allowed)
			}
		}
	}
	if len(seen) < len(rooms)/2 {
		t.Fatalf("only %d rooms were found: is the test run at the root?", len(seen))
	}
}

func checkImport(t *testing.T, file, imported string, ours, forbidden, allowed []string) {
	t.Helper()
	if own, is := strings.CutPrefix(imported, module); is {
		if !slices.Contains(ours, own) {
			t.Errorf("%s imports %s, which is no neighbour of its room", file, own)
		}
		return
	}
	for _, module := range allowed {
		if imported == module || strings.HasPrefix(imported, module+"/") {
			return
		}
	}
	for _, f := range forbidden {
		if imported == f || strings.HasSuffix(f, "/") && strings.HasPrefix(imported, f) {
			t.Errorf("%s imports %s, which is to stay out of its room", file, imported)
		}
	}
}

func TestOnlyCommandsKnowLogrusAndCobraAndTheEnvironment(t *testing.T) {
	for room, files := range goFiles(t) {
		if strings.HasPrefix(room, "cmd/") {
			continue
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, imported := range importsOf(t, file) {
				if strings.HasPrefix(imported, "github.com/spf13/") || strings.HasPrefix(imported, "github.com/sirupsen/") {
					t.Errorf("%s imports %s", file, imported)
				}
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "os.Getenv") || strings.Contains(string(text), "\nfunc init()") {
				t.Errorf("%s reads the environment or has an init function", file)
			}
		}
	}
}

func TestOnlyTestsImportFuzzbounds(t *testing.T) {
	for room, files := range goFiles(t) {
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") && slices.Contains(importsOf(t, file), module+"fuzzbounds") {
				t.Errorf("%s of room %s imports fuzzbounds, which is for tests", file, room)
			}
		}
	}
}

func TestEveryRoomSaysWhatItIsFor(t *testing.T) {
	for room := range goFiles(t) {
		if _, err := os.Stat(filepath.Join(room, "doc.go")); err != nil && !strings.HasPrefix(room, "cmd/") {
			t.Errorf("room %s has no doc.go", room)
		}
		if slices.Contains([]string{"util", "utils", "common", "helpers", "manager", "internal"}, path.Base(room)) {
			t.Errorf("room %s is a drawer, not a room", room)
		}
	}
}

// goFiles lists the Go files of this module by room.
func goFiles(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, nested := os.Stat(filepath.Join(name, "go.mod"))
			if name != "." && (nested == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if room := filepath.Dir(name); strings.HasSuffix(name, ".go") && room != "." {
			files[filepath.ToSlash(room)] = append(files[filepath.ToSlash(room)], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var imports []string
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, name)
	}
	return imports
}
