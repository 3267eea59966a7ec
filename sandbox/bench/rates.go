package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// The documented rate of creates: a burst, then so many a second. Source: the
// product's page on limits.
const (
	createBurst     = 100
	createPerSecond = 20
)

// rates makes pods as fast as a new account may.
func (b *bench) rates(ctx context.Context) error {
	c, err := newCloud(true)
	if err != nil {
		return err
	}
	defer c.close()
	node, err := b.startNode(ctx, "bench-rates", c)
	if err != nil {
		return err
	}
	took, err := b.createPaced(ctx, node)
	if err := errors.Join(err, node.stop()); err != nil {
		return err
	}
	least := math.Max(0, float64(b.paced-createBurst)) / createPerSecond
	b.add(against(rowPaced, b.paced, took.Seconds(), "s", rival{"arithmetic minimum", least}, true, 1.02))
	_, throttled := c.total()
	b.add(atMost(rowThrottled, b.paced, float64(throttled), "answers", 0, ""))
	return nil
}

func (b *bench) createPaced(ctx context.Context, node *virtualNode) (time.Duration, error) {
	ctx, cancel := b.step(ctx)
	defer cancel()
	t, err := track(ctx, b.client(), node.name)
	if err != nil {
		return 0, err
	}
	defer t.stop()
	begin := time.Now()
	if err := createPods(ctx, b.client(), node.name, podNames(node.name, 0, b.paced), nil); err != nil {
		return 0, err
	}
	if err := t.awaitRunning(ctx, b.paced); err != nil {
		return 0, fmt.Errorf("after %s: %w", time.Since(begin), err)
	}
	return time.Since(begin), nil
}
