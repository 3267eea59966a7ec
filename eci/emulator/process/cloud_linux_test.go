package process_test

import (
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/emulator/process"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
)

const subnet = "10.77.0.0/16"

// cloud is an emulator whose containers are processes, and a client of it.
type cloud struct {
	*openapi.Client
	emulator *emulator.Emulator
	config   process.Config
}

func mustCloud(t *testing.T, change ...func(*process.Config)) *cloud {
	t.Helper()
	config := process.Default()
	config.Dir, config.Subnets, config.Logf = t.TempDir(), []netip.Prefix{netip.MustParsePrefix(subnet)}, t.Logf
	for _, c := range change {
		c(&config)
	}
	runtime, err := process.New(config)
	if err != nil {
		t.Fatal(err)
	}
	account := emulator.DefaultConfig()
	account.VSwitches = account.VSwitches[:1]
	account.VSwitches[0].CIDR = subnet
	account.Delays.RestartBackOff = 100 * time.Millisecond
	account.ExecFraming = emulator.ExecV5
	em, err := emulator.New(account, emulator.WithRuntime(runtime))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(em)
	t.Cleanup(func() {
		server.Close()
		if err := em.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &cloud{Client: mustClient(t, account, server.URL), emulator: em, config: config}
}

func mustClient(t *testing.T, account emulator.Config, url string) *openapi.Client {
	t.Helper()
	config := openapi.DefaultConfig(account.Region)
	config.Endpoint = url
	key := account.Credentials[0]
	client, err := openapi.New(config, openapi.Deps{
		Credentials: openapi.StaticCredentials(key.AccessKeyID, key.AccessKeySecret.Reveal(), ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// shell is a container that runs a script in the stand-in image.
func shell(name, script string) eci.Container {
	return eci.Container{ContainerBase: eci.ContainerBase{
		Name: name, Image: "registry.unreachable.test/box", Command: []string{"sh", "-c", script},
	}}
}

// group is a request for containers that run once.
func group(name string, containers ...eci.Container) *eci.CreateContainerGroupRequest {
	return &eci.CreateContainerGroupRequest{ContainerGroupName: name, RestartPolicy: "Never", Containers: containers, CPU: 1, Memory: 2}
}

func (c *cloud) mustCreate(t *testing.T, request *eci.CreateContainerGroupRequest) string {
	t.Helper()
	answer, err := c.CreateContainerGroup(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return answer.ContainerGroupID
}

func (c *cloud) mustGet(t *testing.T, id string) emulator.Group {
	t.Helper()
	for _, g := range c.emulator.Groups() {
		if g.ContainerGroupID == id {
			return g
		}
	}
	t.Fatalf("there is no group %s", id)
	return emulator.Group{}
}

// eventually waits until the group is as it should be, and returns it.
func (c *cloud) eventually(t *testing.T, id, what string, is func(emulator.Group) bool) emulator.Group {
	t.Helper()
	timeout := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		got := c.mustGet(t, id)
		if is(got) {
			return got
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("group %s is not %s: %s %+v\nevents: %+v\nlog: %s", id, what, got.Status, got.Containers[0].CurrentState, got.Events,
				c.mustLog(t, id, got.Containers[0].Name))
		}
	}
}

func (c *cloud) mustLog(t *testing.T, id, container string) string {
	t.Helper()
	answer, err := c.DescribeContainerLog(t.Context(), &eci.DescribeContainerLogRequest{ContainerGroupID: id, ContainerName: container})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Content
}

// mustEnd waits for the end of a group and returns it with its first
// container's log.
func (c *cloud) mustEnd(t *testing.T, id string) (emulator.Group, string) {
	t.Helper()
	got := c.eventually(t, id, "over", func(g emulator.Group) bool { return eci.IsTerminal(g.Status) })
	return got, c.mustLog(t, id, got.Containers[0].Name)
}

func isReady(g emulator.Group) bool {
	for _, c := range g.PodStatus.ContainerStatuses {
		if !c.Ready {
			return false
		}
	}
	return g.Status == eci.StatusRunning
}

func hasEvent(g emulator.Group, reason string) bool {
	for _, e := range g.Events {
		if e.Reason == reason {
			return true
		}
	}
	return false
}
