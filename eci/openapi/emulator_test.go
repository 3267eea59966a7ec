package openapi_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
)

// hurried is wall time without pauses.
type hurried struct{}

func (hurried) Now() time.Time                                   { return time.Now() }
func (hurried) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// cloud is an emulator behind TLS.
type cloud struct {
	*emulator.Emulator
	server *httptest.Server
	cfg    emulator.Config
}

func startCloud(t *testing.T, change func(*emulator.Config)) *cloud {
	t.Helper()
	cfg := emulator.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	emulated, err := emulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{Emulator: emulated, server: httptest.NewTLSServer(emulated), cfg: cfg}
	t.Cleanup(func() {
		c.server.Close()
		if err := emulated.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *cloud) client(t *testing.T, credentials openapi.Credentials) *openapi.Client {
	t.Helper()
	cfg := openapi.DefaultConfig(c.cfg.Region)
	cfg.Endpoint = c.server.URL
	client, err := openapi.New(cfg, openapi.Deps{Credentials: credentials, HTTPClient: c.server.Client(), Clock: hurried{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func (c *cloud) owner() openapi.Credentials {
	key := c.cfg.Credentials[0]
	return openapi.StaticCredentials(key.AccessKeyID, key.AccessKeySecret.Reveal(), key.SecurityToken.Reveal())
}

func group(name string) *eci.CreateContainerGroupRequest {
	return &eci.CreateContainerGroupRequest{
		ContainerGroupName: name, ClientToken: name,
		Containers: []eci.Container{{ContainerBase: eci.ContainerBase{Name: "main", Image: "busybox", Command: []string{"sleep", "3600"}}}},
	}
}

func TestACreateWhoseAnswerIsLostIsOneGroup(t *testing.T) {
	c := startCloud(t, nil)
	lost := c.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, DropAnswer: true, Times: 2})
	resp, err := c.client(t, c.owner()).CreateContainerGroup(t.Context(), group("one"))
	if err != nil {
		t.Fatal(err)
	}
	if groups := c.Groups(); lost.Hits() != 2 || len(groups) != 1 || resp.ContainerGroupID == "" {
		t.Errorf("%d lost answers, %d groups, id %q", lost.Hits(), len(groups), resp.ContainerGroupID)
	}
}

func TestACreateWithoutTokenIsSentOnceWhenItsAnswerIsLost(t *testing.T) {
	c := startCloud(t, nil)
	c.Faults().Inject(emulator.Fault{Action: eci.ActionCreateContainerGroup, DropAnswer: true, Times: 1})
	req := group("one")
	req.ClientToken = ""
	_, err := c.client(t, c.owner()).CreateContainerGroup(t.Context(), req)
	if err == nil || !eci.IsRetryable(err) || len(c.Groups()) != 1 {
		t.Errorf("got %v and %d groups", err, len(c.Groups()))
	}
}

func TestThrottlingAndABrokenCloudAreWaitedFor(t *testing.T) {
	c := startCloud(t, nil)
	c.Faults().Inject(emulator.Fault{Error: emulator.Throttled(), Times: 2})
	c.Faults().Inject(emulator.Fault{Error: emulator.Unavailable(), Skip: 2, Times: 1})
	if _, err := c.client(t, c.owner()).CreateContainerGroup(t.Context(), group("one")); err != nil {
		t.Error(err)
	}
}

func TestNoStockIsLeftToTheCaller(t *testing.T) {
	c := startCloud(t, nil)
	shortage := c.Faults().Inject(emulator.Fault{NoStock: &emulator.NoStock{}})
	_, err := c.client(t, c.owner()).CreateContainerGroup(t.Context(), group("one"))
	if !eci.IsNoStock(err) || shortage.Hits() != 1 {
		t.Errorf("got %v after %d attempts", err, shortage.Hits())
	}
}

func TestATemporaryKeyNeedsItsToken(t *testing.T) {
	c := startCloud(t, func(cfg *emulator.Config) {
		cfg.Credentials = []emulator.Credential{{AccessKeyID: "STS.tempkey", AccessKeySecret: "temp-secret", SecurityToken: "temp+token/=="}}
	})
	if _, err := c.client(t, c.owner()).ListUsage(t.Context(), &eci.ListUsageRequest{}); err != nil {
		t.Errorf("with its token: %v", err)
	}
	for name, key := range map[string]openapi.Credentials{
		"without token": openapi.StaticCredentials("STS.tempkey", "temp-secret", ""),
		"wrong secret":  openapi.StaticCredentials("STS.tempkey", "wrong-secret", "temp+token/=="),
		"wrong key":     openapi.StaticCredentials("STS.otherkey", "temp-secret", "temp+token/=="),
	} {
		_, err := c.client(t, key).ListUsage(t.Context(), &eci.ListUsageRequest{})
		if eci.CodeOf(err) == "" {
			t.Errorf("%s: got %v, want a refusal", name, err)
			continue
		}
		for _, secret := range []string{"STS.tempkey", "STS.otherkey", "temp-secret", "wrong-secret", "temp+token"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %s is shown in %v", name, secret, err)
			}
		}
	}
}

// rotating gives another key each time.
type rotating struct {
	mu   sync.Mutex
	keys []openapi.Credential
}

func (r *rotating) Credential(context.Context) (openapi.Credential, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys[1:], r.keys[0])
	return r.keys[len(r.keys)-1], nil
}

func TestEachAttemptAsksForTheCredential(t *testing.T) {
	c := startCloud(t, func(cfg *emulator.Config) {
		cfg.Credentials = []emulator.Credential{{AccessKeyID: "old", AccessKeySecret: "1"}, {AccessKeyID: "new", AccessKeySecret: "2"}}
	})
	client := c.client(t, &rotating{keys: []openapi.Credential{{AccessKeyID: "old", AccessKeySecret: "1"}, {AccessKeyID: "new", AccessKeySecret: "2"}}})
	for range 4 {
		if _, err := client.ListUsage(t.Context(), &eci.ListUsageRequest{}); err != nil {
			t.Error(err)
		}
	}
}

func TestFilesAreTooLongForAURLAndArrive(t *testing.T) {
	c := startCloud(t, nil)
	req := group("files")
	file := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("+/=&", 7000)))
	for v := range 10 {
		req.Volumes = append(req.Volumes, eci.Volume{
			Name: fmt.Sprintf("v%d", v), Type: eci.VolumeConfigFile,
			ConfigFileVolume: &eci.ConfigFileVolume{Files: []eci.ConfigFile{{Path: "a", Content: eci.Secret(file)}, {Path: "b", Content: eci.Secret(file)}}},
		})
	}
	client := c.client(t, c.owner())
	made, err := client.CreateContainerGroup(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.DescribeContainerGroups(t.Context(), &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: eci.JSONList{made.ContainerGroupID}})
	if err != nil || len(got.ContainerGroups) != 1 || got.ContainerGroups[0].Volumes[9].ConfigFiles[1].Content != file {
		t.Errorf("the last file did not come back: %v", err)
	}
}

