package conformance_test

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci/conformance"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
)

func TestTheEmulatorOverHTTPKeepsTheContract(t *testing.T) {
	cfg, emulated := startEmulator(t, emulator.NoDelays())
	server := httptest.NewServer(emulated)
	defer server.Close()
	conformance.Run(t, emulatorTarget(cfg, newClient(t, cfg, server.URL, nil)))
}

// With delays a group is seen in all the states between, as on the real cloud.
func TestTheEmulatorWithDelaysOverTLSKeepsTheContract(t *testing.T) {
	cfg, emulated := startEmulator(t, emulator.FastDelays())
	server := httptest.NewTLSServer(emulated)
	defer server.Close()
	conformance.Run(t, emulatorTarget(cfg, newClient(t, cfg, server.URL, server.Client())))
}

// startEmulator is strict: a parameter that the API does not know fails the
// call.
func startEmulator(t *testing.T, delays emulator.Delays) (emulator.Config, http.Handler) {
	t.Helper()
	cfg := emulator.DefaultConfig()
	cfg.Delays = delays
	emulated, err := emulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := emulated.Close(); err != nil {
			t.Error(err)
		}
	})
	return cfg, emulated
}

func newClient(t *testing.T, cfg emulator.Config, endpoint string, transport *http.Client) *openapi.Client {
	t.Helper()
	settings := openapi.DefaultConfig(cfg.Region)
	settings.Endpoint = endpoint
	// The emulator has no rates here, and the suite polls faster than an account
	// may.
	settings.Rates = nil
	key := cfg.Credentials[0]
	client, err := openapi.New(settings, openapi.Deps{
		Credentials: openapi.StaticCredentials(key.AccessKeyID, key.AccessKeySecret.Reveal(), key.SecurityToken.Reveal()),
		HTTPClient:  transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func emulatorTarget(cfg emulator.Config, client conformance.Client) conformance.Target {
	return conformance.Target{
		Client: client, Region: cfg.Region,
		VSwitchID: cfg.VSwitches[0].ID, SecurityGroupID: cfg.SecurityGroups[0].ID,
		Image: "busybox:1.36", Timeout: 20 * time.Second, Poll: 20 * time.Millisecond,
	}
}

// With ECI_LIVE=1 the same suite runs on the real cloud. It makes about 40
// groups of 0.25 vCPU and 0.5 GiB for some minutes each: less than 0.20 CNY.
// Wanted: ECI_REGION, ECI_VSWITCH, ECI_SECURITY_GROUP, and credentials in the
// standard places (ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET); ECI_IMAGE if the
// vSwitch cannot reach the default image.
func TestTheCloudKeepsTheContract(t *testing.T) {
	if os.Getenv("ECI_LIVE") != "1" {
		t.Log("ECI_LIVE is not 1: the real cloud is not asked, as that costs money")
		return
	}
	region := os.Getenv("ECI_REGION")
	target := conformance.Target{
		Region: region, VSwitchID: os.Getenv("ECI_VSWITCH"), SecurityGroupID: os.Getenv("ECI_SECURITY_GROUP"),
		Image:   cmp.Or(os.Getenv("ECI_IMAGE"), "registry-vpc."+region+".aliyuncs.com/eci_open/busybox:1.30"),
		Timeout: 5 * time.Minute, Poll: 3 * time.Second,
	}
	if target.Region == "" || target.VSwitchID == "" || target.SecurityGroupID == "" {
		t.Fatal("ECI_LIVE=1 wants ECI_REGION, ECI_VSWITCH and ECI_SECURITY_GROUP; the run makes about 40 small groups (less than 0.20 CNY) and deletes them")
	}
	credentials, err := openapi.FindSource(openapi.SourceConfig{Env: os.LookupEnv})
	if err != nil {
		t.Fatal(err)
	}
	client, err := openapi.New(openapi.DefaultConfig(region), openapi.Deps{Credentials: credentials})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	target.Client = client
	t.Logf("running on the real cloud in %s: about 40 small groups, less than 0.20 CNY", region)
	conformance.Run(t, target)
}
