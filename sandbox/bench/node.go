package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
)

// virtualNode is an eci-vnode that is measured.
type virtualNode struct {
	*program
	b       *bench
	name    string
	cloud   *cloud
	metrics string // URL without a path
}

// startNode runs eci-vnode on a cloud and returns once its node is ready.
func (b *bench) startNode(ctx context.Context, name string, c *cloud) (*virtualNode, error) {
	v := &virtualNode{b: b, name: name, cloud: c}
	return v, v.start(ctx)
}

func (v *virtualNode) start(ctx context.Context) error {
	if err := v.b.cluster.grantNode(ctx, v.name); err != nil {
		return fmt.Errorf("grant the rights of node %s: %w", v.name, err)
	}
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	v.metrics = "http://" + address
	args := []string{
		"run", "--kubeconfig=" + v.b.cluster.vnodeKubeconfig(), "--nodename=" + v.name, "--region=" + region,
		"--vswitch=" + vSwitch, "--security-group=" + securityGroup, "--endpoint=" + v.cloud.url,
		"--internal-ip=127.0.0.1", fmt.Sprintf("--kubelet-port=%d", ports[1]), "--metrics-addr=" + address,
	}
	if v.b.profile {
		args = append(args, "--profiling")
	}
	if !v.cloud.limited {
		file, err := v.b.writeUnlimited()
		if err != nil {
			return err
		}
		args = append(args, "--config="+file)
	}
	env := []string{"ECI_ACCESS_KEY=" + accessKey, "ECI_SECRET_KEY=" + secretKey, "ECI_QUOTA_POD=20000"}
	if v.program, err = start(v.b.logs(), v.name, env, filepath.Join(v.b.bin, "eci-vnode"), args...); err != nil {
		return err
	}
	return v.until(ctx, "its node was ready", v.ready)
}

// eventsPerSecond is the rate of events for a cloud without limits: the default is
// what the documented rate of creates asks for, and the bench would wait for minutes.
const eventsPerSecond = 500

// writeUnlimited saves settings that take our own limits of cloud calls away, for
// a cloud that has none, and those of events with them.
func (b *bench) writeUnlimited() (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "kube: {eventQPS: %d}\neci:\n  rates:\n", eventsPerSecond)
	for _, action := range slices.Sorted(maps.Keys(openapi.DefaultRates())) {
		text.WriteString("    " + action + ": {perSecond: 0, burst: 0}\n")
	}
	path := filepath.Join(b.dir, "unlimited.yaml")
	return path, os.WriteFile(path, []byte(text.String()), 0o644)
}

func (v *virtualNode) ready(ctx context.Context) bool {
	_, err := get(ctx, v.metrics+"/readyz")
	return err == nil
}

// get returns the body of an answer with status 200.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, response.Status)
	}
	return body, err
}

// saveProfile writes a profile of the node into the directory of the bench; the
// CPU profile lasts seconds.
func (v *virtualNode) saveProfile(ctx context.Context, path, file string) error {
	body, err := get(ctx, v.metrics+"/debug/pprof/"+path)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(v.b.dir, file), body, 0o644)
}
