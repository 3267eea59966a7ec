package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// followers each read the log of one of the printers.
	followers = 100
	printers  = 10
	// printed is how many lines each prints, ten each second: all followers together
	// get 1,000 lines a second.
	printed = 300
	// allReady is how long it may take to tell the printers when to begin.
	allReady = 10 * time.Second
)

// printer waits for a time in /begin, and prints five lines each half second from
// then on, each five at a time of their own: what the shell costs, and a late
// begin, do not make it slower. Times are those of /proc/uptime in hundredths of a
// second, which all containers share.
const printer = `until read -r begin </begin; do sleep 1; done 2>/dev/null
i=0
while [ $i -lt %d ]; do
  if [ $((i %% 5)) -eq 0 ]; then
    read -r up rest </proc/uptime
    left=$((begin + i * 10 - ${up%%.*}${up#*.}))
    [ $left -le 0 ] || sleep $((left / 100)).$((left / 10 %% 10))$((left %% 10))
  fi
  i=$((i+1)); echo line $i
done`

func testFollowers(t *testing.T, s *sandbox, namespace string) {
	names := mustStartPrinters(t, s, namespace)
	type result struct {
		log follower
		err error
	}
	results := make(chan result, followers)
	for i := range followers {
		go func() {
			log, err := followToTheEnd(t.Context(), s.client, namespace, names[i%printers])
			results <- result{log, err}
		}()
	}
	mustTellBegin(t, s, namespace, names)
	var all []follower
	for range followers {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		all = append(all, r.log)
	}
	reportRates(t, all)
}

func mustStartPrinters(t *testing.T, s *sandbox, namespace string) (names []string) {
	t.Helper()
	for i := range printers {
		names = append(names, fmt.Sprintf("printer-%d", i))
		pod := plainPod(names[i], corev1.RestartPolicyNever, corev1.Container{
			Name: "app", Image: "busybox", Command: []string{"sh", "-c", fmt.Sprintf(printer, printed)},
		})
		if _, err := s.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		eventually(t, name+" Running", func() string { return notRunning(mustGetPod(t, s, namespace, name)) })
	}
	return names
}

// mustTellBegin tells all printers one time that is to come.
func mustTellBegin(t *testing.T, s *sandbox, namespace string, names []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	up, _, _ := strings.Cut(string(text), " ")
	now, err := strconv.Atoi(strings.Replace(up, ".", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	tell := fmt.Sprintf("echo %d >/begin", now+int(allReady.Seconds()*100))
	told := make(chan error, len(names))
	for _, name := range names {
		go func() {
			out, err := kubectlCommand(t.Context(), s, "exec", "-n", namespace, name, "--", "sh", "-c", tell).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%s: %w: %s", name, err, out)
			}
			told <- err
		}()
	}
	for range names {
		if err := <-told; err != nil {
			t.Fatal(err)
		}
	}
}

// follower is when the first and the last line of a log were printed, and when the
// last one came.
type follower struct{ first, last, received time.Time }

// followToTheEnd wants every line once, in order.
func followToTheEnd(ctx context.Context, client kubernetes.Interface, namespace, name string) (f follower, err error) {
	options := &corev1.PodLogOptions{Follow: true, Timestamps: true}
	stream, err := client.CoreV1().Pods(namespace).GetLogs(name, options).Stream(ctx)
	if err != nil {
		return f, err
	}
	defer stream.Close()
	var problems []error
	lines, n := bufio.NewScanner(stream), 0
	for lines.Scan() {
		n++
		stamp, text, _ := strings.Cut(lines.Text(), " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if want := fmt.Sprintf("line %d", n); (err != nil || text != want) && len(problems) < 3 {
			problems = append(problems, fmt.Errorf("%s: %q, want %q", name, lines.Text(), want))
		}
		if n == 1 {
			f.first = at
		}
		f.last, f.received = at, time.Now()
	}
	if n != printed {
		problems = append(problems, fmt.Errorf("%s: %d lines, want %d", name, n, printed))
	}
	return f, errors.Join(append(problems, lines.Err())...)
}

// reportRates shows lines a second for all followers: as they were printed, and
// from the first that was printed until the last that came.
func reportRates(t *testing.T, all []follower) {
	t.Helper()
	span := all[0]
	for _, f := range all {
		if f.first.Before(span.first) {
			span.first = f.first
		}
		if f.last.After(span.last) {
			span.last = f.last
		}
		if f.received.After(span.received) {
			span.received = f.received
		}
	}
	t.Logf("%d followers: %.0f lines/s printed, %.0f lines/s until the last had come", followers,
		followers*(printed-5)/span.last.Sub(span.first).Seconds(), followers*printed/span.received.Sub(span.first).Seconds())
}
