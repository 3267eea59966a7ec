package emulator

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/eci-vnode/eci-vnode/eci"
)

func (e *Emulator) updateContainerGroup(c *call, r *eci.UpdateContainerGroupRequest) (*eci.UpdateContainerGroupResponse, *eci.Error) {
	if err := checkTarget(r.ContainerGroupID, r.ClientToken); err != nil {
		return nil, err
	}
	return once(e, c, r.ClientToken, func() (*eci.UpdateContainerGroupResponse, *eci.Error) {
		g, err := e.alive(r.ContainerGroupID)
		if err != nil {
			return nil, err
		}
		check := &checker{}
		check.oneOf("UpdateType", r.UpdateType, eci.UpdateRenew, eci.UpdateIncremental)
		if check.err != nil {
			return nil, check.err
		}
		wanted := updated(g.request, r)
		if reflect.DeepEqual(wanted, g.request) {
			return nil, refuse(http.StatusBadRequest, eci.CodeNoNeedUpdate, "The update changes nothing.")
		}
		if err := e.checkUpdate(g, &wanted); err != nil {
			return nil, err
		}
		e.applyUpdate(g, wanted)
		return &eci.UpdateContainerGroupResponse{}, nil
	})
}

// updated is the group's request with the update merged in.
func updated(old eci.CreateContainerGroupRequest, r *eci.UpdateContainerGroupRequest) eci.CreateContainerGroupRequest {
	incremental := r.UpdateType == eci.UpdateIncremental
	inits := make([]eci.InitContainer, len(r.InitContainers))
	for i, c := range r.InitContainers {
		inits[i].ContainerBase = c.ContainerBase
	}
	apps := make([]eci.Container, len(r.Containers))
	for i := range r.Containers {
		apps[i] = fromUpdate(&r.Containers[i])
	}
	old.InitContainers = merge(old.InitContainers, inits, incremental, func(c eci.InitContainer) string { return c.Name })
	old.Containers = merge(old.Containers, apps, incremental, func(c eci.Container) string { return c.Name })
	old.Volumes = merge(old.Volumes, r.Volumes, incremental, func(v eci.Volume) string { return v.Name })
	old.Tags = merge(old.Tags, r.Tags, incremental, func(t eci.Tag) string { return t.Key })
	old.ImageRegistryCredentials = merge(old.ImageRegistryCredentials, r.ImageRegistryCredentials, incremental,
		func(c eci.ImageRegistryCredential) string { return c.Server })
	old.ACRRegistryInfos = merge(old.ACRRegistryInfos, r.ACRRegistryInfos, incremental, func(i eci.ACRRegistryInfo) string { return i.InstanceID })
	if !reflect.ValueOf(r.DNSConfig).IsZero() {
		old.DNSConfig = r.DNSConfig
	}
	set(&old.RestartPolicy, r.RestartPolicy)
	set(&old.ResourceGroupID, r.ResourceGroupID)
	set(&old.CPU, r.CPU)
	set(&old.Memory, r.Memory)
	return old
}

func set[T comparable](to *T, v T) {
	var zero T
	if v != zero {
		*to = v
	}
}

// merge takes a list as a whole, or entry by entry; a list that is not sent
// stays.
func merge[T any](old, sent []T, incremental bool, key func(T) string) []T {
	if len(sent) == 0 {
		return old
	}
	if !incremental {
		return sent
	}
	merged := slices.Clone(old)
	for _, item := range sent {
		if i := slices.IndexFunc(merged, func(o T) bool { return key(o) == key(item) }); i >= 0 {
			merged[i] = item
		} else {
			merged = append(merged, item)
		}
	}
	return merged
}

// fromUpdate maps an update's container: the types differ in one name.
func fromUpdate(c *eci.UpdateContainer) eci.Container {
	return eci.Container{
		ContainerBase: c.ContainerBase, ContainerStdin: c.ContainerStdin, ContainerCare: c.ContainerCare,
		PostStartHTTPHeaders: c.PostStartHTTPHeaders,
	}
}

// checkUpdate checks the merged request as a create, and its new size.
func (e *Emulator) checkUpdate(g *group, wanted *eci.CreateContainerGroupRequest) *eci.Error {
	if err := e.checkCreate(wanted); err != nil {
		return err
	}
	options, err := e.sizeOptions(wanted)
	if err != nil {
		return err
	}
	if e.usedCPU-g.cpu+options[0].size.cpu > e.cfg.MaxCPU {
		return refuse(http.StatusForbidden, eci.CodeQuotaExceeded, "The vCPU quota of %g in this region is exceeded.", e.cfg.MaxCPU)
	}
	return nil
}

// applyUpdate restarts the containers when they or their volumes changed; what
// else an update can change needs no restart.
func (e *Emulator) applyUpdate(g *group, wanted eci.CreateContainerGroupRequest) {
	old := g.request
	g.request, g.tags = wanted, tagMap(wanted.Tags)
	if options, err := e.sizeOptions(&wanted); err == nil {
		e.usedCPU += options[0].size.cpu - g.cpu
		g.cpu, g.memory = options[0].size.cpu, options[0].size.memory
	}
	e.touch(g)
	same := reflect.DeepEqual(old.Containers, wanted.Containers) && reflect.DeepEqual(old.InitContainers, wanted.InitContainers) &&
		e.sameVolumes(old.Volumes, wanted.Volumes) && old.CPU == wanted.CPU && old.Memory == wanted.Memory
	if same {
		return
	}
	g.status = eci.StatusUpdating
	g.service(e.clock.Now(), eventNormal, "Updating", "Updating container group %s.", g.id)
	e.stopAll(g, goalUpdate, g.grace())
}

// sameVolumes says whether nothing has to restart for the volumes; see
// Config.FilesInPlace.
func (e *Emulator) sameVolumes(old, wanted []eci.Volume) bool {
	return reflect.DeepEqual(old, wanted) || e.cfg.FilesInPlace &&
		slices.EqualFunc(old, wanted, func(a, b eci.Volume) bool {
			if a.ConfigFileVolume != nil && b.ConfigFileVolume != nil {
				a.ConfigFileVolume, b.ConfigFileVolume = nil, nil
			}
			return reflect.DeepEqual(a, b)
		})
}
