package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gopkg.in/ini.v1"
)

// profile is an entry of the configuration of the Alibaba Cloud CLI.
type profile struct {
	Name            string `json:"name"`
	Mode            string `json:"mode"`
	AccessKeyID     string `json:"access_key_id"`
	AccessKeySecret string `json:"access_key_secret"`
	SecurityToken   string `json:"sts_token"`
	RoleARN         string `json:"ram_role_arn"`
	RoleSessionName string `json:"ram_session_name"`
	SourceProfile   string `json:"source_profile"`
	RoleName        string `json:"ram_role_name"`
	OIDCTokenFile   string `json:"oidc_token_file"`
	OIDCProviderARN string `json:"oidc_provider_arn"`
	Policy          string `json:"policy"`
	ExternalID      string `json:"external_id"`
}

// Modes of a profile.
const (
	modeKey         = "AK"
	modeToken       = "StsToken"
	modeRole        = "RamRoleArn"
	modeInstance    = "EcsRamRole"
	modeOIDC        = "OIDC"
	modeChainedRole = "ChainableRamRoleArn"
)

// maxProfileChain bounds how many profiles may name each other.
const maxProfileChain = 8

// cliProfile is the current profile of the CLI, or that of ALIBABA_CLOUD_PROFILE.
func (f *finder) cliProfile() (*found, error) {
	path := f.inHome(".aliyun", "config.json")
	if path == "" || isTrue(f.env("ALIBABA_CLOUD_CLI_PROFILE_DISABLED")) {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var file struct {
		Current  string    `json:"current"`
		Profiles []profile `json:"profiles"`
	}
	if json.Unmarshal(data, &file) != nil {
		return nil, fmt.Errorf("%s is not JSON", path) // the text of the error could show a key
	}
	name := file.Current
	if chosen := f.env("ALIBABA_CLOUD_PROFILE"); chosen != "" {
		name = chosen
	}
	here, err := f.chained(file.Profiles, name, maxProfileChain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &found{here.place + ", profile " + name + " of " + path, here.credentials}, nil
}

func (f *finder) chained(all []profile, name string, left int) (*found, error) {
	for _, p := range all {
		if p.Name != name {
			continue
		}
		if p.Mode != modeChainedRole {
			return f.ofProfile(p)
		}
		if left == 0 {
			return nil, fmt.Errorf("profile %q: more than %d profiles name each other", name, maxProfileChain)
		}
		source, err := f.chained(all, p.SourceProfile, left-1)
		if err != nil {
			return nil, err
		}
		return f.roleOf(p, source.credentials)
	}
	return nil, fmt.Errorf("there is no profile %q", name)
}

// ofProfile returns the credentials of one profile.
func (f *finder) ofProfile(p profile) (*found, error) {
	key := StaticCredentials(p.AccessKeyID, p.AccessKeySecret, "")
	switch p.Mode {
	case modeKey, modeToken, modeRole:
		if p.AccessKeyID == "" || p.AccessKeySecret == "" || p.Mode == modeToken && p.SecurityToken == "" {
			return nil, fmt.Errorf("profile %q of mode %s has no whole access key", p.Name, p.Mode)
		}
	}
	switch p.Mode {
	case modeKey:
		return &found{"access key " + masked(p.AccessKeyID), key}, nil
	case modeToken:
		return &found{"temporary access key " + masked(p.AccessKeyID), StaticCredentials(p.AccessKeyID, p.AccessKeySecret, p.SecurityToken)}, nil
	case modeRole:
		return f.roleOf(p, key)
	case modeInstance:
		return f.instanceRole(p.RoleName)
	case modeOIDC:
		if p.RoleARN == "" || p.OIDCProviderARN == "" || p.OIDCTokenFile == "" {
			return nil, fmt.Errorf("profile %q of mode %s needs ram_role_arn, oidc_provider_arn and oidc_token_file", p.Name, p.Mode)
		}
		return &found{"role " + p.RoleARN + " by an OIDC token", f.renewing(f.sts.assumeByToken(f.profileRole(p)))}, nil
	}
	return nil, fmt.Errorf("profile %q has the mode %q, which is not supported", p.Name, p.Mode)
}

func (f *finder) roleOf(p profile, by Credentials) (*found, error) {
	if p.RoleARN == "" {
		return nil, fmt.Errorf("profile %q of mode %s has no ram_role_arn", p.Name, p.Mode)
	}
	return &found{"role " + p.RoleARN, f.renewing(f.sts.assume(f.profileRole(p), by))}, nil
}

func (f *finder) profileRole(p profile) role {
	r := role{ARN: p.RoleARN, SessionName: p.RoleSessionName, Policy: p.Policy, ExternalID: p.ExternalID, ProviderARN: p.OIDCProviderARN, TokenFile: p.OIDCTokenFile}
	if r.SessionName == "" {
		r.SessionName = f.sessionName()
	}
	return r
}

// credentialsFile is the file that the SDKs share.
func (f *finder) credentialsFile() (*found, error) {
	path := f.env("ALIBABA_CLOUD_CREDENTIALS_FILE")
	named := path != ""
	if !named {
		path = f.inHome(".alibabacloud", "credentials")
	}
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := ini.Load(data)
	if err != nil {
		return nil, fmt.Errorf("%s is not an INI file", path)
	}
	name := "default"
	if chosen := f.env("ALIBABA_CLOUD_PROFILE"); chosen != "" {
		name = chosen
	}
	section, err := file.GetSection(name)
	if err != nil {
		return nil, fmt.Errorf("%s has no section %q", path, name)
	}
	here, err := f.ofProfile(profileOf(name, section))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &found{here.place + ", section " + name + " of " + path, here.credentials}, nil
}

// profileOf reads a section as the profile that it would be in the CLI's file.
func profileOf(name string, section *ini.Section) profile {
	text := func(key string) string { return section.Key(key).String() }
	mode := text("type")
	if known, is := map[string]string{"access_key": modeKey, "ecs_ram_role": modeInstance, "ram_role_arn": modeRole}[mode]; is {
		mode = known
	}
	return profile{
		Name: name, Mode: mode, AccessKeyID: text("access_key_id"), AccessKeySecret: text("access_key_secret"),
		RoleARN: text("role_arn"), RoleSessionName: text("role_session_name"), RoleName: text("role_name"), Policy: text("policy"),
	}
}

// inHome is a path in the home directory, or empty when there is none.
func (f *finder) inHome(parts ...string) string {
	home := f.env("HOME")
	if home == "" {
		home = f.env("USERPROFILE")
	}
	if home == "" {
		return ""
	}
	return filepath.Join(append([]string{home}, parts...)...)
}
