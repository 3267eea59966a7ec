package emulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// maxConfigFiles is by the API metadata.
const maxConfigFiles = 89

func (c *checker) volumes(volumes []eci.Volume, allowListed bool) {
	c.atMost("Volume", len(volumes), maxVolumes)
	seen := map[string]bool{}
	for i := range volumes {
		param := indexed("Volume", i)
		c.name(param+".Name", volumes[i].Name, 1, 128)
		c.unique(seen, param, volumes[i].Name, eci.CodeDuplicatedVolumeName)
		c.volume(param, &volumes[i], allowListed)
	}
}

// volume wants the part that belongs to the type, and no other.
func (c *checker) volume(param string, v *eci.Volume, allowListed bool) {
	c.required(param+".Type", v.Type)
	c.oneOf(param+".Type", v.Type, eci.VolumeEmptyDir, eci.VolumeNFS, eci.VolumeConfigFile, eci.VolumeFlex, eci.VolumeHostPath, eci.VolumeDisk)
	parts := []struct {
		kind  string
		given bool
		check func()
	}{
		{eci.VolumeEmptyDir, v.EmptyDirVolume != nil, func() { c.emptyDir(param, v.EmptyDirVolume) }},
		{eci.VolumeConfigFile, v.ConfigFileVolume != nil, func() { c.configFiles(param, v.ConfigFileVolume) }},
		{eci.VolumeNFS, v.NFSVolume != nil, func() { c.nfs(param, v.NFSVolume) }},
		{eci.VolumeFlex, v.FlexVolume != nil, func() { c.flex(param, v.FlexVolume) }},
		{eci.VolumeHostPath, v.HostPathVolume != nil, func() { c.hostPath(param, v.HostPathVolume, allowListed) }},
		{eci.VolumeDisk, v.DiskVolume != nil, func() { c.required(param+".DiskVolume.DiskId", v.DiskVolume.DiskID) }},
	}
	for _, part := range parts {
		switch {
		case part.given && part.kind != v.Type:
			c.that(false, param+"."+part.kind, "the type is %s", v.Type)
		case part.given:
			part.check()
		case part.kind == v.Type && part.kind != eci.VolumeEmptyDir:
			c.fail(missing(param + "." + part.kind))
		}
	}
}

func (c *checker) emptyDir(param string, v *eci.EmptyDirVolume) {
	c.oneOf(param+".EmptyDirVolume.Medium", v.Medium, "Memory", "memory", "LocalRaid0")
}

func (c *checker) configFiles(param string, v *eci.ConfigFileVolume) {
	param += ".ConfigFileVolume.ConfigFileToPath"
	c.atMost(param, len(v.Files), maxConfigFiles)
	total, seen := 0, map[string]bool{}
	for i, file := range v.Files {
		p := indexed(param, i)
		c.required(p+".Path", file.Path)
		clean := path.Clean(file.Path)
		inside := !path.IsAbs(clean) && clean != ".." && !strings.HasPrefix(clean, "../")
		c.that(inside, p+".Path", "%q leaves the mount", file.Path)
		c.that(!seen[clean], p+".Path", "%q is there twice", file.Path)
		seen[clean] = true
		raw, err := base64.StdEncoding.DecodeString(file.Content.Reveal())
		c.that(err == nil, p+".Content", "it is not BASE64")
		c.atMost(p+".Content", len(raw), eci.MaxConfigFile)
		total += len(raw)
	}
	c.atMost(param, total, eci.MaxConfigVolume)
}

func (c *checker) nfs(param string, v *eci.NFSVolume) {
	c.required(param+".NFSVolume.Server", v.Server)
	c.required(param+".NFSVolume.Path", v.Path)
}

func (c *checker) flex(param string, v *eci.FlexVolume) {
	c.required(param+".FlexVolume.Driver", v.Driver)
	c.oneOf(param+".FlexVolume.Driver", v.Driver, "alicloud/disk", "alicloud/nas", "alicloud/oss")
	var options map[string]string
	if v.Options != "" {
		err := json.Unmarshal([]byte(v.Options.Reveal()), &options)
		c.that(err == nil, param+".FlexVolume.Options", "it is no JSON object of texts")
	}
}

func (c *checker) hostPath(param string, v *eci.HostPathVolume, allowListed bool) {
	if !allowListed {
		c.fail(refuse(http.StatusForbidden, "Forbidden.OnlyForInvitedTest", "%s.HostPathVolume is for invited accounts only.", param))
	}
	c.required(param+".HostPathVolume.Path", v.Path)
	c.oneOf(param+".HostPathVolume.Type", v.Type, "Directory", "File")
}
