package process

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// defaultPath is what container runtimes give an image without PATH.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// defaultMessagePath is the kubelet's.
const defaultMessagePath = "/dev/termination-log"

// orders are what the first process of the container is told.
func (p *running) orders() (initOrders, error) {
	spec := &p.run.Container
	mounts, err := p.mounts()
	if err != nil {
		return initOrders{}, err
	}
	p.task = p.taskOf(spec)
	return initOrders{
		Pause: p.group.pause.cmd.Process.Pid, Lower: p.image.root, Scratch: p.dir, Mounts: mounts,
		ReadOnlyRoot: isSet(spec.SecurityContext.ReadOnlyRootFilesystem), Task: p.task,
	}, nil
}

func (p *running) taskOf(spec *eci.Container) task {
	config := &p.image.config
	t := task{
		Argv: commandOf(p.image, spec), Env: p.environment(), Dir: cmp.Or(spec.WorkingDir, config.WorkingDir, "/"),
		User: config.User, NonRoot: isSet(spec.SecurityContextRunAsNonRoot), Privileged: isSet(spec.SecurityContextPrivileged),
		AddCaps: spec.SecurityContext.Capability.Add,
	}
	if id := spec.SecurityContext.RunAsUser; id != nil {
		t.User = strconv.FormatInt(*id, 10)
	}
	if id := spec.SecurityContextRunAsGroup; id != nil {
		number := int(*id)
		t.Group = &number
	}
	return t
}

// commandOf joins the image's command and the container's as Kubernetes does.
func commandOf(img *image, spec *eci.Container) []string {
	if img.standIn {
		return standInCommand(spec)
	}
	switch {
	case len(spec.Command) > 0:
		return slices.Concat(spec.Command, spec.Args)
	case len(spec.Args) > 0:
		return slices.Concat(img.config.Entrypoint, spec.Args)
	}
	return slices.Concat(img.config.Entrypoint, img.config.Cmd)
}

// environment is the image's with the container's over it.
func (p *running) environment() []string {
	env := []string{defaultPath}
	set := func(name, value string) {
		env = slices.DeleteFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
		env = append(env, name+"="+value)
	}
	for _, entry := range p.image.config.Env {
		name, value, _ := strings.Cut(entry, "=")
		set(name, value)
	}
	set("HOSTNAME", p.group.hostname())
	if isSet(p.run.Container.TTY) {
		set("TERM", "xterm")
	}
	for _, v := range p.run.Container.EnvironmentVars {
		if v.FieldRef != nil {
			v.Value = p.run.PodIP
		}
		set(v.Key, v.Value)
	}
	return env
}

// mounts are the group's files, the volumes and the termination message file.
func (p *running) mounts() ([]bind, error) {
	mounts := []bind{{Source: p.group.path("shm"), Target: "/dev/shm"}}
	for _, name := range etcFiles() {
		mounts = append(mounts, bind{Source: p.group.path("etc", name), Target: "/etc/" + name})
	}
	volumes, err := p.group.mountsOf(&p.run.Container)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.messageFile(), nil, 0o600); err != nil {
		return nil, err
	}
	if err := os.Chmod(p.messageFile(), 0o666); err != nil {
		return nil, err
	}
	message := bind{Source: p.messageFile(), Target: cmp.Or(p.run.Container.TerminationMessagePath, defaultMessagePath)}
	return append(append(mounts, volumes...), message), nil
}

func (p *running) messageFile() string { return filepath.Join(p.dir, "termination-log") }

// grace is the group's, or the default of Kubernetes.
func (g *group) grace() time.Duration {
	if seconds := g.request.TerminationGracePeriodSeconds; seconds != nil {
		return time.Duration(*seconds) * time.Second
	}
	return 30 * time.Second
}

func isSet(flag *bool) bool { return flag != nil && *flag }
