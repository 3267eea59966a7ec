package eci

import (
	"context"
	"errors"
)

// ErrNoBudget is the error of a call of PrioritySpare that was left out.
var ErrNoBudget = errors.New("the call was left out: others need the budget of its action")

// Priority is how a call shares the budget of its action with the other calls.
type Priority int

const (
	// PriorityControl is for the loops and workers that keep pods and container
	// groups in step. A call has it unless its context says otherwise.
	PriorityControl Priority = iota
	// PriorityUser is for calls that somebody outside of the node has asked for, such
	// as logs, commands and figures. They leave a share of every budget to
	// PriorityControl, however many there are.
	PriorityUser
	// PrioritySpare is for calls that may be left out. One is sent only if that
	// delays no other call, and fails with ErrNoBudget otherwise.
	PrioritySpare
)

type priorityKey struct{}

// WithPriority returns a context whose calls have the priority.
func WithPriority(ctx context.Context, priority Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, priority)
}

// PriorityOf returns the priority of the calls that are made with ctx.
func PriorityOf(ctx context.Context) Priority {
	priority, _ := ctx.Value(priorityKey{}).(Priority)
	return priority
}
