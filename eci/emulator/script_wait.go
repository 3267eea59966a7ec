package emulator

import (
	"encoding/base64"
	"path"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// reader returns the content of a file that a container sees, and whether it is
// there.
type reader func(file string) (string, bool)

// configFiles reads the files that the group was made with, where the container
// mounts them.
func configFiles(run Run) reader {
	return func(file string) (string, bool) {
		for _, m := range run.Container.VolumeMounts {
			inside, mounted := strings.CutPrefix(path.Clean(file), path.Clean(m.MountPath)+"/")
			if !mounted {
				continue
			}
			for _, v := range run.Group.Volumes {
				if v.Name == m.Name && v.ConfigFileVolume != nil {
					return contentOf(v.ConfigFileVolume.Files, inside)
				}
			}
		}
		return "", false
	}
}

func contentOf(files []eci.ConfigFile, name string) (string, bool) {
	for _, f := range files {
		if path.Clean(f.Path) == name {
			content, err := base64.StdEncoding.DecodeString(f.Content.Reveal())
			return string(content), err == nil
		}
	}
	return "", false
}

// condition says what the command between until and do finds: true, false, or
// whether a file holds a text. Files do not change while a container runs.
func (c *compiler) condition(argv []string) (holds, understood bool) {
	switch path.Base(argv[0]) {
	case "true", ":":
		return true, true
	case "false":
		return false, true
	case "grep":
		return c.grep(argv[1:])
	}
	return false, false
}

// grep looks for a text in one file. Patterns are read as texts.
func (c *compiler) grep(args []string) (holds, understood bool) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if strings.Trim(args[0], "-qsF") != "" {
			return false, false
		}
		args = args[1:]
	}
	if len(args) != 2 || c.read == nil || strings.ContainsAny(args[0], `\*[]^$`) {
		return false, false
	}
	content, _ := c.read(args[1])
	return strings.Contains(content, args[0]), true
}

// until reads until ...; do ...; done: it is passed by at once, or for ever.
func (c *compiler) until(condition []string, skip bool) {
	holds, understood := c.condition(condition)
	if !understood {
		c.forever()
		return
	}
	before, deaf, handled := len(c.steps), c.deaf, c.handled
	c.loop(skip)
	if holds && !c.opaque {
		c.steps, c.deaf, c.handled, c.done, c.status = c.steps[:before], deaf, handled, false, 0
	}
}
