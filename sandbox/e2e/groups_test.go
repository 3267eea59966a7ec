package e2e

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// mustCloud connects to the emulator with what emulator.env says, as any other
// client of it would.
func mustCloud(t *testing.T, s *sandbox) *openapi.Client {
	t.Helper()
	env := mustReadEnv(t, s.path("emulator.env"))
	config := openapi.DefaultConfig(env["REGION"])
	config.Endpoint = env["ENDPOINT"]
	client, err := openapi.New(config, openapi.Deps{
		Credentials: openapi.StaticCredentials(env["ALIBABA_CLOUD_ACCESS_KEY_ID"], env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"], ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// mustLiveGroups returns the groups of a namespace that have not ended, by the
// UID of their pod.
func mustLiveGroups(t *testing.T, cloud *openapi.Client, namespace string) map[string][]eci.ContainerGroup {
	t.Helper()
	groups := map[string][]eci.ContainerGroup{}
	for token := ""; ; {
		page, err := cloud.DescribeContainerGroups(t.Context(), &eci.DescribeContainerGroupsRequest{
			Tags:  []eci.Tag{{Key: request.TagNamespace, Value: namespace}},
			Limit: eci.MaxGroupsPerPage, NextToken: token,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range page.ContainerGroups {
			identity, ours := request.IdentityOf(group.Tags)
			if !ours {
				t.Fatalf("group %s does not say whose it is: %v", group.ContainerGroupID, group.Tags)
			}
			if !eci.IsTerminal(group.Status) {
				groups[string(identity.UID)] = append(groups[string(identity.UID)], group)
			}
		}
		if token = page.NextToken; token == "" {
			return groups
		}
	}
}

func mustReadEnv(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	env := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		env[name] = value
	}
	return env
}
