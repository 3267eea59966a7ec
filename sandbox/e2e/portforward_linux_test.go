package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The ports of the pod that ports are forwarded to: one takes bytes and sums them
// up, one serves files at the pod's address, one only on localhost, which no
// connection to the pod's address reaches: it is forwarded by a command.
const (
	receivingPort = 9000
	servingPort   = 9001
	localPort     = 9002
)

// forwarded is a pod with these ports. Its nc never ends its own side, at which
// kubectl would close, and takes one connection, so that the other container looks
// into the kernel's table for its port (0x2328). What was received is in the log of
// the first, the sum of the file that is served in that of the second.
func forwarded() *corev1.Pod {
	script := func(name, text string) corev1.Container {
		return corev1.Container{Name: name, Image: "busybox", Command: []string{"sh", "-c", text}}
	}
	return plainPod("forwarded", corev1.RestartPolicyAlways,
		script("receiver", fmt.Sprintf("sleep 100000 | { nc -l -p %d | sha256sum; }", receivingPort)),
		script("server", fmt.Sprintf("mkdir /srv; cd /srv; echo small >small; head -c %d /dev/urandom >large; sha256sum large; "+
			"until grep -q :2328 /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done; "+
			"httpd -p %d -h /srv & exec httpd -p 127.0.0.1:%d -h /srv", transferSize, servingPort, localPort)))
}

// testForwards carries 100 MB through kubectl port-forward: into the pod, out of
// it, and out of it by a command.
func testForwards(t *testing.T, s *sandbox, namespace string) {
	if _, err := s.client.CoreV1().Pods(namespace).Create(t.Context(), forwarded(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both servers of pod forwarded", func() string {
		log, err := kubectl(t.Context(), s, "logs", "-n", namespace, "forwarded", "-c", "server")
		return unless(strings.Count(log, "serving HTTP") == 2, log, err)
	})
	t.Run("100 MB into a pod", func(t *testing.T) { forwardInto(t, s, namespace) })
	t.Run("100 MB out of a pod", func(t *testing.T) { forwardOutOf(t, s, namespace, servingPort) })
	t.Run("100 MB out of a pod by a command", func(t *testing.T) { forwardOutOf(t, s, namespace, localPort) })
	t.Run("many connections", func(t *testing.T) { forwardMany(t, s, namespace) })
}

// forwardInto ends its side when all is sent: the pod sums up what came only when
// that end reaches it.
func forwardInto(t *testing.T, s *sandbox, namespace string) {
	conn, err := net.Dial("tcp", mustForward(t, s, namespace, "forwarded", receivingPort))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in, sent := noise()
	began := time.Now()
	if _, err := io.Copy(conn, in); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil { // ends when the pod has closed
		t.Fatal(err)
	}
	logRate(t, "100 MB into kubectl port-forward", transferSize, began)
	eventually(t, "the sum of what was received", func() string {
		log := mustKubectl(t, s, "logs", "-n", namespace, "forwarded", "-c", "receiver")
		if strings.Contains(log, hex.EncodeToString(sent.Sum(nil))) {
			return ""
		}
		return fmt.Sprintf("the log is %q, want %s", log, text16(sent))
	})
}

func forwardOutOf(t *testing.T, s *sandbox, namespace string, port int) {
	address := mustForward(t, s, namespace, "forwarded", port)
	began := time.Now()
	got := sha256.New()
	size, err := download("http://"+address+"/large", got)
	if err != nil || size != transferSize {
		t.Fatalf("%d bytes, %v", size, err)
	}
	logRate(t, "100 MB out of kubectl port-forward", size, began)
	if log := mustKubectl(t, s, "logs", "-n", namespace, "forwarded", "-c", "server"); !strings.Contains(log, hex.EncodeToString(got.Sum(nil))) {
		t.Errorf("%s arrived, the log has %q", text16(got), log)
	}
}

// forwardMany opens its connections at once, half of them to the port that a
// command reaches.
func forwardMany(t *testing.T, s *sandbox, namespace string) {
	const connections = 40
	addresses := []string{mustForward(t, s, namespace, "forwarded", servingPort), mustForward(t, s, namespace, "forwarded", localPort)}
	results := make(chan error, connections)
	for i := range connections {
		go func() {
			var got strings.Builder
			_, err := download("http://"+addresses[i%2]+"/small", &got)
			if err == nil && got.String() != "small\n" {
				err = fmt.Errorf("connection %d got %q", i, got.String())
			}
			results <- err
		}()
	}
	for range connections {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// download uses a connection of its own.
func download(url string, to io.Writer) (int64, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		return 0, err
	}
	size, err := io.Copy(to, response.Body)
	if response.StatusCode != http.StatusOK {
		err = errors.Join(err, errors.New(response.Status))
	}
	return size, errors.Join(err, response.Body.Close())
}

// mustForward runs kubectl port-forward until the test ends and returns where it
// listens.
func mustForward(t *testing.T, s *sandbox, namespace, pod string, port int) (address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := kubectlCommand(ctx, s, "port-forward", "-n", namespace, "pod/"+pod, fmt.Sprintf(":%d", port))
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("kubectl port-forward: %s", problem.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, rest, found := strings.Cut(line, "Forwarding from "); found {
		address, _, _ = strings.Cut(rest, " ")
		return address
	}
	t.Fatalf("kubectl port-forward said %q, %v", line, err)
	return ""
}
