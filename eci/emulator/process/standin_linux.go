package process

import (
	"cmp"
	"debug/elf"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator/process/toolbox"
)

// standInPort is served when the container names none.
const standInPort = 80

// makeStandIn makes the file system of the stand-in image: this program, under
// the names of its commands.
func makeStandIn(root string) error {
	for _, dir := range []string{"bin", "etc", "usr", "var", "root", "home", "dev", "proc", "sys", "run"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	if err := errors.Join(copyFile("/proc/self/exe", filepath.Join(root, "bin", "eci-toolbox")), copyLibraries(root)); err != nil {
		return err
	}
	var errs []error
	for _, name := range toolbox.Names() {
		errs = append(errs, os.Symlink("eci-toolbox", filepath.Join(root, "bin", name)))
	}
	for target, link := range map[string]string{"bin": "sbin", "../bin": "usr/bin", "../bin/": "usr/sbin", "../run": "var/run"} {
		errs = append(errs, os.Symlink(target, filepath.Join(root, link)))
	}
	for name, content := range map[string]string{
		"passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
		"group":  "root:x:0:\nnogroup:x:65534:\n",
	} {
		errs = append(errs, os.WriteFile(filepath.Join(root, "etc", name), []byte(content), 0o644))
	}
	for _, dir := range []string{"tmp", "var/tmp"} {
		errs = append(errs, os.Mkdir(filepath.Join(root, dir), 0o777), os.Chmod(filepath.Join(root, dir), 0o777|os.ModeSticky))
	}
	return errors.Join(errs...)
}

// copyLibraries copies what this program is linked with, nothing where it is
// built without cgo: the kernel shows which files it has loaded.
func copyLibraries(root string) error {
	self, err := elf.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	section := self.Section(".interp")
	if section == nil {
		return nil
	}
	loader, err := section.Data()
	if err != nil {
		return err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	copied := map[string]string{strings.TrimRight(string(loader), "\x00"): ""}
	for line := range strings.Lines(string(maps)) {
		if fields := strings.Fields(line); len(fields) == 6 && strings.Contains(fields[5], ".so") {
			copied[filepath.Join("/lib", filepath.Base(fields[5]))] = fields[5]
		}
	}
	var errs []error
	for to, from := range copied {
		to := filepath.Join(root, to)
		errs = append(errs, os.MkdirAll(filepath.Dir(to), 0o755), copyFile(cmp.Or(from, strings.TrimPrefix(to, root)), to))
	}
	return errors.Join(errs...)
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, source)
	return errors.Join(err, file.Close())
}

// standInCommand is what a container runs when its image is not known: its
// command; its arguments, where they begin with a command of the toolbox, as
// those of a busybox do; else a server of HTTP.
func standInCommand(spec *eci.Container) []string {
	if len(spec.Command) > 0 {
		return slices.Concat(spec.Command, spec.Args)
	}
	if len(spec.Args) > 0 && slices.Contains(toolbox.Names(), path.Base(spec.Args[0])) {
		return spec.Args
	}
	port := standInPort
	for _, p := range spec.Ports {
		if p.Protocol != "UDP" && p.Port > 0 {
			port = int(p.Port)
			break
		}
	}
	return []string{"httpd", "-p", strconv.Itoa(port), "-t", spec.Image}
}
