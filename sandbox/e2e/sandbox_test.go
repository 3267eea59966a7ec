package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// repository is the root of the checkout, seen from this package's directory,
// where go test runs it.
const repository = "../.."

// readyLine is what eci-sandbox says when it can be used.
const readyLine = "The sandbox is ready"

// startTimeout is generous: the machine may be compiling beside us.
const startTimeout = 4 * time.Minute

// sandbox is `eci-sandbox up` running as our child.
type sandbox struct {
	dir    string
	client kubernetes.Interface
	cmd    *exec.Cmd
	said   *transcript
	ended  chan error // gets what Wait returned
}

// transcript collects output that is read while it is written.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (t *transcript) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.WriteString(line + "\n")
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// upCommand is `eci-sandbox up` on this repository, with no first pod.
func upCommand(dir string, args ...string) *exec.Cmd {
	args = append([]string{
		"up", "--dir=" + dir, "--manifest=", "--metrics-server-port=0",
		"--deploy=" + filepath.Join(repository, "deploy", "eci-vnode.yaml"),
	}, args...)
	if nodeIP != "" {
		args = append(args, "--node-ip="+nodeIP)
	}
	cmd := exec.Command(program("eci-sandbox"), args...)
	cmd.SysProcAttr = diesWithUs()
	return cmd
}

// startSandbox returns when the sandbox is ready.
func startSandbox(dir string, args ...string) (*sandbox, error) {
	s := &sandbox{dir: dir, cmd: upCommand(dir, args...), said: &transcript{}, ended: make(chan error, 1)}
	output, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the sandbox (`make build` builds it): %w", err)
	}
	ready := make(chan struct{})
	go s.listen(output, ready)
	select {
	case <-ready:
		return s, s.connect()
	case err := <-s.ended:
		return nil, fmt.Errorf("the sandbox ended (%w):\n%s", err, s.said)
	case <-time.After(startTimeout):
		return nil, errors.Join(fmt.Errorf("the sandbox is not ready after %s:\n%s", startTimeout, s.said), s.stop())
	}
}

// listen collects what the sandbox says until it ends.
func (s *sandbox) listen(output io.Reader, ready chan<- struct{}) {
	for lines := bufio.NewScanner(output); lines.Scan(); {
		s.said.add(lines.Text())
		if strings.HasPrefix(lines.Text(), readyLine) {
			close(ready)
		}
	}
	s.ended <- s.cmd.Wait()
}

func (s *sandbox) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", s.path("kubeconfig"))
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 100, 200
	s.client, err = kubernetes.NewForConfig(config)
	return err
}

// stop presses Ctrl-C and returns when the sandbox has ended.
func (s *sandbox) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	return <-s.ended
}

func (s *sandbox) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

// pid returns the process of sandbox, emulator or eci-vnode.
func (s *sandbox) pid(t *testing.T, name string) int {
	t.Helper()
	content, err := os.ReadFile(s.path(name + ".pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// dumpLogs shows the ends of the logs of what runs beside the control plane.
func (s *sandbox) dumpLogs(out io.Writer) {
	for _, name := range []string{"eci-vnode", "emulator", "metrics-server"} {
		content, err := os.ReadFile(s.path("log", name+".log"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was not asked for
		}
		if err != nil {
			fmt.Fprintln(out, err)
			continue
		}
		const most = 8 << 10
		fmt.Fprintf(out, "--- the end of %s.log\n%s\n", name, content[max(0, len(content)-most):])
	}
}

// program returns the path of a built program.
func program(name string) string {
	dir := os.Getenv("ECI_SANDBOX_BIN")
	if dir == "" {
		dir = filepath.Join(repository, ".sandbox", "bin")
	}
	return filepath.Join(dir, name)
}
