package process_test

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/emulator/process"
)

// mustImage makes an image of two layers: the commands of the stand-in with two
// files, and one that removes a file. It prints what is left.
func mustImage(t *testing.T, c *cloud) v1.Image {
	t.Helper()
	base := mustLayer(t, func(w *tar.Writer) error {
		if err := w.AddFS(os.DirFS(filepath.Join(c.config.Dir, "images", "stand-in"))); err != nil {
			return err
		}
		return w.AddFS(os.DirFS(mustFiles(t, "data/kept", "data/removed")))
	})
	top := mustLayer(t, func(w *tar.Writer) error { return w.AddFS(os.DirFS(mustFiles(t, "data/.wh.removed"))) })
	img, err := mutate.AppendLayers(empty.Image, base, top)
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.Config(img, v1.Config{
		Entrypoint: []string{"sh", "-c", `ls "$1"; echo $COLOUR; pwd`, "sh"}, Cmd: []string{"/data"},
		Env: []string{"PATH=/bin", "COLOUR=blue"}, WorkingDir: "/work",
	})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// printed is what a container of mustImage prints.
const printed = "kept\nblue\n/work\n"

func mustFiles(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range names {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mustLayer(t *testing.T, fill func(*tar.Writer) error) v1.Layer {
	t.Helper()
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	if err := fill(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// Without compression, which the race detector makes slow.
	return static.NewLayer(content.Bytes(), types.OCIUncompressedLayer)
}

// withOwnCommand is a group of one container of an image with its own command.
func withOwnCommand(name, image string) *eci.CreateContainerGroupRequest {
	return group(name, eci.Container{ContainerBase: eci.ContainerBase{Name: "main", Image: image}})
}

func TestAnImageIsPulledWithTheCredentialsOfTheRequest(t *testing.T) {
	c := mustCloud(t)
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="images"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	reference, err := name.ParseReference(host + "/box:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference, mustImage(t, c), remote.WithAuth(&authn.Basic{Username: "me", Password: "secret"})); err != nil {
		t.Fatal(err)
	}

	refused := c.mustCreate(t, withOwnCommand("refused", host+"/box:1"))
	c.eventually(t, refused, "without its image", func(g emulator.Group) bool { return hasEvent(g, "Failed") })
	if hasEvent(c.mustGet(t, refused), "ImageStandIn") {
		t.Error("the stand-in takes the place of an image that its registry refuses")
	}

	request := withOwnCommand("allowed", host+"/box:1")
	request.ImageRegistryCredentials = []eci.ImageRegistryCredential{{Server: host, UserName: "me", Password: "secret"}}
	if got, log := c.mustEnd(t, c.mustCreate(t, request)); got.Status != eci.StatusSucceeded || log != printed {
		t.Errorf("%s, it printed %q, want %q", got.Status, log, printed)
	}
}

func TestImagesOfTheDirectoryNeedNoRegistry(t *testing.T) {
	dir := t.TempDir()
	c := mustCloud(t, func(config *process.Config) { config.Images = dir })
	img := mustImage(t, c)
	tag, err := name.NewTag("registry.unreachable.test/tarred:2")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(filepath.Join(dir, "image.tar"), tag, img); err != nil {
		t.Fatal(err)
	}
	index, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"org.opencontainers.image.ref.name": "registry.unreachable.test/laid-out:3"}
	if err := index.AppendImage(img, layout.WithAnnotations(names)); err != nil {
		t.Fatal(err)
	}
	for _, image := range []string{"registry.unreachable.test/tarred:2", "registry.unreachable.test/laid-out:3"} {
		got, log := c.mustEnd(t, c.mustCreate(t, withOwnCommand("local", image)))
		if got.Status != eci.StatusSucceeded || log != printed || hasEvent(got, "ImageStandIn") {
			t.Errorf("%s: %s, it printed %q, want %q", image, got.Status, log, printed)
		}
	}
}

func TestWithoutTheStandInAnUnreachableRegistryIsAFailedPull(t *testing.T) {
	c := mustCloud(t, func(config *process.Config) { config.StandIn = false })
	id := c.mustCreate(t, withOwnCommand("bare", "registry.unreachable.test/box"))
	c.eventually(t, id, "without its image", func(g emulator.Group) bool { return hasEvent(g, "Failed") })
}

func TestTheStandInServesHTTPOnTheDeclaredPort(t *testing.T) {
	c := mustCloud(t)
	request := withOwnCommand("web", "registry.unreachable.test/web")
	request.Containers[0].Ports = []eci.ContainerPort{{Port: 8081}}
	id := c.mustCreate(t, request)
	address := c.eventually(t, id, "ready", isReady).IntranetIP
	waitFor(t, "it answers", func() bool {
		response, err := http.Get("http://" + address + ":8081/")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		page, err := io.ReadAll(response.Body)
		return err == nil && response.StatusCode == http.StatusOK && strings.Contains(string(page), "registry.unreachable.test/web")
	})
}
