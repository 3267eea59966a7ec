package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// transferSize is 100 MB.
const transferSize = 100_000_000

// noise is transferSize bytes that look random and are always the same, with
// their sum.
func noise() (io.Reader, hash.Hash) {
	sum := sha256.New()
	return io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), transferSize), sum), sum
}

func text16(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil))[:16] }

func logRate(t *testing.T, what string, bytes int64, began time.Time) {
	t.Helper()
	t.Logf("%s: %.1f MB/s", what, float64(bytes)/1e6/time.Since(began).Seconds())
}

// testTransfers carries 100 MB through exec and back.
func testTransfers(t *testing.T, s *sandbox, namespace string) {
	t.Run("exec", func(t *testing.T) {
		in, sent := noise()
		got := sha256.New()
		began := time.Now()
		cmd := kubectlCommand(t.Context(), s, "exec", "-i", "-n", namespace, "one", "--", "cat")
		var problem strings.Builder
		cmd.Stdin, cmd.Stdout, cmd.Stderr = in, got, &problem
		if err := cmd.Run(); err != nil || text16(got) != text16(sent) {
			t.Errorf("%v: %s came back of %s: %s", err, text16(got), text16(sent), problem.String())
		}
		logRate(t, "100 MB through kubectl exec -i cat, there and back", transferSize, began)
	})
}

func kubectlCommand(ctx context.Context, s *sandbox, args ...string) *exec.Cmd {
	args = append([]string{"--kubeconfig=" + s.path("kubeconfig"), "--cache-dir=" + s.path("kubectl-cache")}, args...)
	return exec.CommandContext(ctx, program("kubectl"), args...)
}

// followers each read the log of one of the printers.
const (
	followers = 100
	printers  = 10
	// printed is how many lines each prints, ten each second: all followers together
	// get 1,000 lines a second.
	printed = 200
)

func testFollowers(t *testing.T, s *sandbox, namespace string) {
	for i := range printers {
		pod := plainPod(fmt.Sprintf("printer-%d", i), corev1.RestartPolicyNever, corev1.Container{
			Name: "app", Image: "busybox",
			Command: []string{"sh", "-c", fmt.Sprintf("sleep 10; i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i; [ $((i%%10)) -gt 0 ] || sleep 1; done", printed)},
		})
		if _, err := s.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range printers {
		name := fmt.Sprintf("printer-%d", i)
		eventually(t, name+" Running", func() string { return notRunning(mustGetPod(t, s, namespace, name)) })
	}
	began := time.Now()
	results := make(chan error, followers)
	for i := range followers {
		go func() {
			results <- followToTheEnd(t.Context(), s.client, namespace, fmt.Sprintf("printer-%d", i%printers))
		}()
	}
	for range followers {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d followers: %.0f lines/s", followers, followers*printed/time.Since(began).Seconds())
}

// followToTheEnd wants every line once, in order.
func followToTheEnd(ctx context.Context, client kubernetes.Interface, namespace, name string) error {
	stream, err := client.CoreV1().Pods(namespace).GetLogs(name, &corev1.PodLogOptions{Follow: true}).Stream(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	var problems []error
	lines, n := bufio.NewScanner(stream), 0
	for lines.Scan() {
		n++
		if want := fmt.Sprintf("line %d", n); lines.Text() != want && len(problems) < 3 {
			problems = append(problems, fmt.Errorf("%s: %q, want %q", name, lines.Text(), want))
		}
	}
	if n != printed {
		problems = append(problems, fmt.Errorf("%s: %d lines, want %d", name, n, printed))
	}
	return errors.Join(append(problems, lines.Err())...)
}
