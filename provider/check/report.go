package check

import (
	"fmt"
	"io"
	"strings"
)

// Level is how a check went.
type Level string

// Levels. A note is something that a check cannot tell; a warning leaves the
// node working.
const (
	OK   Level = "ok"
	Note Level = "note"
	Warn Level = "warn"
	Fail Level = "FAIL"
)

// Finding is the result of one check.
type Finding struct {
	// Area is cloud or cluster.
	Area    string `json:"area"`
	Check   string `json:"check"`
	Level   Level  `json:"level"`
	Message string `json:"message"`
	// Do says what to do; empty when there is nothing to do.
	Do string `json:"do,omitempty"`
}

// Report is what all checks found, in the order in which they were made.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Failed counts the findings without whose cure the node cannot work.
func (r Report) Failed() int { return r.count(Fail) }

// Warned counts the warnings.
func (r Report) Warned() int { return r.count(Warn) }

func (r Report) count(level Level) int {
	n := 0
	for _, f := range r.Findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// WriteTable writes a line for each finding, below it what to do.
func (r Report) WriteTable(out io.Writer) error {
	var text strings.Builder
	width := 0
	for _, f := range r.Findings {
		width = max(width, len(f.Check))
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&text, "%-4s  %-7s  %-*s  %s\n", f.Level, f.Area, width, f.Check, f.Message)
		if f.Do != "" {
			fmt.Fprintf(&text, "%*s-> %s\n", 4+2+7+2+width+2, "", f.Do)
		}
	}
	fmt.Fprintf(&text, "\n%d checks, %d failed, %d warnings\n", len(r.Findings), r.Failed(), r.Warned())
	_, err := io.WriteString(out, text.String())
	return err
}

// book collects the findings of one area.
type book struct {
	area     string
	findings []Finding
}

func (b *book) add(level Level, check, do, format string, args ...any) {
	b.findings = append(b.findings, Finding{Area: b.area, Check: check, Level: level, Do: do, Message: fmt.Sprintf(format, args...)})
}
