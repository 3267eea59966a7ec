package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// readyLine is what eci-sandbox says when it can be used.
const readyLine = "The sandbox is ready"

const namespace = "bench"

// cluster is the control plane of a sandbox that runs as our child.
type cluster struct {
	dir    string
	cmd    *exec.Cmd
	ended  chan error
	config *rest.Config
	client kubernetes.Interface
}

// newCluster starts a sandbox in dir and returns when it can be used.
func newCluster(ctx context.Context, c config) (*cluster, error) {
	s := &cluster{dir: filepath.Join(c.dir, "sandbox"), ended: make(chan error, 1)}
	args := []string{"up", "--dir=" + s.dir, "--manifest=", "--metrics-server-port=0", "--deploy=" + c.deploy, "--node-ip=127.0.0.1"}
	flags := []string{"apiserver-port", "emulator-port", "kubelet-port", "etcd-port"}
	ports, err := freePorts(len(flags))
	if err != nil {
		return nil, err
	}
	for i, flag := range flags {
		args = append(args, fmt.Sprintf("--%s=%d", flag, ports[i]))
	}
	s.cmd = exec.Command(filepath.Join(c.bin, "eci-sandbox"), args...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us: we stop it last
	output, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the sandbox (`make build` builds it): %w", err)
	}
	said, ready := &strings.Builder{}, make(chan struct{})
	go func() {
		for lines := bufio.NewScanner(output); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if strings.HasPrefix(lines.Text(), readyLine) {
				close(ready)
			}
		}
		s.ended <- s.cmd.Wait()
	}()
	select {
	case <-ready:
		return s, s.connect(ctx)
	case err := <-s.ended:
		return nil, fmt.Errorf("the sandbox ended (%w):\n%s", err, said)
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), s.stop())
	}
}

// connect makes a client without a rate of its own, and the namespace of the pods.
func (s *cluster) connect(ctx context.Context) (err error) {
	if s.config, err = clientcmd.BuildConfigFromFlags("", s.kubeconfig()); err != nil {
		return err
	}
	s.config.QPS = -1
	s.config.ContentType = "application/vnd.kubernetes.protobuf"
	s.config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	if s.client, err = kubernetes.NewForConfig(s.config); err != nil {
		return err
	}
	_, err = s.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return eventually(ctx, "the default ServiceAccount", func(ctx context.Context) (bool, error) {
		_, err := s.client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// kubeconfig is the administrator's, vnodeKubeconfig that of eci-vnode's account.
func (s *cluster) kubeconfig() string      { return filepath.Join(s.dir, "kubeconfig") }
func (s *cluster) vnodeKubeconfig() string { return filepath.Join(s.dir, "eci-vnode.kubeconfig") }

// stop ends the sandbox as Ctrl-C does.
func (s *cluster) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return <-s.ended
}

// eventually asks until the answer is yes or an error.
func eventually(ctx context.Context, what string, ask func(context.Context) (bool, error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		yes, err := ask(ctx)
		if yes || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		}
	}
}

// freePorts finds n ports on loopback whose next one is free too.
func freePorts(n int) ([]int, error) {
	var ports []int
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for attempt := 0; len(ports) < n && attempt < 100*n; attempt++ {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		held = append(held, first)
		port := first.Addr().(*net.TCPAddr).Port
		if next, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+1)); err == nil {
			held = append(held, next)
			ports = append(ports, port)
		}
	}
	if len(ports) < n {
		return nil, errors.New("no free ports")
	}
	return ports, nil
}
