package toolbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

func ln(c call) int {
	opts, operands, err := parse("sfn", c.args)
	if err != nil || len(operands) != 2 {
		return c.misused("want [-s] [-f] TARGET LINK (%v)", err)
	}
	target, link := operands[0], operands[1]
	if info, err := os.Stat(link); err == nil && info.IsDir() && !opts.has('n') {
		link = filepath.Join(link, filepath.Base(target))
	}
	if opts.has('f') {
		_ = os.Remove(link) // it need not be there
	}
	if opts.has('s') {
		return c.fail(os.Symlink(target, link))
	}
	return c.fail(os.Link(target, link))
}

func readlink(c call) int {
	opts, operands, err := parse("f", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	code := exitOK
	for _, name := range operands {
		read := os.Readlink
		if opts.has('f') {
			read = filepath.EvalSymlinks
		}
		target, err := read(name)
		if err != nil {
			code = exitFailed
			continue
		}
		if opts.has('f') && !filepath.IsAbs(target) {
			target, _ = filepath.Abs(target)
		}
		fmt.Fprintln(c.out, target)
	}
	return code
}

func rmdir(c call) int {
	code := exitOK
	for _, name := range c.args {
		if err := syscall.Rmdir(name); err != nil {
			code = c.fail(fmt.Errorf("%s: %w", name, err))
		}
	}
	return code
}

// stat knows -c with %a %s %u %g %n %F, and prints those without it.
func stat(c call) int {
	opts, operands, err := parse("Lc:", c.args)
	if err != nil {
		return c.misused("%v", err)
	}
	format, given := opts['c']
	if !given {
		format = "%n: %F, mode %a, owner %u:%g, %s bytes"
	}
	look := os.Lstat
	if opts.has('L') {
		look = os.Stat
	}
	code := exitOK
	for _, name := range operands {
		info, err := look(name)
		if err != nil {
			code = c.fail(err)
			continue
		}
		sys := info.Sys().(*syscall.Stat_t)
		fmt.Fprintln(c.out, strings.NewReplacer(
			"%a", fmt.Sprintf("%o", sys.Mode&0o7777), "%s", fmt.Sprint(info.Size()), "%u", fmt.Sprint(sys.Uid),
			"%g", fmt.Sprint(sys.Gid), "%n", name, "%F", kindOf(info),
		).Replace(format))
	}
	return code
}

func kindOf(info os.FileInfo) string {
	switch {
	case info.IsDir():
		return "directory"
	case info.Mode()&os.ModeSymlink != 0:
		return "symbolic link"
	case info.Mode().IsRegular():
		return "regular file"
	}
	return "special file"
}
