package request

import (
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
)

// TestTheStrictEmulatorTakesEveryGolden creates the group of every golden and
// example that translates, over the wire.
func TestTheStrictEmulatorTakesEveryGolden(t *testing.T) {
	cfg := emulator.DefaultConfig()
	cfg.BandwidthPackages, cfg.EIPs = append(cfg.BandwidthPackages, "cbwp-1"), append(cfg.EIPs, "eip-1", "eip-2")
	cloud := newCloud(t, cfg)
	for _, in := range append(mustGlob(t, "testdata/*.in.yaml"), mustGlob(t, "../../examples/*.yaml")...) {
		if filepath.Base(in) == "env-long-allowed.in.yaml" {
			continue // the point of it is to pass the documented length
		}
		documents := mustReadDocuments(t, in)
		for _, pod := range documents.pods {
			req, err := FromPod(pod, documents.objectsFor(pod), documents.config)
			if err != nil {
				continue
			}
			// The places of the goldens are not those of the emulator.
			req.RegionID, req.ZoneID, req.VSwitchID, req.SecurityGroupID, req.PrivateIPAddress = cfg.Region, "", "", "", ""
			created, err := cloud.CreateContainerGroup(t.Context(), req)
			if err != nil {
				t.Errorf("%s: %v", in, err)
				continue
			}
			// The next one may name the same EIP.
			if _, err := cloud.DeleteContainerGroup(t.Context(), &eci.DeleteContainerGroupRequest{ContainerGroupID: created.ContainerGroupID}); err != nil {
				t.Error(err)
			}
		}
	}
}

// newCloud starts an emulator and returns a client of it.
func newCloud(t testing.TB, cfg emulator.Config) *openapi.Client {
	t.Helper()
	cfg.AllowListed, cfg.Rates = true, nil // privileged containers are allowed
	em, err := emulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(em)
	t.Cleanup(func() { server.Close(); em.Close() })
	client := openapi.DefaultConfig(cfg.Region)
	client.Endpoint, client.Rates = server.URL, nil
	key := cfg.Credentials[0]
	cloud, err := openapi.New(client, openapi.Deps{Credentials: openapi.StaticCredentials(key.AccessKeyID, key.AccessKeySecret.Reveal(), "")})
	if err != nil {
		t.Fatal(err)
	}
	return cloud
}
