package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/eci-vnode/eci-vnode/sandbox/manifest"
)

// applyManifest applies the user's first objects and waits until their pods
// are ready.
func (s *session) applyManifest(ctx context.Context) error {
	if s.config.Manifest == "" {
		return nil
	}
	objects, err := manifest.Read(s.config.Manifest)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if err := s.cluster.Apply(ctx, object); err != nil {
			return fmt.Errorf("%s: %w", s.config.Manifest, err)
		}
		s.report.sayf("Applied %s from %s", manifest.Title(object), s.config.Manifest)
	}
	for _, object := range objects {
		title := manifest.Title(object)
		err := s.await(ctx, title, nil, func(ctx context.Context) (string, error) { return s.cluster.Waiting(ctx, object) })
		if err != nil {
			return s.withLog(vnodeName, err)
		}
		s.report.sayf("%s is ready", title)
	}
	return nil
}

func (s *session) showTables(ctx context.Context) error {
	for _, args := range [][]string{{"get", "nodes"}, {"get", "pods", "-o", "wide"}} {
		table, err := s.kubectl(ctx, args...)
		if err != nil {
			return err
		}
		s.report.print(table)
	}
	return nil
}

// kubectl runs this very program, which is kubectl when called by that name.
func (s *session) kubectl(ctx context.Context, args ...string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append([]string{"kubectl", "--kubeconfig=" + s.files.kubeconfig(),
		"--cache-dir=" + filepath.Join(s.files.state(), "kubectl")}, args...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kubectl %v: %w\n%s", args, err, output)
	}
	return fmt.Sprintf("\n$ kubectl %s\n%s", strings.Join(args, " "), output), nil
}

func (s *session) showUsage() {
	s.report.print(fmt.Sprintf(`
The sandbox is ready. In another terminal:

  export KUBECONFIG=%[1]s
  %[2]s get pods -o wide

A pod lands on the virtual node when it tolerates virtual-kubelet.io/provider;
%[3]s shows how.
The ECI API listens at %[4]s, %[5]s holds its access key.
Logs are in %[6]s.
`, s.files.kubeconfig(), s.files.program("kubectl"), "examples/nginx.yaml", s.emulatorURL(), s.files.emulatorEnv(), s.files.logs()))
}
