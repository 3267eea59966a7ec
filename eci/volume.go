package eci

import "fmt"

// Volume types: the value of Volume.Type.
const (
	VolumeEmptyDir   = "EmptyDirVolume"
	VolumeNFS        = "NFSVolume"
	VolumeConfigFile = "ConfigFileVolume"
	VolumeFlex       = "FlexVolume"
	VolumeHostPath   = "HostPathVolume"
	VolumeDisk       = "DiskVolume"
)

// Limits of config files, in bytes. Source: product documents; whether they
// count raw or encoded bytes is not stated, so the emulator counts raw ones.
const (
	MaxConfigFile   = 32 << 10
	MaxConfigVolume = 60 << 10
)

// Volume is a volume of a group: Type says which of the others counts.
type Volume struct {
	// Name is unique inside the group.
	Name             string            `json:"Name,omitempty"`
	Type             string            `json:"Type,omitempty"`
	EmptyDirVolume   *EmptyDirVolume   `json:"EmptyDirVolume,omitempty"`
	ConfigFileVolume *ConfigFileVolume `json:"ConfigFileVolume,omitempty"`
	NFSVolume        *NFSVolume        `json:"NFSVolume,omitempty"`
	FlexVolume       *FlexVolume       `json:"FlexVolume,omitempty"`
	HostPathVolume   *HostPathVolume   `json:"HostPathVolume,omitempty"`
	DiskVolume       *DiskVolume       `json:"DiskVolume,omitempty"`
}

// EmptyDirVolume is scratch space. Medium is empty, Memory or LocalRaid0;
// SizeLimit a quantity such as 256Mi.
type EmptyDirVolume struct {
	Medium    string `json:"Medium,omitempty"`
	SizeLimit string `json:"SizeLimit,omitempty"`
}

// ConfigFileVolume is a volume of small files given in the request.
type ConfigFileVolume struct {
	DefaultMode OctalMode    `json:"DefaultMode,omitempty"`
	Files       []ConfigFile `json:"ConfigFileToPath,omitempty"`
}

// ConfigFile is one file. Path is relative to the mount and may have
// directories; Content is BASE64.
type ConfigFile struct {
	Path    string    `json:"Path,omitempty"`
	Content Secret    `json:"Content"`
	Mode    OctalMode `json:"Mode,omitempty"`
}

// OctalMode is a file mode as ECI takes it: an integer whose DECIMAL digits are
// the octal digits of the mode, so that 0644 is sent as 644 and not as 420.
type OctalMode int32

// NFSVolume is a NAS or other NFS export.
type NFSVolume struct {
	Server   string `json:"Server,omitempty"`
	Path     string `json:"Path,omitempty"`
	ReadOnly *bool  `json:"ReadOnly,omitempty"`
}

// FlexVolume is a cloud disk, NAS or OSS mount (Driver alicloud/disk,
// alicloud/nas, alicloud/oss). Options is a JSON object of strings and may
// carry access keys, so that it is a Secret.
type FlexVolume struct {
	Driver  string `json:"Driver,omitempty"`
	FSType  string `json:"FsType,omitempty"`
	Options Secret `json:"Options,omitempty"`
}

// HostPathVolume needs an allow-list entry on the account. Type is Directory or
// File.
type HostPathVolume struct {
	Path string `json:"Path,omitempty"`
	Type string `json:"Type,omitempty"`
}

// DiskVolume is the older form of a cloud disk; the documents advise FlexVolume.
// DiskSize is in GiB.
type DiskVolume struct {
	DiskID   string `json:"DiskId,omitempty"`
	DiskSize int32  `json:"DiskSize,omitempty"`
	FSType   string `json:"FsType,omitempty"`
}

// NewOctalMode turns permission bits (0o644) into their form on the wire (644).
// Bits above 0o7777 are cut.
func NewOctalMode(perm uint32) OctalMode {
	var mode, place uint32 = 0, 1
	for perm &= 0o7777; perm > 0; perm >>= 3 {
		mode += (perm & 7) * place
		place *= 10
	}
	return OctalMode(mode)
}

// String is the four digits that the wire carries.
func (m OctalMode) String() string { return fmt.Sprintf("%04d", int32(m)) }
