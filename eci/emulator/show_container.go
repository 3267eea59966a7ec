package emulator

import "github.com/eci-vnode/eci-vnode/eci"

func showApp(c *container) eci.GroupContainer {
	return eci.GroupContainer{
		GroupContainerBase: showBase(c), Commands: c.spec.Command,
		LivenessProbe: showProbe(c.spec.LivenessProbe), ReadinessProbe: showProbe(c.spec.ReadinessProbe),
		Stdin: value(c.spec.Stdin), StdinOnce: value(c.spec.StdinOnce), TTY: value(c.spec.TTY),
	}
}

func showBase(c *container) eci.GroupContainerBase {
	b := &c.spec.ContainerBase
	return eci.GroupContainerBase{
		Name: b.Name, Image: b.Image, ImagePullPolicy: b.ImagePullPolicy, Args: b.Args, WorkingDir: b.WorkingDir,
		CPU: b.CPU, Memory: b.Memory, GPU: b.GPU, EnvironmentVars: showEnv(&c.spec), Ports: b.Ports, VolumeMounts: b.VolumeMounts,
		Ready: c.ready || c.init && c.succeeded(), RestartCount: c.restarts,
		CurrentState: showState(c.state), PreviousState: showState(c.last), SecurityContext: showSecurity(&b.SecurityContext),
		TerminationMessagePath: b.TerminationMessagePath, TerminationMessagePolicy: b.TerminationMessagePolicy,
	}
}

// showEnv hides all when EnvironmentVarHide says so.
func showEnv(spec *eci.Container) []eci.GroupEnvironmentVar {
	if value(spec.EnvironmentVarHide) {
		return nil
	}
	var out []eci.GroupEnvironmentVar
	for _, v := range spec.EnvironmentVars {
		shown := eci.GroupEnvironmentVar{Key: v.Key, Value: v.Value}
		if v.FieldRef != nil {
			shown.ValueFrom = &eci.ValueFrom{FieldRef: v.FieldRef}
		}
		out = append(out, shown)
	}
	return out
}

func showState(s containerState) *eci.ContainerState {
	if s.state == "" {
		return nil
	}
	return &eci.ContainerState{
		State: s.state, Reason: s.reason, Message: s.message, DetailStatus: s.reason,
		ExitCode: s.exitCode, Signal: s.signal, StartTime: wireTime(s.start), FinishTime: wireTime(s.finish),
	}
}

func showSecurity(s *eci.ContainerSecurityContext) *eci.GroupContainerSecurity {
	if len(s.Capability.Add) == 0 && s.ReadOnlyRootFilesystem == nil && s.RunAsUser == nil {
		return nil
	}
	out := &eci.GroupContainerSecurity{ReadOnlyRootFilesystem: value(s.ReadOnlyRootFilesystem), RunAsUser: s.RunAsUser}
	if len(s.Capability.Add) > 0 {
		out.Capability = &eci.GroupCapability{Adds: s.Capability.Add}
	}
	return out
}

// showProbe fills in the defaults.
func showProbe(p *eci.Probe) *eci.GroupProbe {
	if p == nil {
		return nil
	}
	out := &eci.GroupProbe{
		HTTPGet: p.HTTPGet, InitialDelaySeconds: p.InitialDelaySeconds, PeriodSeconds: orElse(p.PeriodSeconds, 10),
		TimeoutSeconds: orElse(p.TimeoutSeconds, 1), FailureThreshold: orElse(p.FailureThreshold, 3), SuccessThreshold: 1,
	}
	if p.Exec != nil {
		out.Execs = p.Exec.Command
	}
	if p.TCPSocket != nil {
		out.TCPSocket = &eci.GroupTCPSocket{Port: p.TCPSocket.Port}
	}
	return out
}

func showVolume(v *eci.Volume) eci.GroupVolume {
	out := eci.GroupVolume{Name: v.Name, Type: v.Type}
	if p := v.EmptyDirVolume; p != nil {
		out.EmptyDirMedium, out.EmptyDirSizeLimit = p.Medium, p.SizeLimit
	}
	if p := v.ConfigFileVolume; p != nil {
		for _, f := range p.Files {
			out.ConfigFiles = append(out.ConfigFiles, eci.GroupConfigFile{Path: f.Path, Content: f.Content.Reveal()})
		}
	}
	if p := v.NFSVolume; p != nil {
		out.NFSServer, out.NFSPath, out.NFSReadOnly = p.Server, p.Path, value(p.ReadOnly)
	}
	if p := v.FlexVolume; p != nil {
		out.FlexDriver, out.FlexFSType, out.FlexOptions = p.Driver, p.FSType, p.Options.Reveal()
	}
	if p := v.DiskVolume; p != nil {
		out.DiskID, out.DiskFSType = p.DiskID, p.FSType
	}
	return out
}
