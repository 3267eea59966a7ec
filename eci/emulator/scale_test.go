package emulator_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

func TestGroupsCostNoGoroutines(t *testing.T) {
	cfg := emulator.DefaultConfig()
	cfg.Delays = emulator.RealisticDelays()
	_, endpoint := mustServe(t, cfg)
	c := newCaller(t, endpoint)
	c.mustCreate()
	before := runtime.NumGoroutine()
	for range 200 {
		c.mustCreate()
	}
	if after := runtime.NumGoroutine(); after > before+10 {
		t.Errorf("200 groups made %d goroutines", after-before)
	}
}

func TestCloseEndsAllThatWouldHappen(t *testing.T) {
	cfg := emulator.DefaultConfig()
	cfg.Delays = emulator.FastDelays()
	em, endpoint := mustServe(t, cfg)
	newCaller(t, endpoint).mustCreate()
	if err := em.Close(); err != nil {
		t.Fatal(err)
	}
	if got := em.Groups()[0].Status; got != eci.StatusScheduling {
		t.Errorf("after Close the group became %s", got)
	}
}

func TestOnTheWallClockAGroupComesToRun(t *testing.T) {
	cfg := emulator.DefaultConfig()
	cfg.Delays = emulator.Delays{Scheduling: time.Millisecond, ImagePull: time.Millisecond, Start: time.Millisecond, RestartBackOff: time.Second, RestartBackOffMax: time.Second}
	em, endpoint := mustServe(t, cfg)
	newCaller(t, endpoint).mustCreate()
	deadline := time.Now().Add(10 * time.Second)
	for em.Groups()[0].Status != eci.StatusRunning {
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s it is %s", em.Groups()[0].Status)
		}
		runtime.Gosched()
	}
}

// BenchmarkCreate measures one create over HTTP, signature included, beside
// thousands of groups.
func BenchmarkCreate(b *testing.B) {
	for _, groups := range []int{0, 5000} {
		b.Run(fmt.Sprintf("beside %d groups", groups), func(b *testing.B) {
			_, endpoint := mustServe(b, emulator.DefaultConfig())
			c := newCaller(b, endpoint)
			for range groups {
				c.mustCreate("Cpu", "0.25", "Memory", "0.5")
			}
			b.ResetTimer()
			for range b.N {
				c.mustCreate("Cpu", "0.25", "Memory", "0.5")
			}
		})
	}
}

// BenchmarkPoll measures a listing of all statuses, as a provider polls them.
func BenchmarkPoll(b *testing.B) {
	_, endpoint := mustServe(b, emulator.DefaultConfig())
	c := newCaller(b, endpoint)
	for i := range 5000 {
		c.mustCreate("Cpu", "0.25", "Memory", "0.5", "Tag.1.Key", "cluster", "Tag.1.Value", "c", "Tag.2.Key", "pod", "Tag.2.Value", fmt.Sprint(i))
	}
	b.ResetTimer()
	for range b.N {
		seen, token := 0, ""
		for {
			pairs := []string{"Limit", "200", "Tag.1.Key", "cluster", "Tag.1.Value", "c"}
			if token != "" {
				pairs = append(pairs, "NextToken", token)
			}
			var resp eci.DescribeContainerGroupStatusResponse
			if err := c.call(eci.ActionDescribeContainerGroupStatus, &resp, pairs...); err != nil {
				b.Fatal(err)
			}
			if seen += len(resp.Data); resp.NextToken == "" {
				break
			}
			token = resp.NextToken
		}
		if seen != 5000 {
			b.Fatalf("saw %d groups", seen)
		}
	}
}
