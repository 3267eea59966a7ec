package emulator

import (
	"net/http"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Limits of a container. Source: as those of the group.
const (
	maxImage        = 255
	maxArgs         = 100
	maxEnv          = 240
	maxEnvKey       = 128
	maxEnvValue     = 256
	maxPorts        = 100
	maxMounts       = 100
	maxProbeCommand = 20
)

// containers checks both lists together: they share their names and volumes.
func (c *checker) containers(inits []eci.InitContainer, apps []eci.Container, volumes []eci.Volume, allowListed bool) {
	if len(apps) == 0 {
		c.fail(missing("Container.1.Name"))
	}
	c.atMost("Container", len(apps), maxContainers)
	c.atMost("InitContainer", len(inits), maxInitContainers)
	known := map[string]bool{}
	for _, v := range volumes {
		known[v.Name] = true
	}
	seen := map[string]bool{}
	for i := range inits {
		param := indexed("InitContainer", i)
		c.base(param, &inits[i].ContainerBase, known)
		c.unique(seen, param, inits[i].Name, eci.CodeDuplicatedName)
	}
	for i := range apps {
		param := indexed("Container", i)
		c.base(param, &apps[i].ContainerBase, known)
		c.unique(seen, param, apps[i].Name, eci.CodeDuplicatedName)
		c.app(param, &apps[i], allowListed)
	}
}

func (c *checker) base(param string, b *eci.ContainerBase, volumes map[string]bool) {
	c.name(param+".Name", b.Name, 1, 128)
	c.required(param+".Image", b.Image)
	c.atMost(param+".Image", len(b.Image), maxImage)
	c.oneOf(param+".ImagePullPolicy", b.ImagePullPolicy, "Always", "IfNotPresent", "Never")
	c.atMost(param+".Command", len(b.Command), maxArgs)
	c.atMost(param+".Arg", len(b.Args), maxArgs)
	c.that(b.CPU >= 0, param+".Cpu", "it is negative")
	c.that(b.Memory >= 0, param+".Memory", "it is negative")
	c.that(b.GPU >= 0, param+".Gpu", "it is negative")
	c.oneOf(param+".TerminationMessagePolicy", b.TerminationMessagePolicy, "File", "FallbackToLogsOnError")
	c.env(param, b.EnvironmentVars)
	c.ports(param, b.Ports)
	c.mounts(param, b.VolumeMounts, volumes)
	for i, capability := range b.SecurityContext.Capability.Add {
		c.oneOf(indexed(param+".SecurityContext.Capability.Add", i), capability, "NET_ADMIN", "NET_RAW")
	}
	readOnly := b.SecurityContext.ReadOnlyRootFilesystem
	c.that(readOnly == nil || *readOnly, param+".SecurityContext.ReadOnlyRootFilesystem", "only true is accepted")
}

func (c *checker) env(param string, vars []eci.EnvironmentVar) {
	c.atMost(param+".EnvironmentVar", len(vars), maxEnv)
	for i, v := range vars {
		p := indexed(param+".EnvironmentVar", i)
		c.required(p+".Key", v.Key)
		c.that(isEnvKey(v.Key), p+".Key", "%q is not 1 to %d letters, digits and underscores without a leading digit", v.Key, maxEnvKey)
		c.atMost(p+".Value", len(v.Value), maxEnvValue)
		if v.FieldRef != nil {
			c.oneOf(p+".FieldRef.FieldPath", v.FieldRef.FieldPath, eci.FieldPathPodIP)
			c.that(v.Value == "", p+".Value", "it is given beside FieldRef")
		}
	}
}

func isEnvKey(key string) bool {
	if len(key) > maxEnvKey || key == "" || key[0] >= '0' && key[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(key, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func (c *checker) ports(param string, ports []eci.ContainerPort) {
	c.atMost(param+".Port", len(ports), maxPorts)
	for i, port := range ports {
		p := indexed(param+".Port", i)
		c.between(p+".Port", int64(port.Port), 1, 65535)
		c.oneOf(p+".Protocol", port.Protocol, "TCP", "UDP")
	}
}

func (c *checker) mounts(param string, mounts []eci.VolumeMount, volumes map[string]bool) {
	c.atMost(param+".VolumeMount", len(mounts), maxMounts)
	for i, m := range mounts {
		p := indexed(param+".VolumeMount", i)
		c.required(p+".Name", m.Name)
		c.that(volumes[m.Name], p+".Name", "there is no volume %q", m.Name)
		c.required(p+".MountPath", m.MountPath)
		c.oneOf(p+".MountPropagation", m.MountPropagation, "None", "HostToContainer", "HostToCotainer", "Bidirectional")
	}
}

func (c *checker) app(param string, app *eci.Container, allowListed bool) {
	c.probe(param+".LivenessProbe", app.LivenessProbe)
	c.probe(param+".ReadinessProbe", app.ReadinessProbe)
	c.hook(param+".LifecyclePostStartHandler", app.PostStartExec, app.PostStartHTTPGetPath, app.PostStartHTTPGetScheme, app.PostStartHTTPGetPort, app.PostStartTCPSocketPort)
	c.hook(param+".LifecyclePreStopHandler", app.PreStopExec, app.PreStopHTTPGetPath, app.PreStopHTTPGetScheme, app.PreStopHTTPGetPort, app.PreStopTCPSocketPort)
	if value(app.SecurityContextPrivileged) && !allowListed {
		c.fail(refuse(http.StatusForbidden, "Forbidden.OnlyForInvitedTest", "%s.SecurityContextPrivileged is for invited accounts only.", param))
	}
}

// hook takes at most one handler.
func (c *checker) hook(param string, exec []string, path, scheme string, httpPort, tcpPort int32) {
	handlers := 0
	for _, given := range []bool{len(exec) > 0, path != "" || httpPort != 0, tcpPort != 0} {
		if given {
			handlers++
		}
	}
	c.that(handlers <= 1, param, "it has %d handlers", handlers)
	c.atMost(param+"Exec", len(exec), maxArgs)
	c.oneOf(param+"HttpGetScheme", scheme, "HTTP", "HTTPS")
	c.optional(param+"HttpGetPort", int64(httpPort), 1, 65535)
	c.optional(param+"TcpSocketPort", int64(tcpPort), 1, 65535)
}

func (c *checker) probe(param string, p *eci.Probe) {
	if p == nil {
		return
	}
	handlers := 0
	if p.Exec != nil {
		handlers++
		c.that(len(p.Exec.Command) > 0, param+".Exec.Command", "it is empty")
		c.atMost(param+".Exec.Command", len(p.Exec.Command), maxProbeCommand)
	}
	if p.HTTPGet != nil {
		handlers++
		c.between(param+".HttpGet.Port", int64(p.HTTPGet.Port), 1, 65535)
		c.oneOf(param+".HttpGet.Scheme", p.HTTPGet.Scheme, "HTTP", "HTTPS")
	}
	if p.TCPSocket != nil {
		handlers++
		c.between(param+".TcpSocket.Port", int64(p.TCPSocket.Port), 1, 65535)
	}
	c.that(handlers == 1, param, "it has %d handlers, not one", handlers)
	c.optional(param+".SuccessThreshold", int64(p.SuccessThreshold), 1, 1)
	c.between(param+".InitialDelaySeconds", int64(p.InitialDelaySeconds), 0, 1<<31-1)
	c.optional(param+".PeriodSeconds", int64(p.PeriodSeconds), 1, 1<<31-1)
	c.optional(param+".TimeoutSeconds", int64(p.TimeoutSeconds), 1, 1<<31-1)
	c.optional(param+".FailureThreshold", int64(p.FailureThreshold), 1, 1<<31-1)
}
