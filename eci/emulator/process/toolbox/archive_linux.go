package toolbox

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// tarring is one call of tar.
type tarring struct {
	call
	opts options
	dir  string
	// list is where -v and -t print.
	list io.Writer
}

// archive is tar, as kubectl cp calls it: c, x or t, with f v m p z C h o.
func archive(c call) int {
	if len(c.args) > 0 && !strings.HasPrefix(c.args[0], "-") {
		c.args = append([]string{"-" + c.args[0]}, c.args[1:]...)
	}
	var args []string
	for _, arg := range c.args {
		switch arg {
		case "--no-same-permissions", "--no-same-owner", "--warning=no-unknown-keyword":
			continue
		}
		args = append(args, arg)
	}
	opts, operands, err := parse("cxtvmpzohf:C:", args)
	if err != nil {
		return c.misused("%v", err)
	}
	t := &tarring{call: c, opts: opts, dir: opts['C'], list: c.out}
	file := opts['f']
	switch {
	case opts.has('c'):
		return c.fail(t.create(file, operands))
	case opts.has('x'), opts.has('t'):
		return c.fail(t.read(file))
	}
	return c.misused("want one of c, x and t")
}

func (t *tarring) create(file string, operands []string) error {
	out := t.out
	if file == "" || file == "-" {
		t.list = t.err
	} else {
		made, err := os.Create(file)
		if err != nil {
			return err
		}
		defer made.Close()
		out = made
	}
	var zip *gzip.Writer
	if t.opts.has('z') {
		zip = gzip.NewWriter(out)
		out = zip
	}
	writer := tar.NewWriter(out)
	if t.dir != "" {
		if err := os.Chdir(t.dir); err != nil {
			return err
		}
	}
	var errs []error
	for _, operand := range operands {
		errs = append(errs, filepath.WalkDir(operand, func(name string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return t.add(writer, name)
		}))
	}
	errs = append(errs, writer.Close())
	if zip != nil {
		errs = append(errs, zip.Close())
	}
	return errors.Join(errs...)
}

func (t *tarring) add(writer *tar.Writer, name string) error {
	look := os.Lstat
	if t.opts.has('h') {
		look = os.Stat
	}
	info, err := look(name)
	if err != nil {
		return err
	}
	link := ""
	if info.Mode()&os.ModeSymlink != 0 {
		if link, err = os.Readlink(name); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	header.Name = strings.TrimPrefix(filepath.Clean(name), "/")
	if info.IsDir() {
		header.Name += "/"
	}
	if t.opts.has('v') {
		fmt.Fprintln(t.list, header.Name)
	}
	if err := writer.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	// A file that grows meanwhile is cut at the size that was announced.
	_, err = io.CopyN(writer, file, header.Size)
	return err
}

func (t *tarring) read(file string) error {
	in := t.in
	if file != "" && file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return err
		}
		defer opened.Close()
		in = opened
	}
	if t.opts.has('z') {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		in = unzipped
	}
	if t.dir != "" {
		if err := os.Chdir(t.dir); err != nil {
			return err
		}
	}
	reader := tar.NewReader(in)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if t.opts.has('v') || t.opts.has('t') {
			fmt.Fprintln(t.list, header.Name)
		}
		if t.opts.has('t') {
			continue
		}
		if err := t.extract(header, reader); err != nil {
			return err
		}
	}
}

// extract never leaves the directory: names are taken below it.
func (t *tarring) extract(header *tar.Header, content io.Reader) error {
	name := filepath.Join(".", filepath.Clean("/"+header.Name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := header.FileInfo().Mode() & os.ModePerm
	switch header.Typeflag {
	case tar.TypeDir:
		if err := os.MkdirAll(name, 0o755); err != nil {
			return err
		}
	case tar.TypeSymlink:
		_ = os.Remove(name) // it need not be there
		return os.Symlink(header.Linkname, name)
	case tar.TypeLink:
		_ = os.Remove(name)
		return os.Link(filepath.Join(".", filepath.Clean("/"+header.Linkname)), name)
	case tar.TypeReg:
		_ = os.Remove(name)
		if err := writeNew(name, content); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%s: unknown kind of entry %q", header.Name, header.Typeflag)
	}
	if err := os.Chmod(name, mode); err != nil {
		return err
	}
	if t.opts.has('m') {
		return nil
	}
	at := unix.NsecToTimespec(header.ModTime.UnixNano())
	return unix.UtimesNanoAt(unix.AT_FDCWD, name, []unix.Timespec{at, at}, 0)
}

func writeNew(name string, content io.Reader) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
