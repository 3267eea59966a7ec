package process

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// unpackOrders unpack the layer at stdin.
type unpackOrders struct{ Root string }

// Marks of a layer for what is gone from the layers below. Source: OCI image
// specification, layers.
const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
)

// unpackMain changes its root first, so that no name and no link of a layer
// leads out of it.
func unpackMain(orders unpackOrders, _ *os.File) error {
	unix.Umask(0)
	if err := unix.Chroot(orders.Root); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return unpackLayer(tar.NewReader(os.Stdin))
}

func unpackLayer(layer *tar.Reader) error {
	made := map[string]bool{}
	for {
		header, err := layer.Next()
		if errors.Is(err, io.EOF) {
			// What follows the archive's end is padding.
			_, err = io.Copy(io.Discard, os.Stdin)
			return err
		}
		if err != nil {
			return err
		}
		name := path.Clean("/" + header.Name)
		if base := path.Base(name); strings.HasPrefix(base, whiteoutPrefix) {
			err = erase(name, base, made)
		} else if name != "/" {
			err = place(name, header, layer)
			made[name] = true
		}
		if err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

// erase removes what lower layers have, never what this one has made.
func erase(name, base string, made map[string]bool) error {
	dir := path.Dir(name)
	if base != whiteoutOpaque {
		return os.RemoveAll(path.Join(dir, strings.TrimPrefix(base, whiteoutPrefix)))
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if child := path.Join(dir, entry.Name()); !made[child] {
			if err := os.RemoveAll(child); err != nil {
				return err
			}
		}
	}
	return nil
}

// place makes one entry, in the place of another one that a lower layer has.
func place(name string, header *tar.Header, content io.Reader) error {
	if err := os.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	info, err := os.Lstat(name)
	if err == nil && !(info.IsDir() && header.Typeflag == tar.TypeDir) {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	switch header.Typeflag {
	case tar.TypeDir:
		err = os.MkdirAll(name, 0o755)
	case tar.TypeReg:
		err = placeFile(name, content)
	case tar.TypeSymlink:
		err = os.Symlink(header.Linkname, name)
	case tar.TypeLink:
		return os.Link(path.Clean("/"+header.Linkname), name)
	case tar.TypeFifo:
		err = unix.Mkfifo(name, 0o600)
	default:
		return nil // devices, which containers get from the runtime
	}
	if err != nil {
		return err
	}
	return setAttributes(name, header)
}

func placeFile(name string, content io.Reader) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}

func setAttributes(name string, header *tar.Header) error {
	if err := os.Lchown(name, header.Uid, header.Gid); err != nil {
		return err
	}
	if capability := header.PAXRecords["SCHILY.xattr.security.capability"]; capability != "" {
		if err := unix.Lsetxattr(name, "security.capability", []byte(capability), 0); err != nil {
			return fmt.Errorf("set its capabilities: %w", err)
		}
	}
	if header.Typeflag == tar.TypeSymlink {
		return nil
	}
	// The mode comes last: a change of owner takes set-uid bits away.
	if err := os.Chmod(name, header.FileInfo().Mode()&(os.ModePerm|os.ModeSetuid|os.ModeSetgid|os.ModeSticky)); err != nil {
		return err
	}
	return os.Chtimes(name, header.ModTime, header.ModTime)
}
