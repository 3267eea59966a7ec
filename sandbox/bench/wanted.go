package main

import (
	"errors"
	"fmt"
)

// The rows that have a target.
const (
	rowCreated      = "pods created"
	rowDeleted      = "pods deleted"
	rowCreateWrites = "our writes of a pod created"
	rowDeleteWrites = "our writes of a pod deleted"
	rowCPU          = "CPU per pod, create to gone"
	rowEvents       = "events lost in a burst of pods, two each"
	rowPaced        = "pods at the documented rates, all running"
	rowThrottled    = "throttled answers at the documented rates"
	rowCalls        = "cloud calls per minute at rest"
	rowMemory       = "memory per idle pod above the base"
	rowIdleCPU      = "CPU at rest"
	rowRestart      = "restart until everything is known"
	rowRestartCalls = "cloud calls of a restart"
	rowChange       = "change in the cloud to status, p99"
)

// wantedRow is a row that the table must have, as often as there are rivals.
type wantedRow struct {
	figure  string
	n, rows int
}

func throughputRows(c config) []wantedRow {
	var wanted []wantedRow
	for i, n := range c.pods {
		rivals := 1
		if i == 0 {
			rivals = 3 // the raw client, and the library twice
			wanted = append(wanted, wantedRow{rowCPU, n, 1})
		}
		wanted = append(wanted, wantedRow{rowCreated, n, rivals}, wantedRow{rowDeleted, n, rivals},
			wantedRow{rowCreateWrites, n, 1}, wantedRow{rowDeleteWrites, n, 1})
	}
	return wanted
}

func eventRows(c config) []wantedRow { return []wantedRow{{rowEvents, c.burst, 1}} }

func rateRows(c config) []wantedRow {
	return []wantedRow{{rowPaced, c.paced, 1}, {rowThrottled, c.paced, 1}}
}

// streamRows have no targets.
func streamRows(config) []wantedRow { return nil }

func restRows(c config) []wantedRow {
	largest, second := c.idle[len(c.idle)-1], c.idle[max(0, len(c.idle)-2)]
	wanted := []wantedRow{
		{rowMemory, largest, 1}, {rowIdleCPU, largest, 1}, {rowRestart, second, 1}, {rowRestartCalls, second, 1},
		{rowChange, min(c.burst, largest), 1},
	}
	for _, n := range c.idle {
		wanted = append(wanted, wantedRow{rowCalls, n, 1})
	}
	return wanted
}

// missing is an error for each row that a part should have given and did not: a
// table without it would look as if all had been reached.
func missing(c config, parts []part, rows []figure) error {
	var errs []error
	for _, p := range parts {
		for _, w := range p.rows(c) {
			found := 0
			for _, r := range rows {
				if r.Figure == w.figure && r.N == w.n && r.Reached != "" {
					found++
				}
			}
			if found < w.rows {
				errs = append(errs, fmt.Errorf("%s, n=%d: %d rows of %d are missing", w.figure, w.n, w.rows-found, w.rows))
			}
		}
	}
	return errors.Join(errs...)
}
