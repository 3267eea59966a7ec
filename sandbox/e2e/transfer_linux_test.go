package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"
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
