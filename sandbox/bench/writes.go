package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/client-go/kubernetes"
)

// writes counts the writes that the API server has taken, by what they were of.
type writes struct{ pods, status, events float64 }

func (w writes) minus(before writes) writes {
	return writes{w.pods - before.pods, w.status - before.status, w.events - before.events}
}

// ofPods are those of pod objects.
func (w writes) ofPods() float64 { return w.pods + w.status }

// readWrites asks the API server for its counters. Refused writes count too.
func readWrites(ctx context.Context, client kubernetes.Interface) (writes, error) {
	text, err := client.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return writes{}, fmt.Errorf("read the metrics of the API server: %w", err)
	}
	var w writes
	for line := range strings.Lines(string(text)) {
		labels, found := strings.CutPrefix(line, "apiserver_request_total{")
		if !found || !isWrite(labels) {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(labels[strings.LastIndexByte(labels, '}')+1:]), 64)
		if err != nil {
			return writes{}, fmt.Errorf("read the metrics of the API server: %w", err)
		}
		switch {
		case strings.Contains(labels, `resource="events"`):
			w.events += value
		case !strings.Contains(labels, `resource="pods"`):
		case strings.Contains(labels, `subresource="status"`):
			w.status += value
		default:
			w.pods += value
		}
	}
	return w, nil
}

func isWrite(labels string) bool {
	for _, verb := range []string{"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"} {
		if strings.Contains(labels, `verb="`+verb+`"`) {
			return true
		}
	}
	return false
}