func TestOneClientServesManyGoroutines(t *testing.T) {
	c := startCloud(t, nil)
	client := c.client(t, c.owner())
	c.Faults().Inject(emulator.Fault{DropAnswer: true, Skip: 20, Times: 5})
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			name := fmt.Sprintf("group-%d", i)
			made, err := client.CreateContainerGroup(t.Context(), group(name))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			list, err := client.DescribeContainerGroups(t.Context(), &eci.DescribeContainerGroupsRequest{ContainerGroupIDs: eci.JSONList{made.ContainerGroupID}})
			if err != nil || len(list.ContainerGroups) != 1 || list.ContainerGroups[0].ContainerGroupName != name {
				t.Errorf("%s: got %+v, %v", name, list, err)
			}
			if i%2 == 0 {
				return
			}
			_, err = client.DeleteContainerGroup(t.Context(), &eci.DeleteContainerGroupRequest{
				ContainerGroupID: made.ContainerGroupID, ClientToken: name, Force: ptr.To(true),
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	all.Wait()
	names := map[string]bool{}
	for _, g := range c.Groups() {
		names[g.ContainerGroupName] = true
	}
	if len(names) < 30 || len(names) != len(c.Groups()) {
		t.Errorf("%d names of %d groups", len(names), len(c.Groups()))
	}
}
