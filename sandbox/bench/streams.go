package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sandboxNode is the sandbox's own node, whose containers are processes where the
// machine lets them: what they print, take and serve is real.
const sandboxNode = "virtual-kubelet"

// served is the port of the pod that bytes are fetched from.
const served = 9001

// streams carries bytes and lines to and from pods with kubectl. Simulated
// containers would tell nothing of that.
func (b *bench) streams(ctx context.Context) error {
	if !realContainers() {
		b.sayf("  left out: containers are processes for root on Linux only")
		return nil
	}
	ctx, cancel := b.step(ctx)
	defer cancel()
	return errors.Join(b.carryBytes(ctx), b.carryLines(ctx))
}

func realContainers() bool { return runtime.GOOS == "linux" && os.Geteuid() == 0 }

// carryBytes measures exec and port-forward on one pod.
func (b *bench) carryBytes(ctx context.Context) error {
	pod, err := b.runScript(ctx, "streams-bytes", fmt.Sprintf(
		"mkdir /srv; head -c %d /dev/zero >/srv/all; httpd -p %d -h /srv & exec sleep 100000", b.bytes, served))
	if err != nil {
		return err
	}
	direct := fmt.Sprintf("http://%s:%d/all", pod.Status.PodIP, served)
	err = eventually(ctx, "the server in the pod", func(ctx context.Context) (bool, error) {
		size, _ := fetch(ctx, direct) // an error is a server that has not begun
		return size == b.bytes, ctx.Err()
	})
	if err != nil {
		return err
	}
	directly, err := b.rateOf(ctx, direct)
	if err != nil {
		return err
	}
	forwarded, err := b.forwardRate(ctx, pod.Name)
	if err != nil {
		return err
	}
	executed, err := b.execRate(ctx, pod.Name)
	if err != nil {
		return err
	}
	b.add(beside("bytes out of kubectl port-forward", b.bytes, forwarded, "MB/s", "without it, from the pod's address", directly))
	b.add(shown("bytes through kubectl exec -i cat, there and back", b.bytes, executed, "MB/s"))
	return deletePods(ctx, b.client(), []string{pod.Name})
}

// runScript returns a pod of the sandbox's node when it runs.
func (b *bench) runScript(ctx context.Context, name, script string) (pod *corev1.Pod, err error) {
	err = createPods(ctx, b.client(), sandboxNode, []string{name}, func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Image, pod.Spec.Containers[0].Command = "busybox", []string{"sh", "-c", script}
	})
	if err != nil {
		return nil, err
	}
	return pod, eventually(ctx, "pod "+name, func(ctx context.Context) (bool, error) {
		pod, err = b.client().CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning, err
	})
}

func (b *bench) kubectl(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, filepath.Join(b.bin, "kubectl"), append([]string{
		"--kubeconfig=" + b.cluster.kubeconfig(), "--cache-dir=" + filepath.Join(b.dir, "kubectl-cache"), "--namespace=" + namespace}, args...)...)
}

// rateOf fetches all bytes and returns how many million came in a second.
func (b *bench) rateOf(ctx context.Context, url string) (float64, error) {
	began := time.Now()
	size, err := fetch(ctx, url)
	if err == nil && size != b.bytes {
		err = fmt.Errorf("%d bytes of %d came from %s", size, b.bytes, url)
	}
	return b.perSecond(began), err
}

func (b *bench) perSecond(began time.Time) float64 {
	return float64(b.bytes) / 1e6 / time.Since(began).Seconds()
}

// fetch counts the bytes of an answer.
func fetch(ctx context.Context, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	size, err := io.Copy(io.Discard, resp.Body)
	return int(size), err
}

func (b *bench) forwardRate(ctx context.Context, pod string) (rate float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := b.kubectl(ctx, "port-forward", "pod/"+pod, fmt.Sprintf(":%d", served))
	defer func() { cancel(); _ = cmd.Wait() }() // it ends by being killed
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_, rest, found := strings.Cut(line, "Forwarding from ")
	if !found {
		return 0, fmt.Errorf("kubectl port-forward said %q: %w", line, err)
	}
	address, _, _ := strings.Cut(rest, " ")
	return b.rateOf(ctx, "http://"+address+"/all")
}

func (b *bench) execRate(ctx context.Context, pod string) (float64, error) {
	var back counter
	cmd := b.kubectl(ctx, "exec", "-i", pod, "--", "cat")
	cmd.Stdin, cmd.Stdout = io.LimitReader(zeros{}, int64(b.bytes)), &back
	began := time.Now()
	if err := cmd.Run(); err != nil || int(back) != b.bytes {
		return 0, fmt.Errorf("kubectl exec: %d bytes of %d came back: %w", back, b.bytes, err)
	}
	return b.perSecond(began), nil
}

// zeros is read for ever.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// counter counts what is written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }
