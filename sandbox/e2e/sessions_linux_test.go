package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"
)

// testSessions tries what one command after another does not show.
func testSessions(t *testing.T, s *sandbox, namespace string) {
	t.Run("many at the same time", func(t *testing.T) { manySessions(t, s, namespace) })
	t.Run("terminal", func(t *testing.T) { terminalSession(t, s, namespace) })
	t.Run("cp and back", func(t *testing.T) { copyAndBack(t, s, namespace) })
}

// manySessions each get their own bytes back, and their own exit code.
func manySessions(t *testing.T, s *sandbox, namespace string) {
	into := []string{"one", "several -c first", "several -c second", "init -c app"}
	var running sync.WaitGroup
	for i := range 3 * len(into) {
		running.Go(func() {
			data := strings.Repeat(fmt.Sprintf("session %d\n", i), 20_000)
			args := append([]string{"-n", namespace, "exec", "-i"}, strings.Fields(into[i%len(into)])...)
			got := mustRun(t, s, data, append(args, "--", "sh", "-c", fmt.Sprintf("cat; exit %d", i+1))...)
			if got.code != i+1 || got.out != data {
				t.Errorf("session %d: code %d, %d bytes of %d: %.60q", i, got.code, len(got.out), len(data), got.err)
			}
		})
	}
	running.Wait()
}

// oneSize is that of a window nobody changes.
type oneSize chan remotecommand.TerminalSize

func (o oneSize) Next() *remotecommand.TerminalSize {
	size, more := <-o
	if !more {
		return nil
	}
	return &size
}

// terminalSession is what kubectl exec -it does, which wants a terminal itself.
func terminalSession(t *testing.T, s *sandbox, namespace string) {
	config, err := clientcmd.BuildConfigFromFlags("", s.path("kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	request := s.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name("one").SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: "app", Stdin: true, Stdout: true, TTY: true, Command: []string{"sh"}}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, request.URL().String())
	if err != nil {
		t.Fatal(err)
	}
	sizes := make(oneSize, 1)
	sizes <- remotecommand.TerminalSize{Width: 132, Height: 43}
	defer close(sizes)
	keys, typing := io.Pipe()
	defer typing.Close()
	go typing.Write([]byte("stty size\nexit 7\n"))
	var screen bytes.Buffer
	err = executor.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: keys, Stdout: &screen, Tty: true, TerminalSizeQueue: sizes})
	if err == nil || !strings.Contains(err.Error(), "exit code 7") || !strings.Contains(screen.String(), "43 132\r\n") {
		t.Errorf("%v: the screen shows %q", err, screen.String())
	}
}

// copyAndBack compares 20 MB that went into a pod and out again.
func copyAndBack(t *testing.T, s *sandbox, namespace string) {
	dir := t.TempDir()
	there, back := filepath.Join(dir, "there"), filepath.Join(dir, "back")
	noise, _ := noise()
	data, err := io.ReadAll(io.LimitReader(noise, 20_000_000))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(there, data, 0o600); err != nil {
		t.Fatal(err)
	}
	mustKubectl(t, s, "cp", "-n", namespace, there, "one:/tmp/noise")
	mustKubectl(t, s, "cp", "-n", namespace, "one:/tmp/noise", back)
	got, err := os.ReadFile(back)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(data) {
		t.Errorf("%d bytes of %d came back, or others: %v", len(got), len(data), err)
	}
}
