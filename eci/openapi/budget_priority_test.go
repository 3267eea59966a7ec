package openapi

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

// documentedLogs is the budget of DescribeContainerLog by default.
var documentedLogs = DefaultRates()[eci.ActionDescribeContainerLog]

func TestBudget_UsersLeaveAShareToControlLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(documentedLogs, gauge(), gauge())
		ctx, cancel := context.WithCancel(t.Context())
		var users sync.WaitGroup
		served := 0
		var mu sync.Mutex
		for range 1000 {
			users.Go(func() {
				if _, err := b.wait(eci.WithPriority(ctx, eci.PriorityUser), wallClock{}); err == nil {
					mu.Lock()
					defer mu.Unlock()
					served++
				}
			})
		}
		synctest.Wait()
		for range 40 {
			waited, err := b.wait(ctx, wallClock{})
			if err != nil || waited > time.Second {
				t.Fatalf("a control loop waited %s behind the users (%v), want at most 1s", waited, err)
			}
			time.Sleep(time.Second)
		}
		mu.Lock()
		if least := int(20 * documentedLogs.PerSecond * (1 - reservedShare)); served < least {
			t.Errorf("%d calls of users were served in 40s, want at least %d", served, least)
		}
		mu.Unlock()
		cancel()
		users.Wait()
	})
}

func TestBudget_SpareCallsNeverWaitNorTakeTheReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(Rate{PerSecond: 1, Burst: 8}, gauge(), gauge())
		spare := eci.WithPriority(t.Context(), eci.PrioritySpare)
		sent := 0
		for range 20 {
			waited, err := b.wait(spare, wallClock{})
			if waited != 0 || err != nil && !errors.Is(err, eci.ErrNoBudget) {
				t.Fatalf("waited %s: %v", waited, err)
			}
			if err == nil {
				sent++
			}
		}
		if sent != 6 {
			t.Errorf("%d of a burst of 8 were sent, want 6", sent)
		}
		if waited, err := b.wait(t.Context(), wallClock{}); waited != 0 || err != nil {
			t.Errorf("a control loop waited %s (%v) behind calls that may be left out", waited, err)
		}
	})
}

func TestBudget_ThrottlingCutsTheShareOfUsersToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(Rate{PerSecond: 16, Burst: 16}, gauge(), gauge())
		b.learn(&eci.Error{HTTPStatus: 400, Code: eci.CodeThrottling}, time.Now())
		user := eci.WithPriority(t.Context(), eci.PriorityUser)
		began := time.Now()
		for range 30 {
			if _, err := b.wait(user, wallClock{}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 3*time.Second {
			t.Errorf("30 calls of users took %s at half of the rate, want at least 3s", took)
		}
	})
}
