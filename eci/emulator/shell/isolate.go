package shell

import (
	"context"
	"io"
	"io/fs"
	"os"
	"slices"

	"mvdan.cc/sh/v3/interp"
)

// denied are builtins that would reach this machine.
var denied = []string{"cd", "pushd", "popd", "source", "."}

// redirectCall keeps the builtins that look at this machine away from it.
func redirectCall(_ context.Context, args []string) ([]string, error) {
	switch {
	case slices.Contains(denied, args[0]):
		return append([]string{"denied"}, args...), nil
	case args[0] == "command" && len(args) > 2 && args[1] == "-v":
		return append([]string{"which"}, args[2:]...), nil
	case args[0] == "type" && len(args) > 1:
		return append([]string{"which"}, args[1:]...), nil
	}
	return args, nil
}

// openFile knows /dev/null only.
func openFile(_ context.Context, name string, _ int, _ os.FileMode) (io.ReadWriteCloser, error) {
	if name == os.DevNull {
		return os.OpenFile(os.DevNull, os.O_RDWR, 0)
	}
	return nil, missingFile("open", name)
}

func statFile(_ context.Context, name string, _ bool) (fs.FileInfo, error) {
	if name == os.DevNull || name == "/" {
		return os.Stat(name)
	}
	return nil, missingFile("stat", name)
}

func readDir(_ context.Context, name string) ([]fs.DirEntry, error) {
	return nil, missingFile("open", name)
}

func missingFile(op, name string) error {
	return &os.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// unblock breaks reads and writes of a command when ctx ends. The shell's pipes
// are those of the system, which take deadlines.
func unblock(ctx context.Context, hc interp.HandlerContext) (stop func()) {
	end := context.AfterFunc(ctx, func() {
		for _, stream := range []any{hc.Stdin, hc.Stdout, hc.Stderr} {
			if pipe, ok := stream.(*os.File); ok {
				// One that takes no deadline does not block.
				_ = pipe.SetDeadline(longAgo)
			}
		}
	})
	return func() { end() }
}
