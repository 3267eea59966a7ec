package process_test

import (
	"encoding/base64"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

func yes() *bool { b := true; return &b }

func configVolume(name string, files ...eci.ConfigFile) eci.Volume {
	return eci.Volume{Name: name, Type: eci.VolumeConfigFile, ConfigFileVolume: &eci.ConfigFileVolume{DefaultMode: 640, Files: files}}
}

func file(path, content string, mode eci.OctalMode) eci.ConfigFile {
	return eci.ConfigFile{Path: path, Content: eci.Secret(base64.StdEncoding.EncodeToString([]byte(content))), Mode: mode}
}

func TestConfigFilesAreMountedReadOnlyWithTheirModes(t *testing.T) {
	c := mustCloud(t)
	request := group("files", shell("main", `cat /etc/app/app.conf; stat -c '%a %n' /etc/app/app.conf /etc/app/sub/key; cat /one
echo x > /etc/app/new || echo refused; echo x > /one || echo refused too`))
	request.Volumes = []eci.Volume{configVolume("conf", file("app.conf", "retries=3\n", 0), file("sub/key", "s3cr3t\n", 400))}
	request.Containers[0].VolumeMounts = []eci.VolumeMount{
		{Name: "conf", MountPath: "/etc/app"}, {Name: "conf", MountPath: "/one", SubPath: "sub/key"},
	}
	_, log := c.mustEnd(t, c.mustCreate(t, request))
	mustContain(t, log, "retries=3\n", "640 /etc/app/app.conf", "400 /etc/app/sub/key", "s3cr3t\n", "refused\n", "refused too\n")
}

func TestAnInitContainerWritesForTheMainOne(t *testing.T) {
	c := mustCloud(t)
	request := group("handover", shell("main", "cat /data/greeting; cat /part/greeting; cat /memory/note; stat -c %a /data"))
	prepare := shell("prepare", "echo hello > /data/greeting; mkdir /data/sub; echo deep > /data/sub/greeting; echo volatile > /memory/note")
	request.InitContainers = []eci.InitContainer{{ContainerBase: prepare.ContainerBase}}
	request.Volumes = []eci.Volume{
		{Name: "data", Type: eci.VolumeEmptyDir},
		{Name: "memory", Type: eci.VolumeEmptyDir, EmptyDirVolume: &eci.EmptyDirVolume{Medium: "Memory", SizeLimit: "8Mi"}},
	}
	mounts := []eci.VolumeMount{{Name: "data", MountPath: "/data"}, {Name: "memory", MountPath: "/memory"}}
	request.InitContainers[0].VolumeMounts = mounts
	request.Containers[0].VolumeMounts = append(mounts, eci.VolumeMount{Name: "data", MountPath: "/part", SubPath: "sub"})
	got, log := c.mustEnd(t, c.mustCreate(t, request))
	if got.Status != eci.StatusSucceeded || log != "hello\ndeep\nvolatile\n777\n" {
		t.Errorf("%s, log %q", got.Status, log)
	}
}

func TestALinkInAVolumeDoesNotLeadOutOfIt(t *testing.T) {
	c := mustCloud(t)
	request := group("escape", shell("main", "ls /stolen"))
	prepare := shell("prepare", "ln -s /etc /data/out")
	request.InitContainers = []eci.InitContainer{{ContainerBase: prepare.ContainerBase}}
	request.Volumes = []eci.Volume{{Name: "data", Type: eci.VolumeEmptyDir}}
	request.InitContainers[0].VolumeMounts = []eci.VolumeMount{{Name: "data", MountPath: "/data"}}
	request.Containers[0].VolumeMounts = []eci.VolumeMount{{Name: "data", MountPath: "/stolen", SubPath: "out"}}
	got, log := c.mustEnd(t, c.mustCreate(t, request))
	if state := got.Containers[0].CurrentState; got.Status != eci.StatusFailed || state.ExitCode != 128 {
		t.Errorf("%s, %+v, log %q: want a container that cannot start", got.Status, state, log)
	}
}

func TestCloudStorageIsAnEmptyDirectoryAndAnEventSaysSo(t *testing.T) {
	c := mustCloud(t)
	request := group("nas", shell("main", "ls -a /nas; touch /nas/file"))
	request.Volumes = []eci.Volume{{Name: "nas", Type: eci.VolumeNFS, NFSVolume: &eci.NFSVolume{Server: "nas.test", Path: "/"}}}
	request.Containers[0].VolumeMounts = []eci.VolumeMount{{Name: "nas", MountPath: "/nas"}}
	got, log := c.mustEnd(t, c.mustCreate(t, request))
	if got.Status != eci.StatusSucceeded || !hasEvent(got, "VolumeStandIn") {
		t.Errorf("%s, log %q, events %+v", got.Status, log, got.Events)
	}
}

func TestARootThatIsReadOnlyTakesNoFiles(t *testing.T) {
	c := mustCloud(t)
	request := group("locked", shell("main", "touch /file || echo refused; touch /dev/shm/file && echo shared"))
	request.Containers[0].SecurityContext.ReadOnlyRootFilesystem = yes()
	_, log := c.mustEnd(t, c.mustCreate(t, request))
	mustContain(t, log, "refused\n", "shared\n")
}
