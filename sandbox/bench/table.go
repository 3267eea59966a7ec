package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// figure is one row: a measured value beside that of its rival.
type figure struct {
	Figure string  `json:"figure"`
	N      int     `json:"n"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Rival  string  `json:"rival"`
	// Ratio is the value over the rival's, 0 without a rival.
	Ratio  float64 `json:"ratio"`
	Target string  `json:"target"`
	// Reached is yes or no, or empty for a row without a target.
	Reached string `json:"reached"`
}

// rival is what a value is compared with.
type rival struct {
	name  string
	value float64
}

// against makes a row whose ratio to the rival must be at least or at most bound.
func against(name string, n int, value float64, unit string, r rival, most bool, bound float64) figure {
	f := figure{Figure: name, N: n, Value: value, Unit: unit, Rival: fmt.Sprintf("%s: %.3g", r.name, r.value)}
	if r.value > 0 {
		f.Ratio = value / r.value
	}
	f.Target, f.Reached = fmt.Sprintf("ratio >= %g", bound), yesNo(f.Ratio >= bound)
	if most {
		f.Target, f.Reached = fmt.Sprintf("ratio <= %g", bound), yesNo(f.Ratio <= bound && r.value > 0)
	}
	return f
}

// atMost makes a row whose value itself is bounded.
func atMost(name string, n int, value float64, unit string, bound float64, rival string) figure {
	return figure{Figure: name, N: n, Value: value, Unit: unit, Rival: rival,
		Target: fmt.Sprintf("<= %g", bound), Reached: yesNo(value <= bound)}
}

// beside makes a row that shows a rival and has no target.
func beside(name string, n int, value float64, unit, rival string, other float64) figure {
	return figure{Figure: name, N: n, Value: value, Unit: unit, Rival: fmt.Sprintf("%s: %.3g", rival, other)}
}

// shown makes a row that explains another and has no target.
func shown(name string, n int, value float64, unit string) figure {
	return figure{Figure: name, N: n, Value: value, Unit: unit}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// writeTable prints the rows, aligned.
func writeTable(out io.Writer, rows []figure) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIGURE\tN\tVALUE\tUNIT\tRIVAL\tRATIO\tTARGET\tREACHED")
	for _, r := range rows {
		ratio := "-"
		if r.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", r.Ratio)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Figure, r.N, number(r.Value), r.Unit,
			orDash(r.Rival), ratio, orDash(r.Target), orDash(r.Reached))
	}
	return w.Flush()
}

// writeMarkdown prints the rows for a page.
func writeMarkdown(out io.Writer, machine string, rows []figure) error {
	fmt.Fprintf(out, "%s\n\n| figure | n | value | unit | rival | ratio | target | reached |\n|---|--:|--:|---|---|--:|---|---|\n", machine)
	for _, r := range rows {
		ratio := ""
		if r.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", r.Ratio)
		}
		_, err := fmt.Fprintf(out, "| %s | %d | %s | %s | %s | %s | %s | %s |\n",
			r.Figure, r.N, number(r.Value), r.Unit, r.Rival, ratio, r.Target, r.Reached)
		if err != nil {
			return err
		}
	}
	return nil
}

// number shows about four digits.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// writeJSON saves the rows.
func writeJSON(path string, rows []figure) error {
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the result: %w", err)
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
