package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
)

// Clean removes what a killed runtime left on the machine: bridges, cgroups and
// the files of containers. Its processes, mounts and namespaces have ended with
// it. Unpacked images stay. It refuses the directory of a runtime that lives; a
// directory that does not exist is clean.
func Clean(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	lock, err := takeDir(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	c := cgroupsOf(dir)
	return errors.Join(
		removeBridges(dir), c.removeOld(), c.remove(),
		os.RemoveAll(groupsDir(dir)), os.RemoveAll(standInDir(dir)),
	)
}

// removeBridges removes all bridges of the runtime with the directory.
func removeBridges(dir string) error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list the interfaces: %w", err)
	}
	var errs []error
	for _, link := range links {
		if link.Attrs().Alias == aliasPrefix+dir {
			errs = append(errs, netlink.LinkDel(link))
		}
	}
	return errors.Join(errs...)
}
