package process

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// silentFor is how long a registry that could not be reached is not asked again.
const silentFor = 30 * time.Second

// dialTimeout tells a registry that is slow from one that is not there.
const dialTimeout = 5 * time.Second

func platform() v1.Platform { return v1.Platform{OS: "linux", Architecture: runtime.GOARCH} }

func nameOptions(pull emulator.Pull) []name.Option {
	host := hostOf(pull.Image)
	if isListed(pull.Group.PlainHTTPRegistry, host) {
		return []name.Option{name.WeakValidation, name.Insecure}
	}
	return []name.Option{name.WeakValidation}
}

// hostOf is the registry of an image name, empty for the default one.
func hostOf(image string) string {
	host, _, found := strings.Cut(image, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return ""
	}
	return host
}

func isListed(list, host string) bool {
	return host != "" && slices.ContainsFunc(strings.Split(list, ","), func(entry string) bool { return strings.TrimSpace(entry) == host })
}

// ask gets an image from its registry. One that does not answer gives an
// unreachable error.
func (s *imageStore) ask(ctx context.Context, reference name.Reference, pull emulator.Pull) (v1.Image, error) {
	registry := reference.Context().RegistryStr()
	s.mu.Lock()
	known, isKnown := s.silent[registry]
	s.mu.Unlock()
	if isKnown && time.Now().Before(known.until) {
		return nil, known
	}
	insecure := isListed(pull.Group.InsecureRegistry, registry)
	found, err := remote.Image(reference,
		remote.WithContext(ctx), remote.WithPlatform(platform()), remote.WithTransport(transportFor(insecure)),
		remote.WithAuth(credentialOf(pull.Group, registry)), remote.WithRetryBackoff(remote.Backoff{Steps: 1}),
	)
	if err == nil || !isUnreachable(err) || ctx.Err() != nil {
		return found, err
	}
	away := unreachable{cause: err, until: time.Now().Add(silentFor)}
	s.mu.Lock()
	s.silent[registry] = away
	s.mu.Unlock()
	return nil, away
}

// isUnreachable says that nobody answered: whoever refuses is reached.
func isUnreachable(err error) bool {
	var answer *transport.Error
	var operation *net.OpError
	var lookup *net.DNSError
	if errors.As(err, &answer) {
		return false
	}
	return errors.As(err, &lookup) || errors.As(err, &operation) || errors.Is(err, context.DeadlineExceeded)
}

func transportFor(insecure bool) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	t.TLSHandshakeTimeout = dialTimeout
	if insecure {
		// The request names the registry as one whose certificate does not count.
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	return t
}

// credentialOf is the request's for a registry, anonymous when it has none.
func credentialOf(request *eci.CreateContainerGroupRequest, registry string) authn.Authenticator {
	for _, credential := range request.ImageRegistryCredentials {
		server := strings.TrimSuffix(credential.Server, "/")
		if server == registry || registry == name.DefaultRegistry && strings.HasSuffix(server, "docker.io") {
			return &authn.Basic{Username: credential.UserName, Password: credential.Password.Reveal()}
		}
	}
	return authn.Anonymous
}

// findLocal looks an image up in a directory; nil is none.
func findLocal(dir string, reference name.Reference) (v1.Image, error) {
	if dir == "" {
		return nil, nil
	}
	if found, err := findInLayout(dir, reference); found != nil || err != nil {
		return found, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		find := findInLayout
		if strings.HasSuffix(entry.Name(), ".tar") {
			find = findInTarball
		} else if !entry.IsDir() {
			continue
		}
		if found, err := find(filepath.Join(dir, entry.Name()), reference); found != nil || err != nil {
			return found, err
		}
	}
	return nil, nil
}

func findInTarball(path string, reference name.Reference) (v1.Image, error) {
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
	if err != nil {
		return nil, err
	}
	for _, descriptor := range manifest {
		for _, text := range descriptor.RepoTags {
			if tag, err := name.NewTag(text); err == nil && tag.Name() == reference.Name() {
				return tarball.ImageFromPath(path, &tag)
			}
		}
	}
	return nil, nil
}

// findInLayout looks through an OCI layout; a directory that is none has none.
func findInLayout(dir string, reference name.Reference) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, entry := range manifest.Manifests {
		if isNamed(entry, filepath.Base(dir), reference) {
			return imageOf(index, entry)
		}
	}
	return nil, nil
}

// isNamed reads the names that tools give: whole, or only the tag, in a
// directory that is named like the repository.
func isNamed(entry v1.Descriptor, dir string, reference name.Reference) bool {
	tag := entry.Annotations["org.opencontainers.image.ref.name"]
	for _, text := range []string{entry.Annotations["io.containerd.image.name"], tag, dir + ":" + tag} {
		if named, err := name.ParseReference(text); err == nil && named.Name() == reference.Name() {
			return true
		}
	}
	return reference.Identifier() == entry.Digest.String()
}

func imageOf(index v1.ImageIndex, entry v1.Descriptor) (v1.Image, error) {
	if !entry.MediaType.IsIndex() {
		return index.Image(entry.Digest)
	}
	inner, err := index.ImageIndex(entry.Digest)
	if err != nil {
		return nil, err
	}
	manifest, err := inner.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, one := range manifest.Manifests {
		if one.Platform != nil && one.Platform.Satisfies(platform()) {
			return imageOf(inner, one)
		}
	}
	return nil, errors.New("there is no image for " + platform().String())
}
