package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// image is one that is unpacked: root is its file system, read only.
type image struct {
	root    string
	config  v1.Config
	standIn bool
}

// imageStore has the unpacked images.
type imageStore struct {
	dir        string
	standInDir string
	local      string
	standIn    bool
	spawner    *spawner

	mu     sync.Mutex
	images map[string]*image
	// unpacking serializes the work on one digest.
	unpacking map[string]*sync.Mutex
	// silent has the registries that could not be reached, and when.
	silent map[string]unreachable
}

// newImageStore keeps what is unpacked under the runtime's directory. The
// stand-in image is made anew: it is this program.
func newImageStore(cfg Config, s *spawner) (*imageStore, error) {
	store := &imageStore{
		dir: imagesDir(cfg.Dir), standInDir: standInDir(cfg.Dir), local: cfg.Images, standIn: cfg.StandIn, spawner: s,
		images: map[string]*image{}, unpacking: map[string]*sync.Mutex{}, silent: map[string]unreachable{},
	}
	if err := os.MkdirAll(store.dir, 0o711); err != nil {
		return nil, err
	}
	if cfg.Images != "" {
		if _, err := os.ReadDir(cfg.Images); err != nil {
			return nil, fmt.Errorf("the directory of images: %w", err)
		}
	}
	if err := store.removeStandIn(); err != nil || !cfg.StandIn {
		return store, err
	}
	return store, makeStandIn(store.standInDir)
}

func imagesDir(dir string) string  { return filepath.Join(dir, "images") }
func standInDir(dir string) string { return filepath.Join(imagesDir(dir), "stand-in") }

func (s *imageStore) removeStandIn() error { return os.RemoveAll(s.standInDir) }

// find returns an image that pull has got.
func (s *imageStore) find(_ *eci.CreateContainerGroupRequest, reference string) (*image, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if img := s.images[reference]; img != nil {
		return img, nil
	}
	return nil, fmt.Errorf("image %q is not present", reference)
}

func (s *imageStore) keep(reference string, img *image) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.images[reference] = img
}

// pull looks in the directory of images, then asks the registry, and takes the
// stand-in when that cannot be reached.
func (s *imageStore) pull(ctx context.Context, pull emulator.Pull) error {
	if err := emulator.CheckImageName(pull.Image); err != nil {
		return err
	}
	reference, err := name.ParseReference(pull.Image, nameOptions(pull)...)
	if err != nil {
		return fmt.Errorf("couldn't parse image name %q: %w", pull.Image, err)
	}
	found, err := findLocal(s.local, reference)
	if err == nil && found == nil {
		found, err = s.ask(ctx, reference, pull)
	}
	var away unreachable
	if errors.As(err, &away) {
		return s.makeDo(pull, away)
	}
	if err != nil {
		return fmt.Errorf("failed to pull %q: %w", reference.Name(), err)
	}
	img, err := s.unpack(ctx, found)
	if err != nil {
		return fmt.Errorf("failed to unpack %q: %w", reference.Name(), err)
	}
	s.keep(pull.Image, img)
	return nil
}

// makeDo is for a registry that cannot be reached: an image that was pulled
// earlier is used as it is.
func (s *imageStore) makeDo(pull emulator.Pull, away unreachable) error {
	if earlier, err := s.find(pull.Group, pull.Image); err == nil && !earlier.standIn {
		return nil
	}
	if !s.standIn {
		return fmt.Errorf("failed to pull %q: %w", pull.Image, away)
	}
	pull.Event(eventWarning, "ImageStandIn", fmt.Sprintf("The sandbox's own image stands in for %q, whose registry cannot be reached (%v). "+
		"It has a shell and common commands, and serves HTTP where a container has no command", pull.Image, away.cause))
	s.keep(pull.Image, &image{root: s.standInDir, standIn: true})
	return nil
}

// unreachable is a registry that does not answer at all.
type unreachable struct {
	cause error
	until time.Time
}

func (u unreachable) Error() string { return "the registry cannot be reached: " + u.cause.Error() }

// unpack makes the file system of an image, once per digest.
func (s *imageStore) unpack(ctx context.Context, found v1.Image) (*image, error) {
	hash, err := found.Digest()
	if err != nil {
		return nil, err
	}
	key := hash.Algorithm + "-" + hash.Hex
	s.mu.Lock()
	if s.unpacking[key] == nil {
		s.unpacking[key] = &sync.Mutex{}
	}
	mine := s.unpacking[key]
	s.mu.Unlock()
	mine.Lock()
	defer mine.Unlock()

	dir := filepath.Join(s.dir, key)
	if img, err := readImage(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return img, err
	}
	parts := dir + ".part" // what a killed runtime left is begun anew
	if err := errors.Join(os.RemoveAll(parts), os.MkdirAll(filepath.Join(parts, "root"), 0o755)); err != nil {
		return nil, err
	}
	if err := s.unpackLayers(ctx, found, parts); err != nil {
		return nil, errors.Join(err, os.RemoveAll(parts))
	}
	if err := os.Rename(parts, dir); err != nil {
		return nil, err
	}
	return readImage(dir)
}

func (s *imageStore) unpackLayers(ctx context.Context, found v1.Image, dir string) error {
	layers, err := found.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if err := s.unpackLayer(ctx, layer, filepath.Join(dir, "root")); err != nil {
			return err
		}
	}
	config, err := found.ConfigFile()
	if err != nil {
		return err
	}
	text, err := json.Marshal(config.Config)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), text, 0o644)
}

func (s *imageStore) unpackLayer(ctx context.Context, layer v1.Layer, root string) error {
	content, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer content.Close()
	cmd := roleCommand(nameUnpack, unix.CLONE_NEWNS)
	cmd.Stdin = content
	unpacking, err := s.spawner.startRole(cmd)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	err = errors.Join(unpacking.order(unpackOrders{Root: root}), unpacking.refusal())
	if ended := cmd.Wait(); err == nil && ended != nil {
		err = fmt.Errorf("unpack a layer: %w", ended)
	}
	return err
}

func readImage(dir string) (*image, error) {
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, err
	}
	img := &image{root: filepath.Join(dir, "root")}
	return img, json.Unmarshal(text, &img.config)
}
