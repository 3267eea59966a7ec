package process

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// user is who a program runs as.
type user struct {
	uid, gid int
	groups   []int
	home     string
}

// findUser reads "name", "uid", "name:group" and so on by the files of the
// container, in whose root it is called. Empty is root.
func findUser(text string) (*user, error) {
	name, group, hasGroup := strings.Cut(text, ":")
	if name == "" {
		name = "0"
	}
	found := &user{home: "/", groups: []int{}}
	known := false
	eachLine("/etc/passwd", 6, func(fields []string) {
		if !known && (fields[0] == name || fields[2] == name) {
			known = true
			found.uid, _ = strconv.Atoi(fields[2])
			found.gid, _ = strconv.Atoi(fields[3])
			found.home, name = fields[5], fields[0]
		}
	})
	if !known {
		uid, err := strconv.Atoi(name)
		if err != nil {
			return nil, fmt.Errorf("unable to find user %s: no matching entries in passwd file", name)
		}
		found.uid = uid
	}
	if hasGroup {
		return found, found.setGroup(group)
	}
	eachLine("/etc/group", 4, func(fields []string) {
		if gid, err := strconv.Atoi(fields[2]); err == nil && slices.Contains(strings.Split(fields[3], ","), name) {
			found.groups = append(found.groups, gid)
		}
	})
	return found, nil
}

func (u *user) setGroup(group string) error {
	gid, err := strconv.Atoi(group)
	eachLine("/etc/group", 3, func(fields []string) {
		if fields[0] == group {
			gid, err = strconv.Atoi(fields[2])
		}
	})
	if err != nil {
		return fmt.Errorf("unable to find group %s: no matching entries in group file", group)
	}
	u.gid = gid
	return nil
}

// withHome adds HOME, unless it is given.
func (u *user) withHome(env []string) []string {
	if slices.ContainsFunc(env, func(entry string) bool { return strings.HasPrefix(entry, "HOME=") }) {
		return env
	}
	return append(slices.Clone(env), "HOME="+u.home)
}

// eachLine reads a file of fields with colons; none is an empty one.
func eachLine(path string, atLeast int, use func(fields []string)) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if fields := strings.Split(lines.Text(), ":"); len(fields) >= atLeast {
			use(fields)
		}
	}
}
