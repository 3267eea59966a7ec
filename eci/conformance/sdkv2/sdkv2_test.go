package sdkv2

import (
	"encoding/pem"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci/conformance"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func TestTheOfficialSDKFindsTheContractInTheEmulator(t *testing.T) {
	for name, signature := range map[string]Signature{"ACS3-HMAC-SHA256 in headers": ACS3, "HMAC-SHA1 in the query": RPC} {
		t.Run(name, func(t *testing.T) {
			cfg := emulator.DefaultConfig()
			emulated, err := emulator.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewUnstartedServer(emulated)
			server.Config = emulated.Server()
			server.StartTLS()
			t.Cleanup(func() {
				server.Close()
				if err := emulated.Close(); err != nil {
					t.Error(err)
				}
			})
			conformance.Run(t, conformance.Target{
				Client: mustClient(t, cfg, server, signature),
				Region: cfg.Region, VSwitchID: cfg.VSwitches[0].ID, SecurityGroupID: cfg.SecurityGroups[0].ID,
				Image: "busybox:1.36", Timeout: 20 * time.Second, Poll: 20 * time.Millisecond,
			})
		})
	}
}

func mustClient(t *testing.T, cfg emulator.Config, server *httptest.Server, signature Signature) *Client {
	t.Helper()
	key := cfg.Credentials[0]
	client, err := New(Config{
		Region: cfg.Region, Host: server.Listener.Addr().String(), Protocol: "HTTPS",
		CA:          string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
		AccessKeyID: key.AccessKeyID, AccessKeySecret: key.AccessKeySecret, SecurityToken: key.SecurityToken,
		Signature: signature,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
