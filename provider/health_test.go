package provider

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

func refusedWith(status int, code string) error {
	return &eci.Error{Action: "A", HTTPStatus: status, Code: code, Message: "the cloud says no", RequestID: fmt.Sprint(time.Now().UnixNano())}
}

// conditionOf returns the condition of one kind.
func conditionOf(w *watchedCloud, kind corev1.NodeConditionType) corev1.NodeCondition {
	for _, c := range w.conditions() {
		if c.Type == kind {
			return c
		}
	}
	return corev1.NodeCondition{}
}

func TestNodeConditions_DoNotFlapWhileOneActionIsRefusedAndAnotherSucceeds(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		kind corev1.NodeConditionType
		// other is an answer that another action gets meanwhile.
		other error
	}{
		"forbidden, and success":         {refusedWith(403, eci.CodeNoPermission), ConditionCredentials, nil},
		"forbidden, and not found":       {refusedWith(403, eci.CodeForbiddenRAM), ConditionCredentials, refusedWith(404, eci.CodeNotFound)},
		"no answer, and success":         {errors.New("dial tcp: i/o timeout"), ConditionUnreachable, nil},
		"no answer, and throttled":       {errors.New("dial tcp: i/o timeout"), ConditionUnreachable, refusedWith(429, eci.CodeThrottlingUser)},
		"throttled, and success":         {refusedWith(429, eci.CodeThrottlingUser), ConditionThrottled, nil},
		"forbidden, and key not known":   {refusedWith(403, eci.CodeNoPermission), ConditionCredentials, refusedWith(403, eci.CodeInvalidAccessKey)},
		"no stock, and another was made": {refusedWith(403, eci.CodeNoStock), ConditionNoStock, nil},
		"quota, and another was made":    {refusedWith(403, eci.CodeQuotaExceeded), ConditionQuota, nil},
	} {
		t.Run(name, func(t *testing.T) {
			clock := clocktesting.NewFakeClock(time.Unix(0, 0))
			w := newWatchedCloud(nil, clock)
			action, others := eci.ActionDeleteContainerGroup, []string{eci.ActionDescribeContainerGroups, eci.ActionDescribeContainerLog}
			if test.kind == ConditionNoStock || test.kind == ConditionQuota {
				action, others = eci.ActionCreateContainerGroup, []string{eci.ActionCreateContainerGroup}
			}
			w.note(action, test.err)
			first := conditionOf(w, test.kind)
			if first.Status != corev1.ConditionTrue {
				t.Fatalf("at first: %+v", first)
			}
			for range 5 {
				for _, other := range others {
					w.note(other, test.other)
					if c := conditionOf(w, test.kind); c.Status != corev1.ConditionTrue {
						t.Fatalf("after an answer to %s: %+v", other, c)
					}
				}
				clock.Step(maxRetry)
				w.note(action, test.err)
				if c := conditionOf(w, test.kind); test.other == nil && (c.Reason != first.Reason || c.Message != first.Message) {
					t.Fatalf("the condition changes with every call: %+v, it was %+v", c, first)
				}
			}
		})
	}
}

func TestNodeConditions_EndWithTheAnswerToTheSameAction(t *testing.T) {
	for name, test := range map[string]struct {
		err, answer error
		kind        corev1.NodeConditionType
	}{
		"forbidden until permitted": {refusedWith(403, eci.CodeNoPermission), nil, ConditionCredentials},
		"forbidden until asked for": {refusedWith(403, eci.CodeNoPermission), refusedWith(400, eci.CodeInvalidParameter), ConditionCredentials},
		"no answer until refused":   {errors.New("i/o timeout"), refusedWith(403, eci.CodeNoPermission), ConditionUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatchedCloud(nil, clocktesting.NewFakeClock(time.Unix(0, 0)))
			w.note(eci.ActionUpdateContainerGroup, test.err)
			w.note(eci.ActionDeleteContainerGroup, test.err)
			if c := conditionOf(w, test.kind); !strings.Contains(c.Message, eci.ActionUpdateContainerGroup) || !strings.Contains(c.Message, eci.ActionDeleteContainerGroup) {
				t.Errorf("it does not list both actions: %+v", c)
			}
			w.note(eci.ActionUpdateContainerGroup, test.answer)
			if c := conditionOf(w, test.kind); strings.Contains(c.Message, eci.ActionUpdateContainerGroup) || c.Status != corev1.ConditionTrue {
				t.Errorf("after an answer to one: %+v", c)
			}
			w.note(eci.ActionDeleteContainerGroup, test.answer)
			if c := conditionOf(w, test.kind); c.Status != corev1.ConditionFalse {
				t.Errorf("after answers to both: %+v", c)
			}
		})
	}
}

func TestNodeConditions_RejectedCredentialsAreNotAMissingPermission(t *testing.T) {
	w := newWatchedCloud(nil, clocktesting.NewFakeClock(time.Unix(0, 0)))
	w.note(eci.ActionDeleteContainerGroup, refusedWith(403, eci.CodeNoPermission))
	w.note(eci.ActionDescribeContainerGroups, refusedWith(404, eci.CodeInvalidAccessKey))
	c := conditionOf(w, ConditionCredentials)
	if c.Reason != eci.CodeInvalidAccessKey || !strings.Contains(c.Message, eci.ActionDeleteContainerGroup+": "+eci.CodeNoPermission) {
		t.Errorf("both at once: %+v", c)
	}
	w.note(eci.ActionDescribeContainerLog, nil) // the key was renewed
	c = conditionOf(w, ConditionCredentials)
	if c.Reason != eci.CodeNoPermission || strings.Contains(c.Message, eci.CodeInvalidAccessKey) || c.Status != corev1.ConditionTrue {
		t.Errorf("with a good key: %+v", c)
	}
}

func TestNodeConditions_RememberOneTroubleForEachConditionAndAction(t *testing.T) {
	w := newWatchedCloud(nil, clocktesting.NewFakeClock(time.Unix(0, 0)))
	for i := range 10_000 {
		w.note(eci.ActionDescribeContainerLog, refusedWith(403, fmt.Sprintf("Forbidden.%d", i)))
		w.note(eci.ActionDescribeContainerLog, fmt.Errorf("read tcp 127.0.0.1:%d: reset", i))
	}
	if n := len(w.troubles); n > 2 {
		t.Errorf("%d troubles are remembered", n)
	}
}
