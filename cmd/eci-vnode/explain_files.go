package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/eci-vnode/eci-vnode/provider/explain"
)

// readManifests reads all that -f names. The error holds every problem of every
// file.
func readManifests(manifests *explain.Manifests, flags explainFlags, stdin io.Reader) error {
	var errs []error
	for _, name := range flags.files {
		if name == "-" {
			content, err := readBounded(stdin)
			errs = append(errs, err, manifests.Read("-", content))
			continue
		}
		files, err := filesOf(name, flags.recursive)
		errs = append(errs, err)
		for _, file := range files {
			content, err := readFile(file)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			errs = append(errs, manifests.Read(file, content))
		}
	}
	return errors.Join(errs...)
}

// readBounded reads no more than is needed to see that there is too much.
func readBounded(source io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(source, explain.MaxFile+1))
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readBounded(file)
}

// filesOf is the file itself, or those of a directory that kubectl would take,
// in the order of their names.
func filesOf(name string, recursive bool) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return []string{name}, nil // reading it says what is wrong
	}
	var files []string
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != name && !recursive:
			return fs.SkipDir
		case !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)):
			files = append(files, path)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no file there ends in .yaml, .yml or .json", name)
	}
	return files, err
}
