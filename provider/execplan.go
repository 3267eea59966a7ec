package provider

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/execstream"
)

// execPlan is how one command is sent.
type execPlan struct {
	framing execstream.Framing
	command []string
	// stdin: the stream has one, be it for us alone.
	stdin bool
	// mark is what the script prints before and after the command; empty without
	// a script.
	mark string
	// preamble is sent before all stdin: the script, when it is too long.
	preamble string
	// blocks: stdin goes in blocks with their length, so that it has an end.
	blocks bool
	script *script
}

// planExec prefers the command as it is, and takes a script where it must.
func planExec(framing execstream.Framing, s terminalSession) (execPlan, error) {
	if len(s.argv) == 0 {
		return execPlan{}, fmt.Errorf("there is no command")
	}
	if slices.ContainsFunc(s.argv, func(arg string) bool { return strings.ContainsRune(arg, 0) }) {
		return execPlan{}, fmt.Errorf("the command has a NUL character")
	}
	if plan, fits := planDirect(framing, s); fits && framing.TellsExit() {
		return plan, nil
	}
	plan := execPlan{framing: framing, stdin: s.stdin != nil, blocks: needsBlocks(framing, s), mark: "eci:" + rand.Text()}
	plan.script = &script{argv: s.argv, mark: plan.mark, tty: s.tty, blocks: plan.blocks}
	return plan, plan.fit(s.tty)
}

// needsBlocks says that the end of stdin would be lost. A terminal has Ctrl-D.
func needsBlocks(framing execstream.Framing, s terminalSession) bool {
	return s.stdin != nil && !s.tty && !framing.EndsStdin()
}

// planDirect sends the command as it is, which not every command allows.
func planDirect(framing execstream.Framing, s terminalSession) (execPlan, bool) {
	fits := len(s.argv) <= eci.MaxExecParts && !needsBlocks(framing, s)
	for _, part := range s.argv {
		fits = fits && utf8.ValidString(part) && utf8.RuneCountInString(part) <= eci.MaxExecPart
	}
	return execPlan{framing: framing, command: s.argv, stdin: s.stdin != nil}, fits
}

// size puts the size of the terminal into the script, where the framing has no
// message for it.
func (e *execPlan) size(size api.TermSize) {
	if e.script != nil && size.Width > 0 && !e.framing.TellsExit() {
		e.script.cols, e.script.rows = size.Width, size.Height
		// The few more characters fit: fit leaves room for them.
		_ = e.fit(e.script.tty)
	}
}

// fit cuts the script into parts that the API takes, or else sends it through
// stdin.
func (e *execPlan) fit(tty bool) error {
	text := e.script.text(e.script.blocks || e.stdin)
	if utf8.RuneCountInString(text) <= eci.MaxExecPart {
		e.command = []string{"sh", "-c", text}
		return nil
	}
	if pieces := cut(text, eci.MaxExecPart); len(pieces) <= maxPieces {
		e.command = append([]string{"sh", "-c", joinPieces(len(pieces))}, pieces...)
		return nil
	}
	if tty {
		return fmt.Errorf("the command is too long for a terminal: ECI takes about %d characters", maxPieces*eci.MaxExecPart-scriptRoom)
	}
	e.command = []string{"sh", "-c", `IFS= read -r s&&eval "$s"`}
	e.preamble, e.stdin = text+"\n", true
	return nil
}

const (
	// maxPieces is what sh -c and its script leave of the parts.
	maxPieces = eci.MaxExecParts - 3
	// scriptRoom is what the script takes beside the command, in characters.
	scriptRoom = 400
)

// joinPieces is a script that runs what its parameters make together.
func joinPieces(n int) string {
	var text strings.Builder
	text.WriteString(`eval "`)
	for i := range n {
		fmt.Fprintf(&text, "${%d}", i)
	}
	return text.String() + `"`
}

// cut splits a text into pieces of n characters.
func cut(text string, n int) []string {
	var pieces []string
	for runes := []rune(text); len(runes) > 0; {
		size := min(n, len(runes))
		pieces = append(pieces, string(runes[:size]))
		runes = runes[size:]
	}
	return pieces
}

// sizeWait is how long a terminal waits for its size before it begins without.
const sizeWait = 500 * time.Millisecond

// firstSize is the size that a client tells at once, where it has to be known
// before the command begins.
func (p *Provider) firstSize(ctx context.Context, s terminalSession, plan execPlan) api.TermSize {
	if !s.tty || s.sizes == nil || plan.script == nil || plan.framing.TellsExit() {
		return api.TermSize{}
	}
	timer := p.deps.Clock.NewTimer(sizeWait)
	defer timer.Stop()
	select {
	case size := <-s.sizes:
		return size
	case <-timer.C():
	case <-ctx.Done():
	}
	return api.TermSize{}
}
